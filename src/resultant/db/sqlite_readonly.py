"""The embedded database for those who may read it and not write it: a home of somebody else's, or on a disk that is read-only."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
from contextlib import suppress
from urllib.parse import quote

from resultant.errors import DatabaseDeniedError, DatabaseVersionError

from .forks import keep, watch
from .holding import file_holders
from .reading import Reading
from .schema import latest_version
from .sqlite_file import problems, version_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, NoReturn

__all__ = ["ReadOnlySqlite"]


class ReadOnlySqlite(Reading):
    """A :class:`~resultant.db.StateDB` in a file that is only read; whatever would write is refused.

    Args:
        path: the file.
        reason: why it cannot be written.

    Raises:
        DatabaseError: it cannot be read either; the class says why, the message what to do.
    """

    #: That nothing can be written.
    read_only = True

    def __init__(self, path: str, reason: DatabaseDeniedError) -> None:
        self.path = os.path.realpath(path)
        self.url = f"sqlite:///{self.path}"
        self._reason = reason
        self._copy: str | None = None
        self._lock = threading.Lock()
        with problems(self.path):
            self._connection = self._connect()
            latest = latest_version("sqlite")
            self._version = version_of(self._connection, self.path, latest)
        if self._version < latest:
            self.close()
            raise DatabaseVersionError(
                f"The state database {self.path} has version {self._version}, and this release reads version {latest}. It is "
                "brought up to date by whoever opens it next and may write it: `resultant db upgrade`."
            ) from reason
        watch(self)

    def _connect(self) -> sqlite3.Connection:
        with suppress(sqlite3.OperationalError):
            return _opened(self.path, "mode=ro")
        # The files beside it, which readers and writers share, are not there and cannot be made.
        log = f"{self.path}-wal"
        if not os.path.exists(log) or not os.path.getsize(log):
            return _opened(self.path, "mode=ro&immutable=1")
        # What a process that is gone had written last is only in the log, and only in a place of its own can that be used.
        self._copy = tempfile.mkdtemp(prefix="resultant-db-")
        copy = os.path.join(self._copy, "resultant.db")
        shutil.copyfile(self.path, copy)
        shutil.copyfile(log, f"{copy}-wal")
        return _opened(copy, "mode=rw")

    def _read(self, query: str, *values: Any) -> list[Any]:
        with self._lock, problems(self.path):
            return self._connection.execute(query, values).fetchall()

    def forked(self) -> None:
        """Read through a connection of this process's own; SQLite's cannot be carried along."""
        keep((self._connection, self._copy))
        self._lock = threading.Lock()
        self._copy = None
        self._connection = self._connect()

    def sizes(self) -> dict[str, int]:
        """Return bytes and numbers of rows; see :class:`~resultant.db.StateDB`."""
        tables = {"flow_runs": "flow_run", "task_runs": "task_run", "cache_entries": "cache"}
        sizes = {name: int(self._read(f"SELECT count(*) FROM {table}")[0][0]) for name, table in tables.items()}
        return {"bytes": os.path.getsize(self.path), **sizes}

    def holders(self, run_ids: Iterable[str]) -> dict[str, tuple[int | None, str | None]]:
        """Return process and host of those who hold runs; see :class:`~resultant.db.StateDB`."""
        return file_holders(os.path.join(os.path.dirname(self.path), "locks"), run_ids)

    def version(self) -> int:
        """Return the schema's version."""
        return self._version

    def flush(self) -> None:
        """Do nothing: nothing was given."""

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        self._connection.close()
        if self._copy is not None:
            shutil.rmtree(self._copy, ignore_errors=True)

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise DatabaseDeniedError(str(self._reason)) from self._reason

    put_flow_run: Callable[..., Any] = _refuse
    task_runs_later: Callable[..., Any] = _refuse
    successes: Callable[..., Any] = _refuse
    cache_put: Callable[..., Any] = _refuse
    kind: Callable[..., Any] = _refuse
    delete_flow_run: Callable[..., Any] = _refuse
    set_pinned: Callable[..., Any] = _refuse
    pin_until: Callable[..., Any] = _refuse
    hold: Callable[..., Any] = _refuse
    upgrade: Callable[..., Any] = _refuse


def _opened(path: str, options: str) -> sqlite3.Connection:
    uri = f"file:{quote(path)}?{options}"
    connection = sqlite3.connect(uri, uri=True, timeout=60.0, isolation_level=None, check_same_thread=False)
    try:
        # Only the first question opens the files.
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection
