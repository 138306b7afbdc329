"""Bytes in files of a local folder.

Plain ``os`` calls on descriptors: a small write is open, write, close, rename, and nothing else. Folders are made only
after an open has failed for want of one.
"""

from __future__ import annotations

import errno
import os

from resultant.errors import StoreError

from .base import MemorySource, Sink, Source, Stat
from .system import plain, taken, translate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["TEMPORARY_PREFIX", "TEMPORARY_SUFFIX", "FileStore", "file_store"]

#: What a file is called while it is written: no finished result begins and ends like this.
TEMPORARY_PREFIX = ".resultant-"
TEMPORARY_SUFFIX = ".tmp"

#: Files below this many bytes are read at once, with one system call.
SMALL = 1 << 16

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_CLOEXEC

_process = ""
_counter = 0


def _temporary_name() -> str:
    global _process, _counter
    if not _process:
        _process = os.urandom(8).hex()
    _counter += 1
    return f"{TEMPORARY_PREFIX}{_process}-{_counter:x}{TEMPORARY_SUFFIX}"


def _forget_process() -> None:
    global _process
    _process = ""


# A forked child would otherwise go on with its parent's names.
os.register_at_fork(after_in_child=_forget_process)


class FileStore:
    """Files below a folder; a key is a path, relative to the folder or absolute.

    Args:
        root: the folder's absolute path; it is made when something is first written.
        sync: flush file and folder to the disk before a write counts as done (durability ``power``).
    """

    background_from = 1 << 18

    def __init__(self, root: str, sync: bool = False) -> None:
        self.root = root
        self.sync = sync
        self._prefix = root if root.endswith("/") else f"{root}/"

    def path(self, key: str) -> str:
        """Return the absolute path of `key`."""
        return plain(key if key[:1] == "/" else self._prefix + key)

    place = path  # the name by which everybody on this machine knows what is under a key

    def put(self, key: str, data: bytes) -> str:
        """Write `data` to a temporary file and rename it to `key`.

        Args:
            key: a path, relative to the store's folder or absolute.
            data: the bytes.

        Returns:
            The absolute path.

        Raises:
            DeniedError: the folder cannot be written.
            StorageFullError: the disk or a quota is full.
            StoreError: anything else; the temporary file is gone, what was at `key` is still there.
        """
        path = plain(key if key[:1] == "/" else self._prefix + key)
        if path[:5] == "/dev/" and path[:9] != "/dev/shm/":
            _refuse_device(path)
        folder = path[: path.rindex("/") + 1]
        temporary = folder + _temporary_name()
        try:
            try:
                descriptor = os.open(temporary, _CREATE, 0o666)
            except FileNotFoundError:
                _folders().make_folder(folder, self.sync)
                descriptor = os.open(temporary, _CREATE, 0o666)
            try:
                written = os.write(descriptor, data)
                if written != len(data):
                    _write_rest(descriptor, memoryview(data)[written:])
                if self.sync:
                    os.fsync(descriptor)
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
            os.replace(temporary, path)
            if self.sync:
                _folders().sync_folder(folder)
        except OSError as error:
            _remove_quietly(temporary)
            raise translate(error, path, "write") from error
        except BaseException:
            # Ctrl-C between two of the calls above: nothing half-done stays behind.
            _remove_quietly(temporary)
            raise
        return path

    def create(self, key: str, data: bytes) -> str:
        """Write `data` to `key` unless something is there already; of several that try, one succeeds.

        Args:
            key: a path, relative to the store's folder or absolute.
            data: the bytes.

        Returns:
            The absolute path.

        Raises:
            PlaceTakenError: something is there already. Others are those of :meth:`put`.
        """
        path = self.path(key)
        temporary = self.put(os.path.join(os.path.dirname(path), _temporary_name()), data)
        try:
            # Unlike a rename, a link never replaces what has the name.
            os.link(temporary, path)
            if self.sync:
                _folders().sync_folder(os.path.dirname(path))
        except FileExistsError as error:
            raise taken(path) from error
        except OSError as error:
            raise translate(error, path, "create") from error
        finally:
            _remove_quietly(temporary)
        return path

    def sink(self, key: str) -> Sink:
        """Return a sink that streams large results straight into the temporary file."""
        return _FileSink(self, key)

    def get(self, key: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            MissingResultError: there is no such file.
            DeniedError: it may not be read.
            StoreError: anything else.
        """
        with self.source(key) as source:
            return source.read()

    def source(self, key: str) -> Source:
        """Return the bytes of a file: those of a small one at once, a large one for reading in pieces, or mapped.

        Raises:
            MissingResultError: there is no such file.
            DeniedError: it may not be read.
            StoreError: anything else.
        """
        path = key if key[:1] == "/" else self._prefix + key
        try:
            descriptor = os.open(path, _READ)
            try:
                data = os.read(descriptor, SMALL)
            except BaseException:
                os.close(descriptor)
                raise
            if len(data) == SMALL:
                from .file_source import FileSource

                return FileSource(path, descriptor)
            os.close(descriptor)
        except OSError as error:
            if error.errno == errno.ENOTDIR and (found := _packed().packed_source(path, self.read_range)):
                return found  # type: ignore[no-any-return]
            raise translate(error, path, "read") from error
        return MemorySource(data)

    def read_range(self, key: str, offset: int, length: int) -> bytes:
        """Return `length` bytes of a file from `offset` on, fewer where it ends.

        Raises:
            MissingResultError: there is no such file.
            DeniedError: it may not be read.
            StoreError: anything else.
        """
        path = self.path(key)
        try:
            descriptor = os.open(path, _READ)
            try:
                data = os.pread(descriptor, length, offset)
                while len(data) < length and (more := os.pread(descriptor, length - len(data), offset + len(data))):
                    data += more
            finally:
                os.close(descriptor)
        except OSError as error:
            raise translate(error, path, "read") from error
        return data

    def has(self, key: str) -> bool:
        """Return whether the file exists.

        Raises:
            DeniedError: a folder on the way may not be searched.
        """
        path = self.path(key)
        try:
            os.stat(path)
        except FileNotFoundError:
            return False
        except NotADirectoryError:
            return bool(_packed().packed_has(path, self.stat))
        except OSError as error:
            raise translate(error, path, "look at") from error
        return True

    def delete(self, key: str) -> None:
        """Remove the file; none there is no error."""
        path = self.path(key)
        try:
            os.unlink(path)
        except FileNotFoundError:
            return
        except OSError as error:
            _packed().refuse_packed(path)
            raise translate(error, path, "delete") from error

    def stat(self, key: str) -> Stat:
        """Return size and modification time of the file."""
        path = self.path(key)
        try:
            found = os.stat(path)
        except OSError as error:
            if error.errno == errno.ENOTDIR and (packed := _packed().packed_stat(path, self.stat, self.read_range)):
                return packed  # type: ignore[no-any-return]
            raise translate(error, path, "look at") from error
        return Stat(found.st_size, found.st_mtime)

    def is_unchanged(self, key: str, size: int, since: float) -> bool:
        """Return whether there is a file of this size that nobody has written to since a moment.

        Args:
            key: a path, relative to the store's folder or absolute.
            size: in bytes.
            since: in seconds since the epoch.
        """
        try:
            found = os.stat(key if key[:1] == "/" else self._prefix + key)
        except OSError as error:
            return error.errno == errno.ENOTDIR and bool(
                _packed().packed_same(self.path(key), size, since, self.read_range)
            )
        return found.st_size == size and found.st_mtime <= since

    def set_aside(self, key: str) -> str:
        """Rename a file to ``<name>.damaged-<n>``, the first free one."""
        path = self.path(key)
        _packed().refuse_packed(path)
        folder, name = os.path.split(path)
        # Leaves room for the ending in names that are as long as the file system allows.
        stem = os.path.join(folder, os.fsdecode(os.fsencode(name)[:230]))
        number = 0
        try:
            while True:
                number += 1
                aside = f"{stem}.damaged-{number}"
                try:
                    # Whoever makes this file has the name to itself, whatever other processes set aside meanwhile.
                    os.close(os.open(aside, _CREATE, 0o666))
                except FileExistsError:
                    continue
                break
            try:
                os.rename(path, aside)
            except OSError:
                _remove_quietly(aside)
                raise
        except OSError as error:
            raise translate(error, path, "set aside") from error
        return aside

    def list(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys below the folder that begin with `prefix`, without temporary files."""
        for folder, _, names in os.walk(self.root):
            for name in names:
                if not is_temporary(name):
                    key = os.path.relpath(os.path.join(folder, name), self.root)
                    if key.startswith(prefix):
                        yield key


_stores: dict[tuple[str, bool], FileStore] = {}


def file_store(root: str, sync: bool = False) -> FileStore:
    """Return the store of a folder; one object serves the whole process."""
    store = _stores.get((root, sync))
    if store is None:
        store = _stores[root, sync] = FileStore(root, sync)
    return store


def is_temporary(name: str) -> bool:
    """Return whether a file name is that of a write that never finished."""
    return name.startswith(TEMPORARY_PREFIX) and name.endswith(TEMPORARY_SUFFIX)


class _FileSink(Sink):
    __slots__ = ("descriptor", "path", "temporary")

    def _open(self) -> None:
        self.path: str = self.store.path(self.key)
        if self.path[:5] == "/dev/" and self.path[:9] != "/dev/shm/":
            _refuse_device(self.path)
        folder = self.path[: self.path.rindex("/") + 1]
        self.temporary = folder + _temporary_name()
        try:
            try:
                self.descriptor = os.open(self.temporary, _CREATE, 0o666)
            except FileNotFoundError:
                _folders().make_folder(folder, self.store.sync)
                self.descriptor = os.open(self.temporary, _CREATE, 0o666)
        except OSError as error:
            raise translate(error, self.path, "write") from error

    def _stream(self, data: bytes | memoryview) -> None:
        try:
            _write_rest(self.descriptor, memoryview(data))
        except OSError as error:
            raise translate(error, self.path, "write") from error

    def _commit(self) -> str:
        try:
            if self.store.sync:
                os.fsync(self.descriptor)
            descriptor, self.descriptor = self.descriptor, -1
            os.close(descriptor)
            os.replace(self.temporary, self.path)
            if self.store.sync:
                _folders().sync_folder(self.path[: self.path.rindex("/") + 1])
        except OSError as error:
            raise translate(error, self.path, "write") from error
        self.streaming = False
        return self.path

    def _discard(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
        _remove_quietly(self.temporary)


def _write_rest(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _folders() -> Any:
    from . import folders

    return folders


def _packed() -> Any:
    from . import packed

    return packed


def _refuse_device(path: str) -> None:
    """A rename to ``/dev/null`` would replace the device itself, for the whole machine."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise StoreError(
            errno.EINVAL, "Cannot write this result: a device has this name; choose another location", path
        )


def _remove_quietly(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
