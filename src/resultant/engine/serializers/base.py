"""What every serializer is: a value to bytes and back, by two methods or, for large values, as a stream."""

from __future__ import annotations

from resultant.errors import SerializationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO, ClassVar, Protocol, Self

    class Sink(Protocol):
        """Where bytes go."""

        def write(self, buffer: Any, /) -> Any:
            """Take the bytes of a C-contiguous buffer, without keeping the buffer itself."""

    class Source(Protocol):
        """Where bytes come from; each method starts at the first byte."""

        @property
        def size(self) -> int:
            """How many bytes there are."""

        def read(self) -> bytes:
            """Return them all."""

        def file(self) -> BinaryIO:
            """Return a buffered binary file over them, for the caller to close."""

        def map(self, writable: bool = True) -> memoryview | None:
            """Return them mapped into memory, changes staying private, or ``None`` where that cannot be had."""


__all__ = ["Serializer"]


class Serializer:
    """Turns a value into bytes and back.

    Write your own by implementing :meth:`serialize` and :meth:`deserialize`. Give it a :attr:`name` if records should be
    able to name it; a reader then finds it among the flow's own objects or the entry points ``resultant.serializers``.

    Two serializers are equal when their classes are the same. A subclass with options of its own compares those as well.
    """

    #: Persistent name in records, never reused for another format. ``None``: cannot be named. Not inherited.
    name: ClassVar[str | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = cls.__dict__
        if "name" not in own:
            cls.name = None
        elif not cls.__module__.startswith(f"{__package__}."):
            from resultant.engine.serializers.registry import BUILT_IN

            if cls.name in BUILT_IN:
                raise TypeError(
                    f"{cls.__qualname__} cannot be named {cls.name!r}: that is a serializer of this library"
                )
        # The streaming faces of a parent know nothing of what a child changed.
        if "serialize" in own and "dump" not in own:
            cls.dump = Serializer.dump  # type: ignore[method-assign]
        if ("serialize" in own or "dump" in own) and "small" not in own:
            cls.small = Serializer.small  # type: ignore[method-assign]
        if "deserialize" in own and "load" not in own:
            cls.load = Serializer.load  # type: ignore[method-assign]

    def serialize(self, value: Any) -> bytes:
        """Return the bytes of a value.

        Raises:
            SerializationError: the value cannot become bytes.
        """
        raise NotImplementedError(f"{type(self).__qualname__} has no serialize(value)")

    def deserialize(self, value: bytes) -> Any:
        """Return the value that the bytes stand for.

        Raises:
            CorruptResultError: the bytes are empty, truncated or damaged.
            UnreadableResultError: the bytes are whole, but cannot be decoded here.
        """
        raise NotImplementedError(f"{type(self).__qualname__} has no deserialize(value)")

    def small(self, value: Any) -> bytes | None:
        """Return the bytes of a value of which it is known at a glance that they are few, or ``None``."""
        return None

    def dump(self, value: Any, sink: Sink) -> None:
        """Write the bytes of a value to a sink.

        Raises:
            SerializationError: the value cannot become bytes, or :meth:`serialize` returned something else.
        """
        data: Any = self.serialize(value)
        if not isinstance(data, bytes):
            try:
                memoryview(data)
            except TypeError:
                raise SerializationError(
                    f"{type(self).__qualname__}.serialize returned {type(data).__name__} instead of bytes"
                    f"{'; return text.encode()' if isinstance(data, str) else ''}"
                ) from None
        sink.write(data)

    def load(self, source: Source) -> Any:
        """Return the value whose bytes a source gives.

        Raises:
            CorruptResultError: the bytes are empty, truncated or damaged.
            UnreadableResultError: the bytes are whole, but cannot be decoded here.
        """
        return self.deserialize(source.read())

    def options(self) -> dict[str, Any]:
        """Return what, next to the name, is needed to make an equal serializer: keyword arguments that JSON can carry."""
        return {}

    def describe(self) -> dict[str, Any] | None:
        """Return name and options as a record keeps them, or ``None`` where they cannot be told in JSON."""
        if self.name is None:
            return None
        options = self.options()
        if options:
            from resultant.engine.serializers.json import JSONSerializer

            try:
                JSONSerializer().serialize(options)
            except SerializationError:
                return None
        return {"name": self.name, "options": options}

    @classmethod
    def from_options(cls, options: dict[str, Any], types: tuple[type[Serializer], ...] = ()) -> Self:
        """Make a serializer from what :meth:`options` gave.

        Args:
            options: keyword arguments of the constructor.
            types: further classes that may be named inside the options.
        """
        return cls(**options)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
