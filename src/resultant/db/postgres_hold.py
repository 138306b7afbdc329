"""A run held by an advisory lock of the server, which falls off with the connection."""

from __future__ import annotations

import os

from .holding import held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from .postgres_link import Connection, Links

__all__ = ["ServerHold"]


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

    def take(self) -> None:
        """Take the run, or take it again where the server went away meanwhile."""
        import socket

        if self._connection is not None and self._alive(self._connection):
            return
        connection = self._links.connect(f"resultant {os.getpid()} {socket.gethostname()}")
        key = _key(self._run)
        taken = connection.execute("SELECT pg_try_advisory_lock(%s)", [key]).fetchone()
        if taken is None or not taken[0]:
            owner = connection.execute(
                "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
                "WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = %s AND l.objid::bigint = %s",
                [(key >> 32) & 0xFFFFFFFF, key & 0xFFFFFFFF],
            ).fetchone()
            connection.close()
            pid, _, host = (owner[0] if owner else "").removeprefix("resultant ").partition(" ")
            raise held(self._run, *((int(pid), host) if pid.isdigit() else (None, None)))
        self._connection = connection

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
        if connection is not None:
            connection.close()

    def __enter__(self) -> ServerHold:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _key(run: str) -> int:
    from hashlib import blake2b

    return int.from_bytes(blake2b(run.encode(), digest_size=8, person=b"resultant run").digest(), "big", signed=True)
