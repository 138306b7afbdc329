"""Results in an object store against the client alone: the same bytes, the same server, the same run.

    python benchmarks/objects.py [MEBIBYTES]

The server is SeaweedFS of the tests, on this machine: it shares the processors, so the ratios say what this library adds.
"""

import os
import statistics
import sys
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "tests", "servers"))

THREADS = (8, 16, 32)


def start():
    """Return a running server, or ``None`` where it is not installed."""
    import object_servers

    if not object_servers.weed():
        return None
    if os.access("/dev/shm", os.W_OK):
        tempfile.tempdir = "/dev/shm"
    try:
        return object_servers.SeaweedFS()
    finally:
        tempfile.tempdir = None


def bare_client(bucket):
    """Return the client itself, as its documentation makes it."""
    from obstore.store import S3Store

    return S3Store(bucket.name, prefix=uuid.uuid4().hex, **bucket.options)


def small(bucket, count=500, size=1024):
    """Return seconds for `count` puts: in the best loop over the client, in the best over the store, and in a flow."""
    import obstore

    from resultant.stores.object import object_store

    data = [os.urandom(size) for _ in range(count)]
    bare, own = {}, {}
    for threads in THREADS:
        client = bare_client(bucket)
        store = object_store(f"{bucket.url}/{uuid.uuid4().hex}", bucket.options)
        store.put("warm", b"x")
        obstore.put(client, "warm", b"x")
        bare[threads] = loop(threads, lambda number: obstore.put(client, f"k{number}", data[number]), count)
        own[threads] = loop(threads, lambda number: store.put(f"k{number}", data[number]), count)
    # Each has as many tries as the others.
    return min(bare.values()), min(own.values()), min(flow(bucket, data) for _ in THREADS)


def flow(bucket, data):
    """Return the seconds of a flow in which each task's result is stored."""
    from resultant import Flow, config, task
    from resultant.engine.results import URLResult

    @task
    def value(number):
        return data[number]

    result = URLResult(f"{bucket.url}/{uuid.uuid4().hex}", **bucket.options)
    result.store.put("warm", b"x")
    with Flow("objects", result=result) as made:
        for number in range(len(data)):
            value(number)
    before = config.flows.checkpointing, config.record.runs
    config.flows.checkpointing, config.record.runs = True, False
    try:
        begin = time.perf_counter()
        state = made.run()
        seconds = time.perf_counter() - begin
    finally:
        config.flows.checkpointing, config.record.runs = before
    assert state.is_successful(), state
    assert sum(1 for _ in result.store.list()) == len(data) + 1
    return seconds


def loop(threads, put, count):
    """Return the seconds that `count` calls take on so many threads."""
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: time.sleep(0.001), range(threads * 2)))
        begin = time.perf_counter()
        list(pool.map(put, range(count)))
        return time.perf_counter() - begin


def array(bucket, mebibytes):
    """Return ratios of time and MiB of memory for an array on its way to the store and back."""
    import numpy as np
    import obstore

    from resultant.engine.serializers import PickleSerializer
    from resultant.stores.object import object_store

    value = np.random.default_rng(0).random(mebibytes << 17)
    client = bare_client(bucket)
    store = object_store(f"{bucket.url}/{uuid.uuid4().hex}", bucket.options)
    obstore.put(client, "warm", bytes(1 << 24))
    store.put("warm", bytes(1 << 24))
    store.get("warm")
    serializer = PickleSerializer()

    def write():
        sink = store.sink("array")
        serializer.dump(value, sink)
        sink.commit()

    def read():
        with store.source("array") as source:
            return serializer.load(source)

    bare_write, _ = timed(lambda: obstore.put(client, "array", memoryview(value).cast("B")))
    own_write, write_extra = timed(write)
    bare_read, _ = timed(lambda: np.frombuffer(obstore.get(client, "array").bytes()))
    own_read, read_peak = timed(read)
    client.delete("array")
    store.delete("array")
    return {
        "object array write": own_write / bare_write,
        "object array read": own_read / bare_read,
        "object array write extra MiB": write_extra,
        "object array read extra MiB": read_peak - mebibytes,
    }


def timed(call):
    """Return seconds, and the MiB that the process grew by at its largest."""
    import threading

    page = os.sysconf("SC_PAGESIZE")
    peak = [0]
    done = threading.Event()

    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * page

    def watch():
        while not done.wait(0.002):
            peak[0] = max(peak[0], resident())

    before = resident() if os.path.exists("/proc/self/statm") else 0
    watcher = threading.Thread(target=watch)
    if before:
        watcher.start()
    begin = time.perf_counter()
    found = call()
    seconds = time.perf_counter() - begin
    done.set()
    if before:
        watcher.join()
    del found
    return seconds, max(0, peak[0] - before) / (1 << 20)


def rows(mebibytes, rounds):
    """Return rows for `run.py`: name, unit, one figure for each round."""
    server = start()
    if server is None:
        return []
    figures = {}
    try:
        bucket = server.new_bucket()
        for _ in range(min(rounds, 3)):
            bare, own, whole = small(bucket)
            figures.setdefault("object puts, 500 x 1 KB", []).append(own / bare)
            figures.setdefault("object flow, 500 x 1 KB", []).append(whole / bare)
            for name, figure in array(bucket, mebibytes).items():
                figures.setdefault(name, []).append(figure)
    finally:
        server.stop()
    return [(name, "MiB" if "MiB" in name else "x bare client", values) for name, values in figures.items()]


if __name__ == "__main__":
    for name, unit, values in rows(int(sys.argv[1]) if len(sys.argv) > 1 else 1024, 3):
        print(f"{name:32} {statistics.median(values):8.2f} {unit:4} {[round(value, 2) for value in values]}")
