"""A run held by an advisory lock of the server, which falls off with the connection."""

from __future__ import annotations

import os

from .forks import keep, watch
from .holding import held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from .postgres_link import Connection, Links

__all__ = ["ServerHold", "server_holders"]


class ServerHold:
    """A run, held; let go with :meth:`close` or by leaving a ``with`` block.

    Args:
        links: how to reach the server.
        run: the id of the run.
        holds: where this object stands for as long as it holds.

    Raises:
        RunHeldError: somebody else has it.
    """

    def __init__(self, links: Links, run: str, holds: set[ServerHold]) -> None:
        self._links = links
        self._run = run
        self._holds = holds
        self._connection: Connection | None = None
        self.take()
        holds.add(self)
        watch(self)

    def take(self) -> None:
        """Take the run, or take it again where the server went away meanwhile."""
        import socket

        if self._connection is not None and self._alive(self._connection):
            return
        connection = self._links.connect(f"resultant {os.getpid()} {socket.gethostname()}")
        try:
            with self._links.problems(connection):
                self._lock(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _lock(self, connection: Connection) -> None:
        key = _key(self._run)
        taken = connection.execute("SELECT pg_try_advisory_lock(%s)", [key]).fetchone()
        if taken is None or not taken[0]:
            owner = connection.execute(
                "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
                "WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = %s AND l.objid::bigint = %s",
                [(key >> 32) & 0xFFFFFFFF, key & 0xFFFFFFFF],
            ).fetchone()
            raise held(self._run, *_owner(owner[0] if owner else ""))

    def _alive(self, connection: Connection) -> bool:
        import psycopg

        try:
            connection.execute("SELECT 1")
        except psycopg.Error:
            connection.close()
            return False
        return True

    def close(self) -> None:
        """Let go of it."""
        self._holds.discard(self)
        connection, self._connection = self._connection, None
        if connection is None:
            return
        import psycopg

        try:
            # The server takes its time to notice that a connection is gone.
            connection.execute("SELECT pg_advisory_unlock_all()")
        except psycopg.Error:
            pass  # the server went away, and the lock with it
        connection.close()

    def forked(self) -> None:
        """Leave the run to the process that this one was forked from."""
        keep(self._connection)
        self._connection = None
        self._holds.discard(self)

    def __enter__(self) -> ServerHold:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def server_holders(links: Links, runs: Iterable[str]) -> dict[str, tuple[int | None, str | None]]:
    """Return process and host of those who hold runs by locks of the server; runs that nobody holds are left out.

    Args:
        links: how to reach the server.
        runs: ids of runs.
    """
    held = (
        "SELECT (l.classid::bigint << 32) | l.objid::bigint, a.application_name FROM pg_locks l "
        "JOIN pg_stat_activity a ON a.pid = l.pid JOIN pg_database d ON d.oid = l.database "
        "WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database()"
    )
    owners: dict[int, str] = dict(links.use(lambda link: link.execute(held).fetchall()))
    return {run: _owner(owners[key]) for run in runs if (key := _key(run)) in owners}


def _owner(name: str) -> tuple[int | None, str | None]:
    pid, _, host = name.removeprefix("resultant ").partition(" ")
    return (int(pid), host) if pid.isdigit() else (None, None)


def _key(run: str) -> int:
    from hashlib import blake2b

    return int.from_bytes(blake2b(run.encode(), digest_size=8, person=b"resultant run").digest(), "big", signed=True)
