"""Going through all that is on record, however much that is: batch by batch, along an index."""

from __future__ import annotations

from .queries import BY_PLACE, BY_RUN, TASK_RUN
from .rows import split, task_run, task_runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from resultant.records import TaskRun

__all__ = ["BATCH", "Surveying"]

#: Task runs that are in memory at once.
BATCH = 5000

# Places that are asked for with one statement: SQLite takes some thousands of values.
_ASKED = 500


class Surveying:
    """The half of a :class:`~resultant.db.StateDB` that reads everything, on top of a function that answers a query."""

    def _read(self, query: str, *values: Any) -> list[Any]:
        raise NotImplementedError

    def _same_text(self, column: str, other: str = "?") -> str:
        """Return the test whether a long text that has an index is another one."""
        raise NotImplementedError

    def _text_key(self, column: str) -> str:
        """Return what an index of long texts is ordered by."""
        raise NotImplementedError

    def task_run_batches(self, run_id: str, size: int = BATCH) -> Iterator[list[TaskRun]]:
        """Yield the task runs of a run in batches; see :class:`~resultant.db.StateDB`."""
        select = TASK_RUN.format(BY_RUN).replace("SELECT ", "SELECT x.task, ", 1)
        rest = f"{select} WHERE x.task = ? AND x.idx > ? ORDER BY x.idx LIMIT ?"
        others = f"{select} WHERE run.id = ? AND task.no > ? ORDER BY task.no, x.idx LIMIT ?"
        task, index = 0, -2
        while True:
            # What is left of the task in which the batch before ended, and then the tasks after it.
            found = self._read(rest, task, index, size) if task else []
            if len(found) < size:
                found += self._read(others, run_id, task, size - len(found))
            if not found:
                return
            task, index = found[-1][0], found[-1][3]
            yield [task_run(row[1:]) for row in found]

    def stored_batches(self, size: int = BATCH) -> Iterator[list[TaskRun]]:
        """Yield the task runs that have a place in batches, by their places; see :class:`~resultant.db.StateDB`."""
        key = self._text_key("x.leaf")
        select = TASK_RUN.format(BY_PLACE).replace("SELECT ", f"SELECT x.folder, {key}, x.no, ", 1)
        order = f"ORDER BY x.folder, {key}, x.no LIMIT ?"
        last: tuple[Any, ...] | None = None
        while True:
            if last is None:
                found = self._read(f"{select} WHERE x.folder IS NOT NULL {order}", size)
            else:
                # In two steps, each of which an index answers.
                here = f"x.folder = ? AND ({key}, x.no) > (?, ?)"
                found = self._read(f"{select} WHERE {here} {order}", *last, size)
                if len(found) < size:
                    found += self._read(f"{select} WHERE x.folder > ? {order}", last[0], size - len(found))
            if not found:
                return
            last = tuple(found[-1][:3])
            yield [task_run(row[3:]) for row in found]

    def places_of(self, locations: Iterable[str]) -> dict[str, list[TaskRun]]:
        """Return the task runs of many places; see :class:`~resultant.db.StateDB`."""
        asked = [(folder, leaf) for folder, leaf in map(split, dict.fromkeys(locations)) if folder is not None]
        found: dict[str, list[TaskRun]] = {}
        for start in range(0, len(asked), _ASKED):
            for row in self._at(asked[start : start + _ASKED]):
                assert row.location is not None
                found.setdefault(row.location, []).append(row)
        return found

    def _at(self, places: Sequence[tuple[str | None, str | None]]) -> list[TaskRun]:
        marks = ", ".join(["(?, ?)"] * len(places))
        wanted = (
            f"wanted CROSS JOIN folder place CROSS JOIN {BY_PLACE}"
            f" AND {self._same_text('place.path', 'wanted.path')} AND x.folder = place.no"
            f" AND {self._same_text('x.leaf', 'wanted.leaf')}"
        )
        query = f"WITH wanted (path, leaf) AS (VALUES {marks}) {TASK_RUN.format(wanted)} ORDER BY x.no DESC"
        return task_runs(self._read(query, *(text for place in places for text in place)))

    def folder_batches(self, folder: str, size: int = BATCH) -> Iterator[list[TaskRun]]:
        """Yield the task runs whose places lie in a folder in batches; see :class:`~resultant.db.StateDB`."""
        key = self._text_key("x.leaf")
        select = TASK_RUN.format(BY_PLACE).replace("SELECT ", f"SELECT {key}, x.no, ", 1)
        here = f"x.folder = (SELECT no FROM folder WHERE {self._same_text('path')})"
        order = f"ORDER BY x.folder, {key}, x.no LIMIT ?"
        found = self._read(f"{select} WHERE {here} {order}", folder, size)
        while found:
            yield [task_run(row[2:]) for row in found]
            last = found[-1][:2]
            found = self._read(f"{select} WHERE {here} AND ({key}, x.no) > (?, ?) {order}", folder, *last, size)

    def local_folders(self) -> list[str]:
        """Return the folders in which local results lie; see :class:`~resultant.db.StateDB`."""
        local = (
            "SELECT 1 FROM task_run x JOIN kind ON kind.no = x.kind WHERE x.folder = folder.no AND kind.type = 'local'"
        )
        return [path for (path,) in self._read(f"SELECT path FROM folder WHERE EXISTS ({local}) ORDER BY path")]
