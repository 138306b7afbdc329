"""A database in a file: how it is opened, made, and what is wrong with it."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager

from resultant.errors import (
    DatabaseCorruptError,
    DatabaseDeniedError,
    DatabaseError,
    DatabaseFullError,
    DatabasePlaceError,
    DatabaseUnreachableError,
    DatabaseVersionError,
)

from .mounts import network_filesystem
from .schema import latest_version, migrations, statements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn

__all__ = ["check_place", "connect", "migrate", "problems", "transaction", "version_of"]

#: "RSLT", in the file's header: a database of ours.
_OURS = 0x52534C54

# How long to wait for other processes' transactions, which take milliseconds.
_BUSY_SECONDS = 60.0


def check_place(path: str, mounts: str) -> None:
    """Refuse a path where locks do not work, and make its folder.

    Raises:
        DatabasePlaceError: it is on a network file system, or a folder.
        DatabaseDeniedError: the folder cannot be made.
    """
    folder = os.path.dirname(path)
    kind = network_filesystem(path, mounts)
    if kind is not None:
        raise DatabasePlaceError(
            f"The state database {path} would lie on a network file system ({kind}), where SQLite's locks do not work and "
            "two machines would damage it. Set RESULTANT__DATABASE__URL to sqlite:///PATH with a path on a local disk, or "
            "to a PostgreSQL server (postgresql://USER@HOST/NAME). Results may stay where they are."
        )
    if os.path.isdir(path):
        raise DatabasePlaceError(f"The state database {path} is a folder. Name a file in RESULTANT__DATABASE__URL.")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise DatabaseDeniedError(
            f"The folder of the state database, {folder}, cannot be made: {error.strerror or error}. {_ELSEWHERE}"
        ) from error


_ELSEWHERE = (
    "Set RESULTANT__HOME_DIR to a folder that you may write to, or RESULTANT__DATABASE__URL to another database. "
    "Results that are stored stay as they are."
)


@contextmanager
def problems(path: str) -> Iterator[None]:
    """Raise SQLite's errors as ours, with what to do about them."""
    try:
        yield
    except sqlite3.Error as error:
        if isinstance(error, sqlite3.InterfaceError | sqlite3.ProgrammingError | sqlite3.IntegrityError):
            raise  # a row is to blame, or we are
        _raise(path, error)


def _raise(path: str, error: sqlite3.Error) -> NoReturn:
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        raise DatabaseCorruptError(
            f"The state database {path} is damaged, or it is no database ({error}). Move it away, together with its "
            f"-wal and -shm files, and put a backup in its place or let a new one be made. Results are files of their own "
            "and are not touched."
        ) from error
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(path)):
        raise DatabaseFullError(
            f"There is no space left for the state database {path} ({error}). Make room; what waits to be written is "
            "kept and tried again for as long as this process lives."
        ) from error
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        raise DatabaseDeniedError(f"The state database {path} cannot be written: {error}. {_ELSEWHERE}") from error
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise DatabaseUnreachableError(
            f"The state database {path} has been locked by another program for more than {_BUSY_SECONDS:.0f} seconds. "
            "End whatever keeps a transaction open in it, a database browser perhaps, and try again."
        ) from error
    raise DatabaseError(f"The state database {path} failed: {error}.") from error


def _is_full(path: str) -> bool:
    try:
        room = os.statvfs(os.path.dirname(path))
    except OSError:
        return False
    return room.f_bavail * room.f_frsize < 65536


def connect(path: str, *, power: bool = False) -> sqlite3.Connection:
    """Return a connection that any thread may use, in autocommit mode.

    Args:
        path: the file.
        power: whether commits survive the loss of power, not only the end of the process.

    Raises:
        DatabaseError: it cannot be opened, or belongs to another program; the class says which.
    """
    with problems(path):
        connection = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        try:
            # Before anything is changed in somebody else's file. In ours, this would wait for whoever writes.
            if not _is_ours(connection, path):
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            _use_wal(connection)
            connection.execute(f"PRAGMA synchronous = {'FULL' if power else 'NORMAL'}")
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("PRAGMA journal_size_limit = 67108864")
        except BaseException:
            connection.close()
            raise
        return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    # Changing the mode of a new file needs it alone, and SQLite does not wait for that by itself.
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Take the lock for writing first, so that nothing that was read in between can change."""
    if connection.in_transaction:  # Ctrl-C came twice
        connection.execute("ROLLBACK")
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        # A full disk may have rolled it back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def migrate(connection: sqlite3.Connection, path: str) -> int:
    """Bring the schema to the latest version; return that.

    Raises:
        DatabaseVersionError: it is newer than this release knows.
        DatabaseCorruptError: the file belongs to another program.
    """
    latest = latest_version("sqlite")
    with problems(path):
        if version_of(connection, path, latest) == latest:
            return latest
        with transaction(connection):
            version = version_of(connection, path, latest)
            for number, text in migrations("sqlite"):
                if number > version:
                    for statement in statements(text):
                        connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_OURS}")
            connection.execute(f"PRAGMA user_version = {latest}")
    return latest


def version_of(connection: sqlite3.Connection, path: str, latest: int) -> int:
    """Return the version of a database's schema; 0 for an empty file.

    Args:
        connection: to the file.
        path: the file.
        latest: the version that this release knows.

    Raises:
        DatabaseVersionError: it is newer than this release knows.
        DatabaseCorruptError: the file belongs to another program.
    """
    _is_ours(connection, path)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > latest:
        raise DatabaseVersionError(
            f"The state database {path} has version {version}, which a newer release of resultant has written; this one "
            f"knows versions up to {latest}. Install the newer release, or use another database."
        )
    return int(version)


def _is_ours(connection: sqlite3.Connection, path: str) -> bool:
    """Return whether there is a database of ours in a file, or none yet."""
    # In this order: whoever makes it at this moment puts tables and number there at once.
    filled = connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    if owner == _OURS:
        return True
    if owner or filled:
        raise DatabaseCorruptError(
            f"The file {path} is a SQLite database of another program. Name another file in RESULTANT__DATABASE__URL."
        )
    return False
