"""`resultant plan` where tasks are not as they should be."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from command_line import Shell

FLOW = """
import datetime
from resultant import Flow, task

HOUR = datetime.timedelta(hours=1)

def talks(state, inputs, parameters):
    print("the validator was here")
    return True

def raises(state, inputs, parameters):
    raise RuntimeError("no idea")

def looks(state, inputs, parameters):
    return state.result == 1

def talkative(**names):
    print("the target was here")
    return "talkative"

@task(target="{nobody}/knows")
def nowhere(): return 1

@task(target=lambda **names: 1 / 0)
def divides(): return 1

@task(target=talkative)
def made(): return 1

@task(target="emptied")
def emptied(): return 1

@task(cache_for=HOUR, cache_validator=talks)
def cached(): return 1

@task(cache_for=HOUR, cache_validator=raises)
def undecided(): return 1

@task(cache_for=HOUR, cache_validator=looks)
def looked_at(): return 1

with Flow("odd") as flow:
    nowhere(); divides(); made(); emptied(); cached(); undecided(); looked_at()
"""


def test_a_plan_tells_of_each_task_what_a_run_would_do(shell: Shell) -> None:
    shell.write("odd.py", FLOW)
    run = shell.run("odd.py", status=1)
    (shell.home / "results" / "emptied").write_bytes(b"")
    answer = shell("plan", "odd.py", "--json")
    assert answer.status == 0, answer
    assert "the validator was here" in answer.err
    assert "the target was here" in answer.err
    told = {each["task"]: (each["would"], each["why"]) for each in answer.json["tasks"]}
    assert {task: would for task, (would, _) in told.items()} == {
        "nowhere-1": "fail",
        "divides-1": "fail",
        "made-1": "take",
        "emptied-1": "run",
        "cached-1": "take",
        "undecided-1": "fail",
        "looked_at-1": "take",
    }
    assert "nobody" in told["nowhere-1"][1]
    assert told["divides-1"][1] == "ZeroDivisionError: division by zero"
    assert told["undecided-1"][1] == "RuntimeError: no idea"
    assert "empty" in told["emptied-1"][1]
    location = shell("results", "show", run, "looked_at", "--json").json["location"]
    Path(location).unlink()
    told = {each["task"]: each["would"] for each in shell("plan", "odd.py", "--json").json["tasks"]}
    assert told["looked_at-1"] == "run", "what the validator wants to look at is gone"
    states = {each["task"]: each["state"] for each in _tasks(shell, shell.run("odd.py", status=1))}
    assert {states[task] for task in ("nowhere-1", "divides-1", "undecided-1")} == {"Failed"}
    assert {states[task] for task in ("made-1", "cached-1")} == {"Cached"}
    assert states["emptied-1"] == "Success"


def _tasks(shell: Shell, run: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = shell("runs", "show", run, "--json").json["tasks"]
    return found
