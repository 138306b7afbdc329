"""Journals of processes that are gone: taken over once, in time, and over nothing that is newer."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from db_killed import file, killed

from resultant.db.sqlite import SqliteDB
from resultant.db.sqlite_rows import TaskRunWriter
from resultant.errors import DatabaseFullError
from resultant.testing.statedb import flow_run_row, task_run_row

__all__ = ["file"]

pytestmark = pytest.mark.timeout(90)

LEAVES = """
from resultant.db.journal import Journal
other = Journal(db.path + ".journals", db.path)
other.append([(None, [{}])])
"""


def rows(db: SqliteDB, run: str = "a") -> list[tuple[str, str, int]]:
    return [(row.slug, row.state, row.attempt) for row in db.task_runs(run)]


def journals(file: str) -> list[str]:
    folder = f"{file}.journals"
    return os.listdir(folder) if os.path.exists(folder) else []


def test_a_journal_is_not_removed_before_it_has_its_lock(file: str) -> None:
    killed(
        file,
        """
import fcntl, subprocess, sys
flock = fcntl.flock

def late(file, how):
    # Another process opens the database in between.
    fcntl.flock = flock
    subprocess.run([sys.executable, "-c", f"from resultant.db.sqlite import SqliteDB; SqliteDB({db.path!r}).close()"])
    opened.set()
    return flock(file, how)

opened = threading.Event()
fcntl.flock = late
other = lock()
db.task_runs_later([task_run_row("a")])
opened.wait(30)
time.sleep(0.5)
""",
    )
    db = SqliteDB(file)
    assert rows(db) == [("task-1", "Success", 1)]
    db.close()


def test_of_two_that_take_over_the_second_finds_nothing(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(file, LEAVES.format("task_run_row('a', state='Failed')"))
    flock = fcntl.flock

    def late(descriptor: int, how: int) -> None:
        # Another one takes it over, and resumes the run, in between.
        monkeypatch.setattr(fcntl, "flock", flock)
        other = SqliteDB(file)
        with other.hold("a"):
            other.task_runs_later([task_run_row("a")])
            other.flush()
        other.close()
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    db = SqliteDB(file)
    assert rows(db) == [("task-1", "Success", 1)]
    db.close()
    assert not journals(file)


def test_whoever_holds_a_run_waits_for_those_who_take_over(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    db = SqliteDB(file)
    killed(file, LEAVES.format("task_run_row('a')"))
    begun, go_on = threading.Event(), threading.Event()
    write = TaskRunWriter.write

    def slow(self: TaskRunWriter, parcels: Any) -> None:
        begun.set()
        go_on.wait(30)
        write(self, parcels)

    monkeypatch.setattr(TaskRunWriter, "write", slow)
    seen: list[Any] = []

    def look() -> None:
        with db.hold("a"):
            seen.append(rows(db))

    taker = threading.Thread(target=lambda: SqliteDB(file).close())
    holder = threading.Thread(target=look)
    taker.start()
    begun.wait(30)
    holder.start()
    holder.join(0.5)
    go_on.set()
    taker.join()
    holder.join()
    assert seen == [[("task-1", "Success", 1)]]
    db.close()


def test_rows_of_a_run_that_ended_are_not_taken_over(file: str) -> None:
    killed(
        file,
        """
wrote = db._checkpoints.wrote
index = iter(range(1000))

def goes_on(rows):
    # Another run of this process brings rows while those of the first one are brought to the database.
    wrote(rows)
    other = threading.Thread(target=lambda: db.task_runs_later([task_run_row("b", index=next(index)) for _ in range(500)]))
    other.start()
    other.join()

db._checkpoints.wrote = goes_on
db.task_runs_later([task_run_row("a", state="Failed")])
db.put_flow_run(flow_run_row("a", state="Failed"))
del db._checkpoints.wrote
# Somebody else makes something of it, and this process is gone before it has emptied its journal.
after = SqliteDB(db.path)
db._writer._aside.written = lambda write: None
after.task_runs_later([task_run_row("a")])
after.flush()
""",
    )
    db = SqliteDB(file)
    assert rows(db) == [("task-1", "Success", 1)]
    assert rows(db, "b")
    db.close()


def test_rows_of_an_earlier_attempt_are_not_written_over_later_ones(file: str) -> None:
    killed(
        file,
        """
