"""`MappedSerializer`: large arrays and frames as they lie in memory, read back without reading them.

The bytes, all integers little-endian::

    0     magic            8   93 52 53 4C 54 4D 41 50, 0x93 and 'RSLTMAP'
    8     version          4   1
    12    buffers          4   how many
    16    total            8   length of the whole in bytes
    24    pickle offset    8
    32    pickle length    8
    40    checksum         4   CRC-32 of the table and bytes 0 to 39
    44    reserved        20   zero
    64    table                offset and length of each buffer, 8 bytes each
          pickle               protocol 5, its large buffers out of band
          buffers              each at a multiple of 64, zeros between

What is read is mapped privately: pages are loaded when they are touched, and changing an array changes a copy of its page,
never the file. The file must be replaced, never changed in place, while arrays over it are alive; the stores here do so.
"""

from __future__ import annotations

from struct import Struct

from resultant.engine.serializers.base import Serializer
from resultant.engine.serializers.pickle import stream_pickle
from resultant.errors import CorruptResultError, ReadError, UnreadableResultError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from resultant.engine.serializers.base import Sink, Source

__all__ = ["MappedSerializer"]

_MAGIC = b"\x93RSLTMAP"
_VERSION = 1
_HEADER = Struct("<8sIIQQQ")
_CHECKSUM = Struct("<I")
_ENTRY = Struct("<QQ")
_HEAD = 64
_ALIGN = 64

#: Buffers below this stay inside the pickle: an entry and its padding would cost more than a copy.
_INLINE = 4096

#: Sources below this are read rather than mapped: a process may hold only so many maps.
_SMALL = 1 << 18


class MappedSerializer(Serializer):
    """Stores large arrays, frames and other buffers next to a pickle of the rest, to be mapped instead of read.

    Reading takes the same time whatever the size. Values without large buffers work too and gain nothing.

    Args:
        writeable: arrays that were read may be changed, which changes private copies of the pages touched. ``False`` makes
            them read-only and shares all their pages between processes.
    """

    name = "mapped"

    def __init__(self, writeable: bool = True) -> None:
        self.writeable = writeable

    def serialize(self, value: Any) -> bytes:
        """Return the container of a value in one piece.

        Raises:
            UnpicklableError: something in the value cannot be pickled; the message says what and where.
        """
        return b"".join(_pieces(value))

    def deserialize(self, value: bytes) -> Any:
        """Return the value of a container.

        Raises:
            CorruptResultError: the container is empty, truncated or damaged.
            UnreadableResultError: the bytes are no container, or its pickle needs what this process does not have.
        """
        return _unpack(memoryview(bytearray(value) if self.writeable else value))

    def dump(self, value: Any, sink: Sink) -> None:
        """Write the container of a value to a sink; its large buffers are not copied."""
        for piece in _pieces(value):
            sink.write(piece)

    def load(self, source: Source) -> Any:
        """Return the value of a container, mapped into memory where the source can do that."""
        view = source.map(writable=self.writeable) if source.size >= _SMALL else None
        return self.deserialize(source.read()) if view is None else _unpack(view)

    def options(self) -> dict[str, Any]:
        """Return the keyword arguments that make an equal serializer."""
        return {"writeable": self.writeable}

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.writeable == other.writeable

    def __hash__(self) -> int:
        return hash((type(self), self.writeable))

    def __repr__(self) -> str:
        return f"MappedSerializer(writeable={self.writeable})"


def _pieces(value: Any) -> Iterator[Any]:
    from zlib import crc32

    buffers: list[memoryview] = []

    def take(buffer: Any) -> bool:
        try:
            raw = buffer.raw()
        except BufferError:  # not contiguous: pickle makes a copy inside its stream
            return True
        if raw.nbytes < _INLINE:
            return True
        buffers.append(raw)
        return False

    stream: list[Any] = []
    stream_pickle(value, stream.append, buffer_callback=take)
    pickle_offset = _HEAD + _ENTRY.size * len(buffers)
    pickle_length = sum(len(piece) for piece in stream)
    table = b""
    end = pickle_offset + pickle_length
    for raw in buffers:
        offset = -(-end // _ALIGN) * _ALIGN
        table += _ENTRY.pack(offset, raw.nbytes)
        end = offset + raw.nbytes
    header = _HEADER.pack(_MAGIC, _VERSION, len(buffers), end, pickle_offset, pickle_length)
    yield (header + _CHECKSUM.pack(crc32(table, crc32(header)))).ljust(_HEAD, b"\0")
    yield table
    yield from stream
    end = pickle_offset + pickle_length
    for raw in buffers:
        yield bytes(-end % _ALIGN)
        yield raw
        end += -end % _ALIGN + raw.nbytes


def _unpack(view: memoryview) -> Any:
    """Return the value whose container a view shows; its buffers are slices of the view."""
    from pickle import loads

    pickle, buffers = _layout(view)
    try:
        return loads(pickle, buffers=buffers)
    except ReadError:
        raise
    except Exception as error:
        from resultant.engine.serializers.damage import explain_unpickling

        raise explain_unpickling(bytes(pickle), error) from error


def _layout(view: memoryview) -> tuple[memoryview, list[memoryview]]:
    """Return the pickle and the buffers, having made sure that all of them are there."""
    from zlib import crc32

    size = view.nbytes
    magic = bytes(view[: len(_MAGIC)])
    if magic != _MAGIC and not (size < len(_MAGIC) and _MAGIC.startswith(magic)):
        raise UnreadableResultError(
            f"The bytes begin with {magic!r} and were not written by MappedSerializer. "
            "Read them with the serializer that wrote them."
        )
    if size < _HEAD:
        raise CorruptResultError(
            f"The container is empty or truncated: {size} bytes, and its header alone has {_HEAD}."
        )
    _, version, count, total, pickle_offset, pickle_length = _HEADER.unpack_from(view)
    if version > _VERSION:
        raise UnreadableResultError(
            f"The container has version {version}, and this release reads up to {_VERSION}. Read it with a newer one."
        )
    if size != total:
        raise CorruptResultError(f"The container is truncated or damaged: {size} bytes, and its header says {total}.")
    table = view[_HEAD : _HEAD + _ENTRY.size * count]
    (checksum,) = _CHECKSUM.unpack_from(view, _HEADER.size)
    if len(table) != _ENTRY.size * count or crc32(table, crc32(view[: _HEADER.size])) != checksum:
        raise CorruptResultError("The container is damaged: its header and table do not match their checksum.")
    places = [(pickle_offset, pickle_length), *_ENTRY.iter_unpack(table)]
    if any(offset + length > total for offset, length in places):
        raise CorruptResultError("The container is damaged: its table points beyond its end.")
    pickle, *buffers = (view[offset : offset + length] for offset, length in places)
    return pickle, buffers
