"""A PostgreSQL server that goes away and comes back, or that is none."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from resultant.db import open_db
from resultant.db.postgres import PostgresDB
from resultant.errors import (
    DatabaseDeniedError,
    DatabaseUnreachableError,
    DatabaseVersionError,
    RunHeldError,
)
from resultant.testing.statedb import flow_run_row, task_run_row

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def db(postgres: str) -> Iterator[PostgresDB]:
    db = PostgresDB(postgres)
    yield db
    db.close()


def test_a_server_that_is_started_again_during_a_run(db: PostgresDB, postgres_server: Any) -> None:
    db.put_flow_run(flow_run_row("a"))
    many = 3000

    def restart() -> None:
        for _ in range(2):
            time.sleep(0.3)
            postgres_server.stop()
            time.sleep(0.3)
            postgres_server.start()

    outage = threading.Thread(target=restart)
    with db.hold("a"):
        outage.start()
        longest = 0.0
        for index in range(many):
            before = time.monotonic()
            db.task_runs_later([task_run_row("a", index=index, location=f"/place/{index}")])
            longest = max(longest, time.monotonic() - before)
            time.sleep(0.001)
        outage.join()
        db.put_flow_run(flow_run_row("a", state="Success"))
        assert [run.index for run in db.task_runs("a")] == list(range(many))
        assert db.flow_run("a").state == "Success"
        # It holds the run again, which the server had forgotten.
        with pytest.raises(RunHeldError):
            db.hold("a")
    assert longest < 0.25, "whoever gave rows waited for the server"


def restart(server: Any) -> None:
    server.stop()
    server.start()


def test_whoever_reads_first_takes_a_run_again(db: PostgresDB, postgres: str, postgres_server: Any) -> None:
    db.put_flow_run(flow_run_row("a"))
    other = PostgresDB(postgres)
    with db.hold("a"):
        restart(postgres_server)
        assert db.flow_run("a").id == "a"
        with pytest.raises(RunHeldError):
            other.hold("a")
    with other.hold("a"):
        pass
    other.close()


def test_a_run_is_taken_again_though_nothing_is_asked(postgres: str, postgres_server: Any) -> None:
    db, other = PostgresDB(postgres, beat=0.05), PostgresDB(postgres)
    before = threading.active_count()
    with db.hold("a"), db.hold("b"):
        restart(postgres_server)
        deadline = time.monotonic() + 30
        while set(other.holders(["a", "b"])) != {"a", "b"}:
            assert time.monotonic() < deadline, "nobody took them again"
            time.sleep(0.02)
    while threading.active_count() > before:
        assert time.monotonic() < deadline, "somebody still looks after them"
        time.sleep(0.02)
    assert other.holders(["a", "b"]) == {}
    db.close()
    other.close()


HOLDS = """
import socket, subprocess, sys, time
from resultant.db.postgres import PostgresDB

if sys.argv[2]:
    socket.gethostname = lambda: sys.argv[2]
