"""Stored bytes against what is on record of them, one verdict for each."""

from __future__ import annotations

from collections import Counter

from resultant.cli import output
from resultant.cli.command import as_json
from resultant.cli.failure import one_line
from resultant.errors import (
    AccessError,
    CorruptResultError,
    LocationError,
    MissingResultError,
    ReadError,
    StoreError,
    SupersededResultError,
    UnreadableResultError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.cli.progress import Progress
    from resultant.db import StateDB
    from resultant.reading import RecordedRun, RecordedTask

__all__ = ["Verification", "verdict_of"]

#: Verdicts that mean damage.
BAD = ("missing", "damaged", "unreachable")


def verdict_of(task: RecordedTask) -> tuple[str, str, int]:
    """Return a verdict on a stored result, the reason for it, and how many bytes were checked."""
    try:
        return "ok", "", task.verify()
    except MissingResultError as error:
        return "missing", one_line(error), 0
    except SupersededResultError as error:
        return "superseded", one_line(error), 0
    except (UnreadableResultError, AccessError, LocationError) as error:
        # A class, a store's name or credentials that this machine does not have.
        return "unknown", one_line(error), 0
    except (CorruptResultError, ReadError) as error:
        return "damaged", one_line(error), 0
    except StoreError as error:
        return "unreachable", one_line(error), 0


class Verification:
    """Looks at results and counts verdicts; those that are not fine are named at once, or kept for the JSON document.

    Args:
        progress: told of each task run.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        self._progress = progress
        self.counts: Counter[str] = Counter()
        self.size = 0
        self._findings: list[dict[str, Any]] = []

    def look(self, run: RecordedRun, task: RecordedTask) -> None:
        """Check one result; what has no bytes of its own is passed over."""
        if task.row.location is None or task.is_inline:
            return
        verdict, reason, size = verdict_of(task)
        self.counts[verdict] += 1
        self.size += size
        if verdict != "ok":
            self._find(run, task, verdict, reason)

    def _find(self, run: RecordedRun, task: RecordedTask, verdict: str, reason: str) -> None:
        if not as_json():
            if self._progress is not None:
                self._progress.end()
            child = "" if task.row.index < 0 else f"[{task.row.index}]"
            print(output.plain(f"{verdict}: run {run.id[:8]} {task.slug}{child}: {reason}"))
            return
        self._findings.append(
            {
                "run": run.id,
                "task": task.slug,
                "index": None if task.row.index < 0 else task.row.index,
                "verdict": verdict,
                "reason": reason,
                "location": task.location,
            }
        )

    def look_at_all(self, run: RecordedRun) -> None:
        """Check every result of a run."""
        from resultant.reading import RecordedTask

        for batch in run.db.task_run_batches(run.id):
            run.places.look_ahead(batch)
            for row in batch:
                self.look(run, RecordedTask(run, row))
            self._step(len(batch))

    def look_at_everything(self, db: StateDB) -> None:
        """Check every result that is on record."""
        from resultant.reading import RecordedRun, RecordedTask

        runs = {row.id: row for row in db.flow_runs()}
        opened: dict[str, RecordedRun] = {}
        shared: RecordedRun | None = None
        for batch in db.stored_batches():
            for row in batch:
                if row.run not in opened and row.run in runs:
                    opened[row.run] = RecordedRun(db, runs[row.run], like=shared)
                    shared = opened[row.run]
            if shared is not None:
                shared.places.look_ahead(batch)
            for row in batch:
                if row.run in opened:
                    self.look(opened[row.run], RecordedTask(opened[row.run], row))
            self._step(len(batch))

    def _step(self, many: int) -> None:
        if self._progress is not None:
            self._progress.step(many)

    def conclude(self) -> int:
        """Print what was found, and return the exit status."""
        if as_json():
            output.print_json(
                {
                    "checked": sum(self.counts.values()),
                    "bytes": self.size,
                    "counts": dict(self.counts),
                    "findings": self._findings,
                }
            )
        else:
            counted = (
                ", ".join(f"{number:,} {verdict}" for verdict, number in self.counts.items()) or "nothing to check"
            )
            print(f"Checked {sum(self.counts.values()):,} results ({output.size(self.size)}): {counted}.")
        return 1 if any(self.counts[verdict] for verdict in BAD) else 0
