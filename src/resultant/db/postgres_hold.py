"""A run held by an advisory lock of the server, which falls off with the connection."""

from __future__ import annotations

import os
import threading
import time

from resultant.errors import DatabaseError, RunHeldError

from .forks import keep, watch
from .holding import held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from .postgres_link import Connection, Links

__all__ = ["Holds", "server_holders"]

# The server notices that a process is gone when it is done with what that had asked for last, and no other process has a copy
# of its connection any more: for so many seconds at most, whoever comes next waits for that, and looks this often.
_NOTICES = 5.0
_PAUSE = 0.02


class Holds:
    """The runs that one database object holds. They are taken again where the server was started again.

    Args:
        links: how to reach the server.
        beat: after how many seconds to look whether it still knows them, where nothing else is asked of it.

    Attributes:
        lost: runs that somebody else took meanwhile: what is still to be written of them never is.
    """

    def __init__(self, links: Links, beat: float) -> None:
        self.lost: set[str] = set()
        self._links = links
        self._beat = beat
        self._lock = threading.Lock()
        self._all: set[ServerHold] = set()
        self._empty = threading.Event()
        links.recall = self._take_again
        watch(self)

    def hold(self, run: str) -> ServerHold:
        """Hold a run.

        Args:
            run: its id.

        Raises:
            RunHeldError: somebody else has it.
        """
        hold = ServerHold(self._links, run, self._let_go)
        with self._lock:
            self.lost.discard(run)
            self._all.add(hold)
            if len(self._all) == 1:
                self._empty = threading.Event()
                thread = threading.Thread(
                    target=self._watch, args=(self._empty,), name="resultant-db-holds", daemon=True
                )
                thread.start()
        return hold

    def _let_go(self, hold: ServerHold) -> None:
        with self._lock:
            # In this order: whoever writes does not find it held any more, and then looks whether it is lost.
            if hold.lost:
                self.lost.add(hold.run)
            self._all.discard(hold)
            if not self._all:
                self._empty.set()

    def _take_again(self) -> None:
        problem: DatabaseError | None = None
        for hold in list(self._all):
            try:
                hold.take()
            except DatabaseError as error:
                problem = problem or error
        if problem is not None:
            raise problem

    def _watch(self, empty: threading.Event) -> None:
        while not empty.wait(self._beat):
            try:
                self._take_again()
            except DatabaseError:
                # Whoever uses the database next tries again, and is told what is wrong.
                self._links.doubt()

    def close(self) -> None:
        """Let go of all."""
        for hold in list(self._all):
            hold.close()

    def forked(self) -> None:
        """Hold nothing: the runs are those of the process that this one was forked from."""
        self._lock = threading.Lock()
        self._all = set()
        self._empty = threading.Event()


class ServerHold:
    """A run, held; let go with :meth:`close` or by leaving a ``with`` block.

    Args:
        links: how to reach the server.
        run: the id of the run.
        let_go: is told when it is let go of.

    Attributes:
        lost: whether somebody else took it meanwhile.

    Raises:
        RunHeldError: somebody else has it.
    """

    def __init__(self, links: Links, run: str, let_go: Callable[[ServerHold], None]) -> None:
        self._links = links
        self.run = run
        self._let_go = let_go
        self._lock = threading.Lock()
        self._wanted = True
        self.lost = False
        self._connection: Connection | None = None
        self.take(patient=True)
        watch(self)

    def take(self, patient: bool = False) -> None:
        """Take the run, or take it again where the server went away meanwhile.

        Args:
            patient: whether to wait for the server to notice that whoever has it is gone.

        Raises:
            RunHeldError: somebody else has it.
            DatabaseError: the server is still away, or cannot say.
        """
        import socket

        with self._lock:
            if not self._wanted or (self._connection is not None and self._alive(self._connection)):
                return
            if self.lost:
                # Whoever has it, or had it, may have brought it to its end.
                raise held(self.run, None, None)
            connection = self._links.connect(_name(os.getpid(), socket.gethostname()))
            try:
                with self._links.problems(connection):
                    self._take_with(connection, _NOTICES if patient else 0.0)
            except BaseException as error:
                self.lost = isinstance(error, RunHeldError)
                connection.close()
                raise
            self._connection = connection

    def _take_with(self, connection: Connection, patience: float) -> None:
        key = _key(self.run)
        deadline = time.monotonic() + patience
        while True:
            taken = connection.execute("SELECT pg_try_advisory_lock(%s)", [key]).fetchone()
            if taken is not None and taken[0]:
                return
            owner = connection.execute(
                "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
                "WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = %s AND l.objid::bigint = %s",
                [(key >> 32) & 0xFFFFFFFF, key & 0xFFFFFFFF],
            ).fetchone()
            pid, host = _owner(owner[0]) if owner else (None, None)
            if (owner and not _is_gone(pid, host)) or time.monotonic() > deadline:
                raise held(self.run, pid, host)
            time.sleep(_PAUSE)

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
        with self._lock:
            self._wanted = False
            connection, self._connection = self._connection, None
        self._let_go(self)
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
        self._lock = threading.Lock()
        self._wanted = False
        self._connection = None

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


def _name(pid: int, host: str) -> str:
    """Return the name of the connection of a process that holds a run, as much of it as the server keeps."""
    return f"resultant {pid} {host}"[:63]


def _is_gone(pid: int | None, host: str | None) -> bool:
    """Return whether a process of this machine has ended; one that nobody has asked for its end yet has."""
    import socket

    if pid is None or host is None or _name(pid, host) != _name(pid, socket.gethostname()):
        return False
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] in (b"Z", b"X")
    except ProcessLookupError:
        return True
    except (OSError, IndexError):
        return False  # somebody else's, or a system that does not say


def _key(run: str) -> int:
    from hashlib import blake2b

    return int.from_bytes(blake2b(run.encode(), digest_size=8, person=b"resultant run").digest(), "big", signed=True)
