"""Results on their way out, so that a crash at any moment leaves nothing that the next call does not finish.

First a note of what goes is written down, then the bytes go, then the rows; the note goes last. Whoever removes anything
finishes the notes that others left.
"""

from __future__ import annotations

import json
import os
import shutil

from resultant.cli.failure import Failure
from resultant.reading.places import Places, wrote
from resultant.records import location_text
from resultant.stores.packed import is_segment, split_place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from resultant.cli.progress import Progress
    from resultant.db import StateDB
    from resultant.records import FlowRun, ResultKind, TaskRun

__all__ = ["Doomed", "Freed", "Removal", "finish_notes", "notes_of"]


class Doomed:
    """A place whose bytes go.

    Attributes:
        location: its full name.
        row: the task run that wrote it.
        size: how many bytes are on record.
        packed: how many results it holds, if it is a segment.
    """

    __slots__ = ("location", "packed", "row", "size")

    def __init__(self, location: str, row: TaskRun, size: int | None = None, packed: int = 0) -> None:
        self.location = location
        self.row = row
        self.size = (row.size if size is None else size) or 0
        self.packed = packed


class Freed:
    """What was deleted: how many places, and how many bytes."""

    __slots__ = ("places", "size")

    def __init__(self) -> None:
        self.places = 0
        self.size = 0


