"""What a resumed run wrote itself, and does not believe any more."""

from __future__ import annotations

from resultant.engine.stored import StoredResult
from resultant.errors import ResultError
from resultant.records import location_of
from resultant.runtime import get_logger

from .frame import TaskFrame
from .gate import name_run
from .persist import target_location

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from resultant.db import StateDB
    from resultant.records import TaskRun

    from .plan import Run, Step

__all__ = ["note_replaced", "set_aside"]


def set_aside(
    db: StateDB, run: Run, step: Step, row: TaskRun, inputs: Callable[[], dict[str, Any]], lost: bool
) -> None:
    """Give another name to what a task run that is done again had written to its target.

    It is damaged, or was made from other inputs than the task is given now. Left there, it would be found, and taken for what
    the task returns. What another run has written there since, or relies on, is that run's, and a target like any other.

    Args:
        db: the state database.
        run: what is common to the run.
        step: the task.
        row: what an earlier attempt recorded of it.
        inputs: gives what the task run is given now, by name.
        lost: whether the bytes are known not to be those on record.
    """
    result = step.result
    # A task that found its target would find it again, whatever it is given.
    if step.target is None or row.state != "Success" or row.location is None or not isinstance(result, StoredResult):
        return
    location = location_of(row.location)
    # A callable is not called once more than it needs to be: it may count, or look at a clock.
    asked = not (callable(step.target) or callable(step.task.task_run_name))
    if asked and _target(run, step, result, row.index, inputs) != location:
        # In nobody's way, under its own name.
        return
    others = [other for other in db.places(row.location) if other.run != row.run]
    if any(other.digest != row.digest and _end(other) > _end(row) for other in others):
        return
    name = step.name if row.index < 0 else f"{step.name}[{row.index}]"
    log = get_logger("resume").warning
    relying = next((other for other in others if other.digest == row.digest), None)
    if relying is not None and not lost:
        log(
            "Task '%s' is not given what it was, but its target %r is relied on by run %s as well, and so is taken as it is. "
            "Delete it, or put what differs into the target, to have it made anew.",
            name,
            location,
            relying.run,
        )
        return
    try:
        aside = result.store.set_aside(location)
    except ResultError:
        # Nothing is there, or it is out of reach, which the look for the target will say.
        return
    log(
        "Task '%s' is done again, so what it had written to its target is no target any more; it is kept as %r.",
        name,
        aside,
    )


def note_replaced(run: Run, step: Step, row: TaskRun, kind: tuple[str, str] | None) -> None:
    """Note where the value of a task run that is done again lies: once the new one is on record, nothing else tells of it.

    ``resultant gc`` and ``fsck --repair`` delete what is noted and not on record. What has a name of the user's own is left
    alone: somebody may look for it there.

    Args:
        run: what is common to the run.
        step: the task.
        row: what an earlier attempt recorded of it; it has a location.
        kind: type and options of the result, by which anybody can reach its store; ``None`` where nobody can.
    """
    named = step.target is not None or step.location is not None or step.own_location
    if named or row.digest is None or kind is None or run.intents is None:
        return
    from resultant.stores.packed import is_inside

    result, location = step.result, location_of(row.location or "")
    if result is None or result._formatter is not None or is_inside(location):
        return
    try:
        run.intents.note(location, row.size, row.digest, kind)
    except OSError as error:
        get_logger("resume").debug("It could not be noted that %s is replaced: %s", location, error)


def _target(run: Run, step: Step, result: StoredResult, index: int, inputs: Callable[[], dict[str, Any]]) -> str | None:
    """Return the place of a task run's target; ``None`` where it has none, of which the task run will say why."""
    frame = TaskFrame(run, step, None if index < 0 else index)
    found = result.from_value(None)
    try:
        frame.inputs = inputs()
        name_run(frame)
        found.location = target_location(frame)
        return found.place
    except Exception:  # noqa: BLE001 - a callable of the user's makes it
        return None


def _end(row: TaskRun) -> float:
    return row.ended or row.started
