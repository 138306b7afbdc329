"""Rows that are safe already and not in the database yet: a file next to it, written with one call.

A commit of a few hundred rows touches pages all over the database. Rows therefore go into the journal within milliseconds,
where a killed process leaves them to the next one, and into the database some thousands at a time.

A journal begins with a frame of its own, which says where the rows begin that are not in the database: whoever takes over
those that are would write them over what others have made of them meanwhile.
"""

from __future__ import annotations

import fcntl
import marshal
import os
from contextlib import suppress
from zlib import crc32

from .holding import is_at
from .parcels import unpacked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .parcels import Parcel

__all__ = ["Journal", "rows_of"]

# Of a frame: its length, its checksum.
_HEAD = 8

# Bytes of a place in the journal.
_PLACE = 8


class Journal:
    """The journal of one writer; it holds a lock on it for as long as it lives.

    Args:
        folder: where journals are; made at the first row.
        like: the file of the database: whoever may use that may use the journal.
    """

    def __init__(self, folder: str, like: str) -> None:
        self._folder = folder
        self._like = like
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
        frame = _frame(parcels)
        if self._file < 0:
            self._open()
        if not self._size:
            frame = _beginning(0) + frame
        if os.pwrite(self._file, frame, self._size) != len(frame):
            os.ftruncate(self._file, self._size)
            raise OSError(28, "No space left on device", self._path)
        self._size += len(frame)

    def written(self, size: int) -> None:
        """Note that rows are in the database: those that were there when the journal had a size.

        It takes no room on the disk.

        Args:
            size: in bytes.
        """
        if size:
            os.pwrite(self._file, _beginning(size), 0)

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
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        while self._file < 0:
            path = os.path.join(self._folder, f"{os.getpid()}-{os.urandom(6).hex()}.rows")
            self._make_folder()
            try:
                file = os.open(path, flags, 0o600)
            except FileNotFoundError:
                continue  # another process has removed the empty folder in between
            try:
                _share(file, self._like)
                fcntl.flock(file, fcntl.LOCK_EX)
                # Before that, others take it for one of a process that is gone, and remove it.
                if is_at(file, path):
                    self._file, self._path = file, path
            finally:
                if self._file != file:
                    os.close(file)

    def _make_folder(self) -> None:
        with suppress(FileExistsError):
            os.makedirs(self._folder)
            _share(self._folder, self._like, searchable=True)


def _share(what: int | str, like: str, *, searchable: bool = False) -> None:
    """Give a file or a folder the rights of another file, as SQLite does for the files beside a database."""
    with suppress(OSError):
        there = os.stat(like)
        # Root alone may give something away.
        os.chown(what, -1 if os.geteuid() else there.st_uid, there.st_gid)
        mode = there.st_mode & 0o666
        os.chmod(what, mode | (mode & 0o444) >> 2 if searchable else mode)


def _frame(content: Any) -> bytes:
    data = marshal.dumps(content)
    return len(data).to_bytes(4, "little") + crc32(data).to_bytes(4, "little") + data


def _beginning(place: int) -> bytes:
    return _frame(place.to_bytes(_PLACE, "little"))


def rows_of(file: int) -> list[tuple[Any, ...]]:
    """Return the rows in a journal that may not be in the database.

    Args:
        file: its descriptor.
    """
    data = os.pread(file, os.fstat(file).st_size, 0)
    rows: list[tuple[Any, ...]] = []
    place = first = 0
    while len(data) - place >= _HEAD:
        length = int.from_bytes(data[place : place + 4], "little")
        frame = data[place + _HEAD : place + _HEAD + length]
        if len(frame) != length or crc32(frame) != int.from_bytes(data[place + 4 : place + _HEAD], "little"):
            # The writer died in the middle of its last call: those rows were promised to nobody.
            break
        if place >= first:
            content = marshal.loads(frame)
            if isinstance(content, bytes):
                first = int.from_bytes(content, "little")
            else:
                rows += unpacked(content)
        place += _HEAD + length
    return rows
