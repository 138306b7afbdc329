"""Many small results: fan-out in memory and checkpointed, a chain, and a rerun where every target exists."""

import os
import subprocess
import sys
import time

import floors

from resultant import Flow, LocalResult, config, task

CHAIN = 500


def fan_out(count, **options):
    @task(**options)
    def increment(x):
        return x + 1

    with Flow("fan-out") as flow:
        increment.map(list(range(count)))
    return flow


def chain(count, **options):
    @task(**options)
    def increment(x):
        return x + 1

    with Flow("chain") as flow:
        value = 0
        for _ in range(count):
            value = increment(value)
    return flow


def seconds(flow, count):
    start = time.perf_counter()
    state = flow.run()
    elapsed = time.perf_counter() - start
    assert state.is_successful(), state
    return elapsed / count


def measure(folder, count):
    """Ratios of one round on one folder, and the floor in seconds a value.

    File systems slow down and speed up within seconds, so each figure stands between two floors of its own.
    """
    found = {}
    taken = []

    def floor():
        place = f"{folder}/floor-{len(taken)}"
        os.mkdir(place)
        taken.append(floors.write_loop(place, count))
        return taken[-1]

    def against_floor(name, flow, tasks):
        before = taken[-1] if taken else floor()
        figure = seconds(flow, tasks)
        found[name] = figure / ((before + floor()) / 2)

    config.flows.checkpointing = True
    # What the results themselves cost; the rows of a recorded run are measured against that below.
    config.record.runs = False
    results = LocalResult(dir=f"{folder}/results", location="{map_index}.pkl")
    against_floor("checkpointed", fan_out(count, result=results), count)
    against_floor("default location", fan_out(count, result=LocalResult(dir=f"{folder}/default")), count)
    found["packed storing"] = packed(folder, count, floor)
    against_floor("packed", fan_out(count, result=LocalResult(dir=f"{folder}/packed", pack=True)), count)
    config.record.runs = True
    against_floor(
        "packed and recorded", fan_out(count, result=LocalResult(dir=f"{folder}/on-record", pack=True)), count
    )
    config.record.runs = False
    chained = LocalResult(dir=f"{folder}/chain", location="{task_slug}.pkl")
    against_floor("chain", chain(CHAIN, result=chained), CHAIN)
    found["recorded"] = recorded(folder, count)
    config.flows.checkpointing = False
    against_floor("in memory", fan_out(count), count)
    before = floors.read_loop(f"{folder}/floor-0", count)
    figure = rerun(f"{folder}/results", count)
    after = floors.read_loop(f"{folder}/floor-0", count)
    found["rerun"] = figure / ((before + after) / 2)
    return found, taken


def packed(folder, count, floor):
    """What storing packed results adds to the same run in memory, as a multiple of the floor of one file each.

    A difference of two short times: the median of three tries.
    """
    ratios = []
    before = floor()
    for number in range(3):
        stored = seconds(fan_out(count, result=LocalResult(dir=f"{folder}/packed-{number}", pack=True)), count)
        config.flows.checkpointing = False
        memory = seconds(fan_out(count), count)
        config.flows.checkpointing = True
        after = floor()
        ratios.append((stored - memory) / ((before + after) / 2))
        before = after
    return sorted(ratios)[1]


def recorded(folder, count):
    """What a recorded run costs, as a multiple of the same run that is not recorded; each follows the other twice."""
    ratios = []
    for number in range(2):
        times = []
        for name, recording in (("plain", False), ("recorded", True)):
            config.record.runs = recording
            result = LocalResult(dir=f"{folder}/{name}-{number}", location="{map_index}.pkl")
            times.append(seconds(fan_out(count, result=result), count))
        ratios.append(times[1] / times[0])
    config.record.runs = False
    return min(ratios)


def rerun(folder, count):
    """Seconds a task of a new process whose every target exists, its start-up not counted."""
    out = subprocess.run(
        [sys.executable, __file__, "rerun", folder, str(count)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.path.dirname(__file__)},
    )
    return float(out.stdout)


if __name__ == "__main__":
    _, _, place, number = sys.argv
    wanted = int(number)
    existing = fan_out(wanted, target="{map_index}.pkl", result=LocalResult(dir=place))
    print(seconds(existing, wanted))
