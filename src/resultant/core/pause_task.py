"""Pausing from inside a task."""

from __future__ import annotations

from resultant import runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import timedelta

__all__ = ["pause_task"]


def pause_task(message: str | None = None, duration: timedelta | None = None) -> None:
    """Pause the task that calls this, unless it is the run that resumes it.

    Args:
        message: the message of the paused state.
        duration: how long to pause; until somebody resumes it if not given.

    Raises:
        PAUSE: the task was not resumed yet.
    """
    if runtime.context.get("resume"):
        return
    from resultant.engine import moments
    from resultant.engine.signals import PAUSE

    text = message or "Pause signal raised during task execution."
    if duration is None:
        raise PAUSE(text)
    raise PAUSE(text, start_time=moments.later(duration))
