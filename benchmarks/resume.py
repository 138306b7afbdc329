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

#: A run of so few tasks shows what every resume costs: the engine's import, the database's opening.
FEW = 10


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
    return state, time.perf_counter() - start


def measure(folder, count):
    """Microseconds a finished task, by shape, those of the reading that one shape cannot do without, and of any resume."""
    os.makedirs(f"{folder}/floor")
    floors.write_loop(f"{folder}/floor", count)
    found = {}
    few = []
    for shape in SHAPES:
        few.append(resumed(shape, f"{folder}/few", FEW))
        found[shape] = (resumed(shape, f"{folder}/many", count) - few[-1]) / (count - FEW) * 1e6
    found["floor"] = floors.read_loop(f"{folder}/floor", count) * 1e6
    found["read"] -= found["floor"]
    found["any"] = min(few) * 1000
    return found


def resumed(shape, folder, count):
    """Seconds of a resume in a new process: what is in memory here would not be there."""
    for fails in ("fails", "resumes"):
        out = subprocess.run(
            [sys.executable, __file__, folder, str(count), shape, fails], check=True, capture_output=True, text=True
        )
    return float(out.stdout)


if __name__ == "__main__":
    place, number = sys.argv[1], int(sys.argv[2])
    os.environ["RESULTANT__HOME_DIR"] = f"{place}/home"
    if len(sys.argv) > 3:
        first = sys.argv[4] == "fails"
        end, seconds = run(sys.argv[3], place, number, **{"flow_run_id" if first else "resume_run": sys.argv[3]})
        assert end.is_failed() if first else end.is_successful(), end
        print(seconds)
    else:
        print(json.dumps(measure(place, number)))
