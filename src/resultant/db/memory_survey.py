"""Going through all that is in memory, as one goes through a database."""

from __future__ import annotations

import os

from .rows import split
from .surveying import BATCH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from threading import RLock

    from resultant.records import ResultKind, TaskRun

__all__ = ["MemorySurvey"]


class MemorySurvey:
    """The half of a :class:`~resultant.db.StateDB` in memory that reads everything."""

    _lock: RLock
    _order: dict[tuple[str, str, int], None]
    _task_runs: dict[str, dict[str, dict[int, TaskRun]]]

    def task_runs(self, run_id: str) -> list[TaskRun]:
        raise NotImplementedError

    def result_kinds(self) -> list[ResultKind]:
        raise NotImplementedError

    def _latest_first(self) -> list[TaskRun]:
        with self._lock:
            return [self._task_runs[run][slug][index] for run, slug, index in reversed(self._order)]

    def task_run_batches(self, run_id: str, size: int = BATCH) -> Iterator[list[TaskRun]]:
        """Yield the task runs of a run in batches."""
        rows = self.task_runs(run_id)
        for start in range(0, len(rows), size):
            yield rows[start : start + size]

    def stored_batches(self, size: int = BATCH) -> Iterator[list[TaskRun]]:
        """Yield the task runs that have a place in batches, by their places."""
        rows = [row for row in reversed(self._latest_first()) if row.location is not None]
        rows.sort(key=lambda row: str(row.location))
        for start in range(0, len(rows), size):
            yield rows[start : start + size]

    def places_of(self, locations: Iterable[str]) -> dict[str, list[TaskRun]]:
        """Return the task runs of many places, the last to be written first."""
        wanted = set(locations)
        found: dict[str, list[TaskRun]] = {}
        for row in self._latest_first():
            if row.location in wanted:
                assert row.location is not None
                found.setdefault(row.location, []).append(row)
        return found

    def folder_batches(self, folder: str, size: int = BATCH) -> Iterator[list[TaskRun]]:
        """Yield the task runs whose places lie in a folder in batches."""
        rows = [row for row in self._latest_first() if row.location is not None]
        rows = [row for row in rows if split(row.location)[0] == folder]
        for start in range(0, len(rows), size):
            yield rows[start : start + size]

    def local_folders(self) -> list[str]:
        """Return the folders in which local results lie, each with a slash at its end."""
        local = {kind.id for kind in self.result_kinds() if kind.type == "local"}
        rows = [row for row in self._latest_first() if row.location is not None and row.kind in local]
        return sorted({os.path.join(os.path.dirname(row.location or ""), "") for row in rows})
