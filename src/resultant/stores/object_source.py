"""A large object, read in ranges of which a few are under way ahead of the reader."""

from __future__ import annotations

from io import RawIOBase

from .base import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Future
    from typing import Any, BinaryIO

    from .object_requests import Requests

__all__ = ["RANGE", "ObjectSource"]

#: Bytes of a range.
RANGE = 4 << 20
#: Ranges under way ahead of the reader. Each takes twice its size for a moment, when its pieces are joined.
AHEAD = 4


class ObjectSource(Source):
    """An object that does not fit into one range; its first one is here already.

    Args:
        requests: reads it.
        name: the object's name.
        first: its first range.
        size: of the whole object, in bytes.
        version: tells this object from one that replaces it.
    """

    __slots__ = ("_first", "_name", "_requests", "_version")

    def __init__(self, requests: Requests, name: str, first: Any, size: int, version: dict[str, Any]) -> None:
        self._requests = requests
        self._name = name
        self._first = first
        self._version = version
        self.size = size

    def read(self) -> bytes:
        with self.file() as file:
            return file.read()

    def file(self) -> BinaryIO:
        from io import BufferedReader

        return BufferedReader(_Ranges(self), 1 << 18)

    def close(self) -> None:
        self._first = b""

    def range(self, index: int) -> Any:
        """Return the range with a number, from 0."""
        if not index and self._first:
            return self._first
        start = index * RANGE
        return self._requests.fetch(self._name, start, min(start + RANGE, self.size), self._version)


class _Ranges(RawIOBase):
    """The bytes of an object as a file; whoever reads on finds the next ranges on their way."""

    def __init__(self, source: ObjectSource) -> None:
        self._source = source
        self._position = 0
        self._index = -1
        self._last = (source.size - 1) // RANGE
        self._view = memoryview(b"")
        self._ahead: dict[int, Future[Any]] = {}

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self._position, self._source.size)[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        total = min(len(view), self._source.size - self._position)
        done = 0
        while done < total:
            index, start = divmod(self._position, RANGE)
            if index != self._index:
                self._load(index, (self._position + total - done - 1) // RANGE)
            piece = self._view[start : start + total - done]
            if not piece:
                raise EOFError("A range of a result is shorter than it should be.")
            view[done : done + len(piece)] = piece
            done += len(piece)
            self._position += len(piece)
        return max(done, 0)

    def readall(self) -> bytes:
        data = bytearray(max(0, self._source.size - self._position))
        self.readinto(data)
        return bytes(data)

    def close(self) -> None:
        for future in self._ahead.values():
            future.cancel()
        self._ahead.clear()
        self._view = memoryview(b"")
        super().close()

    def _load(self, index: int, wanted: int) -> None:
        """Take a range into view; those up to the one that is wanted follow it, or more where they are read in order."""
        self._view = memoryview(b"")
        future = self._ahead.pop(index, None)
        if index != self._index + 1:
            for stale in self._ahead.values():
                stale.cancel()
            self._ahead.clear()
        elif index:
            wanted = self._last
        for number in range(index + 1, min(index + AHEAD, wanted) + 1):
            if number not in self._ahead:
                self._ahead[number] = self._source._requests.readers().submit(self._source.range, number)
        self._view = memoryview(self._source.range(index) if future is None else future.result())
        self._index = index