db = PostgresDB(sys.argv[1])
hold = db.hold("a")
connection = hold._connection.fileno()
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1)"], pass_fds=[connection])
print("held", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("reaped", [True, False])
@pytest.mark.parametrize("host", ["", "worker-0." + "x" * 60], ids=["host", "long host"])
def test_a_run_of_a_process_that_is_gone_is_free_though_the_server_has_not_noticed(
    db: PostgresDB, postgres: str, monkeypatch: pytest.MonkeyPatch, host: str, reaped: bool
) -> None:
    db.put_flow_run(flow_run_row("a"))
    if host:
        monkeypatch.setattr(socket, "gethostname", lambda: host)
    command = [sys.executable, "-c", HOLDS, postgres, host]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(RunHeldError, match=f"at work in process {holder.pid} "):
            db.hold("a")
        holder.kill()
        if reaped:
            holder.wait()
        else:
            os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
        # A copy of its connection is still open.
        assert db.holders(["a"])
        with db.hold("a"):
            pass


def test_whoever_lost_its_run_writes_nothing_more(db: PostgresDB, postgres: str, postgres_server: Any) -> None:
    for run in "ab":
        db.put_flow_run(flow_run_row(run))
    other = PostgresDB(postgres)
    with db.hold("b"):
        hold = db.hold("a")
        restart(postgres_server)
        with other.hold("a"), hold:
            # Reading is harmless, and the other run is taken again.
            assert db.task_runs("a") == []
            assert set(other.holders(["b"])) == {"b"}
            db.task_runs_later([task_run_row("a")])
            with pytest.raises(RunHeldError):
                db.flush()
            with pytest.raises(RunHeldError):
                db.put_flow_run(flow_run_row("a", state="Success"))
            assert other.flow_run("a").state == "Running"
        # Nor later, when its rows would be written over those of whoever has the run.
        db.task_runs_later([task_run_row("b")])
        db.flush()
    assert other.task_runs("a") == []
    assert len(other.task_runs("b")) == 1
    with db.hold("a"):
        db.task_runs_later([task_run_row("a", attempt=2)])
        db.flush()
    assert [row.attempt for row in other.task_runs("a")] == [2]
    other.close()


def test_rows_of_a_run_that_is_let_go_of_while_they_are_on_their_way(
    db: PostgresDB, postgres: str, postgres_server: Any
) -> None:
    db.put_flow_run(flow_run_row("a"))
    other = PostgresDB(postgres)
    hold = db.hold("a")
    restart(postgres_server)
    with other.hold("a"):
        db.task_runs_later([task_run_row("a")])
        with pytest.raises(RunHeldError):
            db.flush()
        ask = db._links.recall

        def ask_late() -> None:
            hold.close()
            ask()

        db._links.recall = ask_late
        db.flush()
        assert other.task_runs("a") == []
    other.close()


def test_a_server_that_goes_away_as_soon_as_it_answers(
    db: PostgresDB, postgres_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.put_flow_run(flow_run_row("a"))
    connect = psycopg.connect
    made: list[Any] = []

    def restarted(*arguments: Any, **options: Any) -> Any:
        connection = connect(*arguments, **options)
        made.append(connection)
        if len(made) < 6:
            postgres_server.stop()
            postgres_server.start()
        return connection

    with db.hold("a"):
        monkeypatch.setattr(psycopg, "connect", restarted)
        postgres_server.stop()
        postgres_server.start()
        db.task_runs_later([task_run_row("a")])
        db.flush()
        assert len(db.task_runs("a")) == 1
        # It holds the run again, however often it lost it.
        with pytest.raises(RunHeldError):
            db.hold("a")


def test_reading_waits_for_the_server_too(db: PostgresDB, postgres_server: Any) -> None:
    db.put_flow_run(flow_run_row("a"))
    postgres_server.stop()
    back = threading.Timer(0.5, postgres_server.start)
    back.start()
    try:
        assert db.flow_run("a").id == "a"
    finally:
        back.join()


def test_a_server_that_stays_away_is_an_error_and_rows_are_kept(postgres: str, postgres_server: Any) -> None:
    db = PostgresDB(postgres, patience=0.3)
    db.put_flow_run(flow_run_row("a"))
    postgres_server.stop()
    try:
        db.task_runs_later([task_run_row("a", index=index) for index in range(100)])
        with pytest.raises(DatabaseUnreachableError, match=r"does not answer|gone away") as caught:
            db.flush()
        assert isinstance(caught.value, ConnectionError)
        with pytest.raises(DatabaseUnreachableError):
            db.flow_run("a")
    finally:
        postgres_server.start()
    db.flush()
    assert len(db.task_runs("a")) == 100
    db.close()


def test_no_server_is_an_error_at_once(tmp_path: Any) -> None:
    before = time.monotonic()
    with pytest.raises(DatabaseUnreachableError, match="does not answer") as caught:
        open_db(f"postgresql://user:secret@/name?host={tmp_path}", "unused")
    assert "secret" not in str(caught.value)
    assert time.monotonic() - before < 5


def test_no_such_database_is_said(postgres_server: Any) -> None:
    with pytest.raises(DatabaseUnreachableError, match='database "nowhere" does not exist'):
        open_db(postgres_server.url("nowhere"), "unused")


def test_a_newer_database_is_refused(postgres: str) -> None:
    open_db(postgres, "unused").close()
    with psycopg.connect(postgres) as connection:
        connection.execute("UPDATE resultant.schema_version SET version = 4711")
    with pytest.raises(DatabaseVersionError, match=r"4711.*Install the newer release"):
        open_db(postgres, "unused")


def test_a_user_who_may_only_read(postgres: str) -> None:
    with psycopg.connect(postgres) as connection:
        connection.execute("DROP ROLE IF EXISTS reader")
        connection.execute("CREATE ROLE reader LOGIN")
    reader = postgres.replace("postgres@", "reader@")
    with pytest.raises(DatabaseDeniedError, match="resultant"):
        open_db(reader, "unused")
    owner = open_db(postgres, "unused")
    owner.put_flow_run(flow_run_row("a"))
    with psycopg.connect(postgres) as connection:
        connection.execute("GRANT USAGE ON SCHEMA resultant TO reader")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA resultant TO reader")
    db = open_db(reader, "unused")
    assert db.flow_run("a").id == "a"
    with pytest.raises(PermissionError, match="permission denied"):
        db.put_flow_run(flow_run_row("b"))
    db.close()
    owner.close()
    with psycopg.connect(postgres) as connection:
        connection.execute("DROP OWNED BY reader")
        connection.execute("DROP ROLE reader")


def test_zeros_in_texts_do_not_stop_it(db: PostgresDB) -> None:
    db.put_flow_run(flow_run_row("a", message="x\0y"))
    db.task_runs_later([task_run_row("a", message="x\0y", location="\\u0000")])
    db.flush()
    assert db.flow_run("a").message == "x\ufffdy"
    (found,) = db.task_runs("a")
    assert (found.message, found.location) == ("x\ufffdy", "\\u0000")


def test_several_processes_delete_and_write(postgres: str) -> None:
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            db = PostgresDB(postgres)
            for number in range(10):
                run = f"{name}-{number}"
                db.put_flow_run(flow_run_row(run))
                db.task_runs_later([task_run_row(run, index=index, location=f"/same/{index}") for index in range(50)])
                db.flush()
                assert [found.location for found in db.task_runs(run)] == [f"/same/{index}" for index in range(50)]
                db.delete_flow_run(run)
            db.close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
