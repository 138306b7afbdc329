"""Options that other engines have and this one leaves to other programs."""

from __future__ import annotations

from resultant.errors import UnsupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["refuse_options"]

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
