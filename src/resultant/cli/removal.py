"""Results on their way out, so that a crash at any moment leaves nothing that the next call does not finish.

First a note of what goes is written down, then the bytes go, then the rows; the note goes last. Whoever removes anything
finishes the notes that others left.
"""

from __future__ import annotations

from contextlib import ExitStack
from time import time

from resultant.cli.erasing import Doomed, Eraser
from resultant.cli.failure import Failure, one_line
from resultant.cli.failure_texts import delete_texts
from resultant.cli.forgetting import forget_results, without_result
from resultant.cli.notes import notes_of, write_note
from resultant.errors import ConfigurationError, ResultError
from resultant.reading.places import Places, newer_writer, wrote
from resultant.reading.standing import is_missed
from resultant.records import location_text
from resultant.stores.packed import is_segment, split_place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from resultant.cli.progress import Progress
    from resultant.db import StateDB
    from resultant.records import FlowRun, TaskRun

__all__ = ["Freed", "Removal", "finish_notes", "is_as_it_was", "live_pins"]

#: Places of which it is asked together who refers to them, before their bytes go.
_AT_ONCE = 50


class Freed:
    """What was deleted.

    Attributes:
        places: how many places.
        size: how many bytes.
        refused: places that could not be deleted, each with the reason.
    """

    __slots__ = ("places", "refused", "size")

    def __init__(self) -> None:
        self.places = 0
        self.size = 0
        self.refused: list[tuple[str, str]] = []

    def add(self, other: Freed) -> None:
        """Take in what else was deleted."""
        self.places += other.places
        self.size += other.size
        self.refused += other.refused


class Removal:
    """The results of some runs, which nobody else needs.

    Args:
        db: the state database.
        runs: the runs.
        forget: whether their rows go too; else they only lose their results.
        force: whether pins count for nothing.
        keep_results: whether the bytes stay.
        among: runs that lose their results later; whether somebody has taken them up meanwhile is asked each time.
        held: ids of those that the caller holds, so that nobody can.
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
        among: Iterable[FlowRun] = (),
        held: Iterable[str] = (),
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
        self._places.know_folders()
        ours = {run.id for run in runs}.union(held)
        self._among = {run.id: run for run in among if run.id not in ours}
        self._ids = ours.union(self._among)
        self._still: dict[str, bool] = {}
        self._eraser = Eraser(db, self._places)
        self._now = time()
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
            pins = live_pins(self._db, run.id)
            if run.pinned or pins:
                named = ", ".join(slug if index < 0 else f"{slug}[{index}]" for slug, index in pins)
                what = "is pinned" if run.pinned else f"has pinned results ({named})"
                raise Failure(f"Run {run.id} {what}. Unpin it, or remove it with --force.")

    def doomed(self) -> Iterator[Doomed]:
        """Yield the places whose bytes nobody outside of these runs needs, each once."""
        if self._keep_results:
            return
        for run in self._runs:
            for batch in self._batches(run):
                yield from self._doomed_in(batch, len(batch))

    def _doomed_in(self, batch: list[TaskRun], at_once: int) -> Iterator[Doomed]:
        """Yield the places of some rows whose bytes nobody else needs.

        Args:
            batch: the rows.
            at_once: for how many of them it is asked together who refers to their places.
        """
        for start in range(0, len(batch), at_once):
            self._still.clear()
            yield from self._doomed_now(batch[start : start + at_once])

    def _doomed_now(self, batch: list[TaskRun]) -> Iterator[Doomed]:
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
            kept = self._is_kept(rows)
            if len(rows) != 1:
                self._settled[place] = kept
            writer = None if kept else next((each for each in rows if wrote(each)), None)
            if writer is not None:
                yield Doomed(place, writer, others=[each for each in rows if each.run not in self._ids])

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

    def _is_kept(self, rows: list[TaskRun]) -> bool:
        """Return whether something keeps the bytes of a place.

        Args:
            rows: those of the place, the last first.
        """
        # A name that is no text, and long, is in no index: what cannot be found is not known to be nobody's. What was
        # written over has no bytes there any more that it could keep.
        return not rows or any(self._keeps(row) for row in rows if newer_writer(row, rows) is None)

    def _keeps(self, row: TaskRun) -> bool:
        """Return whether a row keeps the bytes that it refers to."""
        return row.run not in self._ids or not self._is_still_chosen(row.run) or self.has_kept(row)

    def _is_still_chosen(self, run_id: str) -> bool:
        """Return whether a run that is to lose its results later has not been taken up by somebody meanwhile."""
        chosen = self._among.get(run_id)
        if chosen is None:
            return True
        if run_id not in self._still:
            self._still[run_id] = is_as_it_was(self._db, chosen) and run_id not in self._db.holders([run_id])
        return self._still[run_id]

    def has_kept(self, row: TaskRun) -> bool:
        """Return whether a result is kept by itself, whatever becomes of its run."""
        kept = self._kept_of(row.run)
        # A pin on a mapped task is one on all its children.
        return (row.slug, row.index) in kept or (row.slug, -1) in kept

    def _kept_of(self, run_id: str) -> set[tuple[str, int]]:
        """Return the slugs and indexes of a run's results that are pinned, or stand in the cache for later runs."""
        found = self._kept.get(run_id)
        if found is None:
            found = set() if self._force else set(live_pins(self._db, run_id))
            # A run that is forgotten takes its cache entries along: bytes that nothing leads to any more help nobody.
            if not self._force and not self._forget:
                entries = self._db.cached(run_id)
                found |= {
                    (each.slug, each.index) for each in entries if each.expires is None or each.expires > self._now
                }
            self._kept[run_id] = found
        return found

    def carry_out(self) -> Freed:
        """Delete bytes and rows; the caller holds each run that is not to be forgotten.

        A run whose bytes cannot all be deleted is not forgotten: nothing would ever free them.

        Returns:
            What was deleted, and what could not be.
        """
        note = write_note(self._db, self._runs, forget=self._forget, force=self._force, keep_results=self._keep_results)
        freed = self.finish()
        note.drop()
        return freed

    def finish(self) -> Freed:
        """Delete bytes and rows that a note tells of already.

        Returns:
            What was deleted, and what could not be.

        Raises:
            RunHeldError: somebody began to work on a run that is to be forgotten.
        """
        freed = Freed()
        for run in self._runs:
            if self._forget:
                self._forget_run(run, freed)
                continue
            for batch in self._batches(run):
                self._free(batch, freed)
                self._release(batch)
        self._places.forget()
        self._db.flush()
        return freed

    def _forget_run(self, run: FlowRun, freed: Freed) -> None:
        if not self._keep_results:
            refused = len(freed.refused)
            with self._db.hold(run.id):
                for batch in self._batches(run):
                    self._free(batch, freed)
                if len(freed.refused) > refused:
                    for batch in self._batches(run):
                        self._release(batch)
                    return
                delete_texts(self._db, run)
        # Holds it once more: whoever took it in between finds a run whose results are gone.
        self._db.delete_flow_run(run.id)

    def _batches(self, run: FlowRun) -> Iterator[list[TaskRun]]:
        for batch in self._db.task_run_batches(run.id):
            yield batch
            if self._progress is not None:
                self._progress.step(len(batch))

    def _free(self, batch: list[TaskRun], freed: Freed) -> None:
        for each in self._doomed_in(batch, _AT_ONCE):
            try:
                if self._eraser.erase(each):
                    freed.places += each.packed or 1
                    freed.size += each.size
                    # Nothing would tell any more that these were written over, and not damaged.
                    forget_results(self._db, each.others)
            except (ResultError, ConfigurationError, AttributeError, ValueError) as error:
                # A class that only the flow has, or a store that refuses: the bytes stay, and so does what is known of them.
                self._settled[each.location] = True
                freed.refused.append((each.location, one_line(error)))

    def estimate(self) -> Freed:
        """Return what :meth:`carry_out` would delete."""
        freed = Freed()
        for each in self.doomed():
            freed.places += each.packed or 1
            freed.size += each.size
        return freed

    def _release(self, batch: list[TaskRun]) -> None:
        """Let rows forget their results, except where something keeps the bytes."""
        rows = []
        self._places.look_ahead(batch)
        for row in batch:
            place = self._unit(row)
            if place is None:
                if is_missed(row):
                    # Its bytes were missed; from now on they are released.
                    rows.append(row)
                continue
            kept = self._settled.get(place)
            if kept is None:
                kept = self._is_kept(self._places.rows(place))
            if not kept:
                rows.append(row)
        if rows:
            self._db.task_runs_later([tuple(without_result(row)) for row in rows])


