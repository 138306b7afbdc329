"""Rows that are safe already and not in the database yet: a file next to it, written with one call.

A commit of a few hundred rows touches pages all over the database. Rows therefore go into the journal within milliseconds,
where a killed process leaves them to the next one, and into the database some thousands at a time.
"""

from __future__ import annotations

import fcntl
import marshal
import os
from contextlib import suppress
from zlib import crc32

from .parcels import unpacked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .parcels import Parcel

__all__ = ["Journal", "left_behind"]

_HEAD = 8


class Journal:
    """The journal of one writer; it holds a lock on it for as long as it lives.

    Args:
        folder: where journals are; made at the first row.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._path: str | None = None
        self._file = -1
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes in the journal."""
        return self._size

    def append(self, parcels: list[Parcel]) -> None:
        """Write rows; they survive the end of the process when this returns.

        Args:
            parcels: of rows of numbers, texts, bytes and ``None``.

        Raises:
            OSError: they could not be written.
            ValueError: a row holds something else.
        """
        data = marshal.dumps(parcels)
        if self._file < 0:
            self._open()
        frame = len(data).to_bytes(4, "little") + crc32(data).to_bytes(4, "little") + data
        if os.pwrite(self._file, frame, self._size) != len(frame):
            os.ftruncate(self._file, self._size)
            raise OSError(28, "No space left on device", self._path)
        self._size += len(frame)

    def clear(self) -> None:
        """Forget the rows: they are in the database."""
        if self._size:
            os.ftruncate(self._file, 0)
            self._size = 0

    def close(self) -> None:
        """Remove the journal, if there is nothing in it."""
        if self._file >= 0:
            if not self._size and self._path is not None:
                # Somebody may have removed the home, and other journals may be in the folder.
                with suppress(OSError):
                    os.unlink(self._path)
                    os.rmdir(self._folder)
            os.close(self._file)
            self._file = -1

    def forked(self) -> None:
        """Leave the journal to the process that this one was forked from."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            self._size = 0

    def _open(self) -> None:
        self._path = os.path.join(self._folder, f"{os.getpid()}-{os.urandom(6).hex()}.rows")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        while self._file < 0:
            os.makedirs(self._folder, exist_ok=True)
            # Another process may remove the empty folder in between.
            with suppress(FileNotFoundError):
                self._file = os.open(self._path, flags, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)


def left_behind(folder: str) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of each journal whose process is gone; a journal is removed when the next one is asked for.

    Args:
        folder: where journals are.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        path = os.path.join(folder, name)
        try:
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            rows = _rows(file)
            if rows:
                yield rows
            os.unlink(path)
        except FileNotFoundError:
            continue
        finally:
            os.close(file)


def _rows(file: int) -> list[tuple[Any, ...]]:
    data = os.pread(file, os.fstat(file).st_size, 0)
    rows: list[tuple[Any, ...]] = []
    place = 0
    while len(data) - place >= _HEAD:
        length = int.from_bytes(data[place : place + 4], "little")
        frame = data[place + _HEAD : place + _HEAD + length]
        if len(frame) != length or crc32(frame) != int.from_bytes(data[place + 4 : place + _HEAD], "little"):
            # The writer died in the middle of its last call: those rows were promised to nobody.
            break
        rows += unpacked(marshal.loads(frame))
        place += _HEAD + length
    return rows
