"""`resultant why` of tasks that did not run because of others, or that ended themselves."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from asking_why import why
from command_line import Shell

TRIGGERS = """
from resultant import Flow, task
from resultant.triggers import any_failed

def refuses(states):
    raise ValueError("no")

@task
def numbers():
    return [0, 1, 2]

@task
def divide(x):
    return 6 // x

@task
def add(x):
    return x + 1

@task
def total(xs):
    return sum(xs)

@task(trigger=any_failed)
def mend(x):
    return x

@task
def below(x):
    return x

@task(trigger=refuses)
def refused():
    pass

with Flow("triggers") as flow:
    below(mend(numbers()))
    parts = divide.map(numbers.copy(name="others")())
    for _ in range(2):
        parts = add.map(parts)
    total(parts)
    refused()
"""


def test_only_what_ended_badly_before_is_blamed_for_a_trigger(shell: Shell) -> None:
    shell.write("triggers.py", TRIGGERS)
    run = shell.run("triggers.py", status=1)
    told = why(shell, run, "mend")
    assert told["verdict"] == "did not run"
    assert told["reason"].endswith("Not successful before it: none.")
    assert "mend-1" in why(shell, run, "below")["reason"]
    assert "below-1" not in why(shell, run, "below")["reason"]
    child = why(shell, run, "add-2[0]")["reason"]
    assert "add-1[0]" in child
    assert "divide-1[0]" in child
    assert "add-2" not in child
    assert "[1]" not in child
    assert "divide-1[0]" in why(shell, run, "total")["reason"]
    told = why(shell, run, "refused")
    assert told["verdict"] == "did not run"
    assert "Its trigger raised ValueError at" in told["reason"]


def test_a_task_may_be_skipped_without_a_signal(shell: Shell) -> None:
    shell.write(
        "quiet.py",
        "from resultant import Flow, task\nfrom resultant.engine import signals\n@task\ndef quiet():\n"
        "    raise signals.SKIP('no', result=None)\nwith Flow('quiet') as flow: quiet()\n",
    )
    told = why(shell, shell.run("quiet.py"), "quiet")
    assert told["verdict"] == "ran and is Skipped"
    assert told["reason"].startswith("Nothing was skipped before it: its own code, ")


def test_a_task_may_refuse_to_run_itself(shell: Shell) -> None:
    shell.write(
        "itself.py",
        "from resultant import Flow, task\nfrom resultant.engine import signals\n@task\ndef raises():\n"
        "    raise signals.TRIGGERFAIL('no')\nwith Flow('itself') as flow: raises()\n",
    )
    told = why(shell, shell.run("itself.py", status=1), "raises")
    assert told["verdict"] == "ran and is TriggerFailed"
    assert told["reason"].startswith("Its own code raised TRIGGERFAIL at ")
    assert "itself.py:5" in told["reason"]


SKIPS = """
from resultant import Flow, Parameter, case, task
from resultant.engine import signals

@task
def choose(x):
    return x

@task
def inside():
    return 1

@task
def after(y):
    return y

@task
def skips():
    raise signals.SKIP("nothing to do")

@task
def each(x):
    if x == 1:
        raise signals.SKIP("one")
    return x

@task
def numbers():
    return [0, 1, 2]

with Flow("skips") as flow:
    alone = skips()
    with case(choose(Parameter("x", default=1)), 2):
        found = inside()
        many = each.copy(name="many").map(numbers())
    after(found)
    after.copy(name="last").map(each.map(numbers.copy(name="all")()))
"""


def test_what_was_skipped_has_somebody_behind_it(shell: Shell) -> None:
    shell.write("skips.py", SKIPS)
    run = shell.run("skips.py")
    told = why(shell, run, "skips")
    assert told["verdict"] == "ran and is Skipped"
    assert "It raised SKIP" in told["reason"]
    told = why(shell, run, "case(2)")
    assert told["verdict"] == "ran and is Skipped"
    assert "is not that of its case" in told["reason"]
    told = why(shell, run, "inside")
    assert told["verdict"] == "did not run"
    assert "The value was not that of case(2)-1." in told["reason"]
    told = why(shell, run, "after-1")
    assert "inside-1" in told["reason"]
    assert "after-1" not in told["reason"]
    assert "It raised SKIP" in why(shell, run, "each[1]")["reason"]
    told = why(shell, run, "last[1]")
    assert told["verdict"] == "did not run"
    assert "each-1[1]" in told["reason"]
    assert "last-1" not in told["reason"]
    assert why(shell, run, "last[2]")["verdict"] == "ran"
    told = why(shell, run, "many[1]")
    assert told["verdict"] == "did not run"
    assert "Task many-1 is Skipped, and has no children." in told["reason"]


UNREACHED = """
import os, signal, time
from resultant import Flow, task
from resultant.engine.results import LocalResult
from resultant.triggers import manual_only

@task
def numbers():
    return [1, 2, 3, 4]

@task
def each(x):
    if x == 3:
        time.sleep(1)  # the rows before are durable by now
        os.kill(os.getpid(), signal.SIGKILL)
    return x

@task
def after(x):
    return x

@task(trigger=manual_only)
def gate():
    return 1

@task(result=LocalResult(location="{absent}"))
def placeless():
    return 1

with Flow("unreached") as flow:
    FLOW
"""


def test_a_child_that_was_never_reached_is_answered_for(shell: Shell) -> None:
    shell.write("unreached.py", UNREACHED.replace("FLOW", "after.map(each.map(numbers()))"))
    assert shell("run", "unreached.py").status != 0
    run = shell.newest()
    assert why(shell, run, "each[1]")["verdict"] == "ran"
    for task, label in (
        ("each[3]", "each-1[3]"),
        ("each[-1]", "each-1[3]"),
        ("after[0]", "after-1[0]"),
        ("after", "after-1"),
    ):
        told = why(shell, run, task)
        assert told["task"] == label
        assert told["verdict"] == "did not run"
        assert "has not finished it, and nobody works on it any more" in told["reason"]
    assert shell("why", run, "each[4]").status == 2
    assert shell("why", run, "numbers[0]").status == 2


def test_who_waits_for_approval_keeps_others_waiting(shell: Shell) -> None:
    shell.write("waiting.py", UNREACHED.replace("FLOW", "after(gate()); placeless()"))
    answer = shell("run", "waiting.py", "--json")
    run = answer.json["id"]
    assert "--approve gate-1" in why(shell, run, "gate")["reason"]
    assert "it waits for approval of gate-1" in why(shell, run, "after")["reason"]
    told = why(shell, run, "placeless")
    assert told["verdict"] == "did not run"
    assert "Its result would have had no place: LocationError" in told["reason"]
