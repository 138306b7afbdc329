"""A large value on its way to an object store, part by part."""

from __future__ import annotations

import atexit
import errno
import os

from resultant.errors import TooLargeError

from .base import Sink
from .object_requests import new_writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from queue import Queue
    from threading import Thread
    from typing import Any

    from .object_requests import Requests

__all__ = ["PART", "ObjectSink", "part_size"]

#: Bytes of a part, the fewest that S3 takes. A few parts are in memory at once, whatever the size of the value.
PART = 5 << 20
#: Parts that an upload may have, on the strictest of the providers.
MOST_PARTS = 10_000


#: Seconds to wait for an upload that is being aborted, before it is left behind.
PATIENCE = 5.0

_live: set[ObjectSink] = set()


class _Abandoned(Exception):
    """Makes the client abort the upload."""


class ObjectSink(Sink):
    """Streams into a multipart upload, which is completed by the commit and aborted otherwise.

    The client takes the parts from an iterator, on a thread of the sink's own.
    """

    __slots__ = (
        "_done",
        "_failure",
        "_filling",
        "_number",
        "_part",
        "_queue",
        "_requests",
        "_thread",
        "_writer",
        "name",
    )

    def __init__(self, store: Any, key: str, requests: Requests, name: str) -> None:
        super().__init__(store, key)
        self._requests = requests
        self.name = name

    def _open(self) -> None:
        from queue import Queue
        from threading import Thread

        # What is known now may be all there is: one large buffer asks for parts of a size that there are enough of.
        self._part = part_size(self.size)
        self._queue: Queue[bytes | bytearray | None] = Queue(1)
        self._filling = bytearray()
        self._failure: BaseException | None = None
        self._writer = new_writer()
        self._number = 0
        self._done = False
        # Whoever presses Ctrl-C does not want to wait for a server that is silent.
        self._thread: Thread = Thread(target=self._upload, name="resultant-upload", daemon=True)
        self._thread.start()
        _live.add(self)

    def _stream(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        if self._filling or len(view) < self._part:
            room = self._part - len(self._filling)
            self._filling += view[:room]
            view = view[room:]
            if len(self._filling) < self._part:
                return
            filled, self._filling = self._filling, bytearray()
            self._hand_over(filled)
        while len(view) >= self._part:
            # A copy: the caller may change the buffer as soon as it has it back.
            self._hand_over(bytes(view[: self._part]))
            view = view[self._part :]
        if view:
            self._filling = bytearray(view)

    def _commit(self) -> str:
        if self._filling:
            filled, self._filling = self._filling, bytearray()
            self._hand_over(filled)
        self._hand_over(None)
        self._thread.join()
        _live.discard(self)
        if self._failure is not None:
            self._requests.finish_upload(self.name, True, self._writer, self._failure)
        self.streaming = False
        return self.key

    def _discard(self) -> None:
        from queue import Empty

        self._filling = bytearray()
        if self._failure is None:
            self._failure = _Abandoned()
        try:
            self._queue.get_nowait()
        except Empty:
            pass
        self._hand_over(None)
        self._thread.join(PATIENCE)
        _live.discard(self)

    def _hand_over(self, part: bytes | bytearray | None) -> None:
        from queue import Full

        if part is not None:
            self._number += 1
            if self._number > MOST_PARTS:
                most = MOST_PARTS * self._part >> 30
                text = f"Cannot write this result: in pieces that are small themselves, it may have {most} GiB at most"
                raise TooLargeError(errno.EFBIG, text, self._requests.place(self.name))
        while not self._done:
            try:
                self._queue.put(part, timeout=0.5)
            except Full:
                continue
            return
        if self._failure is not None and part is not None:
            self._requests.finish_upload(self.name, False, self._writer, self._failure)

    def _upload(self) -> None:
        try:
            self._requests.upload(self.name, self._parts(), self._part, self._writer, replay=False)
        except BaseException as error:  # noqa: BLE001 - told by the thread that writes
            if self._failure is None:
                self._failure = error
        finally:
            self._done = True

    def _parts(self) -> Iterator[Any]:
        while True:
            part = self._queue.get()
            if self._failure is not None:
                raise _Abandoned
            if part is None:
                return
            yield part


def _abort_all() -> None:
    """Abort what a program forgot that is ending: a thread inside of the client must not outlive the interpreter."""
    for sink in list(_live):
        sink.abort()


atexit.register(_abort_all)
# The uploads of a process are not those of its forked children.
os.register_at_fork(after_in_child=_live.clear)


def part_size(size: int) -> int:
    """Return the bytes of a part, so that a value of at least `size` bytes has no more parts than are allowed."""
    return max(PART, -(-size // (MOST_PARTS * 4 // 5)))
