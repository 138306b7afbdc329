"""What passes between the driver and a worker: frames over a socket.

A frame is a kind, a payload and any number of buffers: 16 bytes of head, 8 bytes for the size of each buffer, the payload,
the buffers. A frame that arrives whole with others is cut out of what arrived; a large one is received straight into the
memory it will live in.
"""

from __future__ import annotations

from struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from socket import socket

    Bytes = bytes | bytearray | memoryview
    Frame = tuple[int, Bytes, list[memoryview]]

# driver to worker
HELLO, SETUP, SHARE, FORGET, CALL = 1, 2, 3, 4, 5
# worker to driver; QUICK is a VALUE that took so little time that the worker may be given several jobs at once
READY, VALUE, QUICK, ERROR, BACK = 11, 12, 13, 14, 15

_HEAD = Struct("<BxHxxxxQ")
_ONE_RECV = 65536
_MOST_VECTORS = 512
_MAP_FROM = 1 << 20


def pack(kind: int, chunks: Sequence[Bytes], buffers: Sequence[memoryview] = ()) -> list[Bytes]:
    """The parts of a frame whose payload is `chunks`, ready for `socket.sendmsg`."""
    size = 0
    for chunk in chunks:
        size += len(chunk)
    head = _HEAD.pack(kind, len(buffers), size)
    if buffers:
        sizes = Struct(f"<{len(buffers)}Q").pack(*(buffer.nbytes for buffer in buffers))
        return [head + sizes, *chunks, *buffers]
    if size < _ONE_RECV:
        return [b"".join((head, *chunks))]
    return [head, *chunks]


def send_some(sock: socket, parts: list[Bytes]) -> list[Bytes]:
    """Send what the socket takes now and return what is left."""
    while parts:
        try:
            sent = sock.send(parts[0]) if len(parts) == 1 else sock.sendmsg(parts[:_MOST_VECTORS])
        except BlockingIOError:
            return parts
        done = 0
        while done < len(parts) and sent >= (size := memoryview(parts[done]).nbytes):
            sent -= size
            done += 1
        parts = parts[done:]
        if sent:
            parts[0] = memoryview(parts[0]).cast("B")[sent:]
    return parts


class Inbox:
    """Frames out of a socket, blocking or not."""

    def __init__(self, sock: socket) -> None:
        self._sock = sock
        self._rest = b""
        # A frame too large for one `recv`: what it is, its parts, and the part and byte to go on with.
        self._large: Frame | None = None
        self._targets: list[memoryview] = []
        self._filled = 0

    def receive(self) -> list[Frame] | None:
        """Take what the socket has, and return the frames that are whole by now; ``None`` at its end.

        Raises:
            BlockingIOError: the socket does not block and has nothing.
        """
        if self._large is not None:
            return self._receive_large()
        chunk = self._sock.recv(_ONE_RECV)
        if not chunk:
            return None
        if self._rest:
            chunk = self._rest + chunk
            self._rest = b""
        frames: list[Frame] = []
        start, end = 0, len(chunk)
        while end - start >= 16:
            kind, buffers, size = _HEAD.unpack_from(chunk, start)
            if not buffers and size <= end - start - 16:
                frames.append((kind, chunk[start + 16 : start + 16 + size], []))
                start += 16 + size
                continue
            body = start + 16 + 8 * buffers
            if body > end or (not buffers and size < _ONE_RECV):
                break
            sizes = Struct(f"<{buffers}Q").unpack_from(chunk, start + 16)
            start = self._open(kind, [size, *sizes], chunk, body)
            frames += self._close()
        self._rest = chunk[start:]
        return frames

    def _open(self, kind: int, sizes: list[int], chunk: bytes, start: int) -> int:
        """Make room for a frame, move what is there of it, and return where the rest of the chunk begins."""
        spaces = [_space(size) for size in sizes]
        self._large = (kind, spaces[0], spaces[1:])
        self._targets = [space for space in spaces if space.nbytes]
        self._filled = 0
        view = memoryview(chunk)
        while self._targets and start < len(chunk):
            target = self._targets[0]
            taken = view[start : start + target.nbytes]
            target[: taken.nbytes] = taken
            start += taken.nbytes
            self._advance(taken.nbytes)
        return start

    def _advance(self, count: int) -> None:
        self._filled += count
        if self._filled == self._targets[0].nbytes:
            del self._targets[0]
            self._filled = 0

    def _receive_large(self) -> list[Frame] | None:
        count = self._sock.recv_into(self._targets[0][self._filled :])
        if not count:
            return None
        self._advance(count)
        return self._close()

    def _close(self) -> list[Frame]:
        if self._targets or self._large is None:
            return []
        frame, self._large = self._large, None
        return [frame]


def _space(size: int) -> memoryview:
    """Writable memory. Large pieces are mapped: they cost nothing to make and go back to the system when dropped."""
    if size < _MAP_FROM:
        return memoryview(bytearray(size))
    from mmap import mmap

    return memoryview(mmap(-1, size))
