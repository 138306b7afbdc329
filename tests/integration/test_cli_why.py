"""`resultant why` and `resultant plan`, as processes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from asking_why import why
from command_line import Shell

FLOW = """
import os
from resultant import Flow, Parameter, case, task
from resultant.triggers import all_failed, manual_only

@task
def load(x):
    return [x] * 3

@task
def each(y):
    return y + 1

@task(target="{x}-saved")
def saved(x):
    return x

@task(target="{of}-late")
def late(of):
    return of

@task
def fails(x):
    if x == 0:
        raise ValueError("zero")

@task
def after(y):
    return y

with Flow("reasons") as flow:
    x = Parameter("x", default=1)
    loaded = load(x)
    each.map(loaded)
    saved(x)
    late(of=each.copy(name="one")(x))
    after(fails(x))
"""


@pytest.fixture
def reasons(shell: Shell) -> Shell:
    shell.write("reasons.py", FLOW)
    return shell


def test_the_first_difference_is_named(reasons: Shell) -> None:
    one = reasons.run("reasons.py")
    told = why(reasons, one, "load")
    assert told["verdict"] == "ran"
    assert "No earlier run" in told["reason"]
    two = reasons.run("reasons.py")
    told = why(reasons, two, "load")
    assert told["compared_with"] == one
    assert "neither a target nor a cache" in told["reason"]
    assert "neither a target nor a cache" in why(reasons, two, "each[1]")["reason"]
    three = reasons.run("reasons.py", "-p", "x=2")
    told = why(reasons, three, "load-1")
    assert told["compared_with"] == two
    assert "Its inputs are not those of the earlier run; parameters that differ: x" in told["reason"]
    assert "inputs" in why(reasons, three, "each[2]")["reason"]
    assert why(reasons, three, "x")["reason"] == "It is a parameter: 1 before, 2 now."
    assert "It is a parameter: 1, as before" in why(reasons, two, "x")["reason"]
    assert why(reasons, one, "x")["reason"] == "It is a parameter: 1."
    reasons.write("reasons.py", FLOW.replace("[x] * 3", "[x] * 4"))
    four = reasons.run("reasons.py", "-p", "x=2")
    assert "Its code" in why(reasons, four, "load")["reason"]
    assert "4 children, and had 3" in why(reasons, four, "each-1")["reason"]


def test_what_was_at_a_target_did_not_run(reasons: Shell) -> None:
    one = reasons.run("reasons.py")
    two = reasons.run("reasons.py")
    told = why(reasons, two, "saved")
    assert told["verdict"] == "did not run"
    assert one in told["reason"]
    assert why(reasons, one, "saved")["verdict"] == "ran"
    (reasons.home / "results" / "1-saved").unlink()
    three = reasons.run("reasons.py")
    told = why(reasons, three, "saved")
    assert told["verdict"] == "ran"
    assert told["compared_with"] == two
    reasons.write("reasons.py", FLOW)


def test_what_cannot_be_compared_is_not_said_to_differ(shell: Shell) -> None:
    shell.write(
        "below.py",
        "from resultant import Flow, task\n@task(target='there')\ndef above(): return [1]\n"
        "@task\ndef below(x): return x\nwith Flow('below') as flow: below(above())\n",
    )
    runs = [shell.run("below.py") for _ in range(3)]
    assert "Its inputs are not those" not in why(shell, runs[1], "below")["reason"]
    assert "neither a target nor a cache" in why(shell, runs[2], "below")["reason"]


def test_failures_are_blamed(reasons: Shell) -> None:
    one = reasons.run("reasons.py", "-p", "x=0", status=1)
    told = why(reasons, one, "after")
    assert told["verdict"] == "did not run"
    assert "fails-1" in told["reason"]
    two = reasons.run("reasons.py", "-p", "x=0", status=1)
    assert "not successful: Failed (ValueError at " in why(reasons, two, "fails")["reason"]


def test_attempts_are_told_apart(reasons: Shell) -> None:
    one = reasons.run("reasons.py", "-p", "x=0", status=1)
    reasons.write("reasons.py", FLOW.replace('raise ValueError("zero")', "pass"))
    assert reasons("resume", one).status == 0
    assert why(reasons, one, "load")["verdict"] == "ran in attempt 1 only"
    assert why(reasons, one, "fails")["verdict"] == "ran in attempt 2"


def test_unknown_tasks_are_wrong_input(reasons: Shell) -> None:
    one = reasons.run("reasons.py")
    assert reasons("why", one, "absent").status == 2
    assert reasons("why", "absent", "load").status == 2


def test_a_plan_runs_nothing(reasons: Shell) -> None:
    def plan(*words: str) -> dict[str, str]:
        answer = reasons("plan", "reasons.py", *words, "--json")
        assert answer.status == 0, answer
        return {each["task"]: each["would"] for each in answer.json["tasks"]}

    assert plan()["saved-1"] == "run"
    assert not (reasons.home / "results").exists()
    reasons.run("reasons.py")
    would = plan()
    assert would["saved-1"] == "take"
    assert would["late-1"] == "unsure"
    assert would["load-1"] == "run"
    assert plan("-p", "x=2")["saved-1"] == "run"
    assert "1-saved is there" in reasons("plan", "reasons.py").out
    assert len(reasons("runs", "ls", "--json").json) == 1
    assert reasons("plan", "reasons.py", "-p", "z=1").status == 2


def test_a_plan_sees_what_waits(shell: Shell) -> None:
    shell.write(
        "gate.py",
        "from resultant import Flow, task\nfrom resultant.triggers import manual_only\n"
        "@task(trigger=manual_only)\ndef gate(): ...\nwith Flow('gate') as flow: gate()\n",
    )
    assert shell("plan", "gate.py", "--json").json["tasks"][0]["would"] == "wait"


CACHED = """
import datetime
from resultant import Flow, Parameter, task
from resultant.engine.cache_validators import all_inputs

