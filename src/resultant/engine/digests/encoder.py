"""Values → canonical bytes: scalars as they are, containers as the hash of what they hold.

Every encoding begins with a tag and says where it ends, so that no two values share one by running together. A container
is its tag and the BLAKE2b of its parts; the parts of sets and dictionaries are sorted by their encodings.
"""

from __future__ import annotations

from hashlib import blake2b
from struct import Struct

from . import code, instances, known
from .refusal import Undigestible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

__all__ = ["SCALARS", "Encoder"]

#: Changes when the encoding does: digests of different versions never agree.
_VERSION = b"resultant digest"
#: Parts beyond which an encoding is remembered for the rest of the call, so that shared parts are not walked again and again.
_WORTH_KEEPING = 64
#: How often parts of circles may be met again: every way through them is another encoding.
_REPEATS = 20_000
_NOWHERE = 1 << 30
#: Encodings that are hashed at a time.
_BATCH = 4096

_double = Struct(">d").pack
_doubles = Struct(">dd").pack


def _text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    return b"s%d:%b" % (len(data), data)


def _bytes(value: bytes) -> bytes:
    return b"b%d:%b" % (len(value), value) if len(value) < 256 else b"B" + blake2b(value, digest_size=32).digest()


SCALARS: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda value: b"N",
    bool: lambda value: b"T" if value else b"F",
    # Hexadecimal, because that has no limit on the number of digits.
    int: lambda value: b"i%x;" % value,
    float: lambda value: b"f" + _double(value),
    complex: lambda value: b"c" + _doubles(value.real, value.imag),
    str: _text,
    bytes: _bytes,
    type(Ellipsis): lambda value: b"E",
    type(NotImplemented): lambda value: b"X",
}


