"""The store's contract, and what is common to all stores."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO, Protocol

    class Store(Protocol):
        """Bytes at names.

        A key may also be the place of one result inside of a segment (:mod:`resultant.stores.packed`), which can be read,
        and looked at, and nothing else.

        ``put`` and ``Sink.commit`` replace what is there, atomically: a reader sees the old bytes or the new ones, never
        a mixture, whatever happens to the writer. Errors are those of :mod:`resultant.errors`: nothing there is
        ``MissingResultError``, a refusal ``DeniedError``, no room ``StorageFullError``, no answer ``UnreachableError``,
        anything else ``StoreError``.

        A store with an attribute ``intents`` that is true has no temporary names: a write that nobody came to put on record
        could not be told from the user's own bytes. Recorded runs note each of its writes before it happens.
        """

        #: Payloads of at least this many bytes may be put on another thread while other tasks run.
        background_from: int

        def put(self, key: str, data: bytes) -> str:
            """Store `data` under `key` and return its full location."""
            ...

        def create(self, key: str, data: bytes) -> str:
            """Store `data` under `key` unless something is there, else ``PlaceTakenError``; of several one succeeds."""
            ...

        def place(self, key: str) -> str:
            """Return the name by which everybody knows what is under `key`; it is a key too, and holds no credential."""
            ...

        def sink(self, key: str) -> Sink:
            """Return a sink whose bytes appear under `key` when it is committed."""
            ...

        def get(self, key: str) -> bytes:
            """Return the bytes under `key`."""
            ...

        def source(self, key: str) -> Source:
            """Return the bytes under `key` for reading in pieces, or mapped into memory."""
            ...

        def read_range(self, key: str, offset: int, length: int) -> bytes:
            """Return `length` of the bytes under `key` from `offset` on, fewer where they end."""
            ...

        def has(self, key: str) -> bool:
            """Return whether something is stored under `key`; never reads it, never answers for a refusal."""
            ...

        def delete(self, key: str) -> None:
            """Remove what is under `key`; nothing there is no error."""
            ...

        def stat(self, key: str) -> Stat:
            """Return size and time of what is under `key`."""
            ...

        def set_aside(self, key: str) -> str:
            """Give what is under `key` another name, so that it can be looked at, and return that name."""
            ...

        def list(self, prefix: str = "") -> Iterator[str]:
            """Yield the keys that begin with `prefix`, finished results only."""
            ...
else:
    Store = object

__all__ = ["LONGEST", "MARK", "SPILL", "MemorySource", "Sink", "Source", "Stat", "Store", "flat"]

#: How the name of every segment of packed results begins; see :mod:`resultant.stores.framing`.
MARK = "resultant-packed-"

#: Bytes of the longest result that is packed; a larger one is better off by itself.
LONGEST = 1 << 18

#: Bytes that a sink keeps in memory before it begins to stream. Up to here a value is finished bytes before anything
#: is written, so that independent tasks may run on while those bytes travel.
SPILL = 1 << 20


class Stat:
    """What a store knows about stored bytes.

    Attributes:
        size: in bytes.
        modified: when they were stored, in seconds since the epoch.
        digest: ``sha256:`` and the hexadecimal digest, where it was asked for; else ``None``.
    """

    __slots__ = ("digest", "modified", "size")

    def __init__(self, size: int, modified: float, digest: str | None = None) -> None:
        self.size = size
        self.modified = modified
        self.digest = digest

    def __repr__(self) -> str:
        return f"Stat(size={self.size}, modified={self.modified}, digest={self.digest!r})"


class Sink:
    """Takes a result's bytes in pieces; small ones stay in memory until they are committed.

    A store derives from this and implements ``_open``, ``_stream``, ``_commit`` and ``_discard``.
    """

    __slots__ = ("chunks", "key", "size", "store", "streaming")

    def __init__(self, store: Any, key: str) -> None:
        self.store = store
        self.key = key
        self.chunks: list[bytes] = []
        self.size = 0
        self.streaming = False

    def write(self, data: Any) -> int:
        """Take a bytes-like object; it may change or vanish after the call.

        Args:
            data: any C-contiguous buffer.

        Returns:
            Its length in bytes.
        """
        if data.__class__ is bytes:
            length = len(data)
        else:
            data = flat(data)
            length = len(data)
        self.size += length
        if self.streaming:
            self._stream(data)
        elif self.size <= SPILL:
            self.chunks.append(data if data.__class__ is bytes else bytes(data))
        else:
            self._open()
            self.streaming = True
            for chunk in self.chunks:
                self._stream(chunk)
            self.chunks.clear()
            self._stream(data)
        return length

    def finished(self) -> bytes | None:
        """Return all the bytes, if none of them was streamed yet; otherwise ``None``."""
        if self.streaming:
            return None
        chunks = self.chunks
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def commit(self) -> str:
        """Make the bytes appear under the key, all at once, and return their location."""
        data = self.finished()
        if data is None:
            return self._commit()
        location: str = self.store.put(self.key, data)
        return location

    def abort(self) -> None:
        """Forget the bytes; nothing appears under the key."""
        self.chunks.clear()
        if self.streaming:
            self.streaming = False
            self._discard()

    def _open(self) -> None:
        raise NotImplementedError

    def _stream(self, data: bytes | memoryview) -> None:
        raise NotImplementedError

    def _commit(self) -> str:
        raise NotImplementedError

    def _discard(self) -> None:
        raise NotImplementedError


def flat(data: Any) -> memoryview:
    """Return the bytes of any contiguous buffer as a flat view.

    Args:
        data: bytes-like, of any shape and item size.
    """
    # A PickleBuffer over a Fortran-ordered array is contiguous, yet a plain view of it could not be cast.
    view = data.raw() if hasattr(data, "raw") else memoryview(data)
    # A view with a zero in its shape cannot be cast either.
    return view.cast("B") if view.nbytes else memoryview(b"")


class Source:
    """Stored bytes, for reading whole, as a file, or mapped into memory.

    Attributes:
        size: in bytes.
    """

    __slots__ = ("size",)

    size: int

    def read(self) -> bytes:
        """Return all the bytes."""
        raise NotImplementedError

    def file(self) -> BinaryIO:
        """Return a binary file over the bytes."""
        raise NotImplementedError

    def map(self, writable: bool = True) -> memoryview | None:
        """Return the bytes mapped into memory, or ``None`` where this store cannot.

        Args:
            writable: give pages that may be written to; what is written stays private to this process.
        """
        return None

    def close(self) -> None:
        """Release what the source holds open; mapped memory stays valid."""

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class MemorySource(Source):
    """Bytes that are in memory already.

    Args:
        data: the bytes.
    """

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read(self) -> bytes:
        return self.data

    def file(self) -> BinaryIO:
        from io import BytesIO

        return BytesIO(self.data)
