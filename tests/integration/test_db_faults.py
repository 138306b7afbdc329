"""Databases that are damaged, full, denied, elsewhere, or newer: clear errors, and nothing lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from resultant.db import open_db
from resultant.db.mounts import network_filesystem
from resultant.db.postgres_link import without_password
from resultant.errors import (
    DatabaseCorruptError,
    DatabaseDeniedError,
    DatabaseError,
    DatabaseFullError,
    DatabasePlaceError,
    DatabaseVersionError,
)
from resultant.testing.statedb import flow_run_row, task_run_row


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database with some rows."""
    db = open_db(None, str(tmp_path))
    db.put_flow_run(flow_run_row("a"))
    db.task_runs_later([task_run_row("a", index=index, location=f"/some/place/{index}") for index in range(3000)])
    db.close()
    return tmp_path / "resultant.db"


def reopened(file: Path) -> str:
    db = open_db(f"sqlite:///{file}", "unused")
    try:
        return db.flow_run("a").id
    finally:
        db.close()


def test_closing_leaves_one_file(file: Path) -> None:
    assert reopened(file) == "a"
    assert [path.name for path in file.parent.iterdir()] == ["resultant.db"]


# ------------------------------------------------------------------------------------------------------------- damage


@pytest.mark.parametrize(
    "content", [b"this is no database, though it is long enough for one. " * 50, b"\0" * 8192, b"short"]
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "resultant.db"
    file.write_bytes(content)
    with pytest.raises(DatabaseCorruptError, match=r"resultant\.db is damaged.*Move it away") as caught:
        open_db(None, str(tmp_path))
    assert isinstance(caught.value, ValueError)
    assert file.read_bytes() == content


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    (tmp_path / "resultant.db").touch()
    open_db(None, str(tmp_path)).close()
    assert (tmp_path / "resultant.db").stat().st_size > 0


def test_damaged_pages_are_reported(file: Path) -> None:
    data = bytearray(file.read_bytes())
    for page in range(2, len(data) // 4096):
        data[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    file.write_bytes(data)
    with pytest.raises(DatabaseCorruptError, match="damaged"):
        db = open_db(f"sqlite:///{file}", "unused")
        try:
            db.task_runs("a")
        finally:
            db.close()


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "resultant.db"
    other = sqlite3.connect(file)
    other.execute("CREATE TABLE theirs (x)")
    other.commit()
    other.close()
    content = file.read_bytes()
    with pytest.raises(DatabaseCorruptError, match="another program"):
        open_db(None, str(tmp_path))
    assert file.read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["resultant.db"]


def test_readers_do_not_wait_for_a_writer_of_another_program(file: Path) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    # It would wait for a minute, and longer than a test may take.
    assert reopened(file) == "a"
    other.close()


def test_a_newer_database_is_refused_and_left_alone(file: Path) -> None:
    other = sqlite3.connect(file)
    other.execute("PRAGMA user_version = 4711")
    other.close()
    with pytest.raises(DatabaseVersionError, match=r"4711.*Install the newer release"):
        reopened(file)
    other = sqlite3.connect(file)
    assert other.execute("PRAGMA user_version").fetchone() == (4711,)
    assert other.execute("SELECT count(*) FROM task_run").fetchone() == (3000,)
    other.close()


# ------------------------------------------------------------------------------------------------- denied, full, busy


def test_a_home_that_may_not_be_written(small_disk: Callable[[str], object], file: Path) -> None:
    disk = small_disk("2m")
    home = disk.path  # type: ignore[attr-defined]
    shutil.copy(file, home / "resultant.db")
    disk.remount("ro")  # type: ignore[attr-defined]
    with pytest.raises(PermissionError, match=r"cannot be written.*RESULTANT__HOME_DIR") as caught:
        open_db(None, str(home))
    assert isinstance(caught.value, DatabaseDeniedError)
    with pytest.raises(DatabaseDeniedError, match=r"cannot be made.*RESULTANT__HOME_DIR"):
        open_db(None, str(home / "deeper"))
    disk.remount("rw")  # type: ignore[attr-defined]
    assert reopened(home / "resultant.db") == "a"


def test_a_full_disk_is_an_error_and_its_rows_are_kept(small_disk: Callable[[str], object]) -> None:
    disk = small_disk("2m")
    home = disk.path  # type: ignore[attr-defined]
    db = open_db(None, str(home))
    db.put_flow_run(flow_run_row("a"))
    filler = home / "filler"
    room = os.statvfs(home)
    filler.write_bytes(b"x" * (room.f_bavail * room.f_frsize - 65536))
    rows = [task_run_row("a", index=index, location=f"/some/place/{index}") for index in range(5000)]
    db.task_runs_later(rows)
    with pytest.raises(DatabaseFullError, match="no space left") as caught:
        db.flush()
    assert isinstance(caught.value, OSError)
    # What says that all is done must not be there before all is.
    with pytest.raises(DatabaseFullError):
        db.put_flow_run(flow_run_row("a", state="Success"))
    assert db.flow_run("a").state == "Running"
    assert len(db.task_runs("a")) < 5000
    filler.unlink()
    db.task_runs_later([task_run_row("a", "later")])
    db.flush()
    assert [run.index for run in db.task_runs("a", "task-1")] == list(range(5000))
    assert len(db.task_runs("a", "later")) == 1
    db.close()
    assert reopened(home / "resultant.db") == "a"


def test_rows_wait_for_a_writer_of_another_program(file: Path) -> None:
    db = open_db(f"sqlite:///{file}", "unused")
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    import threading

    threading.Timer(0.5, lambda: other.execute("COMMIT")).start()
    db.task_runs_later([task_run_row("a", "late")])
    db.flush()
    assert len(db.task_runs("a", "late")) == 1
    other.close()
    db.close()


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "resultant.db").mkdir()
    with pytest.raises(DatabasePlaceError, match="is a folder"):
        open_db(None, str(tmp_path))


@pytest.mark.parametrize("url", ["mysql://user:secret@host/x", "sqlite://", "resultant.db", "sqlite:///"])
def test_other_addresses_are_refused_without_their_password(url: str) -> None:
    with pytest.raises(DatabasePlaceError, match="RESULTANT__DATABASE__URL") as caught:
        open_db(url, "unused")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me@host:5432/name", "postgresql://me@host:5432/name"),
        ("postgresql://host:5432/name?user=me@here", "postgresql://host:5432/name?user=me@here"),
        ("postgresql://me:secret@host:5432/name", "postgresql://me:…@host:5432/name"),
        ("postgresql://me:sec:ret@host/name", "postgresql://me:…@host/name"),
        ("postgresql://me:sec@ret@host/name", "postgresql://me:…@host/name"),
        ("postgresql://me:sec?ret@one:1,two:2/name", "postgresql://me:…@one:1,two:2/name"),
        ("postgresql://host/name?password=sec%20ret&user=me", "postgresql://host/name?password=…&user=me"),
        ("postgresql://:secret@/name?password=secret", "postgresql://:…@/name?password=…"),
    ],
)
def test_nothing_of_a_password_is_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown


