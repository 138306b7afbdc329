"""Which tasks of a run are behind what became of another."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.reading.run import RecordedRun
    from resultant.records import TaskRun

__all__ = ["BAD", "bad_tasks", "label", "never_reached"]

#: States that the usual trigger refuses.
BAD = ("Failed", "TimedOut", "ValidationFailed", "TriggerFailed")


def label(row: TaskRun) -> str:
    """Return what a user calls a task run."""
    return row.slug if row.index < 0 else f"{row.slug}[{row.index}]"


def never_reached(run: RecordedRun) -> str:
    """Return why a run has no record of one of its tasks.

    Args:
        run: the run.
    """
    if run.state == "Running":
        return "The run has not finished it: it has not come to it yet, is at work on it, or died."
    bad = bad_tasks(run)
    blame = f" Not successful: {', '.join(bad)}." if bad else ""
    return f"The run ended ({run.state}) before it was finished.{blame}"


def bad_tasks(run: RecordedRun) -> list[str]:
    """Return names of tasks that did not end well."""
    rows = [row for state in BAD for row in run.db.task_runs(run.id, state=state, limit=5)]
    return [label(row) for row in rows[:5]]
