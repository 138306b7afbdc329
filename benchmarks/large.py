"""Large values: a float64 array, and a numeric frame of half its size, out and back, with the memory that it took."""

import os
import resource
import sys
import time

import floors
import numpy as np

from resultant import LocalResult, MappedSerializer


def peak():
    """Highest resident memory of this process so far, in bytes."""
    factor = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * factor


def values(mebibytes):
    array = np.random.default_rng(0).random(mebibytes << 17)
    yield "array", array
    try:
        import pandas as pd
    except ImportError:
        return
    columns = 16
    rows = array.size // 2 // columns
    yield "frame", pd.DataFrame({f"c{i}": array[i * rows : (i + 1) * rows] for i in range(columns)})


def measure(folder, mebibytes):
    """Ratios of one round: write, extra memory as a share of the value, read, mapped read in milliseconds."""
    found = {}
    raw = np.random.default_rng(1).random(mebibytes << 17)
    for name, value in values(mebibytes):
        path = f"{folder}/raw"
        local = LocalResult(dir=folder)
        # Pages of a file that was there before are cheaper to write: every write makes a new one.
        floor = floors.raw_write(path, raw)
        before = peak()
        start = time.perf_counter()
        written = local.write(value)
        seconds = time.perf_counter() - start
        extra = peak() - before
        size = os.path.getsize(written.location)
        share = size / raw.nbytes
        found[f"{name} write"] = seconds / (floor * share)
        found[f"{name} extra memory"] = extra / size
        floor = floors.raw_read(path)
        start = time.perf_counter()
        back = local.read(written.location).value
        seconds = time.perf_counter() - start
        assert back.shape == value.shape
        del back
        found[f"{name} read"] = seconds / (floor * share)
        os.unlink(path)
        os.unlink(written.location)
        mapped = LocalResult(dir=folder, serializer=MappedSerializer())
        written = mapped.write(value)
        start = time.perf_counter()
        back = mapped.read(written.location).value
        found[f"{name} mapped ms"] = (time.perf_counter() - start) * 1000
        assert back.shape == value.shape
        del back
        os.unlink(written.location)
    return found


if __name__ == "__main__":
    import json

    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
