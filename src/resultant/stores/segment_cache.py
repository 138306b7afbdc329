"""What was just learnt of segments, so that thousands of results in one of them do not cost a request each."""

from __future__ import annotations

from threading import Lock
from time import monotonic

from .base import MARK, MemorySource, Stat
from .framing import HEADER, unframed
from .packed import packed_has, packed_stat, split_place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .packed import Packed

__all__ = ["SegmentCache"]

#: Seconds for which size and time of a segment, and its bytes, are not asked for again. Nobody changes a segment; whoever
#: deletes one may be another process.
SECONDS = 5.0
LASTING = 60.0

#: A segment is fetched whole when so many of its results were asked for, and kept with a few others.
EAGER = 3
KEPT = 4

#: Bytes at the beginning of a segment that are fetched; those that a run makes are shorter.
MOST = 8 << 20


class SegmentCache:
    """Reads packed results of a store that takes a while to answer.

    Args:
        stat: gives size and time of an object.
        read_range: gives a length of an object's bytes from an offset on, fewer where they end.
    """

    def __init__(self, stat: Callable[[str], Stat], read_range: Callable[[str, int, int], bytes]) -> None:
        self._ask = stat
        self._read_range = read_range
        self._lock = Lock()
        self._stats: dict[str, tuple[float, Stat]] = {}
        self._asked: dict[str, int] = {}
        #: When each was fetched, and its bytes; the one that was fetched first comes first.
        self._whole: dict[str, tuple[float, bytes]] = {}

    def source(self, key: str) -> MemorySource | None:
        """Return one result of a segment, checked; ``None`` where `key` is no such place.

        Raises:
            MissingResultError: the segment is gone.
            CorruptResultError: what is there is not the whole result.
        """
        place = split_place(key)
        if place is None:
            return None
        return MemorySource(unframed(key, place.length, self._bytes(place)))

    def has(self, key: str) -> bool | None:
        """Return whether a result is in its segment; ``None`` where `key` is no such place."""
        return None if split_place(key) is None else packed_has(key, self._stat)

    def stat(self, key: str) -> Stat | None:
        """Return size and time of one result of a segment; ``None`` where `key` is no such place.

        Raises:
            MissingResultError: the segment is gone.
        """
        return packed_stat(key, self._stat)

    def forget(self, key: str) -> None:
        """Know that this process changes or removes what is under `key`."""
        if MARK in key:
            with self._lock:
                self._stats.clear()
                self._whole.clear()
                self._asked.clear()

    def _stat(self, segment: str) -> Stat:
        now = monotonic()
        with self._lock:
            known = self._stats.get(segment)
        if known is not None and now - known[0] < SECONDS:
            return known[1]
        found = self._ask(segment)
        with self._lock:
            if len(self._stats) >= 1000:
                self._stats.clear()
            self._stats[segment] = now, found
        return found

    def _bytes(self, place: Packed) -> bytes:
        segment, end = place.segment, place.offset + HEADER + place.length
        now = monotonic()
        with self._lock:
            fetched, whole = self._whole.get(segment, (0.0, b""))
            if not whole or now - fetched >= LASTING:
                whole = b""
                if len(self._asked) >= 1000:
                    self._asked.clear()
                asked = self._asked[segment] = self._asked.get(segment, 0) + 1
        if not whole and asked >= EAGER and end <= MOST:
            whole = self._read_range(segment, 0, MOST)
            with self._lock:
                self._whole.pop(segment, None)
                while len(self._whole) >= KEPT:
                    del self._whole[next(iter(self._whole))]
                self._whole[segment] = now, whole
        if end <= len(whole):
            return whole[place.offset : end]
        return self._read_range(segment, place.offset, HEADER + place.length)
