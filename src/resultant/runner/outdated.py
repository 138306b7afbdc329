"""Targets that a resumed run wrote itself, and does not believe any more."""

from __future__ import annotations

from resultant.engine.stored import StoredResult
from resultant.errors import ResultError
from resultant.records import location_of
from resultant.runtime import get_logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.db import StateDB
    from resultant.records import TaskRun

    from .plan import Step

__all__ = ["set_aside"]


def set_aside(db: StateDB, step: Step, row: TaskRun) -> None:
    """Give another name to what a task run that is done again had written to its target.

    It is damaged, or was made from other inputs than the task is given now. Left there, it would be found, and taken for what
    the task returns. What another run has written there since is that run's, and a target like any other.

    Args:
        db: the state database.
        step: the task.
        row: what an earlier attempt recorded of it.
    """
    result = step.result
    # A task that found its target would find it again, whatever it is given.
    if step.target is None or row.state != "Success" or row.location is None or not isinstance(result, StoredResult):
        return
    if any(_wrote_since(other, row) for other in db.places(row.location)):
        return
    try:
        aside = result.store.set_aside(location_of(row.location))
    except ResultError:
        # Nothing is there, or it is out of reach, which the look for the target will say.
        return
    child = "" if row.index < 0 else f"[{row.index}]"
    get_logger("resume").warning(
        "Task '%s%s' is done again, so what it had written to its target is no target any more; it is kept as %r.",
        step.name,
        child,
        aside,
    )


def _wrote_since(other: TaskRun, row: TaskRun) -> bool:
    if other.run == row.run or other.digest == row.digest:
        return False
    return (other.ended or other.started) > (row.ended or row.started)
