"""Bytes in an object store: S3, Google Cloud Storage, Azure, memory, and whatever else obstore has an address for.

The client's synchronous calls are used, on as many threads as there are writers: they release the interpreter's lock.
"""

from __future__ import annotations

import os
from threading import Lock

from resultant.errors import ConfigurationError, LocationError

from .base import MARK, MemorySource, Sink, Source, Stat
from .file import FileStore, file_store
from .object_client import SCHEMES, Clients
from .object_names import SCHEME, decode, encode
from .object_requests import WRITER, Requests, missing, new_writer
from .object_sink import PART, ObjectSink, part_size
from .object_source import RANGE, ObjectSource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, NoReturn

    from .fsspec import FsspecStore
    from .object_errors import Failure
    from .segment_cache import SegmentCache

__all__ = ["ObjectStore", "object_store"]

_NOTHING: dict[str, Any] = {}
_stores: dict[Any, ObjectStore | FsspecStore] = {}
_lock = Lock()


def object_store(
    url: str, options: Mapping[str, Any] = _NOTHING, credentials: Callable[[], Any] | None = None
) -> ObjectStore | FileStore | FsspecStore:
    """Return the store at an address; one object, and one pool of connections, serves the whole process.

    Args:
        url: ``s3://bucket[/prefix]``, ``gs://bucket[/prefix]``, ``az://container[/prefix]``, ``memory:///[prefix]``,
            ``file:///folder``, or any other address that obstore takes; with a scheme that it does not know, one that
            fsspec takes.
        options: obstore's configuration for it, and under ``client_options`` and ``retry_config`` that of its requests;
            ``attributes`` and ``tags`` are what every object is stored with.
        credentials: an obstore credential provider, which returns credentials and when they expire.

    Raises:
        ConfigurationError: the address or an option is not one that the client knows.
    """
    if url[:7].lower() == "file://":
        from urllib.parse import unquote

        if options:
            raise ConfigurationError(f"A store at file:// takes no options, here {', '.join(sorted(options))}.")
        return file_store(os.path.abspath(unquote(url[7:])))
    from hashlib import sha256

    # A digest: nobody who looks at the table finds a credential.
    key = (sha256(repr((url, sorted(options.items()))).encode()).digest(), credentials)
    store = _stores.get(key)
    if store is None:
        with _lock:
            store = _stores.get(key)
            if store is None:
                store = _stores[key] = _open(url, options, credentials)
    return store


def _open(url: str, options: Mapping[str, Any], credentials: Callable[[], Any] | None) -> ObjectStore | FsspecStore:
    if url.partition("://")[0].lower() in SCHEMES:
        return ObjectStore(url, options, credentials)
    from .fsspec import FsspecStore

    return FsspecStore(url, options)


