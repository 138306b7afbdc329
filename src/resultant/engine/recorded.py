"""Values that are read when somebody asks for them, and checked against the digest that was recorded."""

from __future__ import annotations

from resultant.engine.stored import StoredResult, decode, unmixed
from resultant.errors import CorruptResultError, ReadError, SupersededResultError
from resultant.stores.base import SPILL, MemorySource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.engine.integrity import Digester
    from resultant.engine.result import Result
    from resultant.stores import Source, Store

__all__ = ["LoadRecorded", "RecordedValue", "later", "load_for_record"]


class RecordedValue:
    """Reads the value of a result through what its row says.

    Args:
        digester: holds the key; ``None`` where digests cannot be checked.
        digest: of the bytes; ``None`` where none was recorded.
        size: of the bytes.
        store: where they are; the result's own store if missing.
    """

    __slots__ = ("digest", "digester", "size", "store")

    def __init__(
        self, digester: Digester | None, digest: bytes | None, size: int | None, store: Store | None = None
    ) -> None:
        self.digester = digester
        self.digest = digest
        self.size = size
        self.store = store

    def __reduce__(self) -> Any:
        # A store is opened anew where this arrives.
        return RecordedValue, (self.digester, self.digest, self.size)

    def __call__(self, result: Result) -> Any:
        """Return the value.

        Raises:
            MissingResultError: the bytes are gone.
            CorruptResultError: they are not those that were recorded.
            UnreadableResultError: they cannot be decoded by this process.
        """
        location = result.location
        assert location is not None
        if not isinstance(result, StoredResult):
            return result.read(location).value
        with (self.store or result.store).source(location) as source:
            if self.size is not None and source.size != self.size:
                raise CorruptResultError(
                    f"The result at {location!r} has {source.size} bytes, and its record says {self.size}: it was truncated, or "
                    "something else was written there."
                )
            if self.digester is None or self.digest is None:
                return decode(result.serializer, source, location)
            return self._checked(result, source, location, self.digester, self.digest)

    def check(self, location: str) -> None:
        """Look at the bytes at a place of the store that was given, without a value being made of them.

        Args:
            location: the place.

        Raises:
            MissingResultError: the bytes are gone.
            CorruptResultError: they are not those that were recorded.
        """
        if self.store is None or self.digester is None or self.digest is None:
            return
        with self.store.source(location) as source:
            mapped = source.map(writable=False)
            if mapped is None and source.size >= SPILL:
                from resultant.engine.streamed import DigestingSource

                digester, digest = self.digester, self.digest
                agrees = DigestingSource(source, lambda: digester.running(digest)).digest() == digest
            else:
                agrees = self.digester.agrees(self.digest, source.read() if mapped is None else mapped)
            if not agrees:
                raise _damaged(location)

    def _checked(self, result: Any, source: Source, location: str, digester: Digester, digest: bytes) -> Any:
        from resultant.engine.integrity import LARGE, side_by_side

        mapped = source.map(writable=False) if source.size >= LARGE else None
        if mapped is None:
            if source.size >= SPILL:
                return _streamed(result.serializer, source, location, digester, digest)[0]
            data = source.read()
            if not digester.agrees(digest, data):
                raise _damaged(location)
            return decode(result.serializer, MemorySource(data), location)
        agrees, value = side_by_side(
            lambda: digester.agrees(digest, mapped), lambda: decode(result.serializer, source, location)
        )
        mapped.release()
        if not agrees:
            raise _damaged(location)
        return value


class LoadRecorded:
    """Reads the values of results that know the size and the digest of their bytes; one serves all that share a store.

    Args:
        digester: holds the key.
        store: where the bytes are; each result's own store if missing.
    """

    __slots__ = ("digester", "store")

    def __init__(self, digester: Digester, store: Store | None = None) -> None:
        self.digester = digester
        self.store = store

    def __reduce__(self) -> Any:
        # A store is opened anew where this arrives.
        return LoadRecorded, (self.digester,)

    def __call__(self, result: Result) -> Any:
        """Return the value; see :class:`RecordedValue`."""
        digest, size, store = result._digest, result._size, self.store
        if store is not None and digest is not None:
            location = result.location
            assert location is not None
            source = store.source(location)
            if source.__class__ is MemorySource:
                # Small, and so read already: the usual case of thousands of values that one task is given.
                data = source.read()
                if len(data) == size and self.digester.small(data) == digest:
                    return decode(result.serializer, source, location)
            source.close()
        return RecordedValue(self.digester, digest, size, store)(result)


def load_for_record(serializer: Any, store: Store, location: str, digester: Digester) -> tuple[Any, int, bytes]:
    """Return the value at a location, and size and digest of its bytes.

    Args:
        serializer: decodes the bytes.
        store: holds the bytes.
        location: where they are.
        digester: holds the key.

    Raises:
        MissingResultError: nothing is there.
        CorruptResultError: what is there is damaged.
        UnreadableResultError: what is there cannot be decoded by this process.
    """

    def read() -> tuple[Any, int, bytes]:
        with store.source(location) as source:
            return _read_for_record(serializer, source, location, digester)

    return unmixed(read)  # type: ignore[no-any-return]


def _read_for_record(serializer: Any, source: Source, location: str, digester: Digester) -> tuple[Any, int, bytes]:
    from resultant.engine.integrity import LARGE, side_by_side

    mapped = source.map(writable=False) if source.size >= LARGE else None
    if mapped is None:
        if source.size >= SPILL:
            value, digest = _streamed(serializer, source, location, digester)
            return value, source.size, digest
        data = source.read()
        return decode(serializer, MemorySource(data), location), len(data), digester.of(data)
    digest, value = side_by_side(lambda: digester.of(mapped), lambda: decode(serializer, source, location))
    mapped.release()
    return value, source.size, digest


def _streamed(
    serializer: Any, source: Source, location: str, digester: Digester, expected: bytes | None = None
) -> tuple[Any, bytes]:
    """Return a value and the digest of its bytes, which are in memory a few at a time.

    Raises:
        CorruptResultError: the digest is not the one that is expected.
    """
    from resultant.engine.streamed import DigestingSource

    through = DigestingSource(source, lambda: digester.running(expected))
    try:
        value = decode(serializer, through, location)
    except ReadError as error:
        # Damage is told as what it is, whatever the serializer made of it.
        if expected is not None and not isinstance(error, SupersededResultError) and through.digest() != expected:
            raise _damaged(location) from error
        raise
    digest = through.digest()
    if expected is not None and digest != expected:
        raise _damaged(location)
    return value, digest


def later(result: Any, load: Any) -> Any:
    """Return the result itself, whose value is loaded at the first look at it.

    Args:
        result: without a value of its own.
        load: called with the result, returns the value.
    """
    result.__dict__.pop("value", None)
    result._load = load
    return result


def _damaged(location: str) -> CorruptResultError:
    return CorruptResultError(
        f"The bytes at {location!r} are not those that were recorded: they were damaged, or something else was written there."
    )
