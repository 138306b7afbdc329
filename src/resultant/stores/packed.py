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
    "packed_same",
    "packed_source",
    "packed_stat",
    "refuse_packed",
    "split_place",
]

_NAME = rf"{MARK}\d{{4}}-\d\d-\d\dt\d\d-\d\d-\d\d-[0-9a-f]{{24}}"
_PART = re.compile(r"(0|[1-9][0-9]{0,17})\+(0|[1-9][0-9]{0,17})", re.ASCII)
_SEGMENT = re.compile(rf"(?:.*/)?{_NAME}", re.DOTALL | re.ASCII)
_INSIDE = re.compile(rf"(?:.*/)?{_NAME}(?:/.*)?", re.DOTALL | re.ASCII)


#: The segment that was seen last.
_last = ""

#: So many bytes are read only to see whether they are still the same.
_GLANCE = 1 << 12


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
    global _last
    segment, _, part = key.rpartition("/")
    if segment != _last:
        # Thousands of places in the same one follow each other.
        if _SEGMENT.fullmatch(segment) is None:
            return None
        _last = segment
    found = _PART.fullmatch(part)
    if found is None:
        return None
    length = int(found[2])
    # Nobody packs what is longer, and whoever asks for it wants to see memory run out.
    return None if length > LONGEST else Packed(segment, int(found[1]), length)


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


def packed_same(key: str, size: int, since: float, read_range: Callable[[str, int, int], Any]) -> bool:
    """Return whether `key` is the place of one result of a segment that is what it was at a moment, as far as a look tells.

    Args:
        key: the place.
        size: of the result, in bytes.
        since: in seconds since the epoch.
        read_range: gives a length of bytes from an offset of a key on, fewer where they end.
    """
    place = split_place(key)
    if place is None or place.length != size:
        return False
    try:
        data = read_range(place.segment, place.offset, HEADER + min(size, _GLANCE))
        found = frame_at(data, place.offset)
        if found is None or found.kind != VALUE or found.length != size or found.time > since:
            return False
        if size <= _GLANCE:
            return unframed(key, size, data) is not None
        return len(read_range(place.segment, place.offset + HEADER + size - 1, 1)) == 1
    except (MissingResultError, CorruptResultError, StoreError):
        return False


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