class ObjectStore:
    """Objects below a prefix of a bucket; a key is a name below the prefix, or a place as :meth:`place` returns it.

    Args:
        url: the bucket's address, and the prefix.
        options: obstore's configuration for it.
        credentials: an obstore credential provider.
    """

    #: Every request takes longer than handing it to another thread.
    background_from = 0
    #: Writes that may be in flight at once.
    concurrency = 32
    #: A write shows when it is whole, under its final name.
    intents = True

    def __init__(
        self, url: str, options: Mapping[str, Any] = _NOTHING, credentials: Callable[[], Any] | None = None
    ) -> None:
        self._clients = Clients(url, options, credentials)
        prefix = self._clients.prefix
        self._prefix = f"{encode(prefix)}/" if prefix else ""
        self.requests = Requests(self._clients)
        self._packed: SegmentCache | None = None

    def __repr__(self) -> str:
        return f"ObjectStore({self._clients.safe_url!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "An ObjectStore holds credentials and connections and is not pickled; pickle its result instead."
        )

    # What the contract of stores asks for

    def put(self, key: str, data: bytes) -> str:
        """Store `data` under `key`, in place of what is there.

        Args:
            key: relative to the store's prefix, or a full place.
            data: the bytes; large ones travel in parts.

        Returns:
            `key`.

        Raises:
            DeniedError: the store refuses.
            NoSuchBucketError: the bucket does not exist.
            ThrottledError: it kept asking for patience.
            UnreachableError: it did not answer, again and again.
            StoreError: anything else.
        """
        name = self._changing(key)
        size = len(data)
        if size <= PART * 2:
            from obstore import put

            attributes, tags = self._clients.attributes, self._clients.tags
            self.requests.request(
                "write",
                name,
                lambda client: put(client, name, data, use_multipart=False, attributes=attributes, tags=tags),
            )
        else:
            writer = new_writer()
            failure: Exception | None = None
            try:
                self.requests.upload(name, data, part_size(size), writer, replay=True)
            except Exception as error:  # noqa: BLE001 - translated, outside of this clause
                failure = error
            if failure is not None:
                self.requests.finish_upload(name, True, writer, failure)
        return key

    def create(self, key: str, data: bytes) -> str:
        """Store `data` under `key` unless something is there already; of several that try, one succeeds.

        Such a write is one request, whatever its size: more than the store takes in one (5 GB on S3) is refused.

        Args:
            key: relative to the store's prefix, or a full place.
            data: the bytes.

        Returns:
            `key`.

        Raises:
            PlaceTakenError: something is there already.
            TooLargeError: these are too many bytes for one request.
        """
        from obstore import put

        name = self._changing(key)
        writer = new_writer()
        attributes, tags = {**(self._clients.attributes or {}), **writer}, self._clients.tags

        def request(client: Any) -> None:
            put(client, name, data, mode="create", attributes=attributes, tags=tags)

        def mine(failure: Failure) -> bool:
            # An answer may be lost, and a request be doubled on its way: what is there may be what was sent.
            return failure.taken and self.requests.attributes(name).get(WRITER) == writer[WRITER]

        self.requests.request("create", name, request, mine)
        return key

    def sink(self, key: str) -> Sink:
        """Return a sink that streams large results into a multipart upload."""
        return ObjectSink(self, key, self.requests, self._changing(key))

    def get(self, key: str) -> bytes:
        """Return the bytes under `key`.

        Raises:
            MissingResultError: nothing is there.
            DeniedError: it may not be read.
            StoreError: anything else.
        """
        with self.source(key) as source:
            return source.read()

    def read_range(self, key: str, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset` on, or as many as there are.

        Raises:
            MissingResultError: nothing is there.
            DeniedError: it may not be read.
        """
        name = self._name(key)
        if length <= 0:
            return b""
        return bytes(self.requests.first(name, offset, offset + length)[0])

    def source(self, key: str) -> Source:
        """Return the bytes under `key`: a small object at once, a large one in ranges while it is read.

        Raises:
            MissingResultError: nothing is there.
            DeniedError: it may not be read.
            SupersededResultError: (while it is read) another object took its place meanwhile.
        """
        if MARK in key:
            packed = self._segments().source(key)
            if packed is not None:
                return packed
        name = self._name(key)
        data, meta = self.requests.first(name, 0, RANGE)
        size = meta["size"] if meta else 0
        if size <= len(data):
            return MemorySource(bytes(data))
        tag = meta.get("e_tag")
        version = {"if_match": tag} if tag else {"if_unmodified_since": meta["last_modified"]}
        return ObjectSource(self.requests, name, data, size, version)

    def has(self, key: str) -> bool:
        """Return whether something is under `key`; asks for its metadata alone.

        Raises:
            DeniedError: the store does not say.
            NoSuchBucketError: the bucket does not exist.
        """
        if MARK in key:
            packed = self._segments().has(key)
            if packed is not None:
                return packed
        return self.requests.head(self._name(key)) is not None

    def delete(self, key: str) -> None:
        """Remove what is under `key`; nothing there is no error."""
        from obstore import delete

        name = self._changing(key)
        self.requests.request("delete", name, lambda client: delete(client, name), lambda failure: failure.missing)

    def stat(self, key: str) -> Stat:
        """Return size and time of what is under `key`.

        Raises:
            MissingResultError: nothing is there.
        """
        if MARK in key:
            packed = self._segments().stat(key)
            if packed is not None:
                return packed
        name = self._name(key)
        meta = self.requests.head(name)
        if meta is None:
            raise missing("look at", self.requests.place(name))
        return Stat(meta["size"], meta["last_modified"].timestamp())

    def set_aside(self, key: str) -> str:
        """Copy what is under `key` to a name ending in ``.damaged-`` and eight digits, and remove it."""
        from secrets import token_hex

        from obstore import copy, delete

        aside = f"{key}.damaged-{token_hex(4)}"
        name, new = self._changing(key), self._name(aside)
        before = self.requests.head(name)
        if before is None:
            raise missing("set aside", self.requests.place(name))
        self.requests.request("set aside", name, lambda client: copy(client, name, new))
        after = self.requests.head(name)
        if after is not None and after["e_tag"] == before["e_tag"]:
            # Not what another writer has put there meanwhile.
            self.requests.request(
                "set aside", name, lambda client: delete(client, name), lambda failure: failure.missing
            )
        return aside

    def list(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys that begin with `prefix`."""
        folder = prefix.rpartition("/")[0]
        below = self._prefix + (f"{encode(folder)}/" if folder else "")
        start = len(self._prefix)
        for name in self.requests.names(below):
            key = decode(name[start:])
            if key.startswith(prefix):
                yield key

    # What results and rows ask besides

    def place(self, key: str) -> str:
        """Return the name by which everybody knows what is under `key`: ``s3://bucket/prefix/key`` or the like.

        On Azure it holds the account, ``az://account/container/key``; with a custom endpoint it is the object's address
        there. It never holds a credential.
        """
        return self.requests.place(self._name(key))

    # Names

    def _name(self, key: str) -> str:
        if SCHEME.match(key):
            root = self.requests.base()
            if not key.startswith(root) or len(key) == len(root):
                raise LocationError(f"{key!r} is no place in {root}: it belongs to another store.")
            return key[len(root) :]
        return self._prefix + encode(key)

    def _changing(self, key: str) -> str:
        if MARK in key:
            from .packed import refuse_packed

            refuse_packed(key)
            self._segments().forget(key)
        return self._name(key)

    def _segments(self) -> SegmentCache:
        found = self._packed
        if found is None:
            from .segment_cache import SegmentCache

            found = self._packed = SegmentCache(self.stat, self.read_range)
        return found
