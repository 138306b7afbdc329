"""A home that may be read and not written: what is on record there is shown, and nobody pretends to write."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import Shell

from resultant.db import open_db
from resultant.errors import DatabaseDeniedError, DatabaseVersionError
from resultant.testing.statedb import flow_run_row, task_run_row

pytestmark = pytest.mark.timeout(90)

FLOW = """
from resultant import Flow, LocalResult, task

@task
def double(x):
    return 2 * x

@task
def fails(x):
    raise ValueError(x)

with Flow("kept") as flow:
    double.map([1, 2, 3])
    fails("why not")
"""

KILLED = """
import os, signal, sys
from resultant.db import open_db
from resultant.testing.statedb import flow_run_row, task_run_row
db = open_db(None, sys.argv[1])
db.put_flow_run(flow_run_row("a"))
db.task_runs_later([task_run_row("a", index=index) for index in range(100)])
db.flush()
db.put_flow_run(flow_run_row("b"))
os.kill(os.getpid(), signal.SIGKILL)
"""


def left_by_a_killed_process(home: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(home)], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (home / "resultant.db-wal").stat().st_size > 0


def test_the_command_line_reads_it(shell: Shell, small_disk: Callable[[str], Any]) -> None:
    disk = small_disk("8m")
    shell.home = disk.path / "home"
    shell.environment["RESULTANT__HOME_DIR"] = str(shell.home)
    shell.write("kept.py", FLOW)
    run = shell.run("kept.py", status=1)
    disk.remount("ro")
    assert shell("runs", "ls", "--json").json[0]["id"] == run
    assert "why not" in shell("runs", "show", run).out
    assert shell("results", "read", run, "double[1]").out == "4\n"
    assert shell("results", "verify").status == 0
    assert shell("results", "ls", run).status == 0
    assert shell("why", run, "double[1]").status == 0
    assert shell("gc", "--keep-last", "0", "--json").json["bytes"] > 0
    assert shell("fsck").status == 0
    assert shell("db", "status").status == 0
    script = f"import resultant; print([each.value for each in resultant.open_run({run!r})['double']])"
    assert shell.python(script).out == "[2, 4, 6]\n"
    for words in (
        ["resume", run, "kept.py"],
        ["run", "kept.py"],
        ["runs", "rm", run],
        ["gc", "--keep-last", "0", "--delete"],
    ):
        answer = shell(*words)
        assert answer.status == 2, answer
        assert "cannot be written" in answer.err
        assert "RESULTANT__HOME_DIR" in answer.err
        assert answer.err.count("\n") == 1
    disk.remount("rw")
    assert shell("gc", "--keep-last", "0", "--delete").status == 0


@pytest.mark.parametrize("shared_memory", [True, False])
def test_what_a_killed_process_left_in_the_log_is_read(
    small_disk: Callable[[str], Any], shared_memory: bool, tmp_path: Path
) -> None:
    disk = small_disk("8m")
    left_by_a_killed_process(disk.path)
    if not shared_memory:
        os.unlink(disk.path / "resultant.db-shm")
    disk.remount("ro")
    db = open_db(None, str(disk.path), reading=True)
    assert {run.id for run in db.flow_runs()} == {"a", "b"}
    assert len(db.task_runs("a")) == 100
    assert db.counts("a") == {"Success": 100}
    assert db.sizes()["task_runs"] == 100
    assert db.holders(["a"]) == {}
    db.close()
    db.close()


def test_nothing_is_written_to_it(small_disk: Callable[[str], Any]) -> None:
    disk = small_disk("8m")
    db = open_db(None, str(disk.path))
    db.put_flow_run(flow_run_row("a"))
    db.close()
    disk.remount("ro")
    db = open_db(None, str(disk.path), reading=True)
    db.flush()
    for write in (
        lambda: db.put_flow_run(flow_run_row("b")),
        lambda: db.task_runs_later([task_run_row("a")]),
        lambda: db.cache_put([]),
        lambda: db.kind("local", "{}", None, None, None, None),
        lambda: db.delete_flow_run("a"),
        lambda: db.set_pinned("a"),
        lambda: db.pin_until("a", {}),
        lambda: db.hold("a"),
        lambda: db.upgrade(),
    ):
        with pytest.raises(DatabaseDeniedError, match=r"cannot be written.*RESULTANT__HOME_DIR"):
            write()
    assert db.flow_run("a").id == "a"
    db.close()
    with pytest.raises(DatabaseDeniedError):
        open_db(None, str(disk.path))
    with pytest.raises(DatabaseDeniedError):
        open_db(None, str(disk.path / "nothing there"), reading=True)


def test_an_older_schema_is_not_read_as_if_it_were_the_newest(
    small_disk: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from resultant.db import sqlite_readonly

    disk = small_disk("8m")
    open_db(None, str(disk.path)).close()
    disk.remount("ro")
    monkeypatch.setattr(sqlite_readonly, "latest_version", lambda dialect: 99)
    with pytest.raises(DatabaseVersionError, match="resultant db upgrade"):
        open_db(None, str(disk.path), reading=True)


def test_a_file_of_somebody_else(tmp_path: Path) -> None:
    """Permissions, not the file system, are what is in the way."""
    if os.geteuid() == 0:
        pytest.skip("root may write everything")
    db = open_db(None, str(tmp_path / "home"))
    db.put_flow_run(flow_run_row("a"))
    db.close()
    (tmp_path / "home" / "resultant.db").chmod(0o444)
    (tmp_path / "home").chmod(0o555)
    try:
        db = open_db(None, str(tmp_path / "home"), reading=True)
        assert [run.id for run in db.flow_runs()] == ["a"]
        db.close()
    finally:
        (tmp_path / "home").chmod(0o755)
        shutil.rmtree(tmp_path / "home")
