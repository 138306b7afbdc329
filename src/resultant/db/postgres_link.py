"""Connections to PostgreSQL: how they are made, made again, and what is wrong with them."""

from __future__ import annotations

import os
import re
import threading
import time
from contextlib import contextmanager, suppress
from weakref import WeakSet

from resultant.errors import (
    DatabaseCorruptError,
    DatabaseDeniedError,
    DatabaseError,
    DatabaseFullError,
    DatabasePlaceError,
    DatabaseUnreachableError,
    DatabaseVersionError,
    RunHeldError,
)

from .forks import keep, watch
from .schema import latest_version, migrations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType
    from typing import Any, TypeVar

    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]
    T = TypeVar("T")

__all__ = ["Links", "migrate", "without_password"]

# For the lock of those that bring the schema up to date.
_MIGRATING = 7238

# From the first colon behind the user on; whoever forgets to escape a colon or an @ shows nothing of it either.
_SECRET = re.compile(r"(//[^:@/]*:)[^/]*(?=@)|(password=)[^&\s]*")


def without_password(url: str) -> str:
    """Return an address as it may be shown."""
    return _SECRET.sub(lambda found: f"{found[1] or found[2]}…", url)


def driver() -> ModuleType:
    """Return psycopg.

    Raises:
        DatabasePlaceError: it is not installed.
    """
    try:
        import psycopg
    except ImportError as error:
        raise DatabasePlaceError(
            f"A state database in PostgreSQL needs psycopg 3: pip install 'resultant[postgres]' ({error})."
        ) from error
    return psycopg


