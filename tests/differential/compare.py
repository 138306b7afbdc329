"""Differences between two documents of observations, each named by where it lies."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

ABSENT = "<absent>"


def leaves(document: Any, place: str = "") -> dict[str, Any]:
    """Return every leaf of a JSON document under its place: ``flow/0/tasks/a-1/class``."""
    if isinstance(document, dict) and document:
        items = list(document.items())
    elif isinstance(document, list) and document:
        items = [(str(index), item) for index, item in enumerate(document)]
    else:
        return {place: document}
    found: dict[str, Any] = {}
    for key, item in items:
        found.update(leaves(item, f"{place}/{key}" if place else str(key)))
    return found


def differences(there: Any, here: Any) -> dict[str, tuple[Any, Any]]:
    """Return the places that differ, with what was seen on each side."""
    left, right = leaves(there), leaves(here)
    return {
        place: (left.get(place, ABSENT), right.get(place, ABSENT))
        for place in sorted(left.keys() | right.keys())
        if left.get(place, ABSENT) != right.get(place, ABSENT) or type(left.get(place)) is not type(right.get(place))
    }


def matches(place: str, patterns: list[str]) -> bool:
    """Return whether one of the patterns covers a place."""
    return any(fnmatchcase(place, pattern) for pattern in patterns)
