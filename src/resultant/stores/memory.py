"""Bytes in this process's memory: for tests, and for results that need not outlive the process."""

from __future__ import annotations

from resultant.errors import MissingResultError

from .base import MARK, MemorySource, Sink, Source, Stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MemoryStore"]


class MemoryStore:
    """A dictionary as a store."""

    background_from = 1 << 62

    def __init__(self) -> None:
        self._data: dict[str, tuple[bytes, float]] = {}

    def put(self, key: str, data: bytes) -> str:
        """Store `data` under `key`."""
        from time import time

        _refuse_packed(key)
        self._data[key] = (bytes(data), time())
        return key

    def create(self, key: str, data: bytes) -> str:
        """Store `data` under `key` unless something is there already.

        Raises:
            PlaceTakenError: something is there already.
        """
        from time import time

        _refuse_packed(key)
        entry = (bytes(data), time())
        if self._data.setdefault(key, entry) is not entry:
            from .system import taken

            raise taken(key)
        return key

    def place(self, key: str) -> str:
        """Return the key: nobody outside of this process knows what is under it."""
        return key

    def sink(self, key: str) -> Sink:
        """Return a sink that keeps everything in memory until it is committed."""
        return _MemorySink(self, key)

    def get(self, key: str) -> bytes:
        """Return the bytes under `key`.

        Raises:
            MissingResultError: nothing is there.
        """
        return self.source(key).read()

    def source(self, key: str) -> Source:
        """Return the bytes under `key` as a source."""
        if MARK in key:
            from .packed import packed_source

            packed = packed_source(key, self.read_range)
            if packed is not None:
                return packed
        return MemorySource(self._entry(key)[0])

    def read_range(self, key: str, offset: int, length: int) -> bytes:
        """Return `length` of the bytes under `key` from `offset` on, fewer where they end."""
        return self._entry(key)[0][offset : offset + length]

    def has(self, key: str) -> bool:
        """Return whether something is under `key`."""
        if MARK in key and key not in self._data:
            from .packed import packed_has

            return packed_has(key, self.stat)
        return key in self._data

    def delete(self, key: str) -> None:
        """Forget what is under `key`."""
        _refuse_packed(key)
        self._data.pop(key, None)

    def stat(self, key: str) -> Stat:
        """Return size and time of what is under `key`."""
        if MARK in key:
            from .packed import packed_stat

            packed = packed_stat(key, self.stat)
            if packed is not None:
                return packed
        data, modified = self._entry(key)
        return Stat(len(data), modified)

    def set_aside(self, key: str) -> str:
        """Give what is under `key` another name."""
        _refuse_packed(key)
        number = 1
        while (name := f"{key}.damaged-{number}") in self._data:
            number += 1
        self._data[name] = self._entry(key)
        del self._data[key]
        return name

    def list(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys that begin with `prefix`."""
        return iter([key for key in self._data if key.startswith(prefix)])

    def _entry(self, key: str) -> tuple[bytes, float]:
        try:
            return self._data[key]
        except KeyError:
            raise MissingResultError(2, "Nothing is stored in memory under this key", key) from None


def _refuse_packed(key: str) -> None:
    if MARK in key:
        from .packed import refuse_packed

        refuse_packed(key)


class _MemorySink(Sink):
    __slots__ = ("parts",)

    parts: list[bytes]

    def _open(self) -> None:
        self.parts = []

    def _stream(self, data: bytes | memoryview) -> None:
        self.parts.append(bytes(data))

    def _commit(self) -> str:
        location: str = self.store.put(self.key, b"".join(self.parts))
        return location

    def _discard(self) -> None:
        self.parts.clear()
