"""How runs stand that have not ended, and what tasks are called."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from resultant.db import StateDB
    from resultant.records import FlowRun, TaskRun

__all__ = ["UNFINISHED", "abandoned", "is_missed", "name_in", "rows_of_runs", "standing"]

#: How runs stand that are on record as running; which it is shows when they are looked at.
UNFINISHED = ("Running", "Paused", "abandoned")


def rows_of_runs(
    db: StateDB, flow: str | None, state: str | None, since: float | None, limit: int | None
) -> tuple[list[FlowRun], dict[str, str]]:
    """Return rows of runs, the newest first, and how those stand that have not ended and that no process works on.

    Args:
        db: the state database.
        flow: only runs of the flow with this name.
        state: only runs that are in this state, or stand like that.
        since: only runs that were begun then or later, in seconds since the epoch.
        limit: at most so many.
    """
    if state not in UNFINISHED:
        rows = db.flow_runs(flow, state, since, limit)
        return rows, standing(db, rows)
    rows = db.flow_runs(flow, "Running", since)
    idle = standing(db, rows)
    # To be abandoned is no state of its own: such a run is on record as running.
    like = {None: ("Running",), "Paused": ("Paused",), "abandoned": ("Running", "abandoned")}
    return [row for row in rows if state in like[idle.get(row.id)]][:limit], idle


def standing(db: StateDB, rows: Iterable[FlowRun]) -> dict[str, str]:
    """Return how those runs stand that have not ended and that no process works on, by their ids.

    That is ``Paused`` where a task waits for somebody's approval, and ``abandoned`` anywhere else.

    Args:
        db: the state database.
        rows: of runs.
    """
    unfinished = [row.id for row in rows if row.state == "Running" and row.ended is None]
    if not unfinished:
        return {}
    held = db.holders(unfinished)
    # A run that has just ended was let go of after its end was written.
    idle = [run for run in unfinished if run not in held and _is_unfinished(db, run)]
    return {run: "Paused" if db.task_runs(run, state="Paused", limit=1) else "abandoned" for run in idle}


def abandoned(db: StateDB, rows: Iterable[FlowRun]) -> set[str]:
    """Return the ids of those runs that have not ended, that no process works on, and that wait for nobody's approval.

    Args:
        db: the state database.
        rows: of runs.
    """
    return {run for run, how in standing(db, rows).items() if how == "abandoned"}


def _is_unfinished(db: StateDB, run_id: str) -> bool:
    from resultant.errors import UnknownRunError

    try:
        row = db.flow_run(run_id)
    except UnknownRunError:
        return False
    return row.state == "Running" and row.ended is None


def is_missed(row: TaskRun) -> bool:
    """Return whether `fsck` has found that the bytes of a result are gone, which nobody meant to lose."""
    return row.location is None and row.kind is not None and row.text is None and row.children is None


def name_in(slug: str) -> str:
    """Return the name in a slug that was made from one."""
    name, _, number = slug.rpartition("-")
    return name if number.isdigit() else slug
