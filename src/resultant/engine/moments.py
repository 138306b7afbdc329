"""Moments in time: always aware, always UTC.

The standard library's datetimes are what this library hands out; the alias for Prefect 1 replaces :data:`convert`, so
that flows which lean on pendulum get what they expect.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["as_utc", "later", "now", "parse", "passed"]

#: Turns an aware UTC datetime into the class that is handed to users; ``None`` leaves it as it is.
convert: Callable[[datetime], datetime] | None = None


def now() -> datetime:
    """Return the present moment."""
    moment = datetime.now(UTC)
    return moment if convert is None else convert(moment)


def as_utc(moment: Any) -> datetime:
    """Return a moment as an aware UTC datetime; naive ones count as UTC.

    Args:
        moment: a datetime, or ISO 8601 text.

    Raises:
        ValueError: the text is no moment.
        TypeError: it is neither.
    """
    if isinstance(moment, str):
        return parse(moment)
    if not isinstance(moment, datetime):
        raise TypeError(f"Expected a datetime or ISO 8601 text, got {type(moment).__name__}.")
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware if convert is None else convert(aware)


def parse(text: str) -> datetime:
    """Return the moment that ISO 8601 text names; without an offset it counts as UTC.

    Raises:
        ValueError: the text is no moment.
    """
    return as_utc(datetime.fromisoformat(text))


def later(seconds: float | timedelta | None) -> datetime:
    """Return the moment after a delay.

    Args:
        seconds: the delay, in seconds or as a ``timedelta``; ``None`` for none.
    """
    if seconds is None:
        return now()
    return now() + (seconds if isinstance(seconds, timedelta) else timedelta(seconds=seconds))


def passed(moment: datetime | None) -> bool:
    """Return whether a moment is over; ``None`` never is. Whatever expires asks here.

    Args:
        moment: aware.
    """
    return moment is not None and moment <= now()