class Encoder:
    """Encodes one value; it remembers what it met on the way, and is of no use for a second one."""

    def __init__(self) -> None:
        #: The containers that are being encoded, by identity, and how deep each of them is.
        self._path: dict[int, int] = {}
        #: Encodings by identity. The object is kept as well: otherwise another one could get its identity.
        self._known: dict[int, tuple[Any, bytes]] = {}
        self._classes: list[type] = []
        self._handlers: dict[type, Callable[[Encoder, Any], bytes]] = dict(_HANDLERS)
        self._count = 0
        #: What is part of a circle, kept as well.
        self._cyclic: dict[int, Any] = {}
        self._repeats = 0
        #: The outermost container that something met since refers back to, as a depth.
        self._lowest = _NOWHERE

    def digest(self, value: Any) -> str:
        """Return the digest of a value.

        Raises:
            Undigestible: the value holds something that has no canonical form.
        """
        try:
            return blake2b(self.encode(value), digest_size=16, person=_VERSION).hexdigest()
        except Undigestible:
            raise
        except RecursionError:
            raise Undigestible(f"A {name_of(type(value))} is nested too deeply to be digested.") from None
        except Exception as error:
            raise Undigestible(
                f"A {name_of(type(value))} cannot be digested: {type(error).__name__}: {error}"
            ) from error

    def encode(self, value: Any) -> bytes:
        """Return the canonical bytes of a value.

        Raises:
            Undigestible: see :meth:`digest`.
        """
        cls = type(value)
        scalar = SCALARS.get(cls)
        if scalar is not None:
            return scalar(value)
        self._count += 1
        key = id(value)
        found = self._known.get(key)
        if found is not None:
            return found[1]
        if isinstance(value, type):
            encoded = self._class(value)
            self._known[key] = (value, encoded)
            return encoded
        path = self._path
        depth = len(path)
        above = path.get(key)
        if above is not None:
            self._lowest = min(self._lowest, above)
            return b"^%d;" % (depth - above)
        if key in self._cyclic:
            self._repeat()
        handler = self._handlers.get(cls)
        if handler is None:
            handler = self._handlers[cls] = known.handler_for(cls) or instances.encode
        before, outer = self._count, self._lowest
        self._lowest = _NOWHERE
        path[key] = depth
        try:
            encoded = handler(self, value)
        finally:
            del path[key]
        if self._lowest == _NOWHERE:
            if self._count - before >= _WORTH_KEEPING:
                self._known[key] = (value, encoded)
        else:
            # What is part of a circle reads differently depending on where one enters it.
            self._cyclic[key] = value
        if self._lowest >= depth:
            self._lowest = _NOWHERE
        self._lowest = min(outer, self._lowest)
        return encoded

    def _class(self, cls: type) -> bytes:
        """Return the encoding of a class, which is the same wherever it is met: circles end at the class."""
        classes = self._classes
        if cls in classes:
            return b"^class%d;" % (len(classes) - classes.index(cls))
        outside = self._path, self._known, self._lowest
        self._path, self._known, self._lowest = {}, {}, _NOWHERE
        classes.append(cls)
        try:
            if classes[1:]:
                self._repeat()
            return code.encode_class(self, cls)
        finally:
            classes.pop()
            self._path, self._known, self._lowest = outside

    def _repeat(self) -> None:
        self._repeats += 1
        if self._repeats > _REPEATS:
            raise Undigestible("Too many of the value's parts refer to each other for a digest.")

    def node(self, tag: bytes, *values: Any) -> bytes:
        """Return the encoding of something that consists of `values`, in order."""
        return self.sequence(tag, values)

    def sequence(self, tag: bytes, values: Iterable[Any]) -> bytes:
        """Return the encoding of a container whose order counts."""
        scalars = SCALARS.get
        encode = self.encode
        hasher = blake2b(digest_size=32)
        parts: list[bytes] = []
        count = 0
        for value in values:
            scalar = scalars(type(value))
            parts.append(encode(value) if scalar is None else scalar(value))
            count += 1
            if not count % _BATCH:
                hasher.update(b"".join(parts))
                parts.clear()
        hasher.update(b"".join(parts))
        return b"(%b%d:%b" % (tag, count, hasher.digest())

    def unordered(self, tag: bytes, values: Iterable[Any]) -> bytes:
        """Return the encoding of a container whose order does not count."""
        return hashed(tag, sorted(map(self.encode, values)))

    def mapping(self, tag: bytes, items: Iterable[tuple[Any, Any]]) -> bytes:
        """Return the encoding of keys with their values, whose order does not count."""
        encode = self.encode
        return hashed(tag, sorted([encode(key) + encode(value) for key, value in items]))

    def buffer(self, tag: bytes, header: Any, chunks: Iterable[Any]) -> bytes:
        """Return the encoding of raw bytes and what is to be known about them.

        Args:
            tag: what it is.
            header: a value.
            chunks: C-contiguous buffers of bytes, which are read where they lie.
        """
        hasher = blake2b(self.encode(header), digest_size=32)
        for chunk in chunks:
            hasher.update(chunk)
        return b"(%b:%b" % (tag, hasher.digest())


def hashed(tag: bytes, parts: list[bytes]) -> bytes:
    """Return the encoding of a container from the encodings of its parts."""
    return b"(%b%d:%b" % (tag, len(parts), blake2b(b"".join(parts), digest_size=32).digest())


def name_of(cls: type) -> str:
    """Return how messages call a class."""
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


_HANDLERS: dict[type, Callable[[Encoder, Any], bytes]] = {
    list: lambda encoder, value: encoder.sequence(b"list", value),
    tuple: lambda encoder, value: encoder.sequence(b"tuple", value),
    dict: lambda encoder, value: encoder.mapping(b"dict", value.items()),
    set: lambda encoder, value: encoder.unordered(b"set", value),
    frozenset: lambda encoder, value: encoder.unordered(b"frozenset", value),
    bytearray: lambda encoder, value: encoder.buffer(b"bytearray", len(value), [value]),
    memoryview: lambda encoder, value: encoder.buffer(
        b"memoryview", (value.format, value.shape), [value if value.c_contiguous else value.tobytes()]
    ),
    range: lambda encoder, value: encoder.node(b"range", value.start, value.stop, value.step),
    slice: lambda encoder, value: encoder.node(b"slice", value.start, value.stop, value.step),
    **known.HANDLERS,
    **code.HANDLERS,
}