db.put_flow_run(flow_run_row("a", attempt=2))
db.task_runs_later([task_run_row("a", attempt=2)])
db.flush()
"""
        + LEAVES.format("task_run_row('a', state='Failed'), task_run_row('a', 'task-2'), task_run_row('b')"),
    )
    db = SqliteDB(file)
    assert rows(db) == [("task-1", "Success", 2), ("task-2", "Success", 1)]
    assert rows(db, "b") == [("task-1", "Success", 1)]
    db.close()


def test_what_nobody_can_write_is_left_out(file: str) -> None:
    killed(
        file,
        LEAVES.format("task_run_row('a'), task_run_row('gone'), task_run_row('a', 'huge', size=1 << 70), *more")
        .replace("other.append", "more = [task_run_row('b', index=index) for index in range(10)]\nother.append"),
    )  # fmt: skip
    db = SqliteDB(file)
    assert rows(db) == [("task-1", "Success", 1)]
    assert len(db.task_runs("b")) == 10
    db.close()
    assert not journals(file)


def test_a_failed_opening_leaves_nothing_that_writes_later(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(file, LEAVES.format("task_run_row('a', state='Failed')"))

    def full(self: TaskRunWriter, parcels: Any) -> None:
        raise DatabaseFullError("There is no space left")

    before = threading.enumerate()
    with monkeypatch.context() as patch:
        patch.setattr(TaskRunWriter, "write", full)
        with pytest.raises(DatabaseFullError):
            SqliteDB(file)
    assert threading.enumerate() == before
    db = SqliteDB(file)
    assert rows(db) == [("task-1", "Failed", 1)]
    db.close()


def test_a_run_is_let_go_of_when_nothing_can_be_taken_over(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    db = SqliteDB(file)
    killed(file, LEAVES.format("task_run_row('a')"))

    def full(self: TaskRunWriter, parcels: Any) -> None:
        raise DatabaseFullError("There is no space left")

    with monkeypatch.context() as patch:
        patch.setattr(TaskRunWriter, "write", full)
        with pytest.raises(DatabaseFullError):
            db.hold("a")
    with db.hold("a"):
        assert rows(db) == [("task-1", "Success", 1)]
    db.close()


# ------------------------------------------------------------------------------------------------------- other users


NOBODY = 65534


SCRIPT = """
import logging, os, socket
from resultant.db.sqlite import SqliteDB
os.setgroups([])
os.setgid({nobody})
os.setuid({nobody})
for _ in range(2):
    db = SqliteDB({file!r})
    print(len(db.task_runs("a")))
    db.close()
"""


def as_nobody(file: str) -> str:
    """Return what is said when another user opens the database twice, and counts rows."""
    if os.geteuid():
        pytest.skip("only root may become another user")
    script = SCRIPT.format(file=file, nobody=NOBODY)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[str]:
    """A database that everybody may use, in a place that everybody may go to."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o777)
    path = folder / "resultant.db"
    db = SqliteDB(str(path))
    db.put_flow_run(flow_run_row("a"))
    path.chmod(0o666)
    db.close()
    yield str(path)
    shutil.rmtree(folder)


def test_a_journal_is_for_those_who_may_use_the_database(shared: str) -> None:
    killed(shared, LEAVES.format("task_run_row('a')"))
    (name,) = journals(shared)
    folder = Path(f"{shared}.journals")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o777
    assert stat.S_IMODE((folder / name).stat().st_mode) == 0o666


def test_another_user_takes_over_what_is_left_in_a_shared_database(shared: str) -> None:
    killed(shared, LEAVES.format("task_run_row('a')"))
    assert as_nobody(shared).split() == ["1", "1"]
    assert not journals(shared)


def test_a_journal_that_may_not_be_read_is_named_once(shared: str) -> None:
    killed(shared, LEAVES.format("task_run_row('a')"))
    (name,) = journals(shared)
    Path(f"{shared}.journals", name).chmod(0o600)
    said = as_nobody(shared)
    assert said.startswith("0\n0\n")
    assert said.count(name) == 1
    db = SqliteDB(shared)
    assert rows(db) == [("task-1", "Success", 1)]
    db.close()
