"""Why a task ran, or why it did not, from what is on record."""

from __future__ import annotations

import shlex

from resultant.cli import output
from resultant.cli.blame import BAD, label, skipped, trigger_failed, without_exception
from resultant.cli.differences import Comparison
from resultant.cli.offers import among_offers
from resultant.cli.origins import Origins, is_made_up, key_of
from resultant.cli.parameters import is_parameter, parameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.reading.run import RecordedRun
    from resultant.records import FlowRun, TaskRun

__all__ = ["explain"]

_NOT_RUN = "did not run"

#: What keeps a task from running whose location cannot be made, or is taken.
_NO_PLACE = ("LocationError", "LocationCollisionError")

#: How many earlier runs of a flow are looked at for one that has the task.
_FAR = 200


def explain(run: RecordedRun, row: TaskRun) -> dict[str, Any]:
    """Return what happened to a task of a run, and why.

    Args:
        run: the run.
        row: the task's row.

    Returns:
        ``task``, ``state``, ``verdict``, ``reason`` and ``compared_with``, the id of an earlier run or ``None``.
    """
    told: dict[str, Any] = {"task": label(row), "state": row.state, "compared_with": None}
    origins = Origins(run)
    known = _from_state(run, row, origins)
    if known is not None:
        return told | {"verdict": known[0], "reason": known[1]}
    if row.children and (found := _all_found(run, row)) is not None:
        return told | {"verdict": _NOT_RUN, "reason": found}
    earlier = _nearest(run, row)
    if is_parameter(run.row, row):
        told["compared_with"] = earlier and earlier[0].id
        return told | {"verdict": "ran", "reason": parameter(run.row, row.slug, earlier and earlier[0])}
    if row.attempt < run.row.attempt:
        reason = (
            f"It was finished in attempt {row.attempt} of this run, and stood when attempt {run.row.attempt} resumed it; "
            "the inputs and the result were those on record."
        )
        return told | {"verdict": f"ran in attempt {row.attempt} only", "reason": reason}
    again = "" if row.attempt == 1 else f" in attempt {row.attempt}"
    if row.state not in ("Success", "Cached", "Mapped", "Looped", *BAD):
        again += f" and is {row.state}"
    if row.attempt > 1:
        reason = (
            f"When attempt {row.attempt} resumed the run, nothing of it stood: an earlier attempt had not finished it, its "
            "result could not be read any more, or something that it is given was done again with another outcome."
        )
    elif earlier is None:
        offered = among_offers(run, row, origins) or "there was nothing to take its value from"
        reason = f"No earlier run of flow {run.flow!r} has this task: {offered}."
    else:
        reason = Comparison(run, row, *earlier, origins).first()
        told["compared_with"] = earlier[0].id
    return told | {"verdict": f"ran{again}", "reason": reason}


def _from_state(run: RecordedRun, row: TaskRun, origins: Origins) -> tuple[str, str] | None:
    """Return verdict and reason where the state that a task ended in tells them, and no earlier run need be looked at."""
    if row.state == "TriggerFailed":
        if row.text is not None:
            # A trigger's refusal leaves no text: no code of the task's has failed.
            return f"ran and is {row.state}", f"Its own code raised {row.error}."
        return _NOT_RUN, trigger_failed(run, row)
    if row.state == "Skipped":
        raised, reason = skipped(run, row)
        return f"ran and is {row.state}" if raised else _NOT_RUN, reason
    if row.state == "Failed" and row.text is None and row.error is None and row.index < 0:
        # Code that has failed leaves a text, whatever it raised.
        return f"ended as {row.state}", without_exception(run, row)
    if row.state == "Failed" and row.error in _NO_PLACE:
        # An error of the task's own code names the line that it came from.
        return _NOT_RUN, f"Its result would have had no place: {row.error}."
    if row.state == "Paused":
        return _NOT_RUN, f"It waits for approval: resultant resume {run.id} --approve {shlex.quote(row.slug)}."
    if row.state == "Retrying" and row.count == 0:
        return _NOT_RUN, "It waits for its first try."
    return _found(run, row, origins) if row.state == "Cached" else None


def _found(run: RecordedRun, row: TaskRun, origins: Origins) -> tuple[str, str] | None:
    """Return where a task's value came from; ``None`` where the task computed it."""
    if row.location is None and not row.none and origins.entry(row) is None:
        reason = "Its value was kept in memory only: whether it was computed or found there is not on record."
        return f"ended as {row.state}", reason
    origin = origins.of(row)
    if origin is not None and key_of(origin) == key_of(row):
        return None
    place = run.places.full(row)
    where = "Its value was in the cache" if place is None else f"Its value was there already, at {place}"
    if origin is None and place is None:
        # The key that it was found by may be another than the task's own, and leaves no trace in the row.
        return _NOT_RUN, f"{where}; which run wrote it is not on record."
    if origin is None:
        # Somebody else may have put something at a target.
        nobody = "" if is_made_up(place or "") else ", or no run did"
        return _NOT_RUN, f"{where}; the run that wrote it is no longer on record{nobody}."
    by = "this run" if origin.run == run.id else f"run {origin.run}"
    # Another task may write to the same target, or have the same key in the cache.
    task = "" if origin.slug == row.slug and origin.index == row.index else f" (task {label(origin)})"
    return _NOT_RUN, f"{where}; {by}{task} wrote it ({output.local(origin.ended)})."


def _all_found(run: RecordedRun, row: TaskRun) -> str | None:
    """Return that no child of a mapped task had to run, if that is so."""
    computed = {(entry.slug, entry.index) for entry in run.db.cached(run.id)}
    children = [child for child in run.db.task_runs(run.id, row.slug) if child.index >= 0]
    if not all(child.state == "Cached" and (child.slug, child.index) not in computed for child in children):
        return None
    return f"The values of its {len(children)} children were there already: ask for one of them, TASK[INDEX]."


def _nearest(run: RecordedRun, row: TaskRun) -> tuple[FlowRun, TaskRun] | None:
    """Return the nearest earlier run of the same flow that has the task, and its row there."""
    for other in run.db.flow_runs(run.flow, limit=_FAR, before=run.id):
        rows = run.db.task_runs(other.id, row.slug, row.index)
        if rows:
            return other, rows[0]
    return None
