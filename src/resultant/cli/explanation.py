"""Why a task ran, or why it did not, from what is on record."""

from __future__ import annotations

import json
from time import time

from resultant.cli import output
from resultant.reading.places import wrote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.reading.run import RecordedRun
    from resultant.records import FlowRun, TaskRun

__all__ = ["explain"]

_BAD = ("Failed", "TimedOut", "ValidationFailed", "TriggerFailed")

#: How many earlier runs of a flow are looked at for one that has the task.
_FAR = 200


def explain(run: RecordedRun, task: str, row: TaskRun | None) -> dict[str, Any]:
    """Return what happened to a task of a run, and why.

    Args:
        run: the run.
        task: what the user called the task.
        row: its row; ``None`` where the run never came to it.

    Returns:
        ``task``, ``state``, ``verdict``, ``reason`` and ``compared_with``, the id of an earlier run or ``None``.
    """
    told: dict[str, Any] = {"task": task, "state": None, "compared_with": None}
    if row is None:
        return told | {"verdict": "did not run", "reason": _never_reached(run)}
    told["task"] = row.slug if row.index < 0 else f"{row.slug}[{row.index}]"
    told["state"] = row.state
    simple = _not_run(run, row)
    if simple is not None:
        return told | {"verdict": "did not run", "reason": simple}
    if row.attempt < run.row.attempt:
        reason = (
            f"It was finished in attempt {row.attempt} of this run, and stood when attempt {run.row.attempt} resumed it; "
            "the inputs and the result were those on record."
        )
        return told | {"verdict": f"ran in attempt {row.attempt} only", "reason": reason}
    earlier = _nearest(run, row)
    again = "" if row.attempt == 1 else f" in attempt {row.attempt}"
    if row.state not in ("Success", "Cached", "Mapped", "Looped", *_BAD):
        again += f" and is {row.state}"
    if row.attempt > 1:
        reason = (
            f"When attempt {row.attempt} resumed the run, nothing of it stood: an earlier attempt had not finished it, its "
            "result could not be read any more, or something that it is given was done again with another outcome."
        )
    elif earlier is None:
        reason = f"No earlier run of flow {run.flow!r} has this task: there was nothing to take its value from."
    else:
        reason = _first_difference(run, row, *earlier)
        told["compared_with"] = earlier[0].id
    return told | {"verdict": f"ran{again}", "reason": reason}


def _never_reached(run: RecordedRun) -> str:
    if run.state == "Running":
        return "The run has not finished it: it has not come to it yet, is at work on it, or died."
    bad = _bad_tasks(run)
    blame = f" Not successful: {', '.join(bad)}." if bad else ""
    return f"The run ended ({run.state}) before it was finished.{blame}"


def _not_run(run: RecordedRun, row: TaskRun) -> str | None:
    """Return why a task did not run at all; ``None`` where it ran."""
    if row.state == "TriggerFailed":
        bad = [name for name in _bad_tasks(run) if name != row.slug]
        return (
            f"Its trigger did not agree with how the tasks above it ended. Not successful: {', '.join(bad) or 'none'}."
        )
    if row.state == "Skipped":
        return "It was skipped: a task above it was skipped, or its own code raised SKIP."
    if row.state == "Paused":
        return f"It waits for approval: resultant resume {run.id} --approve {row.slug}."
    if row.state == "Retrying" and row.count == 0:
        return "It waits for its first try."
    if row.state == "Cached":
        return _where_from(run, row)
    return None


def _where_from(run: RecordedRun, row: TaskRun) -> str | None:
    place = run.places.full(row)
    if place is None:
        return "Its value was in the cache."
    rows = run.places.rows(place)
    position = next((n for n, each in enumerate(rows) if _key(each) == _key(row)), len(rows))
    before = [each for each in rows[position + 1 :] if wrote(each)]
    if not before and row.digest is not None:
        return None  # it filled the cache itself
    writer = before[0] if before else next((each for each in rows if wrote(each) and _key(each) != _key(row)), None)
    if writer is None:
        return f"Its value was there already, at {place}; no run on record wrote it."
    return f"Its value was there already, at {place}; run {writer.run} wrote it ({output.local(writer.ended)})."


def _key(row: TaskRun) -> tuple[str, str, int]:
    return row.run, row.slug, row.index


def _bad_tasks(run: RecordedRun) -> list[str]:
    rows = [row for state in _BAD for row in run.db.task_runs(run.id, state=state, limit=5)]
    return [row.slug if row.index < 0 else f"{row.slug}[{row.index}]" for row in rows[:5]]


