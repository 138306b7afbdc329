"""What the state database costs: ``python benchmarks/records.py WHAT FOLDER NUMBER`` prints JSON.

``array``: NUMBER MiB recorded by a run and read again through their record. ``small``: NUMBER values of 100 bytes, with and
without digests. ``growth``: the bytes of a database after a run of NUMBER tasks, for a million of them. ``commands``: the
command line over NUMBER task runs, each command as a process of its own.
"""

import json
import os
import statistics
import subprocess
import sys
import time

import floors

#: Runs that the task runs are spread over, where the command line is measured.
RUNS = 10

#: How often each command is called.
CALLS = 5


def array(folder, mebibytes):
    """Ratios of an array of random numbers to a raw write and a raw read of as many bytes, and of both together.

    Memory that the machine has not handed out lately costs several times as much as memory that it has. All four have it
    handed out before, so that none pays for another.
    """
    import numpy as np

    import resultant
    from resultant import Flow, LocalResult, task

    value = np.random.default_rng(0).random(mebibytes << 17)
    raw = np.random.default_rng(1).random(mebibytes << 17)

    @task
    def make():
        return value

    with Flow("array", result=LocalResult(dir=f"{folder}/results")) as flow:
        make()
    # What the first run imports is no part of it.
    with Flow("warm-up", result=LocalResult(dir=f"{folder}/results")) as warm_up:
        task(lambda: 1)()
    assert warm_up.run().is_successful()
    assert resultant.runs()[0].flow == "warm-up"

    seconds = {}
    floors.touch(raw.nbytes)
    seconds["raw write"] = floors.raw_write(f"{folder}/raw", raw)
    floors.touch(raw.nbytes)
    seconds["raw read"] = floors.raw_read(f"{folder}/raw")
    os.unlink(f"{folder}/raw")
    floors.touch(raw.nbytes)
    start = time.perf_counter()
    assert flow.run(flow_run_name="array").is_successful()
    seconds["write"] = time.perf_counter() - start
    floors.touch(raw.nbytes)
    start = time.perf_counter()
    back = resultant.open_run("array")["make"].value
    seconds["read"] = time.perf_counter() - start
    assert back.shape == value.shape
    return {
        "recorded array write": seconds["write"] / seconds["raw write"],
        "recorded array read": seconds["read"] / seconds["raw read"],
        "recorded array both": (seconds["write"] + seconds["read"]) / (seconds["raw write"] + seconds["raw read"]),
    }


def small(folder, count):
    """Ratio of writing and reading values of 100 bytes with digests to the same without."""
    from resultant import LocalResult
    from resultant.engine.integrity import Digester, DigestingSink
    from resultant.engine.recorded import LoadRecorded
    from resultant.engine.stored import load

    result = LocalResult(dir=folder)
    store, serializer = result.store, result.serializer
    digester = Digester(os.urandom(32))
    load_recorded = LoadRecorded(digester, store)
    values = [os.urandom(100) for _ in range(count)]

    def with_digest(number, value):
        stored = result.from_value(value)
        sink = store.sink(f"with-{number}")
        through = DigestingSink(sink, digester)
        serializer.dump(value, through)
        stored._size, stored._digest = sink.size, through.digest()
        stored.location = sink.commit()
        return load_recorded(stored)

    def without(number, value):
        stored = result.from_value(value)
        sink = store.sink(f"without-{number}")
        serializer.dump(value, sink)
        stored.location = sink.commit()
        return load(serializer, store, stored.location)

    times = {with_digest: 0.0, without: 0.0}
    for number, value in enumerate(values):
        # Each goes first as often as the other.
        for call in list(times)[:: 1 if number % 2 else -1]:
            start = time.perf_counter()
            back = call(number, value)
            times[call] += time.perf_counter() - start
            assert back == value
    return {"100 bytes with a digest": times[with_digest] / times[without]}


def fan_out(folder, count, name, pack=False):
    from resultant import Flow, LocalResult, task

    @task
    def increment(x):
        return x + 1

    with Flow(name, result=LocalResult(dir=f"{folder}/results", pack=pack)) as flow:
        increment.map(list(range(count)))
    return flow


def growth(folder, count):
    """Bytes that a million task runs take in the database, by what `count` of them do."""
    import resultant

    assert fan_out(folder, count, "growth").run().is_successful()
    path = f"{os.environ['RESULTANT__HOME_DIR']}/resultant.db"
    resultant.runs()
    # A new process brings what is left in the journal to the database, and closes it.
    subprocess.run([sys.executable, "-m", "resultant.cli", "db", "status"], check=True, capture_output=True)
    return {"database growth": os.path.getsize(path) * (1_000_000 / count)}


def commands(folder, count):
    """Milliseconds that each command takes, its process included, by its words."""
    for number in range(RUNS):
        flow = fan_out(folder, count // RUNS, f"flow-{number}", pack=True)
        assert flow.run(flow_run_name=f"run-{number}").is_successful()
    floors.use_bytecode(folder)
    found = {}
    for words in (
        ["runs", "ls"],
        ["runs", "show", "run-5"],
        ["results", "ls", "--limit", "20"],
        ["results", "ls", "run-5", "increment", "--limit", "20"],
        ["results", "show", "run-5", "increment[17]"],
        ["results", "read", "run-5", "increment[17]"],
        ["why", "run-5", "increment[17]"],
        ["db", "status"],
    ):
        times = []
        for _ in range(CALLS + 1):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-m", "resultant.cli", *words], check=True, capture_output=True)
            times.append((time.perf_counter() - start) * 1000)
        found[f"resultant {' '.join(words)}"] = statistics.median(times[1:])
    return found


if __name__ == "__main__":
    _, what, place, amount = sys.argv
    os.environ["RESULTANT__HOME_DIR"] = f"{place}/home"
    os.environ["RESULTANT__FLOWS__CHECKPOINTING"] = "true"
    os.environ["RESULTANT__LOGGING__LEVEL"] = "CRITICAL"
    os.environ["RESULTANT__LOGGING__DISPLAY"] = "false"
    print(
        json.dumps({"array": array, "small": small, "growth": growth, "commands": commands}[what](place, int(amount)))
    )
