r"""Many small results in one segment: its format.

A segment is a row of frames, one after the other, and is only ever appended to. All numbers are little-endian::

    frame    28 bytes of header, then the payload
    header    0   3  magic, 93 52 53 ("\x93RS")
              3   1  kind: V a result's bytes, T a task, X the index
              4   4  length of the payload in bytes
              8   4  number of the task within this segment
             12   4  position of the mapped child; -1 where there is none
             16   8  when it was written, seconds since the epoch, a double
             24   4  CRC-32 of the 24 bytes before and of the payload

``T`` gives a task its number: its payload is JSON with ``run`` (id of the flow run) and ``task`` (slug), and it comes before
the first ``V`` of that task. ``X`` is the last frame of a segment that was closed: its payload is the first 24 bytes of the
header of every frame before it, in order, and in its last eight bytes the offset at which ``X`` itself begins. A segment
without it was not closed, because its writer was killed, say: :func:`frames` finds the same by hopping from header to
header. What a writer left half-written at the end is recognised by its length or its checksum, and is nobody's.

A segment is called ``resultant-packed-<UTC>-<24 hexadecimal digits>``. A result in it has the place
``<segment>/<offset>+<length>``: where its header begins, and the length of its payload. One read of ``28 + length`` bytes
gives the result, checked, with nothing else at hand. Nothing else can have such a place: a file is no folder, and a
template that comes out like this is refused.
"""

from __future__ import annotations

from struct import Struct, error
from zlib import crc32

from resultant.errors import CorruptResultError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

__all__ = [
    "HEADER",
    "INDEX",
    "TASK",
    "VALUE",
    "Frame",
    "Framer",
    "frame_at",
    "frames",
    "tasks_of",
    "unframed",
]

#: Bytes of a header.
HEADER = 28

MAGIC = b"\x93RS"
VALUE, TASK, INDEX = b"VTX"

_PREFIX = Struct("<3sBIIid")
_CHECK = Struct("<I")
_WHERE = Struct("<Q")
_SHORT = _PREFIX.size

_pack = _PREFIX.pack
_check = _CHECK.pack


class Frame:
    """One frame of a segment, as its header tells of it.

    Attributes:
        kind: ``VALUE``, ``TASK`` or ``INDEX``.
        offset: where its header begins.
        length: of its payload in bytes.
        task: number of the task.
        index: position of the mapped child, or -1.
        time: when it was written, in seconds since the epoch.
    """

    __slots__ = ("index", "kind", "length", "offset", "task", "time")

    def __init__(self, kind: int, offset: int, length: int, task: int, index: int, time: float) -> None:
        self.kind = kind
        self.offset = offset
        self.length = length
        self.task = task
        self.index = index
        self.time = time


class Framer:
    """Makes the frames of one segment, in their order.

    Args:
        run: the id of the flow run whose results these are.

    Attributes:
        end: how many bytes the frames made so far have.
        count: how many results are among them.
    """

    __slots__ = ("_index", "_tasks", "count", "end", "run")

    def __init__(self, run: str) -> None:
        self.run = run
        self.end = 0
        self.count = 0
        self._index = bytearray()
        self._tasks: dict[str, int] = {}

    def value(self, slug: str, index: int, payload: bytes, now: float) -> tuple[bytes, int]:
        """Return what to append for one result, and the offset of its frame.

        Args:
            slug: of its task; the first result of a task brings the frame that names it along.
            index: position of the mapped child; -1 where there is none.
            payload: the bytes.
            now: when, in seconds since the epoch.
        """
        task = self._tasks.get(slug)
        if task is None:
            return self._first(slug, index, payload, now)
        prefix = _pack(MAGIC, VALUE, len(payload), task, index, now)
        frame = prefix + _check(crc32(payload, crc32(prefix))) + payload
        self._index += prefix
        self.count += 1
        offset = self.end
        self.end = offset + len(frame)
        return frame, offset

    def _first(self, slug: str, index: int, payload: bytes, now: float) -> tuple[bytes, int]:
        import json

        task = self._tasks[slug] = len(self._tasks)
        # Slugs may hold what Python reads from file names; JSON's own escapes bring it back.
        name = json.dumps({"run": self.run, "task": slug}).encode()
        prefix = _pack(MAGIC, TASK, len(name), task, -1, now)
        frame = prefix + _check(crc32(name, crc32(prefix))) + name
        self._index += prefix
        self.end += len(frame)
        value, offset = self.value(slug, index, payload, now)
        return frame + value, offset

    def index(self, now: float) -> bytes:
        """Return the last frame of the segment."""
        payload = bytes(self._index) + _WHERE.pack(self.end)
        prefix = _pack(MAGIC, INDEX, len(payload), 0, -1, now)
        return prefix + _check(crc32(payload, crc32(prefix))) + payload


