"""Moments and spans of time as people write them."""

from __future__ import annotations

import re

from resultant.cli.failure import Failure

__all__ = ["moment", "span"]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def span(text: str) -> float:
    """Return a span such as ``90s``, ``30m``, ``12h``, ``7d`` or ``2w`` in seconds.

    Raises:
        Failure: it is no span.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", text.strip().lower())
    if match is None:
        raise Failure(f"{text!r} is no span of time: write 90s, 30m, 12h, 7d or 2w.")
    return float(match[1]) * _SECONDS[match[2]]


def moment(text: str) -> float:
    """Return a moment in seconds since 1970: a date, a date and a time, or a span before now.

    Raises:
        Failure: it is none of these.
    """
    from datetime import datetime
    from time import time

    try:
        # Without a zone it is local time, for people and for Python.
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        pass
    try:
        return time() - span(text)
    except Failure:
        raise Failure(
            f"{text!r} is no moment: write 2026-01-31, 2026-01-31T12:00, or a span before now such as 7d."
        ) from None
