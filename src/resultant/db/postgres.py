"""The state database of a team: PostgreSQL."""

from __future__ import annotations

import threading
from functools import partial

from .cache_intake import CacheIntake
from .parcels import one_by_one, unpacked
from .postgres_hold import Holds, server_holders
from .postgres_link import Links, migrate, without_password
from .reading import FLOW_RUN_COLUMNS, Reading
from .rows import FLOW_RUN, split, unknown
from .writer import Writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Any

    from resultant.records import CacheEntry, FlowRun

    from .parcels import Make, Parcel
    from .postgres_link import Connection

__all__ = ["PostgresDB"]

# The server may be away for so long while it is started again.
_PATIENCE = 60.0

# A run may wait for a long task while the server is started again: for so long at most, others may think that nobody holds it.
_BEAT = 5.0

# So many rows travel at once.
_MOST = 5000

# For the lock that writers share, and that whoever deletes has alone. The SQL function knows it too.
_DELETING = 7239


class PostgresDB(Reading):
    """A :class:`~resultant.db.StateDB` in PostgreSQL, in a schema named ``resultant``.

    When the server goes away, whatever is asked waits and is tried again; rows wait in memory meanwhile.

    Args:
        url: ``postgresql://USER:PASSWORD@HOST/NAME``.
        patience: for how many seconds to wait for a server that went away.
        beat: after how many seconds to look whether the server still knows which runs are held.

    Raises:
        DatabaseError: it cannot be opened; the class says why, the message what to do.
    """

    def __init__(self, url: str, *, patience: float = _PATIENCE, beat: float = _BEAT) -> None:
        self.url = without_password(url)
        opening = Links(url, 0)
        try:
            self._version = opening.use(lambda connection: migrate(connection, url))
        finally:
            opening.close()
        self._links = Links(url, patience)
        self._holds = Holds(self._links, beat)
        self._kinds: dict[tuple[str | None, ...], int] = {}
        self._closed = False
        self._closing = threading.Lock()
        self._writer = Writer(self._write_task_runs, "resultant-db", helping=False)
        self.task_runs_later = self._writer.later
        self.flush = self._writer.flush
        self.cache_put = CacheIntake(self._writer.post, self._write_cache).put

    # ------------------------------------------------------------------------------------------------------- writing

    def _write(self, work: Any) -> Any:
        """Do something in a transaction, as one of the writer's jobs."""

        def within(connection: Connection) -> Any:
            with connection.transaction():
                return work(connection)

        return self._links.use(within, writing=True)

    def successes(self, run_id: str, slug: str | None, attempt: int, kind: int, make: Make) -> Callable[[Any], None]:
        """Return what takes the usual rows; see :class:`~resultant.db.StateDB`."""
        return one_by_one(self.task_runs_later, (run_id, slug, attempt, kind), make)

    def _write_task_runs(self, parcels: list[Parcel]) -> None:
        lost = self._holds.lost
        rows = [row for row in unpacked(parcels) if row[0] not in lost]
        for start in range(0, len(rows), _MOST):
            self._links.use(partial(self._write_some, rows[start : start + _MOST]), writing=True)

    def _write_some(self, rows: list[tuple[Any, ...]], link: Connection) -> None:
        # Once more, because only now the server has been asked, if it might have been away.
        lost = self._holds.lost
        last: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        for row in rows:
            if row[0] not in lost:
                last.pop(row[:3], None)
                last[row[:3]] = row
        if not last:
            return
        found = link.execute("SELECT write_task_runs(%s::jsonb)", [_payload(list(last.values()))]).fetchone()
        (missing,) = found or (None,)
        if missing is not None:
            raise unknown(missing)

    def put_flow_run(self, run: FlowRun) -> None:
        """Write a flow run; see :class:`~resultant.db.StateDB`."""
        values = [_clean(getattr(run, name)) for name in FLOW_RUN]
        marks = ", ".join(["%s"] * len(values))
        changes = ", ".join(f"{name} = excluded.{name}" for name in FLOW_RUN[1:])
        query = f"INSERT INTO flow_run ({FLOW_RUN_COLUMNS}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {changes}"
        self._writer.call(lambda: self._write(lambda link: link.execute(query, values)))

    def _write_cache(self, entries: Sequence[CacheEntry]) -> None:
        columns = ("key", "task", "idx", "created", "expires", "code", "inputs", "parameters")
        changes = ", ".join(f"{name} = excluded.{name}" for name in ("no", *columns))

        def put(link: Connection) -> None:
            link.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_DELETING])
            keys = dict.fromkeys((entry.run, entry.slug) for entry in entries)
            tasks = {key: _task(link, *key) for key in keys}
            with link.cursor() as cursor:
                cursor.executemany(
                    f"INSERT INTO cache ({', '.join(columns)}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) "
                    f"ON CONFLICT (task, idx) DO UPDATE SET {changes}",
                    [
                        (
                            each.key,
                            tasks[each.run, each.slug],
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

        self._write(put)

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
        columns = "type, options, serializer, python, library, library_version"

        def put(link: Connection) -> int:
            link.execute("LOCK TABLE kind IN SHARE ROW EXCLUSIVE MODE")
            same = " AND ".join(f"{name} IS NOT DISTINCT FROM %s" for name in columns.split(", "))
            found = link.execute(f"SELECT no FROM kind WHERE {same}", key).fetchone()
            if found is None:
                query = f"INSERT INTO kind ({columns}) VALUES (%s, %s, %s, %s, %s, %s) RETURNING no"
                found = link.execute(query, key).fetchone()
            assert found is not None
            return int(found[0])

        if key not in self._kinds:
            self._kinds[key] = self._writer.call(lambda: self._write(put))
        return self._kinds[key]

    def delete_flow_run(self, run_id: str) -> None:
        """Forget a run; see :class:`~resultant.db.StateDB`."""

        def delete(link: Connection) -> None:
            link.execute("SELECT pg_advisory_xact_lock(%s)", [_DELETING])
            tasks = "SELECT task.no FROM task JOIN flow_run ON flow_run.no = task.run WHERE flow_run.id = %s"
            for table in ("task_run", "cache", "pin"):
                link.execute(f"DELETE FROM {table} WHERE task IN ({tasks})", [run_id])
            link.execute("DELETE FROM task WHERE run = (SELECT no FROM flow_run WHERE id = %s)", [run_id])
            link.execute("DELETE FROM flow_run WHERE id = %s", [run_id])
            link.execute(
                "DELETE FROM folder WHERE NOT EXISTS (SELECT 1 FROM task_run WHERE task_run.folder = folder.no)"
            )

        with self.hold(run_id):
            self._writer.call(lambda: self._write(delete))

    def set_pinned(
        self,
        run_id: str,
        slug: str | None = None,
        index: int = -1,
        pinned: bool = True,
        keep_until: float | None = None,
    ) -> None:
        """Pin or unpin; see :class:`~resultant.db.StateDB`."""

        def pin(link: Connection) -> None:
            if slug is None:
                done = link.execute("UPDATE flow_run SET pinned = %s WHERE id = %s", [pinned, run_id])
                if not done.rowcount:
                    raise unknown(run_id)
                return
            link.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_DELETING])
            task = _task(link, run_id, slug)
            link.execute("DELETE FROM pin WHERE task = %s AND idx = %s", [task, index])
            if pinned:
                link.execute("INSERT INTO pin (task, idx, until) VALUES (%s, %s, %s)", [task, index, keep_until])

        self._writer.call(lambda: self._write(pin))

    def pin_until(self, run_id: str, ends: Mapping[tuple[str, int], float]) -> None:
        """Pin many results; see :class:`~resultant.db.StateDB`."""

        def pin(link: Connection) -> None:
            link.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_DELETING])
            tasks = {slug: _task(link, run_id, slug) for slug in dict.fromkeys(slug for slug, _ in ends)}
            with link.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO pin (task, idx, until) VALUES (%s, %s, %s) "
                    "ON CONFLICT (task, idx) DO UPDATE SET until = excluded.until",
                    [(tasks[slug], index, end) for (slug, index), end in ends.items()],
                )

        self._writer.call(lambda: self._write(pin))

    # ------------------------------------------------------------------------------------------------------- reading

    def _read(self, query: str, *values: Any) -> list[Any]:
        query = query.replace("?", "%s")
        return self._links.use(lambda link: link.execute(query.encode(), values).fetchall())

    def _same_text(self, column: str) -> str:
        # An entry of an index has less room than a text may take.
        return f"md5({column}) = md5(?::text)"

    def _text_in(self, column: str, many: int) -> str:
        return f"md5({column}) IN ({', '.join(['md5(?::text)'] * many)})"

    def _text_key(self, column: str) -> str:
        return f"md5({column})"

    def sizes(self) -> dict[str, int]:
        """Return bytes and numbers of rows; see :class:`~resultant.db.StateDB`."""
        tables = {"flow_runs": "flow_run", "task_runs": "task_run", "cache_entries": "cache"}
        sizes = {name: int(self._read(f"SELECT count(*) FROM {table}")[0][0]) for name, table in tables.items()}
        ours = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'resultant'::regnamespace"
        return {"bytes": int(self._read(ours)[0][0]), **sizes}

    # ------------------------------------------------------------------------------------------------------ the rest

    def hold(self, run_id: str) -> AbstractContextManager[object]:
        """Hold a run; see :class:`~resultant.db.StateDB`."""
        return self._holds.hold(run_id)

    def holders(self, run_ids: Iterable[str]) -> dict[str, tuple[int | None, str | None]]:
        """Return process and host of those who hold runs; see :class:`~resultant.db.StateDB`."""
        return server_holders(self._links, run_ids)

    def version(self) -> int:
        """Return the schema's version."""
        return self._version

    def upgrade(self) -> int:
        """Return the latest version, which opening has made."""
        return self._version

    def close(self) -> None:
        """Write what waits, and close the connections; see :class:`~resultant.db.StateDB`."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            try:
                self._writer.close()
            finally:
                self._holds.close()
                self._links.close()


def _task(link: Connection, run: str, slug: str) -> int:
    found = link.execute("SELECT no FROM flow_run WHERE id = %s", [run]).fetchone()
    if found is None:
        raise unknown(run)
    link.execute("INSERT INTO task (run, slug) VALUES (%s, %s) ON CONFLICT DO NOTHING", [found[0], slug])
    row = link.execute("SELECT no FROM task WHERE run = %s AND slug = %s", [found[0], slug]).fetchone()
    assert row is not None
    return int(row[0])


def _payload(rows: list[tuple[Any, ...]]) -> str:
    """Return rows as the function in the database takes them."""
    import msgspec

    tasks: dict[tuple[str, str], int] = {}
    states: dict[str, int] = {}
    folders: dict[str, int] = {}
    short = []
    for run, slug, index, state, *others in rows:
        folder, leaf = split(others[8])
        others[8:9] = (None if folder is None else folders.setdefault(folder, len(folders) + 1), leaf)
        task = tasks.setdefault((run, slug), len(tasks) + 1)
        short.append((task, index, states.setdefault(state, len(states) + 1), *others))
    text = msgspec.json.encode({"tasks": list(tasks), "states": list(states), "folders": list(folders), "rows": short})
    if b"\\u0000" in text and any(_clean(value) != value for row in rows for value in row):
        return _payload([tuple(map(_clean, row)) for row in rows])
    return text.decode()


def _clean(value: Any) -> Any:
    # PostgreSQL has no zero in its texts; they can only come from messages.
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
