"""Where the two engines differ on purpose: scenario to (patterns of places, reason naming SPEC's row).

A pattern is matched against places such as ``flow/0/tasks/a-1/value``. A pattern that no difference matches any more is
a failure too, so this list only holds what is really different.
"""

from __future__ import annotations

DEPARTURES: dict[str, tuple[list[str], str]] = {}
