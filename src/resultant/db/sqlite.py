"""The embedded state database: one file, many processes."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress

from .cache_intake import CacheIntake
from .forks import keep, watch
from .holding import FileHold, file_holders
from .journal import Journal
from .left_behind import take_over, write_left
from .mounts import MOUNTS
from .parcels import count
from .reading import FLOW_RUN_COLUMNS, Reading
from .rows import FLOW_RUN, unknown
from .sqlite_checkpoints import Checkpoints
from .sqlite_file import check_place, connect, migrate, problems, transaction
from .sqlite_rows import TaskRunWriter
from .writer import Writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from resultant.records import CacheEntry, FlowRun

    from .parcels import Make, Parcel

__all__ = ["SqliteDB"]


# Rows to be deleted in one transaction: some 20 ms.
_AT_ONCE = 10_000


class SqliteDB(Reading):
    """A :class:`~resultant.db.StateDB` in a file.

    Args:
        path: the file; made, with its folder, if it is not there.
        power: whether what is durable survives the loss of power, not only the end of the process.
        mounts: the table of mounted file systems to look up where the file is.

    Raises:
        DatabaseError: it cannot be opened; the class says why, the message what to do.
    """

    def __init__(self, path: str, *, power: bool = False, mounts: str = MOUNTS) -> None:
        # Of a link, what it leads to: whoever uses the same file by another name uses the same locks and journals.
        self.path = os.path.realpath(path)
        self.url = f"sqlite:///{self.path}"
        check_place(self.path, mounts)
        self._connection = connect(self.path, power=power)
        try:
            self._version = migrate(self._connection, self.path)
            # A thread of its own does that: it syncs the disk, and rows should not wait for it.
            self._connection.execute("PRAGMA wal_autocheckpoint = 0")
            self._connection.execute("PRAGMA cache_size = -16000")
        except BaseException:
            self._connection.close()
            raise
        self._checkpoints = Checkpoints(self.path)
        self._task_runs = TaskRunWriter(self._connection)
        self._readers: list[sqlite3.Connection] = []
        self._kinds: dict[tuple[str | None, ...], int] = {}
        self._closed = False
        self._closing = threading.Lock()
        self._journals = f"{self.path}.journals"
        # What survives the loss of power goes straight into the database.
        journal = None if power else Journal(self._journals, self.path)
        self._writer = Writer(self._write_task_runs, "resultant-db", journal=journal)
        self.task_runs_later = self._writer.later
        self.flush = self._writer.flush
        self.cache_put = CacheIntake(self._writer.post, self._write_cache).put
        try:
            self._take_over()
        except BaseException:
            self.close()
            raise
        watch(self)

    # ------------------------------------------------------------------------------------------------------- writing

    def _take_over(self) -> None:
        """Write what processes that are gone had left in their journals."""

        def write(rows: list[tuple[Any, ...]]) -> None:
            # As a job, and not as rows of this process: if that fails, they are left to whoever comes next.
            with problems(self.path):
                write_left(self._connection, self._write_task_runs, rows)

        take_over(self._journals, lambda rows: self._writer.call(lambda: write(rows)))

    def _write_task_runs(self, parcels: list[Parcel]) -> None:
        with self._transaction():
            self._task_runs.write(parcels)
        self._checkpoints.wrote(count(parcels))

    def successes(self, run_id: str, slug: str | None, attempt: int, kind: int, make: Make) -> Callable[[Any], None]:
        """Return what takes the usual rows; see :class:`~resultant.db.StateDB`."""
        return self._writer.successes((run_id, slug, attempt, kind), make)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Only in what the writer does: one at a time."""
        with problems(self.path):
            try:
                with transaction(self._connection):
                    self._task_runs.look()
                    yield self._connection
            except BaseException:
                # Numbers that were given in there are not in the database.
                self._task_runs.forget()
                raise

    def put_flow_run(self, run: FlowRun) -> None:
        """Write a flow run; see :class:`~resultant.db.StateDB`."""
        values = [getattr(run, name) for name in FLOW_RUN]
        marks = ", ".join("?" * len(values))
        changes = ", ".join(f"{name} = excluded.{name}" for name in FLOW_RUN[1:])

        def put() -> None:
            with self._transaction() as connection:
                connection.execute(
                    f"INSERT INTO flow_run ({FLOW_RUN_COLUMNS}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {changes}",
                    values,
                )
            self._checkpoints.wrote(1)

        self._writer.call(put)

    def _write_cache(self, entries: Sequence[CacheEntry]) -> None:
        task = self._task_runs.task
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO cache (key, task, idx, created, expires, code, inputs, parameters) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        each.key,
                        task(each.run, each.slug),
                        each.index,
                        each.created,
                        each.expires,
                        each.code,
                        each.inputs,
                        each.parameters,
                    )
                    for each in entries
                ],
            )
        self._checkpoints.wrote(len(entries))

    def kind(
        self,
        type: str,
        options: str,
        serializer: str | None,
        python: str | None,
        library: str | None,
        library_version: str | None,
    ) -> int:
        """Return the number of a kind; see :class:`~resultant.db.StateDB`."""
        key = (type, options, serializer, python, library, library_version)
        known = self._kinds.get(key)
        if known is not None:
            return known
        columns = "type, options, serializer, python, library, library_version"
        same = " AND ".join(f"{name} IS ?" for name in columns.split(", "))

        def put() -> int:
            with self._transaction() as connection:
                found = connection.execute(f"SELECT no FROM kind WHERE {same}", key).fetchone()
                if found is None:
                    query = f"INSERT INTO kind ({columns}) VALUES (?, ?, ?, ?, ?, ?) RETURNING no"
                    found = connection.execute(query, key).fetchone()
                return int(found[0])

        number = self._kinds[key] = self._writer.call(put)
        return number

    def delete_flow_run(self, run_id: str) -> None:
        """Forget a run; see :class:`~resultant.db.StateDB`."""
        tasks = "SELECT task.no FROM task JOIN flow_run ON flow_run.no = task.run WHERE flow_run.id = ?"

        def delete_some() -> int:
            with self._transaction() as connection:
                some = f"SELECT no FROM task_run WHERE task IN ({tasks}) LIMIT {_AT_ONCE}"
                return connection.execute(f"DELETE FROM task_run WHERE no IN ({some})", (run_id,)).rowcount

        def delete() -> None:
            with self._transaction() as connection:
                for table in ("task_run", "cache", "pin"):
                    connection.execute(f"DELETE FROM {table} WHERE task IN ({tasks})", (run_id,))
                connection.execute("DELETE FROM task WHERE run = (SELECT no FROM flow_run WHERE id = ?)", (run_id,))
                connection.execute("DELETE FROM flow_run WHERE id = ?", (run_id,))
                connection.execute(
                    "DELETE FROM folder WHERE NOT EXISTS (SELECT 1 FROM task_run WHERE task_run.folder = folder.no)"
                )
                connection.execute("UPDATE epoch SET number = number + 1")

        def shrink() -> int:
            """Give pages that fell free back to the disk."""
            with problems(self.path):
                self._connection.execute(f"PRAGMA incremental_vacuum({_AT_ONCE // 10})").fetchall()
                return int(self._connection.execute("PRAGMA freelist_count").fetchone()[0])

        with self.hold(run_id):
            # Piece by piece, so that nobody waits for long; the run itself goes last, so that the rest can be done again.
            for step in (delete_some, delete, shrink):
                while self._writer.call(step):
                    self._checkpoints.wrote(_AT_ONCE)

    def set_pinned(
        self,
        run_id: str,
        slug: str | None = None,
        index: int = -1,
        pinned: bool = True,
        keep_until: float | None = None,
    ) -> None:
        """Pin or unpin; see :class:`~resultant.db.StateDB`."""

        def pin() -> None:
            with self._transaction() as connection:
                if slug is None:
                    done = connection.execute("UPDATE flow_run SET pinned = ? WHERE id = ?", (pinned, run_id))
                    if not done.rowcount:
                        raise unknown(run_id)
                    return
                task = self._task_runs.task(run_id, slug)
                connection.execute("DELETE FROM pin WHERE task = ? AND idx = ?", (task, index))
                if pinned:
                    connection.execute("INSERT INTO pin (task, idx, until) VALUES (?, ?, ?)", (task, index, keep_until))

        self._writer.call(pin)

    def pin_until(self, run_id: str, ends: Mapping[tuple[str, int], float]) -> None:
        """Pin many results; see :class:`~resultant.db.StateDB`."""

        def pin() -> None:
            with self._transaction() as connection:
                rows = [(self._task_runs.task(run_id, slug), index, end) for (slug, index), end in ends.items()]
                connection.executemany("INSERT OR REPLACE INTO pin (task, idx, until) VALUES (?, ?, ?)", rows)

        self._writer.call(pin)

    # ------------------------------------------------------------------------------------------------------- reading

    def _read(self, query: str, *values: Any) -> list[Any]:
        """Answer from a connection that nobody else uses: readers wait neither for each other nor for the writer."""
        connection = None
        with suppress(IndexError):
            connection = self._readers.pop()
        # Not while that is handled: what interrupts this would be told as its consequence.
        connection = connection or connect(self.path)
        try:
            with problems(self.path):
                return connection.execute(query, values).fetchall()
        finally:
            if self._closed:
                connection.close()
            else:
                self._readers.append(connection)

    def sizes(self) -> dict[str, int]:
        """Return bytes and numbers of rows; see :class:`~resultant.db.StateDB`."""
        tables = {"flow_runs": "flow_run", "task_runs": "task_run", "cache_entries": "cache"}
        sizes = {name: int(self._read(f"SELECT count(*) FROM {table}")[0][0]) for name, table in tables.items()}
        files = [self.path + end for end in ("", "-wal")]
        return {"bytes": sum(os.path.getsize(path) for path in files if os.path.exists(path)), **sizes}

    # ------------------------------------------------------------------------------------------------------ the rest

    def forked(self) -> None:
        """Read through connections of this process's own; SQLite's cannot be carried along."""
        import sqlite3

        keep((self._connection, self._readers))
        self._connection = sqlite3.connect(":memory:")
        self._readers = []
        self._closing = threading.Lock()

    def hold(self, run_id: str) -> FileHold:
        """Hold a run; see :class:`~resultant.db.StateDB`."""
        # Beside the file, so that whoever uses the same file uses the same locks.
        hold = FileHold(os.path.join(os.path.dirname(self.path), "locks"), run_id)
        try:
            # Whoever held it before may have died with rows in a journal.
            self._take_over()
        except BaseException:
            hold.close()
            raise
        return hold

    def holders(self, run_ids: Iterable[str]) -> dict[str, tuple[int | None, str | None]]:
        """Return process and host of those who hold runs; see :class:`~resultant.db.StateDB`."""
        return file_holders(os.path.join(os.path.dirname(self.path), "locks"), run_ids)

    def version(self) -> int:
        """Return the schema's version."""
        return self._version

    def upgrade(self) -> int:
        """Return the latest version, which opening has made."""
        return self._version

    def close(self) -> None:
        """Write what waits, and close the file; see :class:`~resultant.db.StateDB`."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            try:
                self._writer.close()
            finally:
                self._checkpoints.close()
                while self._readers:
                    self._readers.pop().close()
                self._connection.close()
