"""The small results of mapped children on their way into few segments, instead of one place for each.

In a folder each result is appended at once. In an object store, and where not even a power failure may cost a result
(durability ``power``), children are finished together: each waits until the segment that holds it is put, or flushed, and
the flow goes on meanwhile.
"""

from __future__ import annotations

from time import time

from resultant.engine.location import default_location
from resultant.errors import WriteError
from resultant.stores import FileStore
from resultant.stores.framing import Framer
from resultant.stores.packed import new_name
from resultant.stores.segments import segment_file

from .together import Together
from .writers import BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from typing import Any

    from .frame import TaskFrame
    from .plan import Run

    Saved = tuple[Any, Future[Any] | None]
    Again = Callable[[TaskFrame, Any, str | None, Exception, Callable[[], Any]], Any]

__all__ = ["Packer", "packer_for"]


def packer_for(run: Run, store: Any, again: Again) -> Packer:
    """Return what packs results that go to a store.

    Args:
        run: what is common to the whole run.
        store: the store.
        again: called when a write failed.
    """
    packer: Packer
    if not isinstance(store, FileStore):
        packer = _Posted(run, store, again) if run.remote else _Bundled(run, store, again)
    else:
        packer = _Flushed(run, store, again) if store.sync else Packer(run, store, again)
    if run.writers is not None:
        run.writers.closing.append(packer.close)
    return packer


class Packer:
    """Appends results to a file of this process.

    Args:
        run: what is common to the whole run.
        store: the folder.
        again: called when a write failed.

    Attributes:
        together: where results wait for each other; ``None`` where they do not.
    """

    together: Together | None = None

    def __init__(self, run: Run, store: Any, again: Again) -> None:
        self.store = store
        self._again = again
        self._run_id = str(run.keys["flow_run_id"])
        self._open(run)

    def add(self, frame: TaskFrame, stored: Any, data: bytes, background: bool) -> Saved:
        """Pack the bytes of a result.

        Args:
            frame: the task run.
            stored: the result, which learns its location.
            data: the bytes.
            background: whether the task run may be finished later.

        Returns:
            The result, and what is done when it is finished, if that is not yet.

        Raises:
            WriteError: the bytes could not be written.
        """
        index = frame.index
        try:
            stored.location = self._append(frame.step.slug, -1 if index is None else index, data)
        except Exception as error:  # noqa: BLE001 - whatever a store raises, the value was not written
            stored.location = self._append_again(frame, stored.value, data, error)
        return stored, None

    def close(self) -> None:
        """End what is open."""
        self._segment.close()

    def _append_again(self, frame: TaskFrame, value: Any, data: bytes, error: Exception) -> Any:
        slug, index = frame.step.slug, -1 if frame.index is None else frame.index
        return self._again(frame, value, self.store.root, error, lambda: self._append(slug, index, data))

    def _open(self, run: Run) -> None:
        self._segment = segment_file(self.store, self._run_id)
        self._append = self._segment.append


class _Flushed(Packer):
    """Appends results to a file of this process, and flushes it to the disk for many of them at once."""

    def _open(self, run: Run) -> None:
        super()._open(run)
        if run.writers is not None:
            self.together = Together(run.writers, list, self._flush)

    def add(self, frame: TaskFrame, stored: Any, data: bytes, background: bool) -> Saved:
        super().add(frame, stored, data, background)
        if background and self.together is not None:
            return stored, self.together.join(lambda batch: batch.append(frame) or len(data))
        try:
            self._segment.sync()
        except Exception as error:  # noqa: BLE001 - whatever a store raises, the value may not be on the disk
            self._again(frame, stored.value, self.store.root, error, self._segment.sync)
        return stored, None

    def close(self) -> None:
        if self.together is not None:
            self.together.close()
        super().close()

    def _flush(self, batch: list[TaskFrame]) -> None:
        try:
            self._segment.sync()
        except Exception as error:
            raise _not_written(len(batch), self.store.root, error) from error


class _Bundled(Packer):
    """Collects results in memory, and puts many of them as one object."""

    together: Together

    def _open(self, run: Run) -> None:
        assert run.writers is not None
        self.together = Together(run.writers, lambda: _Bundle(self._run_id), self._put)

    def add(self, frame: TaskFrame, stored: Any, data: bytes, background: bool) -> Saved:
        if not background:
            # Somebody needs it at its place before anything else happens.
            return _put_alone(self, frame, stored, data)
        return stored, self.together.join(lambda bundle: bundle.add(frame, stored, data))

    def close(self) -> None:
        self.together.close()

    def _put(self, bundle: _Bundle) -> None:
        name = new_name()
        data = bundle.seal()
        try:
            try:
                segment = self.store.put(name, data)
            except Exception as error:  # noqa: BLE001 - whatever a store raises, nothing was written
                segment = self._again(bundle.frame, None, name, error, lambda: self.store.put(name, data))
        except WriteError as error:
            raise _not_written(len(bundle.members), name, error.__cause__ or error) from error.__cause__
        for stored, offset, length in bundle.members:
            stored.location = f"{segment}/{offset}+{length}"


class _Bundle:
    __slots__ = ("_framer", "_parts", "frame", "members")

    frame: TaskFrame

    def __init__(self, run_id: str) -> None:
        self._framer = Framer(run_id)
        self._parts: list[bytes] = []
        self.members: list[tuple[Any, int, int]] = []

    def add(self, frame: TaskFrame, stored: Any, data: bytes) -> int:
        index = frame.index
        part, offset = self._framer.value(frame.step.slug, -1 if index is None else index, data, time())
        self._parts.append(part)
        self.members.append((stored, offset, len(data)))
        self.frame = frame
        return len(part)

    def seal(self) -> bytes:
        data = b"".join([*self._parts, self._framer.index(time())])
        self._parts.clear()
        return data


class _Posted(Packer):
    """Sends the bytes of results to the driver, which packs them: in a worker process."""

    def _open(self, run: Run) -> None:
        pass

    def add(self, frame: TaskFrame, stored: Any, data: bytes, background: bool) -> Saved:
        if frame.step.handlers:
            # They are called here, and not before the bytes are durable.
            return _put_alone(self, frame, stored, data)
        stored.__dict__[BYTES] = data
        return stored, None

    def close(self) -> None:
        pass


def _put_alone(packer: Packer, frame: TaskFrame, stored: Any, data: bytes) -> Saved:
    location, store = default_location(), packer.store
    try:
        stored.location = store.put(location, data)
    except Exception as error:  # noqa: BLE001 - whatever a store raises, the value was not written
        stored.location = packer._again(frame, stored.value, location, error, lambda: store.put(location, data))
    return stored, None


def _not_written(count: int, place: str, cause: BaseException) -> WriteError:
    reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
    error = WriteError(
        f"The code of this task succeeded, but its result could not be written: it was packed with {count - 1:,} others "
        f"into {place!r}: {type(cause).__name__}: {reason}"
    )
    error.location = place
    return error
