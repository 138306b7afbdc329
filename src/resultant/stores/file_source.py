"""A file that is read in pieces, or mapped into memory."""

from __future__ import annotations

import os

from .base import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["FileSource"]


class FileSource(Source):
    """An open file.

    Args:
        path: its name, for messages.
        descriptor: it is closed with the source.
    """

    __slots__ = ("_descriptor", "path")

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size

    def read(self) -> bytes:
        return self.file().read()

    def file(self) -> BinaryIO:
        if self._descriptor < 0:
            raise ValueError(f"The source of {self.path} is closed.")
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        return open(self._descriptor, "rb", closefd=False)

    def map(self, writable: bool = True) -> memoryview | None:
        if not self.size:
            return memoryview(b"")
        import mmap

        # Private pages: what a reader writes into them never reaches the file. The map outlives the descriptor.
        access = mmap.ACCESS_COPY if writable else mmap.ACCESS_READ
        return memoryview(mmap.mmap(self._descriptor, self.size, access=access))

    def close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)
