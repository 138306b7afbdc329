"""The dates of a run: one moment, and the texts that are derived from it."""

from __future__ import annotations

from datetime import datetime, timedelta

from resultant.engine.moments import as_utc, now
from resultant.runtime import get_logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["date_keys"]


def date_keys(keys: dict[str, Any]) -> None:
    """Add ``date`` and what follows from it to a run's keys; keys that are there already stay.

    Args:
        keys: the run's keys of the context; a ``date`` among them is taken for the run's.
    """
    moment = now()
    keys.setdefault("scheduled_start_time", moment)
    given = keys.get("date")
    if given is None:
        keys["date"] = moment
    elif isinstance(given, datetime):
        moment = given
    else:
        try:
            keys["date"] = moment = as_utc(given)
        except (ValueError, TypeError):
            get_logger("flow").warning(
                "The `date` in the context, %r, could not be parsed into a pendulum `DateTime` object or a datetime; the "
                "other dates of this run follow the present time.",
                given,
            )
    for name, days in (("today", 0), ("yesterday", -1), ("tomorrow", 1)):
        text = (moment + timedelta(days=days)).strftime("%Y-%m-%d")
        keys.setdefault(name, text)
        keys.setdefault(f"{name}_nodash", text.replace("-", ""))