class Links:
    """The connections of one database object: taken, given back, and made again when the server comes back.

    Args:
        url: where the server is.
        patience: for how many seconds to try again to reach a server that is gone.
    """

    def __init__(self, url: str, patience: float) -> None:
        self._url = url
        self._shown = without_password(url)
        self._patience = patience
        self._psycopg = driver()
        self._free: list[Connection] = []
        self._made: WeakSet[Connection] = WeakSet()
        self._closed = False
        self._recalling = threading.Lock()
        #: Tells the server again what it forgets when it is started again; it raises what keeps it from that.
        self.recall: Callable[[], None] = lambda: None
        self._doubt = self._sure = object()  # the same, unless the server may have been started again since it was told
        watch(self)

    def forked(self) -> None:
        """Leave the connections to the process that this one was forked from."""
        for connection in list(self._made):
            keep(connection)
            # No farewell to the server, which would end the parent's session; but this process shall not keep that alive.
            with suppress(OSError, self._psycopg.Error):
                os.close(connection.fileno())
        self._made = WeakSet()
        self._free = []
        self._recalling = threading.Lock()

    def doubt(self) -> None:
        """Have the server told again, before anything else is done, what it may have forgotten."""
        self._doubt = object()

    def connect(self, name: str = "resultant") -> Connection:
        """Return a new connection in autocommit mode, for whoever closes it.

        Raises:
            DatabaseUnreachableError: the server does not answer, or does not let us in.
        """
        try:
            connection: Connection = self._psycopg.connect(
                self._url, autocommit=True, application_name=name[:63], connect_timeout=10
            )
            self._made.add(connection)
            # So that the server notices soon when this machine is gone, and lets go of what it held.
            connection.execute(
                "SELECT set_config('search_path', 'resultant', false), set_config('tcp_keepalives_idle', '30', false), "
                "set_config('tcp_keepalives_interval', '10', false), set_config('tcp_keepalives_count', '3', false)"
            )
        except self._psycopg.Error as error:
            raise DatabaseUnreachableError(
                f"The state database {self._shown} does not answer: {str(error).strip()}. See that the server runs and that "
                "RESULTANT__DATABASE__URL names it; results that are stored stay as they are."
            ) from error
        return connection

    def use(self, work: Callable[[Connection], T], *, writing: bool = False) -> T:
        """Do something with a connection; do it again, with another one, where the server went away meanwhile.

        Args:
            work: may be called several times, and must come to the same then.
            writing: whether it must not be done where a run that was held is somebody else's now.

        Raises:
            DatabaseUnreachableError: the server stayed away for too long.
            RunHeldError: the server was away, and somebody else took a run meanwhile.
            DatabaseError: anything else that the server has to say about itself.
        """
        deadline = time.monotonic() + self._patience
        pause = 0.02
        while True:
            try:
                return self._once(work, writing)
            except DatabaseUnreachableError:
                if self._closed or time.monotonic() + pause > deadline:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, 1.0)

    def _once(self, work: Callable[[Connection], T], writing: bool) -> T:
        try:
            connection = self._free.pop()
        except IndexError:
            connection = self.connect()
            # The server that others were connected to may have gone unnoticed.
            self.doubt()
        try:
            if self._doubt is not self._sure:
                self._remind(writing)
            with self.problems(connection):
                return work(connection)
        finally:
            if connection.broken or self._closed:
                connection.close()
            else:
                self._free.append(connection)

    def _remind(self, writing: bool) -> None:
        with self._recalling:
            doubt = self._doubt
            if doubt is self._sure:
                return
            try:
                self.recall()
            except RunHeldError:
                if writing:
                    raise
            else:
                self._sure = doubt

    @contextmanager
    def problems(self, connection: Connection) -> Iterator[None]:
        """Raise what the driver has to say about a connection as ours, with what to do about it."""
        try:
            yield
        except self._psycopg.Error as error:
            raise self._named(connection, error) from error

    def _named(self, connection: Connection, error: Any) -> BaseException:
        code = error.sqlstate or ""
        said = str(error).strip().partition("\n")[0]
        if connection.broken or connection.closed or code.startswith(("08", "57P")):
            for free in self._free:  # they are most likely gone as well
                free.close()
            self._free.clear()
            self.doubt()
            return DatabaseUnreachableError(
                f"The state database {self._shown} has gone away ({said}), and did not come back within "
                f"{self._patience:.0f} seconds. Start the server; what waits to be written is kept and tried again for as "
                "long as this process lives."
            )
        if code == "53100":
            return DatabaseFullError(
                f"There is no space left for the state database {self._shown} ({said}). Make room on its server; what waits "
                "to be written is kept and tried again for as long as this process lives."
            )
        if code in ("25006", "42501"):
            return DatabaseDeniedError(
                f"The state database {self._shown} cannot be written: {said}. Give its user the right to write to the schema "
                "`resultant`, or set RESULTANT__DATABASE__URL to another database."
            )
        if code.startswith("XX"):
            return DatabaseCorruptError(
                f"The state database {self._shown} is damaged: {said}. Put a backup in its place."
            )
        if code.startswith(("22", "23")):
            return error  # type: ignore[no-any-return]  # a row is to blame
        return DatabaseError(f"The state database {self._shown} failed: {said} ({code}).")

    def close(self) -> None:
        """Close all connections, those in use when they are given back."""
        self._closed = True
        while self._free:
            self._free.pop().close()


def migrate(connection: Connection, url: str) -> int:
    """Bring the schema to the latest version; return that.

    Raises:
        DatabaseVersionError: it is newer than this release knows.
    """
    latest = latest_version("postgres")
    if _version(connection, url, latest) == latest:
        return latest
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_MIGRATING])
        version = _version(connection, url, latest)
        connection.execute("CREATE SCHEMA IF NOT EXISTS resultant")
        connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
        for number, text in migrations("postgres"):
            if number > version:
                connection.execute(text.encode())
        connection.execute("DELETE FROM schema_version")
        connection.execute("INSERT INTO schema_version VALUES (%s)", [latest])
    return latest


def _version(connection: Connection, url: str, latest: int) -> int:
    # to_regclass() may remember what was so before we waited for the lock; a query does not.
    there = connection.execute(
        "SELECT 1 FROM pg_class WHERE relname = 'schema_version' "
        "AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'resultant')"
    ).fetchone()
    row = connection.execute("SELECT version FROM schema_version").fetchone() if there else None
    version = int(row[0]) if row else 0
    if version > latest:
        raise DatabaseVersionError(
            f"The state database {without_password(url)} has version {version}, which a newer release of resultant has "
            f"written; this one knows versions up to {latest}. Install the newer release, or use another database."
        )
    return version