@task(cache_for=datetime.timedelta(hours=1), cache_validator=all_inputs)
def slow(x, y=1):
    return x + y

@task(cache_for=datetime.timedelta(hours=1), cache_validator=all_inputs)
def below(z):
    return z

with Flow("cached") as flow:
    below(slow(Parameter("x", default=1)))
"""


def test_what_the_cache_holds_is_planned_and_explained(shell: Shell) -> None:
    shell.write("cached.py", CACHED)

    def plan(*words: str) -> dict[str, str]:
        answer = shell("plan", "cached.py", *words, "--json")
        assert answer.status == 0, answer
        return {each["task"]: each["would"] for each in answer.json["tasks"]}

    assert plan() == {"slow-1": "run", "below-1": "run"}
    one = shell.run("cached.py")
    assert why(shell, one, "slow")["verdict"] == "ran"
    assert plan() == {"slow-1": "take", "below-1": "unsure"}
    assert plan("-p", "x=2") == {"slow-1": "run", "below-1": "unsure"}
    two = shell.run("cached.py")
    told = why(shell, two, "slow")
    assert told["verdict"] == "did not run"
    assert one in told["reason"]
    three = shell.run("cached.py", "-p", "x=2")
    assert "Its inputs are not those" in why(shell, three, "slow")["reason"]
    shell.write("cached.py", CACHED.replace("x + y", "x - y"))
    assert plan()["slow-1"] == "run"
    four = shell.run("cached.py")
    assert "Its code" in why(shell, four, "slow")["reason"]


def test_what_is_in_the_cache_is_not_collected(shell: Shell) -> None:
    shell.write("cached.py", CACHED)
    one = shell.run("cached.py")
    assert shell("gc", "--keep-last", "0", "--delete").status == 0
    assert shell("results", "read", one, "slow").out == "2\n"
    assert shell("runs", "rm", one).status == 0
    assert shell("runs", "ls", "--json").json == []
    assert not any(path.is_file() for path in (shell.home / "results").rglob("*")), "nothing leads there any more"
