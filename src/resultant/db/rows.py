"""How rows of the database and records become each other, for every SQL dialect."""

from __future__ import annotations

from resultant.errors import UnknownRunError
from resultant.records import CacheEntry, FlowRun, TaskRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

__all__ = [
    "FLOW_RUN",
    "SHARED_LENGTH",
    "ambiguous",
    "cache_entries",
    "flow_run",
    "split",
    "task_run",
    "task_runs",
    "unknown",
]

#: The columns of a flow run.
FLOW_RUN = FlowRun._fields

#: Those of them that are true or false; SQLite has no type for that.
_FLAGS = (FLOW_RUN.index("alias"), FLOW_RUN.index("pinned"))

#: Folders up to this length are kept once for all; no file system and no object store has longer names.
SHARED_LENGTH = 4096

_new = tuple.__new__

# What a value in line may begin with, if there is a slash in it.
_JSON = '{["'


def flow_run(row: Sequence[Any]) -> FlowRun:
    """Return the record of a row in the order of its fields."""
    values = list(row)
    for flag in _FLAGS:
        values[flag] = bool(values[flag])
    return FlowRun._make(values)


def task_runs(rows: Iterable[Sequence[Any]]) -> list[TaskRun]:
    """Return the records of rows in the order of its fields."""
    return list(map(task_run, rows))


def task_run(row: Sequence[Any]) -> TaskRun:
    """Return the record of a row in the order of its fields."""
    # Truth values of SQLite are numbers. `_make` would take longer: there may be thousands.
    return _new(TaskRun, (*row[:15], row[15] != 0, *row[16:]))


def cache_entries(rows: Iterable[Sequence[Any]]) -> list[CacheEntry]:
    """Return the records of rows in the order of its fields."""
    return list(map(CacheEntry._make, rows))


def is_shared(folder: str) -> bool:
    """Return whether a text that ends with a slash is the beginning of a place, as :func:`split` makes it."""
    return 0 < len(folder) <= SHARED_LENGTH and folder[0] not in _JSON


def split(location: str | None) -> tuple[str | None, str | None]:
    """Return a location's folder, which many have in common, and the rest.

    A value in line, which is JSON, has the empty folder; if it is long it has none, and is not in the index of places.
    """
    if location is None:
        return None, None
    cut = location.rfind("/") + 1
    if is_shared(location[:cut]):
        return location[:cut], location[cut:]
    return ("" if len(location) <= 256 else None), location


def unknown(text: str) -> UnknownRunError:
    """Return the error that says that there is no such run."""
    return UnknownRunError(
        f"There is no run in this database whose id starts with {text!r}, or whose name that is. "
        "`resultant runs ls` shows the runs."
    )


def ambiguous(text: str, found: Sequence[FlowRun]) -> UnknownRunError:
    """Return the error that says that several runs could be meant."""
    shown = ", ".join(f"{run.id} ({run.flow} / {run.name})" for run in found[:5])
    more = ", …" if len(found) > 5 else ""
    return UnknownRunError(f"{text!r} could mean several runs: {shown}{more}. Give more characters of the id.")
