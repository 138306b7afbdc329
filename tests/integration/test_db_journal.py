"""What finished is safe in the journal of its process, whatever else that process and others do meanwhile."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from db_killed import file, killed

from resultant.db.sqlite import SqliteDB
from resultant.testing.statedb import task_run_row

__all__ = ["file"]

pytestmark = pytest.mark.timeout(90)


@pytest.mark.parametrize("job", ["", "db.cache_put([CacheEntry('key', 'a', 'task-1', -1, 1.0)])"])
def test_rows_are_safe_while_the_database_is_somebody_elses(file: str, job: str) -> None:
    killed(
        file,
        f"""
other = lock()
db.task_runs_later([task_run_row("a")])
{job}
time.sleep(1.0)
""",
    )
    db = SqliteDB(file)
    assert [row.slug for row in db.task_runs("a")] == ["task-1"]
    db.close()


@pytest.mark.parametrize("others", ["", "other = lock()"], ids=["while a pause is waited for", "while the lock is"])
def test_a_row_is_safe_in_time_though_no_other_follows(file: str, others: str) -> None:
    killed(
        file,
        f"""
{others}
db.task_runs_later([task_run_row("a")])
# In the journal by now. With a pause of 50 ms the rows there go into the database, for which somebody else has the lock.
time.sleep({0.1 if others else 0.01})
db.task_runs_later([task_run_row("a", "last")])
time.sleep(0.03)
""",
    )
    db = SqliteDB(file)
    assert [row.slug for row in db.task_runs("a")] == ["task-1", "last"]
    db.close()


def test_what_a_full_disk_held_back_comes_before_what_is_newer(file: str) -> None:
    killed(
        file,
        """
from resultant.db.journal import Journal
from resultant.db.sqlite_rows import TaskRunWriter
append = Journal.append
given = threading.Event()

def full(self, parcels):
    if not given.is_set():
        given.set()
        # Room for the journal comes while the database still waits for its answer.
        Journal.append = append
        db.task_runs_later([task_run_row("a")])
        time.sleep(0.5)
    raise DatabaseFullError("There is no space left")

def no_room(self, parcels):
    raise OSError(28, "No space left on device")

TaskRunWriter.write = full
Journal.append = no_room
db.task_runs_later([task_run_row("a", state="Retrying")])
given.wait()
db.task_runs_later([task_run_row("a", "other") for _ in range(1000)])
time.sleep(0.5)
""",
    )
    db = SqliteDB(file)
    assert [(row.slug, row.state) for row in db.task_runs("a")] == [("task-1", "Success"), ("other", "Success")]
    db.close()


USUAL = """
import resultant.db.keeper as keeper
import resultant.db.writer as writer

kind = db.kind("local", "{{}}", None, None, None, None)

def make(noted):
    rows = []
    for index, started, ended, _, _ in zip(*[iter(noted)] * 5):
        rows += [index, started, ended, bytearray(34), f"/place/{{index}}", 1]
    return rows

take = db.successes("a", "task-1", 1, kind, make)

class Clock:
    behind = 0.0

    def __getattr__(self, name):
        return getattr(time, name)

    def time(self):
        return time.time() - self.behind

clock = writer.time = keeper.time = Clock()

def give(index):
    take((index, 1.0, clock.time(), None, None))
"""


@pytest.mark.parametrize("locked", ["", "other = lock()"])
def test_a_clock_that_is_set_back_keeps_no_row_in_memory(file: str, locked: str) -> None:
    killed(
        file,
        USUAL.format()
        + f"""
{locked}
def set_back():
    # While rows wait, which is so most of the time; with none, nothing can go wrong.
    give(0)
    clock.behind = 3600.0

set_back()
while not time.time() < db._writer._intake.due < 1e11:
    clock.behind = 0.0
    set_back()
for index in range(1, 200):
    give(index)
    db.task_runs_later([task_run_row("a", "whole", index)])
    time.sleep(0.002)
time.sleep(0.5)
""",
    )
    db = SqliteDB(file)
    assert [row.index for row in db.task_runs("a", "task-1")] == list(range(200))
    assert len(db.task_runs("a", "whole")) == 199
    db.close()


def test_ctrl_c_at_the_first_of_many_rows_loses_none_of_the_others(file: str) -> None:
    killed(
        file,
        USUAL.format()
        + """
begin = db._writer._intake.begin

def interrupted(*arguments):
    db._writer._intake.begin = begin
    raise KeyboardInterrupt

db._writer._intake.begin = interrupted
try:
    give(0)
except KeyboardInterrupt:
    pass
for index in range(1, 100):
    give(index)
db.flush()
""",
    )
    db = SqliteDB(file)
    assert [row.index for row in db.task_runs("a", "task-1")][-99:] == list(range(1, 100))
    db.close()


def test_rows_of_a_run_that_makes_no_pause_are_seen_by_others(file: str) -> None:
    db, other = SqliteDB(file), SqliteDB(file)
    for index in range(2000):
        db.task_runs_later([task_run_row("a", index=index)])
        if other.task_runs("a", limit=1):
            break
        time.sleep(0.01)
    else:
        pytest.fail("nobody wrote a row")
    db.close()
    other.close()
