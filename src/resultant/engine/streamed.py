"""A source whose bytes are digested while they are read, so that a large value is never in memory beside its bytes."""

from __future__ import annotations

from io import BufferedReader, RawIOBase

from resultant.stores.base import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from resultant.engine.integrity import Running

__all__ = ["DigestingSource"]

_CHUNK = 1 << 20


class DigestingSource(Source):
    """A source in front of another one.

    Args:
        source: where the bytes are; it cannot be mapped into memory.
        running: makes a new digest under way.
    """

    __slots__ = ("_file", "_inner", "_running", "_taken")

    def __init__(self, source: Source, running: Any) -> None:
        self._inner = source
        self._running = running
        self._file: _Digested | None = None
        self._taken: bytes | None = None
        self.size = source.size

    def read(self) -> bytes:
        data = self._inner.read()
        running: Running = self._running()
        running.update(data)
        self._taken = running.digest()
        return data

    def file(self) -> BinaryIO:
        self._file = _Digested(self._inner.file(), self._running())
        return BufferedReader(self._file, 1 << 18)

    def digest(self) -> bytes:
        """Return the digest of all the bytes; whoever read them in order has it already."""
        if self._taken is None:
            file = self._file
            if file is None or file.passed != self.size:
                # Somebody skipped some of them, or did not come to the end.
                file = _Digested(self._inner.file(), self._running())
                buffer = bytearray(_CHUNK)
                while file.readinto(buffer):
                    pass
                file.close()
            self._taken = file.running.digest()
        return self._taken


class _Digested(RawIOBase):
    def __init__(self, inner: BinaryIO, running: Running) -> None:
        self._inner = inner
        self.running = running
        #: Bytes that were digested, all from the first one on; ``-1`` when the reader went elsewhere.
        self.passed = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._inner.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        before = self._inner.tell()
        position = self._inner.seek(offset, whence)
        if position != before:
            self.passed = -1
        return position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        count = 0
        while count < len(view):
            # In slices that are still warm when they are digested.
            piece = view[count : count + _CHUNK]
            got = self._inner.readinto(piece)  # type: ignore[attr-defined]
            if not got:
                break
            if self.passed >= 0:
                self.running.update(piece[:got])
                self.passed += got
            count += got
        return count

    def close(self) -> None:
        self._inner.close()
        super().close()
