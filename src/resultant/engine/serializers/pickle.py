"""`PickleSerializer`: any value, as plain cloudpickle output, at the speed of C pickle where that is the same."""

from __future__ import annotations

from _pickle import PickleBuffer, Unpickler, dumps, loads
from _thread import _local as Local
from io import BytesIO

from resultant.engine.serializers.base import Serializer
from resultant.errors import CorruptResultError, ResultantError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from resultant.engine.serializers.base import Sink, Source

__all__ = ["PickleSerializer", "stream_pickle"]

#: Exact types for which C pickle and cloudpickle agree byte for byte. Nothing cleverer: C pickle silently writes
#: functions, classes and instances of ``__main__`` by reference, and no other process could read them.
_SCALARS = frozenset({int, float, bool, str, bytes, type(None), complex})

_SMALL = frozenset({int, float, bool, type(None), complex})

#: Sources from this size on are read as a stream: the bytes are never in memory beside the value.
_LARGE = 1 << 20

#: A pickler that has written more than this is not used again: clearing its memo costs as much as the memo has grown.
_REUSABLE = 1 << 10


class PickleSerializer(Serializer):
    """Pickles any value with cloudpickle, so that functions and classes of the main script go along by value.

    The bytes are those of ``cloudpickle.dumps(value)``. Reading also takes a pickle in base64, as old releases of other
    engines wrote it.
    """

    name = "pickle"

    def serialize(self, value: Any) -> bytes:
        """Return the bytes of ``cloudpickle.dumps(value)``.

        Raises:
            UnpicklableError: something in the value cannot be pickled; the message says what and where.
        """
        if type(value) in _SCALARS:
            return dumps(value, 5)
        chunks: list[bytes] = []
        stream_pickle(value, chunks.append)
        return chunks[0] if len(chunks) == 1 and type(chunks[0]) is bytes else b"".join(chunks)

    def deserialize(self, value: bytes) -> Any:
        """Return the pickled value.

        Raises:
            CorruptResultError: the bytes are empty, truncated or damaged.
            UnreadableResultError: the pickle is whole and needs something that this process does not have, or these are
                no bytes of a pickle.
        """
        try:
            return _decode(value)
        except ResultantError:
            raise
        except Exception as first:
            from resultant.engine.serializers.damage import explain_unpickling, from_base64

            decoded = from_base64(value)
            if decoded is not None:
                try:
                    return _decode(decoded)
                except Exception:  # noqa: BLE001 - the first error is the one that counts
                    pass
            raise explain_unpickling(value, first) from first

    def small(self, value: Any) -> bytes | None:
        """Return the bytes of a plain number, truth value or ``None``; anything else may be of any size."""
        return dumps(value, 5) if type(value) in _SMALL else None

    def dump(self, value: Any, sink: Sink) -> None:
        """Write the bytes of ``cloudpickle.dumps(value)`` to a sink; large buffers in the value are not copied."""
        kind = type(value)
        if kind in _SCALARS and ((kind is not bytes and kind is not str) or len(value) < _LARGE):
            sink.write(dumps(value, 5))
        else:
            stream_pickle(value, sink.write)

    def load(self, source: Source) -> Any:
        """Return the pickled value; the bytes of a large one are never in memory beside it."""
        if source.size < _LARGE:
            return self.deserialize(source.read())
        try:
            with source.file() as stream:
                value = Unpickler(stream).load()
                rest = stream.read(1)
        except (ResultantError, MemoryError):
            raise
        except Exception:  # noqa: BLE001 - reading once more tells damage from what this process lacks
            return self.deserialize(source.read())
        if rest:
            raise CorruptResultError("The pickle is followed by further bytes, so this is not what was written.")
        return value


class _Output:
    """The file of a pickler that is used again and again, each time for another target."""

    __slots__ = ("failure", "size", "target")

    def __init__(self) -> None:
        self.target: Callable[[Any], object] | None = None
        self.failure: BaseException | None = None
        self.size = 0

    def write(self, data: Any) -> None:
        if type(data) is not bytes:
            # Arrays arrive as they are in memory, in Fortran order too; a raw view is flat whatever the order.
            data = PickleBuffer(data).raw()
        self.size += len(data)
        try:
            self.target(data)  # type: ignore[misc]
        except BaseException as error:
            self.failure = error
            raise


class _Slot(Local):
    #: A pickler of this thread that nobody uses at the moment.
    free: tuple[_Output, Any] | None = None


_slot = _Slot()


def stream_pickle(
    value: Any, write: Callable[[Any], object], buffer_callback: Callable[[Any], object] | None = None
) -> None:
    """Pickle a value as ``cloudpickle.dump`` does, handing the bytes to ``write`` piece by piece.

    Args:
        value: any value.
        write: takes each piece, which may be a view of memory inside the value.
        buffer_callback: as pickle has it, for buffers out of band.

    Raises:
        UnpicklableError: something in the value cannot be pickled. What ``write`` raises is raised as it is.
    """
    free = _slot.free if buffer_callback is None else None
    if free is None:
        from cloudpickle import Pickler

        output = _Output()
        pickler = Pickler(output, protocol=5, buffer_callback=buffer_callback)
    else:
        # Pickling runs code of the value, which may come here again: nobody else may find this pickler meanwhile.
        _slot.free = None
        output, pickler = free
    output.target = write
    output.size = 0
    try:
        pickler.dump(value)
    except MemoryError:
        raise
    except Exception as error:
        if error is output.failure:
            raise
        from resultant.engine.serializers.unpicklable import explain_pickling

        raise explain_pickling(value, error) from error
    if buffer_callback is None and output.size <= _REUSABLE:
        pickler.clear_memo()
        pickler.globals_ref.clear()
        output.target = None
        _slot.free = (output, pickler)


def _decode(value: bytes) -> Any:
    size = len(value)
    # Whole pickles of one frame, and those too short for a frame, are told by their first bytes; for others the end has
    # to be looked at, because C pickle silently ignores what follows.
    if size > 11:
        if value[2] == 0x95 and int.from_bytes(value[3:11], "little") == size - 11:
            return loads(value)
    elif size == 4 or (size == 5 and value[2] == 0x4B):
        return loads(value)
    stream = BytesIO(value)
    found = Unpickler(stream).load()
    if stream.read(1):
        raise CorruptResultError("The pickle is followed by further bytes, so this is not what was written.")
    return found
