"""Everything that is on record, and what lies beside it; batch by batch, however much that is."""

from __future__ import annotations

import os
from itertools import chain, groupby
from time import time

from resultant.cli.failure import one_line
from resultant.reading.places import Places
from resultant.records import location_text
from resultant.stores.file import is_temporary
from resultant.stores.packed import is_segment, split_place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from resultant.cli.progress import Progress
    from resultant.db import StateDB
    from resultant.records import TaskRun

__all__ = ["GRACE", "Survey", "unlinked"]

#: Seconds for which a temporary file may belong to a write that is still under way.
GRACE = 3600.0

# Files that are looked up with one question.
_BATCH = 1000


class Survey:
    """Goes through all rows, and the local folders that results were written to.

    Args:
        db: the state database.
        progress: told of each row and each file.
    """

    def __init__(self, db: StateDB, progress: Progress | None = None) -> None:
        self.db = db
        self.places = Places(db)
        self.places.know_folders()
        self._progress = progress
        #: Segments that packed results lie in.
        self._segments: set[str] = set()

    def on_record(self) -> Iterator[tuple[str, list[TaskRun]]]:
        """Yield every place outside of the database, and the task runs that wrote there or found something, the last first."""
        every = chain.from_iterable(self._told(self.db.stored_batches()))
        for location, group in groupby(every, key=lambda row: row.location):
            rows = list(group)
            full = self.places.full(rows[0])
            if full is None or location is None:
                continue
            packed = split_place(full)
            if packed is not None:
                self._segments.add(packed.segment)
            rows.sort(key=lambda row: -(row.ended or row.started))
            yield full, rows

    def _told(self, batches: Iterator[list[TaskRun]]) -> Iterator[list[TaskRun]]:
        for batch in batches:
            yield batch
            if self._progress is not None:
                self._progress.step(len(batch))

    def _folders(self) -> list[str]:
        import json

        found = {folder.rstrip("/") or "/" for folder in self.db.local_folders() if folder[:1] == "/"}
        for kind in self.db.result_kinds():
            folder = json.loads(kind.options).get("dir") if kind.type == "local" else None
            if isinstance(folder, str) and folder[:1] == "/":
                found.add(folder.rstrip("/") or "/")
        # A folder that is on record under several names is looked through once.
        return sorted({os.path.realpath(folder): folder for folder in sorted(found, reverse=True)}.values())

    def _files(self) -> Iterator[os.DirEntry[str]]:
        """Yield the files in folders that results lie in, not those below."""
        for folder in self._folders():
            try:
                entries = os.scandir(folder)
            except OSError:
                continue  # gone, or nobody's business
            with entries:
                for entry in entries:
                    if self._progress is not None:
                        self._progress.step(0)
                    try:
                        if entry.is_file(follow_symlinks=False):
                            yield entry
                    except FileNotFoundError:
                        continue

    def leftovers(self, grace: float = GRACE) -> list[tuple[str, int]]:
        """Return path and size of what writes left behind that never finished: temporary files, and segments without rows.

        Args:
            grace: how many seconds old a file must be at least.
        """
        before = time() - grace
        found = []
        for entry in self._files():
            segment = is_segment(entry.name)
            if segment or is_temporary(entry.name):
                stat = _stat(entry)
                if stat is not None and stat.st_mtime <= before and not (segment and self._is_needed(entry.path)):
                    found.append((entry.path, stat.st_size))
        self._segments.update(path for path, _ in found if is_segment(path))
        return sorted(found)

    def _is_needed(self, segment: str) -> bool:
        """Return whether a row refers to a segment, or it is not for this database to say that nobody needs it."""
        from resultant.errors import ResultError, UnknownRunError
        from resultant.stores import file_store
        from resultant.stores.framing import tasks_of

        if location_text(segment) != segment:
            return True
        for _ in self.db.folder_batches(f"{segment}/", 1):
            return True
        store = file_store("/")
        try:
            named = tasks_of(store.stat(segment).size, lambda offset, length: store.read_range(segment, offset, length))
            runs = {run: self.db.flow_run(run) for run, _ in named}
        except (ResultError, UnknownRunError, ValueError):
            # Another database's, and so somebody else's.
            return True
        # A run that has not ended may be one of a database that was put back from a copy: its results are all there is.
        return not runs or any(run.ended is None for run in runs.values()) or bool(self.db.holders(runs))

    def unknown(self) -> Iterator[tuple[str, int]]:
        """Yield path and size of the files that no row knows, after :meth:`on_record` was gone through."""
        waiting: dict[str, os.DirEntry[str]] = {}
        for entry in self._files():
            if not is_temporary(entry.name) and entry.path not in self._segments:
                waiting[entry.path] = entry
            if len(waiting) >= _BATCH:
                yield from self._without_rows(waiting)
                waiting = {}
        yield from self._without_rows(waiting)

    def _without_rows(self, entries: dict[str, os.DirEntry[str]]) -> Iterator[tuple[str, int]]:
        known = self.places.rows_of(entries)
        for path, entry in entries.items():
            if path not in known and (stat := _stat(entry)) is not None:
                yield path, stat.st_size


def unlinked(leftovers: list[tuple[str, int]], refused: list[tuple[str, str]]) -> list[tuple[str, int]]:
    """Delete files that writes left behind.

    Args:
        leftovers: their paths and sizes.
        refused: is given the paths of those that cannot be deleted, each with the reason.

    Returns:
        Those that were.
    """
    gone = []
    for path, size in leftovers:
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            refused.append((path, one_line(error)))
            continue
        gone.append((path, size))
    return gone


def _stat(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
