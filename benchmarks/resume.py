"""What a resume costs for each task that is finished already: ``python benchmarks/resume.py FOLDER COUNT`` prints JSON.

Three shapes, each of COUNT finished tasks and one that failed: children of one mapped task, tasks of their own, and children
whose values the failed task is given, which have to be read.
"""

import json
import os
import subprocess
import sys
import time

import floors

SHAPES = ("mapped", "separate", "read")


def build(shape, folder, count, fails):
    from resultant import Flow, LocalResult, task

    @task
    def increment(x):
        return x + 1

    @task
    def last(values=None):
        if fails:
            raise ValueError("not yet")

    with Flow(shape, result=LocalResult(dir=f"{folder}/{shape}")) as flow:
        if shape == "separate":
            for number in range(count):
                increment(number)
            last()
        else:
            values = increment.map(list(range(count)))
            last(values if shape == "read" else None)
    return flow


def run(shape, folder, count, **options):
    from resultant import config

    config.flows.checkpointing = True
    config.logging.level = "CRITICAL"
    flow = build(shape, folder, count, fails="resume_run" not in options)
    start = time.perf_counter()
    state = flow.run(**options)
    return state, (time.perf_counter() - start) / count


def measure(folder, count):
    """Microseconds a finished task, by shape, and those of the reading that one shape cannot do without."""
    os.makedirs(f"{folder}/floor")
    floors.write_loop(f"{folder}/floor", count)
    found = {}
    for shape in SHAPES:
        state, _ = run(shape, folder, count, flow_run_id=shape)
        assert state.is_failed(), state
        # A new process: what is in memory here would not be there.
        out = subprocess.run(
            [sys.executable, __file__, folder, str(count), shape], check=True, capture_output=True, text=True
        )
        found[shape] = float(out.stdout) * 1e6
    found["floor"] = floors.read_loop(f"{folder}/floor", count) * 1e6
    found["read"] -= found["floor"]
    return found


if __name__ == "__main__":
    place, number = sys.argv[1], int(sys.argv[2])
    os.environ["RESULTANT__HOME_DIR"] = f"{place}/home"
    if len(sys.argv) > 3:
        end, seconds = run(sys.argv[3], place, number, resume_run=sys.argv[3])
        assert end.is_successful(), end
        print(seconds)
    else:
        print(json.dumps(measure(place, number)))
