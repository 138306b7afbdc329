"""Results that are to be kept for a time: pins in the state database that fall off by themselves."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.db import StateDB

    from .plan import Plan

__all__ = ["pin_kept", "times_to_keep"]


def times_to_keep(plan: Plan) -> dict[str, float]:
    """Return for how many seconds results are to be kept, by the slugs of the tasks that make them.

    Args:
        plan: the steps, prepared.
    """
    kept = {step.slug: step.result.keep for step in plan.steps if step.result is not None}
    return {slug: keep.total_seconds() for slug, keep in kept.items() if keep is not None}


def pin_kept(db: StateDB, run_id: str, times: dict[str, float]) -> None:
    """Pin what a run stored. While it goes on, and where it died, nothing of it is removed anyway.

    Args:
        db: the state database.
        run_id: the run.
        times: see :func:`times_to_keep`.

    Raises:
        DatabaseError: the pins could not be written.
    """
    pinned = {(slug, index): until for _, slug, index, until in db.pins(run_id)}
    for slug, seconds in times.items():
        ends: dict[tuple[str, int], float] = {}
        for row in db.task_runs(run_id, slug):
            if row.location is None or row.ended is None or row.state not in ("Success", "Cached"):
                continue
            until = row.ended + seconds
            there = pinned.get((slug, row.index), 0.0)
            # Somebody may have pinned it for longer.
            if there is not None and there < until:
                ends[slug, row.index] = until
        if ends:
            db.pin_until(run_id, ends)
