"""The thread that makes rows safe in time: when it works, when it sleeps, and that nothing is left behind for it."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from resultant import Flow, LocalResult, config, context, task
from resultant.db.journal import Journal
from resultant.db.keeper import Keeper
from resultant.db.sqlite import SqliteDB
from resultant.db.sqlite_rows import TaskRunWriter
from resultant.errors import DatabaseFullError
from resultant.runner.recorded_runs import database
from resultant.testing.statedb import flow_run_row, task_run_row

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[SqliteDB]:
    db = SqliteDB(str(tmp_path / "home" / "resultant.db"))
    db.put_flow_run(flow_run_row("a"))
    yield db
    db.close()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The moments at which a keeper looked whether there is something to do."""
    found: list[float] = []
    pause = Keeper._pause

    def looked(keeper: Keeper) -> float:
        found.append(time.monotonic())
        return pause(keeper)

    monkeypatch.setattr(Keeper, "_pause", looked)
    return found


def until(holds: Any) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "that never came"
        time.sleep(0.02)


def seen_by_others(db: SqliteDB) -> int:
    connection = sqlite3.connect(db.path)
    try:
        (count,) = connection.execute("SELECT count(*) FROM task_run").fetchone()
    finally:
        connection.close()
    return int(count)


def is_asleep(looks: list[float]) -> bool:
    before = len(looks)
    time.sleep(0.3)
    return len(looks) == before


def test_it_sleeps_when_a_run_is_over(looks: list[float], tmp_path: Path) -> None:
    config.flows.checkpointing = True

    @task
    def double(x: int) -> int:
        return 2 * x

    with Flow("f", result=LocalResult(dir=str(tmp_path))) as flow:
        double.map(list(range(3000)))
    for _ in range(2):
        looks.clear()
        assert flow.run().is_successful()
        assert looks
        until(lambda: is_asleep(looks))


def test_rows_that_come_while_it_falls_asleep_are_seen(db: SqliteDB, monkeypatch: pytest.MonkeyPatch) -> None:
    sleep, came = Keeper._sleep, threading.Event()

    def falls_asleep(keeper: Keeper) -> None:
        if not came.is_set():
            # So many that whoever brings them brings them on.
            db.task_runs_later([task_run_row("a", index=index) for index in range(600)])
            came.set()
        sleep(keeper)

    monkeypatch.setattr(Keeper, "_sleep", falls_asleep)
    db._writer._intake.roused.set()
    assert came.wait(20)
    until(lambda: seen_by_others(db) == 600)


def test_what_ctrl_c_interrupted_is_written_though_nothing_else_happens(
    db: SqliteDB, monkeypatch: pytest.MonkeyPatch, looks: list[float]
) -> None:
    write = TaskRunWriter.write

    def interrupted(writer: TaskRunWriter, parcels: Any) -> None:
        monkeypatch.setattr(TaskRunWriter, "write", write)
        until(lambda: is_asleep(looks))
        raise KeyboardInterrupt

    monkeypatch.setattr(TaskRunWriter, "write", interrupted)
    db.task_runs_later([task_run_row("a")])
    with pytest.raises(KeyboardInterrupt):
        db.flush()
    until(lambda: seen_by_others(db) == 1)


def test_it_does_not_try_all_the_time_what_a_full_disk_refuses(
    db: SqliteDB, monkeypatch: pytest.MonkeyPatch, looks: list[float]
) -> None:
    tries: list[str] = []

    def full(writer: TaskRunWriter, parcels: Any) -> None:
        tries.append("database")
        raise DatabaseFullError("There is no space left")

    def no_room(journal: Journal, parcels: Any) -> None:
        tries.append("journal")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(TaskRunWriter, "write", full)
        patched.setattr(Journal, "append", no_room)
        db.task_runs_later([task_run_row("a", index=index) for index in range(100)])
        until(lambda: "database" in tries)
        until(lambda: is_asleep(looks))
        tries.clear()
        time.sleep(2.5)
        # Once a second, into the one and into the other.
        assert 2 <= len(tries) <= 8
    until(lambda: seen_by_others(db) == 100)


def test_rows_that_the_journal_refuses_go_into_the_database_at_once(
    db: SqliteDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(journal: Journal, parcels: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Journal, "append", no_room)
    seen = []
    # A run that makes no pause: rows in the journal would be brought on once a second.
    for index in range(40):
        db.task_runs_later([task_run_row("a", index=index)])
        time.sleep(0.01)
        seen.append(seen_by_others(db))
    assert seen[20] > 10


def test_cached_tasks_cost_no_transaction_each(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config.flows.checkpointing = True
    context.caches.clear()
    transactions: list[float] = []
    transaction = SqliteDB._transaction

    def counted(db: SqliteDB) -> Any:
        transactions.append(time.monotonic())
        return transaction(db)

    monkeypatch.setattr(SqliteDB, "_transaction", counted)

    @task(cache_for=timedelta(hours=1))
    def double(x: int) -> int:
        return 2 * x

    with Flow("f", result=LocalResult(dir=str(tmp_path))) as flow:
        double.map(list(range(1000)))
    start = time.monotonic()
    assert flow.run().is_successful()
    # One a second, and those of the run's beginning and end.
    assert len(transactions) < 20 + 10 * (time.monotonic() - start)
    (run,) = database().flow_runs(flow="f")
    assert len(database().cached(run.id)) == 1000


def test_what_is_left_to_be_done_is_done_without_a_row(db: SqliteDB) -> None:
    done = threading.Event()
    db._writer.post(done.set)
    assert done.wait(20)
