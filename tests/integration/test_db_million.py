"""A database of 1,000,000 task runs: what the command line asks is answered along an index, and in little memory."""

from __future__ import annotations

import re
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import Shell

import resultant
from resultant import LocalResult, settings
from resultant.db.sqlite import SqliteDB
from resultant.engine.description import kind_of
from resultant.runner.recorded_runs import close_databases, database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

RUNS, TASKS, CHILDREN = 100, 10, 1000

#: A query that looks at more than it needs: a table, a whole index, or an index that is made for the occasion.
WALKS = re.compile(r"SCAN (x|task_run|cache|task|run|folder)\b|AUTOMATIC")

#: Seconds. The machine of whoever runs this may be slow: a walk through all rows takes longer by far.
BOUND = 2.0


class Database:
    """The database, its home, and a run in the middle of it."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.results = folder / "results"
        self.run = f"{50 * 7919:032x}"
        self.place = f"{self.results}/{self.run}/task-3-17.pickle"


def numbers(count: int) -> str:
    return f"(WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count - 1}) SELECT i FROM n)"


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Database:
    """Runs of ten flows, each with mapped tasks, one of them failed, and an entry in the cache for every tenth child."""
    made = Database(tmp_path_factory.mktemp("million"))
    db = SqliteDB(str(made.home / "resultant.db"))
    kind = db.kind(*kind_of(LocalResult(dir=str(made.results)).from_value(1)))
    db.close()
    connection = sqlite3.connect(made.home / "resultant.db", isolation_level=None)
    for statement in (
        "PRAGMA synchronous = OFF",
        "PRAGMA cache_size = -200000",
        "BEGIN",
        "INSERT INTO state (no, name) VALUES (2, 'Failed'), (3, 'Mapped')",
        f"""INSERT INTO flow_run
            (id, flow, name, state, attempt, parameters, context, date, created, started, ended, alias, pinned)
            SELECT printf('%032x', i * 7919), 'flow-' || (i % 10), 'name-' || i, iif(i % 20 = 0, 'Failed', 'Success'),
            1, '{{}}', '{{}}', 1000 + i, 1000 + i, 1000 + i, 1001 + i, 0, 0 FROM {numbers(RUNS)}""",
        f"INSERT INTO task (run, slug) SELECT no, 'task-' || i FROM flow_run, {numbers(TASKS)} ORDER BY no, i",
        f"INSERT INTO folder (path) SELECT '{made.results}/' || id || '/' FROM flow_run",
        f"""INSERT INTO task_run (task, idx, state, attempt, count, started, ended, input, kind, folder, leaf, size, digest,
            none) SELECT t.no, i, 1, 1, 1, 1000 + t.run, 1001 + t.run, zeroblob(17), {kind}, folder.no,
            t.slug || '-' || i || '.pickle', 20, randomblob(17), 0
            FROM task t JOIN flow_run r ON r.no = t.run JOIN folder ON folder.path = '{made.results}/' || r.id || '/',
            {numbers(CHILDREN)} ORDER BY t.no, i""",
        f"""INSERT INTO task_run (task, idx, state, attempt, count, started, ended, children, none)
            SELECT no, -1, 3, 1, 1, 1000, 1001, {CHILDREN}, 0 FROM task""",
        "UPDATE task_run SET state = 2, kind = NULL, folder = NULL, leaf = NULL WHERE idx = 5 AND task % 10 = 4",
        """INSERT INTO cache (key, task, idx, created)
            SELECT 'key-' || task || '-' || idx, task, idx, 1000 FROM task_run WHERE idx % 10 = 0""",
        "COMMIT",
    ):
        connection.execute(statement)
    (many,) = connection.execute("SELECT count(*) FROM task_run").fetchone()
    assert many >= 1_000_000
    connection.close()
    made.results.mkdir()
    return made


@pytest.fixture
def asked(million: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """The queries that are asked while it is in use, each with a step of its plan."""
    monkeypatch.setenv("RESULTANT__HOME_DIR", str(million.home))
    settings.reload()
    steps: list[tuple[str, str]] = []
    answer = SqliteDB._read

    def explained(self: SqliteDB, query: str, *values: Any) -> list[Any]:
        steps.extend((query, row[3]) for row in answer(self, f"EXPLAIN QUERY PLAN {query}", *values))
        return answer(self, query, *values)

    monkeypatch.setattr(SqliteDB, "_read", explained)
    yield steps
    close_databases()


def commands(million: Database) -> list[list[str]]:
    run = million.run
    return [
        ["runs", "ls", "--json"],
        ["runs", "ls", "--flow", "flow-3"],
        ["runs", "ls", "--state", "Failed", "--since", "7d"],
        ["runs", "show", run, "--json"],
        ["runs", "show", "name-33"],
        ["results", "ls", "--limit", "5"],
        ["results", "ls", run, "--limit", "5"],
        ["results", "ls", run, "task-7", "--limit", "5"],
        ["results", "show", run, "task-3[17]"],
        ["why", run, "task-3[17]"],
        ["why", run, "task-4[5]"],
    ]


def test_the_command_line_asks_along_an_index(
    million: Database, asked: list[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    from resultant.cli.root import call

    for words in commands(million):
        began = time.perf_counter()
        assert call(words) in (0, None), words
        assert time.perf_counter() - began < BOUND, words
        assert capsys.readouterr().out, words
    assert len(asked) > 50
    assert [step for step in asked if WALKS.search(step[1])] == []


def test_runs_and_workers_ask_along_an_index(million: Database, asked: list[tuple[str, str]]) -> None:
    began = time.perf_counter()
    db = database()
    assert [row.index for row in db.places(million.place)] == [17]
    assert len(db.places_of([million.place, million.place.replace("task-3", "task-4"), "/not/there"])) == 2
    assert [entry.index for entry in db.cache_find("key-123-40")] == [40]
    assert db.cache_find("nothing") == []
    assert len(db.cached(million.run)) == TASKS * CHILDREN // 10
    assert db.counts(million.run)["Success"] == TASKS * CHILDREN - 1
    assert len(db.task_runs(million.run, state="Failed")) == 1
    assert db.pins(million.run) == []
    assert db.holders([million.run]) == {}
    assert time.perf_counter() - began < BOUND
    assert [step for step in asked if WALKS.search(step[1])] == []


def test_python_reads_one_of_many(million: Database, asked: list[tuple[str, str]]) -> None:
    began = time.perf_counter()
    run = resultant.open_run(million.run)
    task = run["task-3"]
    assert len(task) == CHILDREN
    assert task[17].location == million.place
    assert [each.slug for each in run] == [f"task-{number}" for number in range(TASKS)]
    assert len(resultant.runs("flow-3", limit=3)) == 3
    assert time.perf_counter() - began < BOUND
    assert [step for step in asked if WALKS.search(step[1])] == []


def test_batches_go_along_an_index(million: Database, asked: list[tuple[str, str]]) -> None:
    db = database()
    for batches in (db.stored_batches(), db.task_run_batches(million.run)):
        for _ in range(3):
            next(batches)
    # The first batch begins at one end of the index; nothing is sorted.
    assert [step for step in asked if WALKS.search(step[1]) and "USING INDEX" not in step[1]] == []
    assert [step for step in asked if "TEMP B-TREE" in step[1]] == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how much memory this program has used")
def test_cleaning_up_takes_little_memory(million: Database, tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    # The peak of this memory; that of the process counts what its parent had when it was forked.
    code = (
        "import re, sys; from resultant.cli.root import call; status = call(sys.argv[1:]); "
        "peak = re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]; "
        "print(status, int(peak) // 1024, file=sys.stderr)"
    )
    words = ["gc", "--keep-last", "7", "--flow", "flow-3", "--json"]
    answer = shell.python(f"import sys; sys.argv[1:] = {words}; {code}", RESULTANT__HOME_DIR=str(million.home))
    status, mebibytes = answer.err.split()
    assert int(status) == 0
    # Three runs; what is in the cache stays, and one child of each has failed.
    assert [each["results"] for each in answer.json["runs"]] == [TASKS * CHILDREN * 9 // 10 - 1] * 3
    # All rows together would be some 500 MiB.
    assert int(mebibytes) < 150