class Removal:
    """The results of some runs, which nobody else needs.

    Args:
        db: the state database.
        runs: the runs.
        forget: whether their rows go too; else they only lose their results.
        force: whether pins count for nothing.
        keep_results: whether the bytes stay.
        among: ids of all runs that lose their results, if these are not the only ones.
        settled: what was found out about places that several task runs share, and is found out once for all `among`.
        progress: told of each task run.
    """

    def __init__(
        self,
        db: StateDB,
        runs: list[FlowRun],
        *,
        forget: bool,
        force: bool = False,
        keep_results: bool = False,
        among: set[str] | None = None,
        settled: dict[str, bool] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._db = db
        self._progress = progress
        self._runs = runs
        self._forget = forget
        self._force = force
        self._keep_results = keep_results
        self._places = Places(db)
        self._ids = {run.id for run in runs} | (among or set())
        self._now = _now()
        self._kept: dict[str, set[tuple[str, int]]] = {}
        #: Whether something keeps a place, of those that several task runs share.
        self._settled = {} if settled is None else settled

    def refuse_pinned(self) -> None:
        """Raise an error if a run, or a result of it, is pinned.

        Raises:
            Failure: one is.
        """
        if self._force:
            return
        for run in self._runs:
            pins = self._live_pins(run.id)
            if run.pinned or pins:
                what = "is pinned" if run.pinned else f"has pinned results ({', '.join(slug for slug, _ in pins)})"
                raise Failure(f"Run {run.id} {what}. Unpin it, or remove it with --force.")

    def doomed(self) -> Iterator[Doomed]:
        """Yield the places whose bytes nobody outside of these runs needs, each once."""
        if self._keep_results:
            return
        for run in self._runs:
            for batch in self._batches(run):
                yield from self._doomed_in(batch)

    def _doomed_in(self, batch: list[TaskRun]) -> Iterator[Doomed]:
        here = [(unit, row) for row in batch if (unit := self._unit(row)) is not None and unit not in self._settled]
        self._places.look_ahead(row for place, row in here if not is_segment(place))
        for place, _ in here:
            # Another row of this batch may have settled it.
            if place in self._settled:
                continue
            if is_segment(place):
                yield from self._doomed_segment(place)
                continue
            rows = self._places.rows(place)
            # A name that is no text, and long, is in no index: what cannot be found is not known to be nobody's.
            kept = not rows or any(self._keeps(each) for each in rows)
            if len(rows) != 1:
                self._settled[place] = kept
            writer = None if kept else next((each for each in rows if wrote(each)), None)
            if writer is not None:
                yield Doomed(place, writer)

    def _unit(self, row: TaskRun) -> str | None:
        """Return the full name of what would be deleted with the bytes of a row: a place, or the segment it is in."""
        place = self._places.full(row)
        packed = None if place is None else split_place(place)
        return place if packed is None else packed.segment

    def _doomed_segment(self, segment: str) -> Iterator[Doomed]:
        """Yield a segment of packed results, unless something keeps one of them: it goes as a whole or not at all."""
        if location_text(segment) != segment:
            # A folder whose name is no text: rows of the same segment cannot be found together.
            self._settled[segment] = True
            return
        size = count = 0
        writer = None
        for batch in self._db.folder_batches(f"{segment}/"):
            for row in batch:
                if self._keeps(row):
                    self._settled[segment] = True
                    return
                if writer is None and wrote(row):
                    writer = row
                size += row.size or 0
            count += len(batch)
        self._settled[segment] = False
        if writer is not None:
            yield Doomed(segment, writer, size, count)

    def _keeps(self, row: TaskRun) -> bool:
        """Return whether a row keeps the bytes that it refers to."""
        if row.run not in self._ids:
            return True
        kept = self.kept(row.run)
        # A pin on a mapped task is one on all its children.
        return (row.slug, row.index) in kept or (row.slug, -1) in kept

    def kept(self, run_id: str) -> set[tuple[str, int]]:
        """Return the slugs and indexes of a run's results that are pinned, or stand in the cache for later runs."""
        found = self._kept.get(run_id)
        if found is None:
            found = set() if self._force else set(self._live_pins(run_id))
            # A run that is forgotten takes its cache entries along: bytes that nothing leads to any more help nobody.
            if not self._force and not self._forget:
                entries = self._db.cached(run_id)
                found |= {
                    (each.slug, each.index) for each in entries if each.expires is None or each.expires > self._now
                }
            self._kept[run_id] = found
        return found

    def _live_pins(self, run_id: str) -> list[tuple[str, int]]:
        pins = self._db.pins(run_id)
        return [(slug, index) for _, slug, index, until in pins if until is None or until > self._now]

    def carry_out(self) -> Freed:
        """Delete bytes and rows; each run must be held by the caller, or be nobody's.

        Returns:
            What was deleted.
        """
        note = _write_note(self._db, [run.id for run in self._runs], self._forget, self._force)
        freed = Freed()
        for run in self._runs:
            for batch in self._batches(run):
                if not self._keep_results:
                    self._free(batch, freed)
                if not self._forget:
                    self._release(batch)
            if self._forget:
                if not self._keep_results:
                    self._delete_texts(run)
                self._db.delete_flow_run(run.id)
        self._places.forget()
        self._db.flush()
        if note is not None:
            os.unlink(note)
        return freed

    def _batches(self, run: FlowRun) -> Iterator[list[TaskRun]]:
        for batch in self._db.task_run_batches(run.id):
            yield batch
            if self._progress is not None:
                self._progress.step(len(batch))

    def _free(self, batch: list[TaskRun], freed: Freed) -> None:
        for each in self._doomed_in(batch):
            if self._delete(each):
                freed.places += each.packed or 1
                freed.size += each.size

    def estimate(self) -> Freed:
        """Return what :meth:`carry_out` would delete."""
        freed = Freed()
        for each in self.doomed():
            freed.places += each.packed or 1
            freed.size += each.size
        return freed

    def _delete(self, each: Doomed) -> bool:
        """Delete bytes unless they are other ones than those on record, which somebody is about to put on record."""
        from resultant.errors import MissingResultError, ResultError
        from resultant.reading.task import result_of

        kind = self._places.kind(each.row)
        try:
            if kind is None:
                raise ValueError("Nothing is on record of how these bytes were made.")
            store: Any = result_of(kind).store
            found = store.stat(each.location)
            if each.packed:
                # It grew after its first result was on record, and nobody else ever writes to it.
                store.delete(each.location)
                return True
            later = found.modified > (each.row.ended or each.row.started) + 1.0
            if later and each.location[:1] != "/" and each.row.digest is not None:
                # The clock of a server is not that of this machine: the bytes themselves say whose they are.
                later = not self._is_recorded(store, each)
            if later or (each.row.size is not None and found.size != each.row.size):
                return False
            store.delete(each.location)
        except MissingResultError:
            return False
        except (ResultError, AttributeError, ValueError):
            # A class that only the flow has, or a store that refuses: the bytes stay, and so does what is known of them.
            self._settled[each.location] = True
            return False
        return True

    def _is_recorded(self, store: Any, each: Doomed) -> bool:
        from resultant.runner.digest_key import digester_of

        # Where the run's secret is not at hand, that is an error of a result, and the bytes stay.
        digester = digester_of(self._db.flow_run(each.row.run))
        with store.source(each.location) as source:
            return bool(digester.agrees(each.row.digest or b"", source.read()))

    def _release(self, batch: list[TaskRun]) -> None:
        """Let rows forget their results, except where something keeps the bytes."""
        from msgspec.structs import astuple, replace

        rows = []
        for row in batch:
            place = self._unit(row)
            if place is None:
                continue
            kept = self._settled.get(place)
            if kept is None:
                rows_there = self._places.rows(place)
                kept = not rows_there or any(self._keeps(each) for each in rows_there)
            if not kept:
                rows.append(astuple(replace(row, location=None, kind=None, size=None, digest=None)))
        if rows:
            self._db.task_runs_later(rows)

    def _delete_texts(self, run: FlowRun) -> None:
        """Delete what was written of the run's failures, of tries that others followed too."""
        from resultant.runner.failure_text import texts_of

        folder, kinds = texts_of(run.id), set()
        for batch in self._db.task_run_batches(run.id):
            for row in batch:
                if row.text is None or not os.path.dirname(row.text).endswith(f"/{folder}"):
                    continue
                if row.kind is None:
                    shutil.rmtree(os.path.dirname(row.text), ignore_errors=True)
                elif row.kind not in kinds:
                    kinds.add(row.kind)
                    _delete_below(self._db.result_kind(row.kind), folder)


def _delete_below(kind: ResultKind, folder: str) -> None:
    from resultant.errors import ResultError
    from resultant.reading.task import result_of
    from resultant.runner.failure_text import FOLDER

    try:
        store: Any = result_of(kind).store
        for key in store.list(f"{FOLDER}/{folder}/"):
            store.delete(key)
    except (ResultError, ValueError):
        pass  # a store that this machine cannot reach keeps it


def finish_notes(db: StateDB) -> int:
    """Finish what others began to remove and did not live to finish.

    Returns:
        How many notes there were.
    """
    from resultant.errors import RunHeldError, UnknownRunError

    finished = 0
    for path, note in notes_of(db):
        runs = []
        for run_id in note["runs"]:
            try:
                runs.append(db.flow_run(run_id))
            except UnknownRunError:
                pass
        try:
            for run in runs:
                with db.hold(run.id):
                    pass
        except RunHeldError:
            continue
        if runs:
            Removal(db, runs, forget=note["forget"], force=note["force"]).carry_out()
        _unlink(path)
        finished += 1
    return finished


def notes_of(db: StateDB) -> list[tuple[str, dict[str, Any]]]:
    """Return the notes of removals from a database that were not finished, each with its file."""
    found = []
    for path in _notes():
        try:
            with open(path, encoding="utf-8") as file:
                note = json.load(file)
        except (OSError, ValueError):
            continue
        if note.get("database") == db.url:
            found.append((path, note))
    return found


def _folder() -> str:
    from resultant.runtime import settings

    return os.path.join(settings().home_dir, "removals")


def _notes() -> list[str]:
    try:
        names = sorted(os.listdir(_folder()))
    except FileNotFoundError:
        return []
    return [os.path.join(_folder(), name) for name in names if name.endswith(".json")]


def _write_note(db: StateDB, runs: list[str], forget: bool, force: bool) -> str | None:
    if db.url.startswith("memory:"):
        return None
    from resultant.stores import file_store

    name = f"{os.urandom(8).hex()}.json"
    data = json.dumps({"database": db.url, "runs": runs, "forget": forget, "force": force})
    return file_store(_folder(), True).put(name, data.encode())


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _now() -> float:
    from time import time

    return time()
