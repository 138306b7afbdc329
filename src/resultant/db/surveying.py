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

# Texts that are asked for with one statement: SQLite takes some thousands.
_ASKED = 500


class Surveying:
    """The half of a :class:`~resultant.db.StateDB` that reads everything, on top of a function that answers a query."""

    def _read(self, query: str, *values: Any) -> list[Any]:
        raise NotImplementedError

    def _text_in(self, column: str, many: int) -> str:
        """Return the test whether a long text that has an index is one of so many."""
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
        asked: dict[str, list[str | None]] = {}
        for folder, leaf in map(split, dict.fromkeys(locations)):
            if folder is not None:
                asked.setdefault(folder, []).append(leaf)
        found: dict[str, list[TaskRun]] = {}
        for folder, number in self._folder_numbers(list(asked)):
            leaves = asked[folder]
            for start in range(0, len(leaves), _ASKED):
                some = leaves[start : start + _ASKED]
                here = f"x.folder = ? AND {self._text_in('x.leaf', len(some))} ORDER BY x.no DESC"
                for row in task_runs(self._read(f"{TASK_RUN.format(BY_PLACE)} WHERE {here}", number, *some)):
                    assert row.location is not None
                    found.setdefault(row.location, []).append(row)
        return found

    def _folder_numbers(self, paths: Sequence[str]) -> Iterator[tuple[str, int]]:
        for start in range(0, len(paths), _ASKED):
            some = paths[start : start + _ASKED]
            yield from self._read(f"SELECT path, no FROM folder WHERE {self._text_in('path', len(some))}", *some)

    def folder_batches(self, folder: str, size: int = BATCH) -> Iterator[list[TaskRun]]:
        """Yield the task runs whose places lie in a folder in batches; see :class:`~resultant.db.StateDB`."""
        key = self._text_key("x.leaf")
        select = TASK_RUN.format(BY_PLACE).replace("SELECT ", f"SELECT {key}, x.no, ", 1)
        order = f"ORDER BY x.folder, {key}, x.no LIMIT ?"
        for _, number in self._folder_numbers([folder]):
            found = self._read(f"{select} WHERE x.folder = ? {order}", number, size)
            while found:
                yield [task_run(row[2:]) for row in found]
                last = found[-1][:2]
                found = self._read(
                    f"{select} WHERE x.folder = ? AND ({key}, x.no) > (?, ?) {order}", number, *last, size
                )

    def local_folders(self) -> list[str]:
        """Return the folders in which local results lie; see :class:`~resultant.db.StateDB`."""
        local = (
            "SELECT 1 FROM task_run x JOIN kind ON kind.no = x.kind WHERE x.folder = folder.no AND kind.type = 'local'"
        )
        return [path for (path,) in self._read(f"SELECT path FROM folder WHERE EXISTS ({local}) ORDER BY path")]
