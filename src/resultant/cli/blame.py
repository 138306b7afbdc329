"""Why a task did not run in a run, and which other tasks are behind that."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from resultant.reading.run import RecordedRun
    from resultant.records import TaskRun

__all__ = ["BAD", "label", "never_reached", "skipped", "trigger_failed", "without_exception"]

#: States that the usual trigger refuses.
BAD = ("Failed", "TimedOut", "ValidationFailed", "TriggerFailed", "Cancelled")

#: So many tasks are named; so many rows of one state are looked at for them.
_NAMED, _LOOKED_AT = 5, 1000

#: What the names of those tasks begin with that compare a value, for `case` and `switch`.
_COMPARISONS = ("case(", 'CompareValue: "')


def label(row: TaskRun) -> str:
    """Return what a user calls a task run."""
    return row.slug if row.index < 0 else f"{row.slug}[{row.index}]"


def never_reached(run: RecordedRun) -> str:
    """Return why a run has no record of one of its tasks.

    Args:
        run: the run.
    """
    if run.row.ended is None:
        waiting = _named(_rows(run, "Paused"))
        if waiting:
            return f"The run has not come to it: it waits for approval of {waiting}."
        if run.abandoned:
            return f"The run has not finished it, and nobody works on it any more: resultant resume {run.id} goes on with it."
        return "The run has not finished it: it has not come to it yet, or is at work on it."
    bad = _named(row for state in BAD for row in _rows(run, state))
    return f"The run ended ({run.state}) before it was finished.{f' Not successful: {bad}.' if bad else ''}"


def trigger_failed(run: RecordedRun, row: TaskRun) -> str:
    """Return why a task's trigger refused it.

    Args:
        run: the run.
        row: of the task, in the state ``TriggerFailed``, whose own code did not run.
    """
    if row.error is not None and row.error != "TRIGGERFAIL":
        return f"Its trigger raised {row.error}."
    said = f" ({row.message.rstrip('.')})" if row.message else ""
    bad = _named(_before(run, row, BAD))
    named = f", above it or not: {bad}" if bad else ": none"
    return f"Its trigger did not agree with how the tasks above it ended{said}. Not successful before it{named}."


def without_exception(run: RecordedRun, row: TaskRun) -> str:
    """Return why a task failed of which no exception is on record.

    Args:
        run: the run.
        row: of the task, in the state ``Failed``.
    """
    bad = _named(_before(run, row, BAD))
    named = f" Not successful before it, above it or not: {bad}." if bad else ""
    return f"It was to be mapped over something that cannot be mapped over, or its code raised ENDRUN.{named}"


def skipped(run: RecordedRun, row: TaskRun) -> tuple[bool, str]:
    """Return whether the code of a task that was skipped ran, and why it was skipped.

    Args:
        run: the run.
        row: of the task, in the state ``Skipped``.
    """
    # Whoever raises SKIP leaves the signal as its result, and a task that is skipped for those above it leaves nothing.
    if not row.none:
        if row.slug.startswith(_COMPARISONS):
            return True, "The value that it compares is not that of its case, so it raised SKIP."
        return True, "It raised SKIP: its own code did, or a trigger of yours."
    above = _before(run, row, ("Skipped",))
    if not above:
        return True, "Nothing was skipped before it: its own code, its trigger or a state handler skipped it."
    order = ", the last one first" if len(above) > 1 else ""
    reason = f"It was skipped with a task above it. Skipped before it{order}: {_named(above)}."
    cases = _named(each for each in above if each.slug.startswith(_COMPARISONS) and not each.none)
    return False, f"{reason} The value was not that of {cases}." if cases else reason


def _before(run: RecordedRun, row: TaskRun, states: Iterable[str]) -> list[TaskRun]:
    """Return the rows in some states that a task run may have depended on, the last first: edges are not on record.

    Children of one mapped task never depend on each other, and most depend on the child of the same position alone.
    """
    found: list[TaskRun] = []
    for indexes in ((None,),) if row.index < 0 else ((-1, row.index), (None,)):
        rows = [each for state in states for index in indexes for each in _rows(run, state, index)]
        found = [each for each in rows if _is_above(each, row)]
        if found:
            break
    return sorted(found, key=lambda each: -(each.ended or 0.0))


def _is_above(other: TaskRun, row: TaskRun) -> bool:
    return other.slug != row.slug and other.ended is not None and other.ended <= row.started


def _rows(run: RecordedRun, state: str, index: int | None = None) -> list[TaskRun]:
    return run.db.task_runs(run.id, state=state, index=index, limit=_LOOKED_AT)


def _named(rows: Iterable[TaskRun]) -> str:
    names = [label(row) for row in rows]
    if len(names) > _NAMED:
        more = "many" if len(names) >= _LOOKED_AT else str(len(names) - _NAMED)
        return f"{', '.join(names[:_NAMED])} and {more} more"
    return ", ".join(names)
