"""PostgreSQL answers what the command line asks along an index too, once it has statistics of many rows."""

from __future__ import annotations

from typing import Any

import pytest

from resultant.db.postgres import PostgresDB
from resultant.testing.statedb import flow_run_row

pytestmark = pytest.mark.timeout(90)

RUNS, TASKS, CHILDREN = 20, 5, 1000


@pytest.fixture
def filled(postgres: str) -> PostgresDB:
    """A database of 100,000 task runs, and an entry in the cache for each."""
    import psycopg

    db = PostgresDB(postgres)
    kind = db.kind("local", '{"dir": "/results"}', '{"name": "pickle"}', None, None, None)
    for number in range(RUNS):
        db.put_flow_run(flow_run_row(f"{number:04}", flow=f"flow-{number % 5}", created=1000.0 + number))
    with psycopg.connect(postgres, autocommit=True) as link:
        link.execute("SET search_path = resultant")
        for statement in (
            f"INSERT INTO task (run, slug) SELECT no, 'task-' || i FROM flow_run, generate_series(0, {TASKS - 1}) i",
            "INSERT INTO folder (path) SELECT '/results/' || id || '/' FROM flow_run",
            f"""INSERT INTO task_run (task, idx, state, attempt, count, started, ended, input, kind, folder, leaf, size,
                digest, none) SELECT t.no, i, 1, 1, 1, 1000, 1001, '\\x00', {kind}, f.no, t.slug || '-' || i, 20, '\\x00',
                false FROM task t JOIN flow_run r ON r.no = t.run JOIN folder f ON f.path = '/results/' || r.id || '/',
                generate_series(0, {CHILDREN - 1}) i""",
            """INSERT INTO cache (key, task, idx, created)
                SELECT 'key-' || task || '-' || idx, task, idx, 1000 FROM task_run""",
            "ANALYZE",
        ):
            link.execute(statement.encode())
    return db


def test_nothing_is_walked_through(filled: PostgresDB, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = PostgresDB._read
    steps: list[tuple[str, str]] = []

    def explained(self: PostgresDB, query: str, *values: Any) -> list[Any]:
        steps.extend((query, row[0]) for row in answer(self, f"EXPLAIN {query}", *values))
        return answer(self, query, *values)

    monkeypatch.setattr(PostgresDB, "_read", explained)
    place = "/results/0007/task-3-17"
    assert [row.index for row in filled.places(place)] == [17]
    many = [f"/results/0007/task-3-{index}" for index in range(400)]
    assert len(filled.places_of(many)) == 400
    assert len(filled.cache_find("key-12-40")) == 1
    assert len(filled.task_runs("0007", limit=20)) == 20
    assert len(filled.task_runs("0007", "task-3", 17)) == 1
    assert filled.task_runs("0007", state="Failed") == []
    assert filled.counts("0007") == {"Success": TASKS * CHILDREN}
    assert len(filled.cached("0007")) == TASKS * CHILDREN
    assert filled.find_flow_run("0007").id == "0007"
    assert len(filled.flow_runs("flow-3", limit=3)) == 3
    for batches in (filled.stored_batches(1000), filled.task_run_batches("0007", 1000)):
        next(batches)
        next(batches)
    walks = [step for step in steps if "Seq Scan on task_run" in step[1] or "Seq Scan on cache" in step[1]]
    assert len(steps) > 40
    assert walks == []
    filled.close()