def finish_notes(db: StateDB) -> Freed:
    """Finish what others began to remove and did not live to finish.

    Returns:
        What was deleted.
    """
    from resultant.errors import RunHeldError

    freed = Freed()
    for note in notes_of(db):
        # A pin that was set since protects what is left.
        runs = [run for run in note.runs(db) if note.force or not _is_protected(db, run, note.forget)]
        try:
            with ExitStack() as stack:
                for run in () if note.forget else runs:
                    stack.enter_context(db.hold(run.id))
                removal = Removal(db, runs, forget=note.forget, force=note.force, keep_results=note.keep_results)
                freed.add(removal.finish())
        except RunHeldError:
            continue
        note.drop()
    return freed


def _is_protected(db: StateDB, run: FlowRun, forget: bool) -> bool:
    return run.pinned or (forget and bool(live_pins(db, run.id)))


def is_as_it_was(db: StateDB, run: FlowRun) -> bool:
    """Return whether a run has not been resumed, pinned or removed since its row was read.

    Args:
        db: the state database.
        run: its row.
    """
    from resultant.errors import UnknownRunError

    try:
        now = db.flow_run(run.id)
    except UnknownRunError:
        return False
    return (now.attempt, now.state, now.ended, now.pinned) == (run.attempt, run.state, run.ended, run.pinned)


def live_pins(db: StateDB, run_id: str) -> list[tuple[str, int]]:
    """Return slugs and indexes of a run's results that are pinned; index -1 is a whole task.

    Args:
        db: the state database.
        run_id: of the run.
    """
    now = time()
    return [(slug, index) for _, slug, index, until in db.pins(run_id) if until is None or until > now]
