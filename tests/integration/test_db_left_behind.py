"""Journals of processes that are gone: taken over once, in time, and over nothing that is newer."""

from __future__ import annotations

import fcntl
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_db_journal import file, killed

from resultant.db.sqlite import SqliteDB
from resultant.db.sqlite_rows import TaskRunWriter
from resultant.errors import DatabaseFullError
from resultant.testing.statedb import task_run_row

__all__ = ["file"]

pytestmark = pytest.mark.timeout(90)

LEAVES = """
from resultant.db.journal import Journal
other = Journal(db.path + ".journals")
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