def unframed(key: str, size: int, data: Any) -> bytes:
    """Return the bytes of a result from those of its frame.

    Args:
        key: its place, for errors.
        size: of the result.
        data: the bytes that were read there.

    Raises:
        CorruptResultError: this is not the whole frame of a result of that length.
    """
    if len(data) < HEADER + size:
        raise CorruptResultError(
            f"The packed result at {key!r} ends after {max(0, len(data) - HEADER)} of {size} bytes: its segment was "
            "truncated."
        )
    payload = bytes(data[HEADER:])
    magic, kind, length, *_ = _PREFIX.unpack_from(data)
    if magic != MAGIC or kind != VALUE or length != size:
        raise CorruptResultError(f"There is no packed result at {key!r}: its segment was damaged, or another is meant.")
    if _CHECK.unpack_from(data, _SHORT)[0] != crc32(payload, crc32(data[:_SHORT])):
        raise CorruptResultError(f"The packed result at {key!r} is damaged: its checksum is another one.")
    return payload


def frame_at(data: Any, offset: int) -> Frame | None:
    """Return the frame that a header tells of, unchecked; ``None`` where there is no header.

    Args:
        data: the bytes of the header, or more.
        offset: where they are in the segment.
    """
    if len(data) < HEADER:
        return None
    magic, kind, length, task, index, time = _PREFIX.unpack_from(data)
    if magic != MAGIC or kind not in b"VTX":
        return None
    return Frame(kind, offset, length, task, index, time)


def frames(size: int, read: Callable[[int, int], Any]) -> Iterator[Frame]:
    """Yield the frames of a segment in order: from its index if it was closed, else from header to header.

    What is torn at the end is left out.

    Args:
        size: of the segment.
        read: gives a length of bytes from an offset on.
    """
    listed = _listed(size, read)
    if listed is not None:
        yield from listed
        return
    offset = 0
    while offset + HEADER <= size:
        found = frame_at(read(offset, HEADER), offset)
        if found is None or offset + HEADER + found.length > size:
            return
        if found.kind == INDEX:
            return
        yield found
        offset += HEADER + found.length


def tasks_of(size: int, read: Callable[[int, int], Any]) -> list[tuple[str, str]]:
    """Return the ids of the runs and the slugs of the tasks whose results are in a segment, in the order of their numbers.

    Args:
        size: of the segment.
        read: gives a length of bytes from an offset on.
    """
    import json

    found = []
    for frame in frames(size, read):
        if frame.kind == TASK:
            data = read(frame.offset, HEADER + frame.length)
            if len(data) < HEADER or not _is_whole(data):
                break
            try:
                payload = json.loads(data[HEADER:])
                found.append((str(payload["run"]), str(payload["task"])))
            except (ValueError, KeyError, TypeError, RecursionError):
                break  # this was written by somebody else
    return found


def _is_whole(data: Any) -> bool:
    """Return whether the checksum of a frame is right."""
    return bool(_CHECK.unpack_from(data, _SHORT)[0] == crc32(data[HEADER:], crc32(data[:_SHORT])))


def _listed(size: int, read: Callable[[int, int], Any]) -> list[Frame] | None:
    start = int.from_bytes(read(max(0, size - 8), 8), "little")
    if start + HEADER + 8 > size:
        return None
    found = frame_at(read(start, HEADER), start)
    if found is None or found.kind != INDEX or HEADER + found.length != size - start:
        return None
    data = read(start, size - start)
    if len(data) < size - start or not _is_whole(data):
        return None
    listed = []
    offset = 0
    try:
        for magic, kind, length, task, index, time in _PREFIX.iter_unpack(data[HEADER:-8]):
            if magic != MAGIC:
                return None
            listed.append(Frame(kind, offset, length, task, index, time))
            offset += HEADER + length
    except error:
        return None
    return listed if offset == start else None
