"""Everything that is on record, and what lies beside it."""

from __future__ import annotations

import os
from time import time

from resultant.reading.places import Places
from resultant.stores.file import is_temporary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from resultant.db import StateDB
    from resultant.records import FlowRun, TaskRun

__all__ = ["GRACE", "Survey"]

#: Seconds for which a temporary file may belong to a write that is still under way.
GRACE = 3600.0


class Survey:
    """Goes through all rows, and notes the folders that results were written to.

    Args:
        db: the state database.
    """

    def __init__(self, db: StateDB) -> None:
        self.db = db
        self.places = Places(db)
        #: Local folders in which results lie, or would.
        self.folders: set[str] = self._configured()

    def rows(self, run: FlowRun) -> Iterator[tuple[TaskRun, str]]:
        """Yield the task runs of a run that have bytes outside of the database, and the full name of their place."""
        for row in self.db.task_runs(run.id):
            full = self.places.full(row)
            if full is not None:
                if full[:1] == "/" and self._is_local(row):
                    self.folders.add(os.path.dirname(full))
                yield row, full

    def _is_local(self, row: TaskRun) -> bool:
        kind = self.places.kind(row)
        return kind is not None and kind.type == "local"

    def _configured(self) -> set[str]:
        import json

        found = set()
        for kind in self.db.result_kinds():
            folder = json.loads(kind.options).get("dir") if kind.type == "local" else None
            if isinstance(folder, str) and folder[:1] == "/":
                found.add(folder.rstrip("/") or "/")
        return found

    def files(self) -> Iterator[tuple[str, int, float]]:
        """Yield path, size and age in seconds of the files in those folders, not of those below."""
        now = time()
        for folder in sorted(self.folders):
            try:
                entries = list(os.scandir(folder))
            except OSError:
                continue  # gone, or nobody's business
            for entry in sorted(entries, key=lambda each: each.name):
                try:
                    if entry.is_file(follow_symlinks=False):
                        stat = entry.stat(follow_symlinks=False)
                        yield entry.path, stat.st_size, now - stat.st_mtime
                except FileNotFoundError:
                    continue

    def leftovers(self, grace: float = GRACE) -> list[tuple[str, int]]:
        """Return path and size of the temporary files of writes that never finished.

        Args:
            grace: how many seconds old a file must be at least.
        """
        return [
            (path, size) for path, size, age in self.files() if age >= grace and is_temporary(os.path.basename(path))
        ]
