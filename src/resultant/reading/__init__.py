"""What earlier runs left behind, for a script or a notebook that has never seen their flows.

Nothing here imports a flow's file. A value is read when it is asked for, and checked against the digest that was recorded.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from typing import Any

    from .run import RecordedRun
    from .task import RecordedTask

__all__ = ["RecordedRun", "RecordedTask", "open_run", "runs"]


def runs(
    flow: str | None = None,
    *,
    state: str | None = None,
    since: datetime | None = None,
    limit: int | None = None,
) -> list[RecordedRun]:
    """Return the recorded runs, the newest first.

    Args:
        flow: only those of the flow with this name.
        state: only those in this state, for example ``"Failed"``; ``"abandoned"`` stands for those that have not ended, that no
            process works on, and that wait for nobody's approval.
        since: only those that were begun at this time or later; without a time zone it is taken as local time.
        limit: at most so many.

    Raises:
        DatabaseError: the state database cannot be read.
    """
    from resultant.runner.recorded_runs import database

    from .run import RecordedRun
    from .standing import rows_of_runs

    db = database(reading=True)
    found, _ = rows_of_runs(db, flow, state, None if since is None else since.timestamp(), limit)
    return [RecordedRun(db, row) for row in found]


def open_run(run_id: str, *, types: Iterable[type] = (), flow: Any = None) -> RecordedRun:
    """Return a recorded run; ``open_run(...)["task"].value`` is what a task returned.

    Args:
        run_id: the run's id, the beginning of it, or the run's name.
        types: own classes of results and serializers that the run used and no installed package offers.
        flow: the flow itself, whose own results are used for what cannot be named in a row.

    Raises:
        UnknownRunError: there is no such run, or several could be meant.
        DatabaseError: the state database cannot be read.
    """
    from resultant.runner.recorded_runs import database

    from .run import RecordedRun

    db = database(reading=True)
    return RecordedRun(db, db.find_flow_run(run_id), types, flow)


def __getattr__(name: str) -> object:
    # Whoever only wants to know how runs stand needs neither.
    if name == "RecordedRun":
        from .run import RecordedRun

        return RecordedRun
    if name == "RecordedTask":
        from .task import RecordedTask

        return RecordedTask
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
