"""Places of single results inside of segments: how they are told from others, and what a store does with them.

The format of a segment is described in :mod:`resultant.stores.framing`.
"""

from __future__ import annotations

import re

from resultant.errors import CorruptResultError, MissingResultError, StoreError

from .base import LONGEST, MARK, MemorySource, Stat
from .framing import HEADER, VALUE, frame_at, unframed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = [
    "Packed",
    "is_inside",
    "is_segment",
    "new_name",
    "packed_has",
    "packed_source",
    "packed_stat",
    "refuse_packed",
    "split_place",
]

_NAME = rf"{MARK}\d{{4}}-\d\d-\d\dt\d\d-\d\d-\d\d-[0-9a-f]{{24}}"
_NUMBER = r"(0|[1-9][0-9]{0,17})"
_PLACE = re.compile(rf"((?:.*/)?{_NAME})/{_NUMBER}\+{_NUMBER}", re.DOTALL | re.ASCII)
_SEGMENT = re.compile(rf"(?:.*/)?{_NAME}", re.DOTALL | re.ASCII)
_INSIDE = re.compile(rf"(?:.*/)?{_NAME}(?:/.*)?", re.DOTALL | re.ASCII)


class Packed:
    """A place inside of a segment.

    Attributes:
        segment: the key, or the full place, of the segment.
        offset: where the header of the result begins.
        length: of the result in bytes.
    """

    __slots__ = ("length", "offset", "segment")

    def __init__(self, segment: str, offset: int, length: int) -> None:
        self.segment = segment
        self.offset = offset
        self.length = length


def new_name() -> str:
    """Return a name that no other segment has."""
    from os import urandom
    from time import gmtime, strftime

    return f"{MARK}{strftime('%Y-%m-%dt%H-%M-%S', gmtime())}-{urandom(12).hex()}"


def split_place(key: str) -> Packed | None:
    """Return segment, offset and length of a place inside of a segment; ``None`` for any other key.

    Args:
        key: a key or a full place, of any store.
    """
    if MARK not in key:
        return None
    found = _PLACE.fullmatch(key)
    # Nobody packs what is longer, and whoever asks for it wants to see memory run out.
    if found is None or int(found[3]) > LONGEST:
        return None
    return Packed(found[1], int(found[2]), int(found[3]))


def is_segment(key: str) -> bool:
    """Return whether a key is that of a whole segment."""
    return MARK in key and _SEGMENT.fullmatch(key) is not None


def is_inside(key: str) -> bool:
    """Return whether a key is that of a segment, or would lie inside of one."""
    return MARK in key and _INSIDE.fullmatch(key) is not None


def packed_source(key: str, read_range: Callable[[str, int, int], Any]) -> MemorySource | None:
    """Return one result of a segment, read by itself and checked; ``None`` where `key` is no such place.

    Args:
        key: the place.
        read_range: gives a length of bytes from an offset of a key on, fewer where they end.

    Raises:
        MissingResultError: the segment is gone.
        CorruptResultError: what is there is not the whole result.
    """
    place = split_place(key)
    if place is None:
        return None
    data = read_range(place.segment, place.offset, HEADER + place.length)
    return MemorySource(unframed(key, place.length, data))


def packed_stat(
    key: str, stat: Callable[[str], Stat], read_range: Callable[[str, int, int], Any] | None = None
) -> Stat | None:
    """Return size and time of one result of a segment; ``None`` where `key` is no such place.

    Its size is that of the bytes that are there.

    Args:
        key: the place.
        stat: gives size and time of a whole segment.
        read_range: reads the result's own time, where a segment still grows; else its time is the segment's.

    Raises:
        MissingResultError: the segment is gone.
        CorruptResultError: no result begins there.
    """
    place = split_place(key)
    if place is None:
        return None
    whole = stat(place.segment)
    there = max(0, min(place.length, whole.size - place.offset - HEADER))
    if read_range is None or there < place.length:
        return Stat(there, whole.modified)
    found = frame_at(read_range(place.segment, place.offset, HEADER), place.offset)
    if found is None or found.kind != VALUE or found.length != place.length:
        raise CorruptResultError(f"There is no packed result at {key!r}: its segment was damaged, or another is meant.")
    return Stat(there, found.time)


def packed_has(key: str, stat: Callable[[str], Stat]) -> bool:
    """Return whether `key` is the place of one result of a segment that is long enough to hold it.

    Args:
        key: the place.
        stat: gives the size of a whole segment.
    """
    try:
        found = packed_stat(key, stat)
    except MissingResultError:
        return False
    place = split_place(key)
    return found is not None and place is not None and found.size == place.length


def refuse_packed(key: str) -> None:
    """Refuse to write, move or delete one result of a segment; nothing happens where `key` is no such place.

    Raises:
        StoreError: it is one.
    """
    place = split_place(key)
    if place is not None:
        raise StoreError(
            1,
            f"A packed result cannot be written, moved or removed by itself; `resultant gc` removes the segment "
            f"{place.segment!r} once nobody needs any result in it",
            key,
        )
