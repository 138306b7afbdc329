"""Writes that are finished together: many small ones wait for each other a moment, and then cost as much as one."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Condition, Thread
from time import monotonic

from resultant.errors import WriteError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .writers import Writers

__all__ = ["Together"]

#: A batch goes when it has so many members, so many bytes, or has waited for so many seconds, whatever comes first.
MEMBERS = 1000
BYTES = 4 << 20
SECONDS = 0.1


class Together:
    """Collects batches, and has each written on another thread.

    Args:
        writers: the threads.
        begin: makes what an empty batch holds.
        write: writes it.

    Attributes:
        waiting: how many members there are whose batch is not written yet.
    """

    def __init__(self, writers: Writers, begin: Callable[[], Any], write: Callable[[Any], None]) -> None:
        self.waiting = 0
        self._writers = writers
        self._begin = begin
        self._write = write
        self._changed = Condition()
        self._open: _Batch | None = None
        self._closed = False
        self._clock: Thread | None = None

    def join(self, enter: Callable[[Any], int]) -> Future[None]:
        """Add a member to the batch that is open.

        Args:
            enter: is given what the batch holds, adds to it and returns by how many bytes.

        Returns:
            What is done when the batch is written; several members share it.
        """
        with self._changed:
            batch = self._open
            if batch is None:
                batch = self._open = _Batch(self._begin())
                if self._clock is None:
                    self._clock = Thread(target=self._watch, name="resultant-pack", daemon=True)
                    self._clock.start()
                self._changed.notify_all()
            batch.size += enter(batch.content)
            batch.members += 1
            self.waiting += 1
            full = self._closed or batch.members >= MEMBERS or batch.size >= BYTES
            if full:
                self._open = None
        if full:
            self._send(batch)
        return batch.done

    def seal(self) -> None:
        """Have the open batch written now: nobody is coming that could join it."""
        with self._changed:
            batch, self._open = self._open, None
        if batch is not None:
            self._send(batch)

    def close(self) -> None:
        """Have the open batch written; later members are written one by one."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.seal()

    def _send(self, batch: _Batch) -> None:
        if not batch.members:
            batch.done.set_result(None)
        elif self._closed:
            self._finish(batch)
        else:
            self._writers.submit(batch.size, lambda: self._finish(batch))

    def _finish(self, batch: _Batch) -> None:
        error: BaseException | None = None
        try:
            self._write(batch.content)
        except BaseException as raised:  # noqa: BLE001 - each member's own thread is told
            error = raised
        with self._changed:
            self.waiting -= batch.members
        if error is None:
            batch.done.set_result(None)
        else:
            batch.done.set_exception(error)

    def _watch(self) -> None:
        """Send batches that have waited long enough."""
        while True:
            with self._changed:
                while self._open is None:
                    if self._closed:
                        return
                    self._changed.wait()
                batch = self._open
                left = batch.begun + SECONDS - monotonic()
                if left > 0:
                    self._changed.wait(left)
                    continue
                self._open = None
            self._send(batch)


class _Batch:
    __slots__ = ("begun", "content", "done", "members", "size")

    def __init__(self, content: Any) -> None:
        self.begun = monotonic()
        self.content = content
        self.done = _Done()
        self.members = 0
        self.size = 0


class _Done(Future[None]):
    """Raises an error of its own for everybody who asks: one that is raised again and again would grow each time."""

    def result(self, timeout: float | None = None) -> None:
        error = self.exception(timeout)
        if isinstance(error, WriteError):
            own = type(error)(*error.args)
            own.location = error.location
            raise own from error.__cause__
        if error is not None:
            raise error
