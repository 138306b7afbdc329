"""A process that is forked while a run is recorded: it disturbs nobody, and has a database of its own if it wants one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import Shell

from resultant.db import open_db

pytestmark = pytest.mark.timeout(90)

HEAD = """
import os, signal, sys, time, threading
import resultant
from resultant import Flow, LocalResult, config, task
from resultant.runner.recorded_runs import database
config.flows.checkpointing = True

def waited(child):
    for _ in range(500):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hangs"

@task
def number(x):
    return x

def checked(child_code):
    @task
    def forks(values):
        child = os.fork()
        if not child:
            child_code()
        return waited(child)

    with Flow("forks", result=LocalResult(dir=os.environ["HOME"] + "/results")) as flow:
        values = number.map(list(range(300)))
        code = forks(values)
        number.map(list(range(300, 600)), upstream_tasks=[resultant.unmapped(code)])
    state = flow.run(flow_run_id="r")
    assert state.is_successful(), state
    return state.result[code].result
"""

LEAVES = (
    HEAD
    + """
# Through every `finally` and whatever is registered for the end of a process.
print(checked(lambda: sys.exit(7)) != "hangs")
"""
)

READS = (
    HEAD
    + """
def child():
    try:
        found = len(resultant.open_run("r")["number-1"])
        inherited = len(db.task_runs("r", "number-1", -1))
        try:
            db.put_flow_run(db.flow_run("r"))
        except resultant.errors.DatabaseError:
            os._exit(found // 100 + inherited)
    finally:
        os._exit(99)

import resultant.errors
db = database()
print(checked(child))
"""
)

RECORDS = (
    HEAD
    + """
def child():
    try:
        with Flow("inner", result=LocalResult(dir=os.environ["HOME"] + "/results")) as inner:
            number.map([1, 2, 3])
        state = inner.run(flow_run_id="inner")
        from resultant.runner.recorded_runs import close_databases
        close_databases()
        os._exit(5 if state.is_successful() else 6)
    finally:
        os._exit(99)

print(checked(child))
"""
)

HOLDS = (
    HEAD
    + """
def child():
    # Outlives the run that it was forked from.
    os.setsid()
    if os.fork():
        os._exit(0)
    for number in range(3):
        os.close(number)
    time.sleep(40)
    os._exit(0)

@task
def dies(code):
    time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGKILL)

@task
def forks():
    pid = os.fork()
    if not pid:
        child()
    return waited(pid)

with Flow("forks", result=LocalResult(dir=os.environ["HOME"] + "/results")) as flow:
    dies(forks())
flow.run(flow_run_id="r")
"""
)


@pytest.fixture(params=["sqlite", "postgres"])
def forked(request: pytest.FixtureRequest, shell: Shell) -> Shell:
    """Scripts with a database of their own."""
    if request.param == "postgres":
        shell.environment["RESULTANT__DATABASE__URL"] = request.getfixturevalue("postgres")
    return shell


def run(shell: Shell, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], env=shell.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def all_is_there(shell: Shell) -> None:
    db = open_db(shell.environment.get("RESULTANT__DATABASE__URL"), str(shell.home))
    assert db.flow_run("r").state == "Success"
    assert db.counts("r") == {"Success": 601, "Mapped": 2}
    assert db.holders(["r"]) == {}
    db.close()
    assert shell("results", "verify", "r").status == 0


def test_a_child_that_ends_as_if_it_were_its_parent(forked: Shell) -> None:
    assert run(forked, LEAVES) == "True"
    all_is_there(forked)


def test_a_child_reads_and_cannot_write_with_what_it_inherited(forked: Shell) -> None:
    assert run(forked, READS) == "4"
    all_is_there(forked)


def test_a_child_records_a_run_of_its_own(forked: Shell) -> None:
    assert run(forked, RECORDS) == "5"
    all_is_there(forked)
    db = open_db(forked.environment.get("RESULTANT__DATABASE__URL"), str(forked.home))
    assert db.counts("inner") == {"Success": 3, "Mapped": 1}
    db.close()


def test_a_child_that_outlives_a_killed_run_does_not_hold_it(forked: Shell) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HOLDS], env=forked.environment, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL
    db = open_db(forked.environment.get("RESULTANT__DATABASE__URL"), str(forked.home))
    for _ in range(100):
        # A server notices a moment later that its client is gone.
        if not db.holders(["r"]):
            break
        time.sleep(0.05)
    with db.hold("r"):
        pass
    assert [row.slug for row in db.task_runs("r")] == ["forks-1"]
    db.close()


def test_the_lock_stays_when_a_child_lets_go(tmp_path: Path) -> None:
    db = open_db(None, str(tmp_path))
    hold = db.hold("r")
    child = os.fork()
    if not child:
        try:
            hold.__exit__(None, None, None)
            db.close()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert list(db.holders(["r"])) == ["r"]
    hold.__exit__(None, None, None)
    assert db.holders(["r"]) == {}
    db.close()
