"""Runs that wait for approval, on the command line; and how runs are found by how they stand."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import COMMAND, Shell

GATE = """
import os
from resultant import Flow, task
from resultant.triggers import manual_only

@task(trigger=manual_only, name="the gate")
def gate(x): return x

@task
def fails():
    if not os.path.exists("mended"):
        raise ValueError("not yet")

with Flow("gate") as flow:
    gate.map([1, 2])
    fails()
"""

SLOW = (
    "import time\nfrom resultant import Flow, task\n@task\ndef slow(): time.sleep(60)\nwith Flow('slow') as f: slow()\n"
)


@pytest.fixture
def waiting(shell: Shell) -> Shell:
    shell.write("gate.py", GATE)
    return shell


def test_a_run_that_waits_is_paused(waiting: Shell) -> None:
    answer = waiting("run", "gate.py", "--json")
    assert answer.status == 3
    assert answer.json["state"] == "Paused"
    run = answer.json["id"]
    listed = waiting("runs", "ls", "--json").json[0]
    assert (listed["state"], listed["abandoned"]) == ("Paused", False)
    assert " Paused " in waiting("runs", "ls").out
    assert "abandoned" not in waiting("runs", "ls").out
    line = f"resultant resume {run} --approve 'the gate-1'\n"
    shown = waiting("runs", "show", run)
    assert line in shown.out
    assert "No process works on this run" not in shown.out
    assert waiting("runs", "show", run, "--json").json["state"] == "Paused"
    state = "import resultant; print(resultant.runs()[0].state)"
    assert waiting.python(state).out == "Paused\n"
    assert "runs" not in {each["what"] for each in waiting("doctor", "--json").json}
    (waiting.folder / "mended").touch()
    assert waiting("resume", run, "--approve", "the gate-1").status == 0
    assert waiting("runs", "ls", "--json").json[0]["state"] == "Success"
    assert waiting.python(state).out == "Success\n"


def test_a_run_that_waits_and_failed_says_both(waiting: Shell) -> None:
    answer = waiting("run", "gate.py")
    assert answer.status == 3
    assert "What went wrong: resultant runs show" in answer.out
    assert answer.out.count("--approve 'the gate-1'") == 1
    (waiting.folder / "mended").touch()
    assert "What went wrong" not in waiting("run", "gate.py").out


def test_runs_are_found_by_how_they_stand(waiting: Shell) -> None:
    waiting.write("slow.py", SLOW)
    assert waiting("runs", "ls", "--state", "abandoned").out == "No runs are on record.\n"
    paused = waiting.run("gate.py", status=3)
    process = subprocess.Popen(
        [str(COMMAND), "run", "slow.py"], cwd=waiting.folder, env=waiting.environment, stdout=subprocess.DEVNULL
    )
    end = time.monotonic() + 30
    while waiting("runs", "ls", "--json").json[0]["flow"] != "slow" and time.monotonic() < end:
        time.sleep(0.1)
    slow = waiting.newest()

    def ids(state: str) -> list[str]:
        return [each["id"] for each in waiting("runs", "ls", "--state", state, "--json").json]

    assert (ids("Running"), ids("Paused"), ids("abandoned")) == ([slow], [paused], [])
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (ids("Running"), ids("paused"), ids("abandoned")) == ([slow], [paused], [slow])
    states = ("Running", "Paused", "abandoned")
    code = f"import resultant; print([[run.id for run in resultant.runs(state=each)] for each in {states}])"
    assert waiting.python(code).out == f"{[[slow], [paused], [slow]]}\n"
    assert ids("Success") == []
    wrong = waiting("runs", "ls", "--state", "nope")
    assert wrong.status == 2
    assert "Running, Paused, abandoned, Success, Failed" in wrong.err
    for words in (("--flow", "nope"), ("--state", "Failed"), ("--since", "2999-01-01")):
        assert waiting("runs", "ls", *words).out == "None of the runs on record is like that.\n"
