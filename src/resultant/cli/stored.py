"""What is stored at a place, compared with what a row says of it: existence and size, not the bytes."""

from __future__ import annotations

import os

from resultant.stores.packed import split_place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.reading.places import Places
    from resultant.records import TaskRun

__all__ = ["NOT_MOUNTED", "Stored", "absent_folder"]

NOT_MOUNTED = "This folder of results is not there, or empty. If it is on a disk of its own, mount that."


def absent_folder(result: Any, place: str | None = None) -> str | None:
    """Return the folder of a result if it is not there: a disk that is not mounted is no reason to forget what lies on it.

    Where a disk would be mounted there may be an empty folder.

    Args:
        result: any result.
        place: where something is missing; folders on the way there count too.
    """
    root = getattr(result, "dir", None)
    if not isinstance(root, str):
        return None
    if place is None or not place.startswith(f"{root}/"):
        return None if os.path.isdir(root) else root
    packed = split_place(place)
    folder = os.path.dirname(place if packed is None else packed.segment)
    while len(folder) >= len(root):
        if not os.path.isdir(folder) or _is_empty(folder):
            return folder
        folder = os.path.dirname(folder)
    return None


def _is_empty(folder: str) -> bool:
    with os.scandir(folder) as entries:
        return next(entries, None) is None


class Stored:
    """Looks at stored results of many kinds, each of which is made once.

    Args:
        places: knows how the bytes of a row were made.
        emptied: whether folders that are not there, or empty, were emptied on purpose.
    """

    def __init__(self, places: Places, emptied: bool = False) -> None:
        self._places = places
        self._emptied = emptied
        self._made: dict[int | None, tuple[Any, Any]] = {}

    def compare(self, row: TaskRun, place: str) -> tuple[str, str]:
        """Return a verdict, ``ok``, ``missing``, ``damaged`` or ``unknown``, and the reason for it.

        Args:
            row: which is not superseded.
            place: its full name.
        """
        from resultant.errors import (
            ConfigurationError,
            CorruptResultError,
            LocationError,
            MissingResultError,
            ResultError,
        )

        result: Any = None
        try:
            result, store = self._result(row)
            if result is None:
                return "unknown", "Nothing is on record of how its bytes were made."
            if store is None:
                return ("ok", "") if result.exists(place) else ("missing", f"Nothing is stored at {place!r}.")
            size = store.stat(place).size
        except MissingResultError:
            if not self._emptied and (folder := absent_folder(result, place)) is not None:
                return "unknown", f"{folder}: {NOT_MOUNTED}"
            return "missing", f"Nothing is stored at {place!r} any more."
        except CorruptResultError as error:
            return "damaged", str(error)
        except (ResultError, ConfigurationError, LocationError, ValueError) as error:
            return "unknown", str(error)
        if row.size is not None and size != row.size:
            return "damaged", f"It has {size} bytes, and its record says {row.size}."
        return "ok", ""

    def _result(self, row: TaskRun) -> tuple[Any, Any]:
        """Return a result like the one that wrote a row's bytes, and its store."""
        from resultant.reading.task import result_of

        made = self._made.get(row.kind)
        if made is None:
            kind = self._places.kind(row)
            result: Any = None if kind is None else result_of(kind)
            made = self._made[row.kind] = result, getattr(result, "store", None)
        return made