def _nearest(run: RecordedRun, row: TaskRun) -> tuple[FlowRun, TaskRun] | None:
    """Return the nearest earlier run of the same flow that has the task, and its row there."""
    for other in run.db.flow_runs(run.flow, limit=_FAR, before=run.id):
        rows = run.db.task_runs(other.id, row.slug, row.index)
        if rows:
            return other, rows[0]
    return None


def _first_difference(run: RecordedRun, row: TaskRun, other: FlowRun, earlier: TaskRun) -> str:
    code, old_code = json.loads(run.row.code or "{}"), json.loads(other.code or "{}")
    if code.get(row.slug) != old_code.get(row.slug):
        return "Its code is not that of the earlier run."
    if row.children is not None and earlier.children is not None:
        if row.children != earlier.children:
            return f"It has {row.children} children, and had {earlier.children}."
        return "It is mapped: ask for one of its children, TASK[INDEX]."
    named = _changed_inputs(run, row, other, earlier)
    if named:
        return f"Its inputs are not those of the earlier run: {', '.join(named)}."
    if row.input is not None and earlier.input is not None and row.input != earlier.input:
        changed = _changed_parameters(run.row, other)
        if not changed and _takes_undigested(run, other):
            return (
                "Its inputs are not known to be those of the earlier run: what one of the runs found at a target has no "
                "digest on record that could be compared."
            )
        return f"Its inputs are not those of the earlier run{changed}."
    if earlier.state in _BAD:
        return f"The earlier run of it was not successful: {earlier.state}{f' ({earlier.error})' if earlier.error else ''}."
    if earlier.state not in ("Success", "Cached", "Mapped"):
        return f"The earlier run of it did not get further than {earlier.state}."
    if earlier.location is None and not earlier.none:
        return "The earlier value is not stored: it was kept in memory only, or was released."
    return _what_became(run, row, other, earlier)


def _changed_inputs(run: RecordedRun, row: TaskRun, other: FlowRun, earlier: TaskRun) -> list[str]:
    """Return the names of inputs that differ, where cache entries know them one by one."""

    def inputs(run_id: str, of: TaskRun) -> dict[str, Any] | None:
        for entry in run.db.cached(run_id):
            if (entry.slug, entry.index) == (of.slug, of.index):
                found: dict[str, Any] = json.loads(entry.inputs or "{}")
                return found
        return None

    mine, yours = inputs(run.id, row), inputs(other.id, earlier)
    if mine is None or yours is None:
        return []
    return sorted(name for name in {*mine, *yours} if mine.get(name) != yours.get(name))


def _takes_undigested(run: RecordedRun, other: FlowRun) -> bool:
    found = [row for run_id in (run.id, other.id) for row in run.db.task_runs(run_id, state="Cached", limit=1000)]
    return any(row.digest is None and row.location is not None for row in found)


def _what_became(run: RecordedRun, row: TaskRun, other: FlowRun, earlier: TaskRun) -> str:
    from resultant.cli.verification import verdict_of
    from resultant.reading.run import RecordedRun
    from resultant.reading.task import RecordedTask

    entry = next((each for each in run.db.cached(other.id) if (each.slug, each.index) == (row.slug, row.index)), None)
    if entry is not None and entry.expires is not None and entry.expires <= row.started:
        return f"Same code and inputs, but the cached value had expired ({output.local(entry.expires)})."
    verdict, reason, _ = verdict_of(RecordedTask(RecordedRun(run.db, other), earlier))
    if verdict not in ("ok", "superseded"):
        return f"Same code and inputs, but the earlier result cannot be used: {reason}"
    if entry is not None and (entry.expires is None or entry.expires > time()):
        return "Same code and inputs, and the earlier value is in the cache, but the task's cache validator did not accept it."
    known = "Nothing that is on record differs"
    if row.input is None or earlier.input is None:
        known = "Its inputs cannot be compared, and nothing else on record differs"
    return f"{known}: it has neither a target nor a cache whose value could have stood for it, so it runs every time."


def _changed_parameters(one: FlowRun, other: FlowRun) -> str:
    mine, yours = json.loads(one.parameters or "{}"), json.loads(other.parameters or "{}")
    changed = sorted(name for name in {*mine, *yours} if mine.get(name) != yours.get(name))
    return f"; parameters that differ: {', '.join(changed)}" if changed else ""
