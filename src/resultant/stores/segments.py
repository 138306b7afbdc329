"""Segments in files: bytes are at their place, and safe from a kill, when :meth:`SegmentFile.append` returns."""

from __future__ import annotations

import atexit
import os
from threading import Lock
from time import time
from weakref import WeakValueDictionary

from .folders import make_folder, sync_folder
from .framing import Framer
from .packed import new_name
from .system import translate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .file import FileStore

__all__ = ["SegmentFile", "segment_file"]

#: A segment of so many bytes is closed: what nobody needs any more goes in pieces of that size, and an index stays small.
FULL = 1 << 26

_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC

_open: WeakValueDictionary[tuple[str, str, bool], SegmentFile] = WeakValueDictionary()


def segment_file(store: FileStore, run: str) -> SegmentFile:
    """Return what this process appends the results of a run to; there is one for each folder.

    Args:
        store: the folder.
        run: the id of the flow run.
    """
    key = run, store.root, store.sync
    return _open.get(key) or _open.setdefault(key, SegmentFile(store, run))


class SegmentFile:
    """Appends small results to a segment of its own; a segment has one writer and is made at the first result.

    It may be used by many threads. A forked child goes on with a segment of its own, if this one was made by
    :func:`segment_file`. What cannot be written whole is taken back, and the next result goes into a new segment.

    Args:
        store: the folder.
        run: the id of the flow run whose results these are.
    """

    def __init__(self, store: FileStore, run: str) -> None:
        self.store = store
        self.run = run
        #: The path of the segment, with a slash.
        self.path = ""
        self._descriptor = -1
        self._framer = Framer(run)
        #: Why bytes that were appended may not be on the disk.
        self._unsynced: OSError | None = None
        self._lock = Lock()

    def __del__(self) -> None:
        if self._descriptor >= 0:
            self.close()

    def append(self, slug: str, index: int, data: bytes) -> str:
        """Append one result and return its place.

        Args:
            slug: of its task.
            index: position of the mapped child; -1 where there is none.
            data: the bytes.

        Raises:
            DeniedError: the folder cannot be written.
            StorageFullError: the disk or a quota is full.
            StoreError: anything else.
        """
        with self._lock:
            if self._descriptor < 0:
                self._begin()
            frame, offset = self._framer.value(slug, index, data, time())
            start = self._framer.end - len(frame)
            try:
                written = os.pwrite(self._descriptor, frame, start)
                while written < len(frame):
                    written += os.pwrite(self._descriptor, frame[written:], start + written)
            except OSError as error:
                path = self.path[:-1]
                self._give_up(start)
                raise translate(error, path, "write") from error
            except BaseException:
                self._give_up(start)
                raise
            place = f"{self.path}{offset}+{len(data)}"
            if self._framer.end >= FULL:
                self._close()
        return place

    def sync(self) -> None:
        """Flush to the disk what was appended.

        Raises:
            StoreError: the disk does not take it.
        """
        with self._lock:
            failed = self._unsynced
            path = self.path[:-1]
            # Others may go on appending meanwhile. A segment that was closed was flushed before.
            descriptor = -1 if self._descriptor < 0 else os.dup(self._descriptor)
        try:
            if failed is not None:
                raise failed
            if descriptor >= 0:
                _flush(descriptor)
        except OSError as error:
            raise translate(error, path, "write") from error
        finally:
            if descriptor >= 0:
                os.close(descriptor)

    def close(self) -> None:
        """End the segment with its index; the next result begins another one."""
        with self._lock:
            if self._descriptor >= 0:
                self._close()

    def _begin(self) -> None:
        store = self.store
        path = store.path(new_name())
        folder = path[: path.rindex("/") + 1]
        try:
            try:
                descriptor = os.open(path, _CREATE, 0o666)
            except FileNotFoundError:
                make_folder(folder, store.sync)
                descriptor = os.open(path, _CREATE, 0o666)
            if store.sync:
                sync_folder(folder)
        except OSError as error:
            raise translate(error, path, "write") from error
        self._framer = Framer(self.run)
        self.path = f"{path}/"
        self._descriptor = descriptor

    def _give_up(self, end: int) -> None:
        """Take back what was half-written; readers skip it where even that fails."""
        descriptor, self._descriptor = self._descriptor, -1
        try:
            if end:
                os.ftruncate(descriptor, end)
            else:
                os.unlink(self.path[:-1])
        except OSError:
            pass  # a torn frame at the end is nobody's
        finally:
            os.close(descriptor)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        index = self._framer.index(time())
        try:
            if self.store.sync:
                try:
                    _flush(descriptor)
                except OSError as error:
                    self._unsynced = error
                    raise
            end = self._framer.end
            # An index that is not whole is none: the segment is read without it.
            if os.pwrite(descriptor, index, end) < len(index):
                os.ftruncate(descriptor, end)
        except OSError:
            pass  # the results themselves were written before
        finally:
            os.close(descriptor)

    def _forget(self) -> None:
        """Leave the segment to the process that this one was forked from."""
        self._lock = Lock()
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def _flush(descriptor: int) -> None:
    getattr(os, "fdatasync", os.fsync)(descriptor)


def _after_fork() -> None:
    for segment in list(_open.values()):
        segment._forget()


def _close_all() -> None:
    for segment in list(_open.values()):
        segment.close()


os.register_at_fork(after_in_child=_after_fork)
# A worker process is not told when a run is over.
atexit.register(_close_all)
