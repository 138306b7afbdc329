"""Options that other engines have and this one leaves to other programs."""

from __future__ import annotations

from resultant.errors import UnsupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.core.flow import Flow

__all__ = ["refuse_options", "refuse_schedule"]

_INSTEAD = {
    "schedule": "start the flow from cron, a systemd timer or any scheduler that runs a command",
    "run_config": "start the flow on the machine where it shall run, and choose an `executor`",
    "storage": "keep the flow in a file and run that; values are stored by `result=`",
}


def refuse_options(**options: Any) -> None:
    """Refuse the first of `options` that is set.

    Raises:
        UnsupportedError: it names the alternative.
    """
    for name, value in options.items():
        if value is not None:
            raise UnsupportedError(f"`Flow({name}=...)` is not supported: {_INSTEAD[name]}.")


def refuse_schedule(flow: Flow, run_on_schedule: bool | None) -> None:
    """Refuse to run a flow that has a schedule, unless it is to run at once.

    Raises:
        UnsupportedError: it names the alternative.
    """
    from resultant.runtime import settings

    if settings().flows.run_on_schedule if run_on_schedule is None else run_on_schedule:
        raise UnsupportedError(
            f"{flow!r} has a schedule, and `flow.run()` waits for none: {_INSTEAD['schedule']}. To run it once, now, use "
            "`flow.run(run_on_schedule=False)`, or the setting `flows.run_on_schedule = false`."
        )
