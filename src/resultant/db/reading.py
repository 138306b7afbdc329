"""Questions that every SQL database answers alike."""

from __future__ import annotations

from .queries import ALL, BY_PLACE, BY_RUN, CACHE, FLOW_RUN_COLUMNS, NOT_SUCCESS, TASK_RUN
from .rows import ambiguous, cache_entries, flow_run, split, task_runs, unknown
from .surveying import Surveying

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.records import CacheEntry, FlowRun, ResultKind, TaskRun

__all__ = ["FLOW_RUN_COLUMNS", "Reading"]


class Reading(Surveying):
    """The reading half of a :class:`~resultant.db.StateDB`, on top of a function that answers a query."""

    url: str

    def _same_text(self, column: str) -> str:
        """Return the test whether a long text that has an index is another one."""
        return f"{column} = ?"

    def _text_in(self, column: str, many: int) -> str:
        return f"{column} IN ({', '.join('?' * many)})"

    def _text_key(self, column: str) -> str:
        return column

    def result_kind(self, number: int) -> ResultKind:
        """Return a kind by its number; see :class:`~resultant.db.StateDB`."""
        from resultant.records import ResultKind

        found = self._read("SELECT * FROM kind WHERE no = ?", number)
        if not found:
            raise LookupError(f"The state database {self.url} has no kind of result with the number {number}.")
        return ResultKind(*found[0])

    def result_kinds(self) -> list[ResultKind]:
        """Return all kinds; see :class:`~resultant.db.StateDB`."""
        from resultant.records import ResultKind

        return [ResultKind(*row) for row in self._read("SELECT * FROM kind ORDER BY no")]

    def flow_run(self, run_id: str) -> FlowRun:
        """Return a run; see :class:`~resultant.db.StateDB`."""
        found = self._read(f"SELECT {FLOW_RUN_COLUMNS} FROM flow_run WHERE id = ?", run_id)
        if not found:
            raise unknown(run_id)
        return flow_run(found[0])

    def find_flow_run(self, text: str) -> FlowRun:
        """Return the run that a text means; see :class:`~resultant.db.StateDB`."""
        query = f"SELECT {FLOW_RUN_COLUMNS} FROM flow_run WHERE {{}} ORDER BY created DESC, no DESC LIMIT 6"
        found = self._read(query.format("id = ?"), text) if text else []
        if text and not found:
            found = self._read(query.format("id >= ? AND id < ? OR name = ?"), text, text + "\U0010ffff", text)
        if not found:
            raise unknown(text)
        if len(found) > 1:
            raise ambiguous(text, [flow_run(row) for row in found])
        return flow_run(found[0])

    def flow_runs(
        self,
        flow: str | None = None,
        state: str | None = None,
        since: float | None = None,
        limit: int | None = None,
        before: str | None = None,
    ) -> list[FlowRun]:
        """Return runs, the newest first; see :class:`~resultant.db.StateDB`."""
        tests: list[tuple[str, Any]] = [("flow = ?", flow), ("state = ?", state), ("created >= ?", since)]
        used = [(test, value) for test, value in tests if value is not None]
        conditions, values = [test for test, _ in used], [value for _, value in used]
        if before is not None:
            self.flow_run(before)
            conditions.append("(created, no) < (SELECT created, no FROM flow_run WHERE id = ?)")
            values.append(before)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        query = f"SELECT {FLOW_RUN_COLUMNS} FROM flow_run {where} ORDER BY created DESC, no DESC LIMIT ?"
        return [flow_run(row) for row in self._read(query, *values, ALL if limit is None else limit)]

    def task_runs(
        self,
        run_id: str,
        slug: str | None = None,
        index: int | None = None,
        state: str | None = None,
        limit: int | None = None,
    ) -> list[TaskRun]:
        """Return the task runs of a run; see :class:`~resultant.db.StateDB`."""
        conditions, values = ["run.id = ?"], [run_id]
        more: list[tuple[str, Any]] = [("task.slug = ?", slug), ("x.idx = ?", index)]
        more.append(("x.state = (SELECT no FROM state WHERE name = ?)", state))
        for test, value in more:
            if value is not None:
                conditions.append(test)
                values.append(value)
        if state not in (None, "Success"):
            conditions.append(NOT_SUCCESS)
        # The plus keeps SQLite from walking through all rows in that order when the index of states names a few.
        order = "task.no, x.idx" if state is None else "+task.no, +x.idx"
        query = f"{TASK_RUN.format(BY_RUN)} WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT ?"
        return task_runs(self._read(query, *values, ALL if limit is None else limit))

    def counts(self, run_id: str) -> dict[str, int]:
        """Return how many task runs there are in each state; see :class:`~resultant.db.StateDB`."""
        here = f"FROM {BY_RUN} WHERE run.id = ?"
        query = (
            f"SELECT state.name, many FROM (SELECT x.state AS number, count(*) AS many {here} AND {NOT_SUCCESS} "
            f"GROUP BY x.state) counted JOIN state ON state.no = number UNION ALL SELECT NULL, count(*) {here}"
        )
        counts = dict(self._read(query, run_id, run_id))
        succeeded = counts.pop(None) - sum(counts.values())
        return {**counts, "Success": succeeded} if succeeded else counts

    def places(self, location: str) -> list[TaskRun]:
        """Return the task runs of a place; see :class:`~resultant.db.StateDB`."""
        folder, leaf = split(location)
        select = TASK_RUN.format(BY_PLACE)
        if folder is None:
            return task_runs(self._read(f"{select} WHERE x.folder IS NULL AND x.leaf = ? ORDER BY x.no DESC", leaf))
        here = f"x.folder = (SELECT no FROM folder WHERE {self._same_text('path')}) AND {self._same_text('x.leaf')}"
        return task_runs(self._read(f"{select} WHERE {here} ORDER BY x.no DESC", folder, leaf))

    def cache_find(self, key: str) -> list[CacheEntry]:
        """Return the entries of a key; see :class:`~resultant.db.StateDB`."""
        return cache_entries(self._read(f"{CACHE} WHERE {self._same_text('x.key')} ORDER BY x.no DESC", key))

    def cached(self, run_id: str) -> list[CacheEntry]:
        """Return the entries of a run; see :class:`~resultant.db.StateDB`."""
        return cache_entries(self._read(f"{CACHE} WHERE run.id = ? ORDER BY x.no DESC", run_id))

    def pins(self, run_id: str | None = None) -> list[tuple[str, str, int, float | None]]:
        """Return what is pinned; see :class:`~resultant.db.StateDB`."""
        where, values = ("", []) if run_id is None else ("WHERE run.id = ?", [run_id])
        return self._read(
            "SELECT run.id, task.slug, pin.idx, pin.until FROM pin JOIN task ON task.no = pin.task "
            f"JOIN flow_run run ON run.no = task.run {where} ORDER BY pin.task, pin.idx",
            *values,
        )
