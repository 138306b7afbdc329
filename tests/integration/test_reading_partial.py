"""Runs that were killed, failed or are under way, read from Python: what is there is given, and nothing is made up."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import Shell

import resultant
from resultant import settings
from resultant.errors import MissingResultError
from resultant.runner.recorded_runs import close_databases

pytestmark = pytest.mark.timeout(90)

KILLED = """
import os, signal, time
from resultant import Flow, LocalResult, config, task
config.flows.checkpointing = True

@task
def numbers():
    return list(range(6))

@task
def child(x):
    if x == 1:
        raise ValueError("one")
    if x == 4:
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
    return x * 10

@task
def after(values):
    return sum(values)

with Flow("partial", result=LocalResult(dir=os.environ["HOME"] + "/results")) as flow:
    after(child.map(numbers()))
flow.run(flow_run_id="killed")
"""


@pytest.fixture(params=["sqlite", "postgres"])
def killed(request: pytest.FixtureRequest, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A run that was killed in its fifth child, and this process in the same home."""
    if request.param == "postgres":
        shell.environment["RESULTANT__DATABASE__URL"] = request.getfixturevalue("postgres")
    done = subprocess.run([sys.executable, "-c", KILLED], env=shell.environment, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    for name, value in shell.environment.items():
        if name.startswith("RESULTANT__"):
            monkeypatch.setenv(name, value)
    settings.reload()
    # Whoever takes the run up brings what its process had left in a journal into the database.
    close_databases()
    return shell


def test_a_killed_run_gives_what_it_reached(killed: Shell) -> None:
    (run,) = resultant.runs()
    assert (run.id, run.state, run.ended) == ("killed", "Running", None)
    assert run.abandoned
    opened = resultant.open_run("kill")
    assert set(opened.slugs()) == {"numbers-1", "child-1"}
    assert opened["numbers"].value == list(range(6))
    children = opened["child"]
    assert len(children) == 6
    assert children[0].value == 0
    assert children[3].value == 30
    assert children[1].state == "Failed"
    assert "one" in (children[1].failure or "")
    with pytest.raises(MissingResultError, match="Failed"):
        _ = children[1].value
    with pytest.raises(IndexError, match="no record of a child 5"):
        _ = children[5]
    with pytest.raises(MissingResultError, match="4 of its 6 children"):
        _ = children.value
    with pytest.raises(KeyError, match="no record of a task 'after'"):
        _ = opened["after"]
    assert [child.state for child in children] == ["Success", "Failed", "Success", "Success"]


def test_its_parts_are_shown_and_gone_on_with(killed: Shell) -> None:
    assert killed("runs", "ls", "--json").json[0]["abandoned"] is True
    shown = killed("runs", "show", "killed")
    assert "resultant resume killed" in shown.out
    assert killed("results", "read", "killed", "child[2]").out == "20\n"
    assert killed("results", "read", "killed", "child").status == 1
    assert killed("results", "verify", "killed").status == 0
    assert killed("fsck").status == 0
    assert killed("runs", "rm", "killed").status == 0
    assert killed("runs", "ls", "--json").json == []
