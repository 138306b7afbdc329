"""What results with a storage have in common: location, serializer and store meet here and nowhere else."""

from __future__ import annotations

from resultant.engine.result import Result
from resultant.errors import CorruptResultError, LocationError, ReadError, SupersededResultError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from typing import Any, Self

    from resultant.engine.serializers import Serializer
    from resultant.stores import Stat, Store

__all__ = ["StoredResult", "place_in"]


class StoredResult(Result):
    """A result whose bytes live in a :class:`~resultant.stores.Store`.

    A subclass implements :attr:`store`, and lists in ``record_options`` the constructor options that rebuild it.

    Args:
        value: see :class:`~resultant.engine.result.Result`, as for what follows.
        location: as there.
        serializer: as there.
        keep: as there.
        pack: let the small results of mapped children share a few files or objects, instead of one for each. Tasks with a
            target, and everything that is not mapped, are stored as always. The store has to know segments; those of this
            library do.

    Raises:
        TypeError: `keep` is no ``timedelta``, or `pack` no truth value.
        ValueError: `pack` comes with a location, by which a packed result could not be found.
    """

    #: Whether mapped children share a few segments. An attribute of the object only where it is so.
    pack: bool = False

    def __init__(
        self,
        value: Any = None,
        location: str | Callable[..., str] | None = None,
        serializer: Serializer | None = None,
        keep: timedelta | None = None,
        pack: bool = False,
    ) -> None:
        super().__init__(value, location, serializer, keep)
        if not isinstance(pack, bool):
            raise TypeError(f"`pack` takes True or False, not {pack!r}.")
        if pack:
            if location is not None:
                raise ValueError(
                    f"This {type(self).__name__} has both `pack` and a location. Packed results have no names of their own, by "
                    "which they could be found: leave out the one or the other."
                )
            self.pack = True

    _is_place = False

    @property
    def store(self) -> Store:
        """The store that this result reads from and writes to."""
        raise NotImplementedError(f"{type(self).__name__} does not say which store it uses.")

    def check_access(self) -> None:
        """Raise an error if this machine lacks what reaching the store takes; the store itself is not asked.

        It is called when a run begins.
        """

    @property
    def place(self) -> str | None:
        """The full name of the stored bytes, by which any process knows them: a path, or an address with the bucket in it.

        ``read`` takes it as well as the location.
        """
        return None if self.location is None else place_in(self.store, self.location)

    def read(self, location: str) -> Self:
        """Return a copy with the value stored at `location`.

        Args:
            location: as ``write`` returned it, or relative to the store's root.

        Raises:
            MissingResultError: nothing is there.
            CorruptResultError: what is there is damaged.
            UnreadableResultError: what is there cannot be decoded by this process.
            DeniedError: it may not be read.
        """
        return self._stored(load(self.serializer, self.store, location), location)

    def write(self, value_: Any, **kwargs: Any) -> Self:
        """Store a value, atomically, and return a copy that holds it and its full location.

        Args:
            value_: the value.
            **kwargs: what the location's template may use.

        Raises:
            LocationError: the location cannot be made.
            SerializationError: the value cannot become bytes.
            StoreError: the bytes cannot be stored.
        """
        key = self._render(kwargs)
        sink = self.store.sink(key)
        try:
            self.serializer.dump(value_, sink)
            location = sink.commit()
        except BaseException:
            sink.abort()
            raise
        return self._stored(value_, location)

    def exists(self, location: str, **kwargs: Any) -> bool:
        """Return whether something is stored at `location`; its bytes are not read.

        Args:
            location: text or template.
            **kwargs: what the template may use.

        Raises:
            DeniedError: the store does not say.
        """
        if "{" in location:
            probe = self.copy()
            probe.location = location
            location = probe._render(kwargs)
        return self.store.has(location)

    def delete(self, location: str | None = None) -> None:
        """Remove what is stored at `location`, or at this result's own; nothing there is no error.

        Raises:
            DeniedError: it may not be removed.
        """
        self.store.delete(self._place(location))

    def stat(self, location: str | None = None) -> Stat:
        """Return size in bytes, SHA-256 digest and time of what is stored at `location`, or at this result's own.

        Raises:
            MissingResultError: nothing is there.
        """
        import hashlib

        place = self._place(location)
        found = self.store.stat(place)
        digest = hashlib.sha256()
        with self.store.source(place) as source:
            file = source.file()
            while chunk := file.read(1 << 20):
                digest.update(chunk)
        found.digest = f"sha256:{digest.hexdigest()}"
        return found

    def _place(self, location: str | None) -> str:
        place = self.location if location is None else location
        if place is None:
            raise LocationError(f"This {type(self).__name__} has no location yet; pass one, or write it first.")
        return place

    def _stored(self, value: Any, location: str) -> Self:
        new = self.copy()
        new.value = value
        new.location = location
        new._forget()
        return new


def place_in(store: Any, location: str) -> str:
    """Return the full name of a location.

    Args:
        store: where it is.
        location: as ``write`` returned it, or relative to the store's root.
    """
    full = getattr(store, "place", None) or getattr(store, "path", None)
    return location if full is None else str(full(location))


def load(serializer: Any, store: Any, location: str) -> Any:
    """Return the value at a location, or raise an error that names it.

    Args:
        serializer: decodes the bytes.
        store: holds the bytes.
        location: where they are.

    Raises:
        MissingResultError: nothing is there.
        CorruptResultError: what is there is damaged.
        UnreadableResultError: what is there cannot be decoded by this process.
    """

    def read() -> Any:
        with store.source(location) as source:
            return decode(serializer, source, location)

    return unmixed(read)


def unmixed(read: Callable[[], Any]) -> Any:
    """Return what `read` returns, called again when another writer replaced the bytes under it.

    Args:
        read: reads from the first byte on.

    Raises:
        SupersededResultError: they are replaced faster than they can be read.
    """
    for _ in range(3):
        try:
            return read()
        except SupersededResultError:
            continue
    return read()


def decode(serializer: Any, source: Any, location: str) -> Any:
    """Return the value whose bytes a source gives, or raise an error that names where they are.

    Args:
        serializer: decodes the bytes.
        source: the bytes.
        location: where they are.

    Raises:
        CorruptResultError: they are damaged.
        UnreadableResultError: they cannot be decoded by this process.
    """
    try:
        if source.size:
            return serializer.load(source)
        raise CorruptResultError("It is empty: its write never finished, or it was truncated.")
    except ReadError as error:
        raise type(error)(f"The result at {location!r} cannot be read: {error}") from (error.__cause__ or error)
