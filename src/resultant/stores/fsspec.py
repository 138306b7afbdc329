"""Bytes wherever fsspec can put them: SFTP, FTP, HDFS, SMB and others that the client of object stores does not know."""

from __future__ import annotations

import os
from io import RawIOBase

from resultant.errors import (
    ConfigurationError,
    DeniedError,
    LocationError,
    MissingResultError,
    StoreError,
    UnreachableError,
)

from .base import MARK, MemorySource, Sink, Source, Stat
from .object_names import SCHEME, decode, encode, without_secrets
from .system import taken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, BinaryIO, NoReturn

__all__ = ["FsspecStore"]

_TEMPORARY = ".resultant-"

#: Objects up to this many bytes are read at once.
SMALL = 1 << 20


class FsspecStore:
    """Files below an address; a key is a name below it, or a place as :meth:`place` returns it.

    What is written gets its name by a rename where the file system has one, and by a single call of fsspec where it has
    not: how atomic that is depends on the file system. A write is not tried again here.

    Args:
        url: the address, such as ``sftp://host/folder``.
        options: of fsspec's file system.

    Raises:
        ConfigurationError: fsspec is not installed, or does not know the address or an option.
    """

    background_from = 0
    concurrency = 4
    intents = True

    def __init__(self, url: str, options: Mapping[str, Any]) -> None:
        self._root = without_secrets(url)
        try:
            from fsspec.core import url_to_fs
            from fsspec.spec import AbstractFileSystem
        except ImportError as error:
            raise ConfigurationError(
                f"{self._root} is reached through fsspec: pip install 'resultant[fsspec]', and what fsspec itself needs for "
                "this scheme."
            ) from error
        try:
            self._fs, root = url_to_fs(url, **options)
        except Exception as error:  # noqa: BLE001 - every failure is one of the configuration, and its text may hold a secret
            kind = type(error).__name__
        else:
            self._path = root.rstrip("/")
            self._renames = type(self._fs).mv is not AbstractFileSystem.mv
            return
        raise ConfigurationError(f"fsspec cannot open {self._root} with these options ({kind}).")

    def __repr__(self) -> str:
        return f"FsspecStore({self._root!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "An FsspecStore holds credentials and connections and is not pickled; pickle its result instead."
        )

    def put(self, key: str, data: bytes) -> str:
        """Store `data` under `key`, in place of what is there, and return `key`."""
        path = self._changing(key)
        self._write(key, path, lambda to: self._fs.pipe_file(to, bytes(data)))
        return key

    def create(self, key: str, data: bytes) -> str:
        """Store `data` under `key` unless something is there already; a reader may see it before it is whole.

        Raises:
            PlaceTakenError: something is there already.
            StoreError: the file system cannot do that.
        """
        path = self._changing(key)

        def create() -> None:
            with self._fs.open(self._parent(path), "xb") as file:
                file.write(data)

        try:
            self._do("create", key, create)
        except FileExistsError:
            raise taken(self.place(key)) from None
        return key

    def sink(self, key: str) -> Sink:
        """Return a sink that collects large results in a local file, and sends that when it is committed."""
        return _FsspecSink(self, key)

    def get(self, key: str) -> bytes:
        """Return the bytes under `key`.

        Raises:
            MissingResultError: nothing is there.
        """
        with self.source(key) as source:
            return source.read()

    def read_range(self, key: str, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset` on, or as many as there are."""
        path = self._name(key)
        size = int(self._info("read", key)["size"])
        stop = min(size, offset + length)
        return bytes(self._do("read", key, lambda: self._fs.cat_file(path, offset, stop))) if offset < stop else b""

    def source(self, key: str) -> Source:
        """Return the bytes under `key`: a small file at once, a large one while it is read."""
        if MARK in key:
            from .packed import packed_source

            packed = packed_source(key, self.read_range)
            if packed is not None:
                return packed
        size = int(self._info("read", key)["size"])
        if size > SMALL:
            return _FsspecSource(self, key, size)
        path = self._name(key)
        return MemorySource(bytes(self._do("read", key, lambda: self._fs.cat_file(path))))

    def has(self, key: str) -> bool:
        """Return whether something is under `key`."""
        if MARK in key:
            from .packed import packed_has, split_place

            if split_place(key) is not None:
                return packed_has(key, self.stat)
        try:
            return str(self._info("look at", key)["type"]) == "file"
        except MissingResultError:
            return False

    def delete(self, key: str) -> None:
        """Remove what is under `key`; nothing there is no error."""
        path = self._changing(key)
        try:
            self._do("delete", key, lambda: self._fs.rm_file(path))
        except MissingResultError:
            return

    def stat(self, key: str) -> Stat:
        """Return size and time of what is under `key`; where the file system knows no time, the epoch's."""
        if MARK in key:
            from .packed import packed_stat

            packed = packed_stat(key, self.stat)
            if packed is not None:
                return packed
        found = self._info("look at", key)
        moment = next((found[name] for name in ("mtime", "modified", "created") if found.get(name)), 0.0)
        return Stat(int(found["size"]), moment.timestamp() if hasattr(moment, "timestamp") else float(moment))

    def set_aside(self, key: str) -> str:
        """Give what is under `key` a name ending in ``.damaged-`` and eight digits."""
        from secrets import token_hex

        aside = f"{key}.damaged-{token_hex(4)}"
        old, new = self._changing(key), self._name(aside)
        self._info("set aside", key)
        self._do("set aside", key, lambda: self._fs.mv(old, new))
        return aside

    def list(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys that begin with `prefix`."""
        try:
            found = self._do("list", "", lambda: self._fs.find(self._path))
        except MissingResultError:
            return
        for path in found:
            name = path[len(self._path) + 1 :]
            if not name.rpartition("/")[2].startswith(_TEMPORARY) and (key := decode(name)).startswith(prefix):
                yield key

    def place(self, key: str) -> str:
        """Return the name by which everybody knows what is under `key`; it never holds a credential."""
        return f"{self._root}{self._name(key)[len(self._path) :]}"

    def _name(self, key: str) -> str:
        if not SCHEME.match(key):
            return f"{self._path}/{encode(key)}"
        if not key.startswith(f"{self._root}/"):
            raise LocationError(f"{key!r} is no place in {self._root}: it belongs to another store.")
        return f"{self._path}{key[len(self._root) :]}"

    def _changing(self, key: str) -> str:
        if MARK in key:
            from .packed import refuse_packed

            refuse_packed(key)
        return self._name(key)

    def _prepared(self) -> Any:
        self._fs.invalidate_cache()
        return self._fs

    def _parent(self, path: str) -> str:
        self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        return path

    def _info(self, action: str, key: str) -> Any:
        path = self._name(key)
        return self._do(action, key, lambda: self._prepared().info(path))

    def _write(self, key: str, path: str, send: Callable[[str], Any]) -> None:
        def write() -> None:
            self._parent(path)
            if not self._renames:
                send(path)
                return
            temporary = f"{path.rpartition('/')[0]}/{_TEMPORARY}{os.urandom(8).hex()}.tmp"
            try:
                send(temporary)
                self._fs.mv(temporary, path)
            except BaseException:
                try:
                    self._fs.rm_file(temporary)
                except Exception:  # noqa: BLE001 - the first error is the one that counts
                    pass
                raise

        self._do("write", key, write)

    def _do(self, action: str, key: str, call: Callable[[], Any]) -> Any:
        """Return what a call gives, or raise an error of this library without what the file system said: that may be secret."""
        try:
            return call()
        except FileExistsError:
            raise
        except Exception as error:  # noqa: BLE001 - the file system is anybody's
            failure = error
        number = failure.errno if isinstance(failure, OSError) and failure.errno else 5
        kind = type(failure).__name__
        place = self.place(key) if key else self._root
        if isinstance(failure, FileNotFoundError) and action != "write":
            raise MissingResultError(number, f"Nothing is stored there, so it cannot {action} it", place)
        if isinstance(failure, PermissionError):
            text = f"Cannot {action} this result: the store denies it; check the credentials"
            raise DeniedError(number, text, place)
        if isinstance(failure, (ConnectionError, TimeoutError)):
            raise UnreachableError(number, f"Cannot {action} this result: the store does not answer ({kind})", place)
        raise StoreError(number, f"Cannot {action} this result: the file system failed ({kind})", place)


class _FsspecSink(Sink):
    __slots__ = ("_file",)

    def _open(self) -> None:
        from tempfile import NamedTemporaryFile

        self._file = NamedTemporaryFile(prefix="resultant-")  # noqa: SIM115 - closed by commit or abort

    def _stream(self, data: bytes | memoryview) -> None:
        self._file.write(data)

    def _commit(self) -> str:
        self._file.flush()
        store = self.store
        store._write(self.key, store._changing(self.key), lambda to: store._fs.put_file(self._file.name, to))
        self.streaming = False
        self._file.close()
        return self.key

    def _discard(self) -> None:
        self._file.close()


class _FsspecSource(Source):
    __slots__ = ("_file", "_key", "_store")

    def __init__(self, store: FsspecStore, key: str, size: int) -> None:
        self._store = store
        self._key = key
        self.size = size
        path = store._name(key)
        # Open from the start: on most file systems it goes on to give what was there.
        self._file: Any = store._do("read", key, lambda: store._fs.open(path, "rb"))

    def read(self) -> bytes:
        self._file.seek(0)
        return bytes(self._store._do("read", self._key, self._file.read))

    def file(self) -> BinaryIO:
        from io import BufferedReader

        self._file.seek(0)
        return BufferedReader(_Unclosed(self._file))

    def close(self) -> None:
        self._file.close()


class _Unclosed(RawIOBase):
    """A file that may be closed without its source being closed."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return int(self._inner.tell())

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._inner.seek(offset, whence))

    def readinto(self, buffer: Any) -> int:
        data = self._inner.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
