"""The migrations, one after the other, make what the schema makes at once."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from resultant.db import open_db
from resultant.db.schema import latest_version, migrations, schema, statements
from resultant.db.sqlite_file import version_of


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_migrations_are_numbered_without_a_gap(dialect: str) -> None:
    numbers = [number for number, _ in migrations(dialect)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert latest_version(dialect) == numbers[-1]


def sqlite_shape(connection: sqlite3.Connection) -> Any:
    shape: dict[str, Any] = {}
    for name, kind, text in connection.execute("SELECT name, type, sql FROM sqlite_master"):
        columns = connection.execute(
            f"PRAGMA table_xinfo('{name}')" if kind == "table" else f"PRAGMA index_xinfo('{name}')"
        )
        # A table that was altered has another text than one that was made so; an index has not.
        shape[name] = (kind, columns.fetchall(), " ".join(text.split()) if text and kind == "index" else None)
    return shape


def test_sqlite(tmp_path: Path) -> None:
    at_once = sqlite3.connect(":memory:")
    for statement in statements(schema("sqlite")):
        at_once.execute(statement)
    db = open_db(None, str(tmp_path))
    assert db.version() == latest_version("sqlite")
    db.close()
    one_by_one = sqlite3.connect(tmp_path / "resultant.db")
    assert sqlite_shape(one_by_one) == sqlite_shape(at_once)
    assert len(sqlite_shape(at_once)) > 10
    at_once.close()
    one_by_one.close()


POSTGRES_SHAPE = (
    """SELECT table_name, column_name, ordinal_position, data_type, is_nullable, column_default, collation_name, is_identity
    FROM information_schema.columns WHERE table_schema = 'resultant' AND table_name <> 'schema_version' ORDER BY 1, 3""",
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'resultant' ORDER BY 2",
    "SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'resultant'::regnamespace ORDER BY 1",
    """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'resultant'::regnamespace ORDER BY 1, 2""",
)


def test_postgres(postgres_server: Any) -> None:
    import psycopg

    shapes = []
    for at_once in (True, False):
        url = postgres_server.new_database()
        if at_once:
            with psycopg.connect(url) as connection:
                connection.execute("CREATE SCHEMA resultant")
                connection.execute("SET search_path TO resultant")
                connection.execute(schema("postgres").encode())
        else:
            open_db(url, "unused").close()
        with psycopg.connect(url) as connection:
            shapes.append([connection.execute(query.encode()).fetchall() for query in POSTGRES_SHAPE])
    assert shapes[0] == shapes[1]
    assert all(shapes[0])


#: What a run has on record since the first version.
FIRST = "id, flow, name, state, attempt, parameters, context, date, created, started, ended, alias, pinned"
VALUES = "'0123', 'flow', 'name', 'Success', 2, '{}', '{}', 1.0, 2.0, 3.0, 4.0"


def fill_sqlite(path: Path, version: int) -> str:
    """Make a database as a release of an earlier version left it, with a run in it, and return its address."""
    connection = sqlite3.connect(path)
    for number, text in migrations("sqlite"):
        for statement in statements(text) if number <= version else ():
            connection.execute(statement)
    connection.execute(f"INSERT INTO flow_run ({FIRST}) VALUES ({VALUES}, 1, 0)")
    connection.execute(f"PRAGMA application_id = {0x52534C54}")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


def fill_postgres(url: str, version: int) -> str:
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute("CREATE SCHEMA resultant")
        connection.execute("SET search_path TO resultant")
        connection.execute("CREATE TABLE schema_version (version INTEGER NOT NULL)")
        connection.execute("INSERT INTO schema_version VALUES (%s)", [version])
        for number, text in migrations("postgres"):
            if number <= version:
                connection.execute(text.encode())
        connection.execute(f"INSERT INTO flow_run ({FIRST}) VALUES ({VALUES}, true, false)".encode())
    return url


@pytest.mark.parametrize("version", range(1, latest_version("sqlite") + 1))
@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_rows_of_every_earlier_version_are_read_and_written(
    dialect: str, version: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if dialect == "sqlite":
        url = fill_sqlite(tmp_path / "earlier.db", version)
    else:
        url = fill_postgres(request.getfixturevalue("postgres_server").new_database(), version)

    for _ in range(2):
        db = open_db(url, str(tmp_path))
        row = db.flow_run("0123")
        assert db.version() == latest_version(dialect)
        assert (row.flow, row.state, row.attempt, row.ended, row.alias, row.pinned) == (
            "flow", "Success", 2, 4.0, True, False,
        )  # fmt: skip
        assert row.digest_key is None
        db.put_flow_run(row._replace(id="4567", digest_key="another"))
        assert db.flow_run("4567").digest_key == "another"
        db.close()


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_a_database_that_is_made_meanwhile_is_no_other_program_s(moment: int, tmp_path: Path) -> None:
    path = str(tmp_path / "resultant.db")
    connection = sqlite3.connect(path, isolation_level=None)
    statements_seen = 0

    def made_by_another(statement: str) -> None:
        nonlocal statements_seen
        statements_seen += 1
        if statements_seen == moment:
            open_db(f"sqlite:///{path}", str(tmp_path)).close()

    connection.set_trace_callback(made_by_another)
    assert version_of(connection, path, latest_version("sqlite")) in (0, latest_version("sqlite"))
    connection.set_trace_callback(None)
    assert version_of(connection, path, latest_version("sqlite")) == latest_version("sqlite")
    connection.close()