# ----------------------------------------------------------------------------------------------- network file systems

MOUNTS = """\
/dev/sda1 / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
server:/export {0}/net nfs4 rw,vers=4.2 0 0
/dev/sdb1 {0}/net/local xfs rw 0 0
//server/share {0}/with\\040space cifs rw 0 0
sshfs {0}/ssh fuse.sshfs rw 0 0
/dev/sdc1 {0}/ntfs fuseblk rw 0 0
overlay {0}/overlay overlay rw 0 0
/dev/sdd1 {0}/twice ext4 rw 0 0
server:/x {0}/twice nfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("net", "nfs4"),
        ("net/deep/er/resultant.db", "nfs4"),
        ("network/resultant.db", None),
        ("net/local/resultant.db", None),
        ("with space/resultant.db", "cifs"),
        ("ssh/resultant.db", "fuse.sshfs"),
        ("ntfs/resultant.db", None),
        ("overlay/resultant.db", None),
        ("twice/resultant.db", "nfs"),
        ("resultant.db", None),
        ("link/resultant.db", "nfs4"),
    ],
)
def test_network_file_systems_are_told_from_local_ones(tmp_path: Path, path: str, kind: str | None) -> None:
    table = tmp_path / "mounts"
    table.write_text(MOUNTS.format(tmp_path))
    (tmp_path / "net").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "net")
    assert network_filesystem(str(tmp_path / path), str(table)) == kind
    assert network_filesystem(str(tmp_path / path), str(tmp_path / "no such table")) is None


def test_a_database_on_a_network_file_system_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "mounts"
    table.write_text(MOUNTS.format(tmp_path))
    with pytest.raises(DatabasePlaceError, match=r"network file system \(nfs4\).*postgresql://"):
        open_db(None, str(tmp_path / "net" / "home"), mounts=str(table))
    assert not (tmp_path / "net").exists()
    open_db(None, str(tmp_path / "local"), mounts=str(table)).close()


# ------------------------------------------------------------------------------------------------------ interruptions


def test_ctrl_c_loses_no_rows(file: Path) -> None:
    script = f"""
import os, signal, threading, time
from resultant.db import open_db
from resultant.testing.statedb import task_run_row

class Interrupt(BaseException):
    pass

armed = False

def interrupt(number, frame):
    if armed:
        raise Interrupt

def pester():
    while not done:
        time.sleep(0.002)
        os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, interrupt)
db = open_db("sqlite:///{file}", "unused")
rows = [[task_run_row("a", "b", index)] for index in range(20_000)]
done, given, interrupted = False, 0, 0
thread = threading.Thread(target=pester)
thread.start()
for row in rows:
    try:
        armed = True
        db.task_runs_later(row)
        armed = False
        given += 1
    except Interrupt:
        armed = False
        interrupted += 1  # the row may have been taken, or not
done = True
thread.join()
db.flush()
there = len(db.task_runs("a", "b"))
assert given <= there <= given + interrupted, (given, there, interrupted)
print(interrupted)
db.close()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0, "nothing was interrupted"


def test_the_process_may_end_without_closing(file: Path) -> None:
    script = f"""
from resultant.db import open_db
from resultant.testing.statedb import task_run_row
db = open_db("sqlite:///{file}", "unused")
db.task_runs_later([task_run_row("a", "b", index) for index in range(100)])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    db = open_db(f"sqlite:///{file}", "unused")
    assert len(db.task_runs("a", "b")) == 100
    db.close()


def test_errors_are_errors_of_the_database() -> None:
    for kind in (
        DatabaseCorruptError,
        DatabaseDeniedError,
        DatabaseFullError,
        DatabasePlaceError,
        DatabaseVersionError,
    ):
        assert issubclass(kind, DatabaseError)
