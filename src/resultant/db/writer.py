"""Writes what is left for it, in groups: by the hand of whoever brings more, or on a thread while nobody does.

A thread that did all of it would take the interpreter from the tasks whose rows it writes, and give it back a few
milliseconds later, again and again.
"""

from __future__ import annotations

import atexit
import threading
import time

from resultant.errors import DatabaseError, UnknownRunError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeGuard, TypeVar

    from .journal import Journal

    T = TypeVar("T")

__all__ = ["Writer"]

# Waiting this long for company makes a hundred commits a second out of ten thousand. What is left of the promised 10 ms
# is for the interpreter, which lets a thread wait up to 5 ms for its turn, and for the commit.
_PATIENCE = 0.008

# Whoever brings a row writes what waits by itself, when the oldest has waited this long or there are so many.
_SOON = 0.006
_MANY = 500

# As many rows in the journal are worth a transaction, and so is a pause of this long.
_BATCH = 4000
_QUIET = 0.05

# As many rows may wait in memory; whoever brings more waits itself.
_BOUND = 100_000

# After a failure everything is kept, and tried again as often as this, or when somebody asks for it.
_PAUSE = 1.0


class _Job:
    """Something to be done on the writer's thread, after the rows that were there before it."""

    __slots__ = ("done", "error", "function", "value")

    def __init__(self, function: Callable[[], Any], done: threading.Event | None) -> None:
        self.function = function
        self.done = done
        self.value: Any = None
        self.error: BaseException | None = None

    def finish(self, error: BaseException | None = None) -> None:
        self.error = error
        if self.done is not None:
            self.done.set()


class Writer:
    """Takes rows without making anybody wait, and hands them on in groups from a thread of its own.

    Args:
        write: makes rows durable, all or none of them. A :class:`~resultant.errors.DatabaseError` means that the
            database is to blame: the rows are kept and tried again. Any other exception means that a row is, and it is
            left out.
        name: of the thread.
        journal: makes rows safe until some thousands of them, or a pause, are worth a transaction.
        helping: whether those who bring rows may write them too; not where writing waits for another machine.
    """

    def __init__(
        self,
        write: Callable[[list[tuple[Any, ...]]], None],
        name: str,
        *,
        helping: bool = True,
        journal: Journal | None = None,
    ) -> None:
        self._write = write
        self._journal = journal
        self._safe: list[tuple[Any, ...]] = []  # rows that are in the journal
        self._helping = helping
        self._patience = _PATIENCE if helping else _SOON
        self._lock = threading.Lock()
        self._rows: list[tuple[Any, ...]] = []
        self._jobs: list[_Job] = []
        self._idle = True
        self._closing = False
        self._error: DatabaseError | None = None  # why what is kept could not be written
        self._lost: BaseException | None = None  # why a row or a job without a waiter was left out
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._first = 0.0  # when the oldest of the rows came
        self._last = 0.0  # when rows were last put aside
        self._writing = threading.RLock()  # held by whoever writes
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def later(self, rows: list[tuple[Any, ...]]) -> None:
        """Leave rows to be written; the list may be used again.

        Raises:
            DatabaseError: the writer is closed, or so much waits that nothing more fits, and it cannot be written.
        """
        if self._closing:
            raise _closed()
        now = time.monotonic()
        with self._lock:
            if not self._rows:
                self._first = now
            self._rows += rows
            waiting = len(self._rows)
            if self._idle:
                self._rouse()
        if (now - self._first > _SOON or waiting >= _MANY) and self._helping and self._error is None:
            self._help(wait=False)
        if waiting > _BOUND:
            self._wait_for_room()

    def _help(self, wait: bool) -> None:
        """Write what there is on this thread, if nobody else does at the moment."""
        if self._writing.acquire(blocking=wait):
            try:
                self._turn()
            finally:
                self._writing.release()

    def _wait_for_room(self) -> None:
        self._hurry.set()
        while len(self._rows) > _BOUND:
            error = self._error
            if error is not None:
                raise error
            time.sleep(0.001)

    def post(self, function: Callable[[], Any]) -> None:
        """Leave something to be done soon; what it raises is raised by the next :meth:`flush`."""
        self._add(_Job(function, None))

    def call(self, function: Callable[[], T]) -> T:
        """Have something done after everything that was left so far, wait for it, and return what it returns.

        Raises:
            DatabaseError: what was left before could not be written; the function was not called then.
        """
        job = _Job(function, threading.Event())
        self._add(job)
        assert job.done is not None
        self._help(wait=True)
        if not job.done.is_set():
            self._hurry.set()
            job.done.wait()
        if job.error is not None:
            raise job.error
        value: T = job.value
        return value

    def _add(self, job: _Job) -> None:
        with self._lock:
            if self._closing:
                raise _closed()
            self._jobs.append(job)
            if self._idle:
                self._rouse()

    def _rouse(self) -> None:
        # In this order: if Ctrl-C comes in between, the next one rouses the thread again.
        self._wake.set()
        self._idle = False

    def flush(self) -> None:
        """Return when everything that was left so far is durable.

        Raises:
            DatabaseError: it could not be written; it is kept, and tried again.
            Exception: what was wrong with a row, which was left out.
        """
        self.call(_nothing)
        lost, self._lost = self._lost, None
        if lost is not None:
            raise lost

    def close(self) -> None:
        """Write what there is, and end the thread.

        Raises:
            DatabaseError: what was left could not be written, and is lost.
        """
        if self._closing:
            return
        atexit.unregister(self.close)
        try:
            self.flush()
        finally:
            with self._lock:
                self._closing = True
                self._rouse()
            self._hurry.set()
            self._thread.join()
            if self._journal is not None:
                self._journal.close()

    # -------------------------------------------------------------------------------------------------- on the thread

    def _loop(self) -> None:
        self._sleep()
        while True:
            self._hurry.wait(_PAUSE if self._error is not None else self._patience)
            with self._writing:
                self._turn()
                with self._lock:
                    if self._closing:
                        return
                    idle = self._idle = not self._rows and not self._jobs and not self._safe
            if idle:
                self._sleep()

    def _sleep(self) -> None:
        self._wake.wait()
        self._wake.clear()

    # ------------------------------------------------------------------------------------------- by whoever may write

    def _turn(self) -> None:
        """Write the rows and do the jobs that there are; what the database refuses is kept."""
        with self._lock:
            self._hurry.clear()
            rows, self._rows = self._rows, []
            jobs, self._jobs = self._jobs, []
        self._error = None
        if self._journal is not None and not jobs and self._put_aside(rows):
            return
        safe, self._safe = self._safe, []
        rows = safe + rows
        written = 0
        kept: list[_Job] = []
        try:
            written = self._write_rows(rows)
            if self._journal is not None and written == len(rows):
                self._journal.clear()
            # Nothing may become durable before what was left ahead of it.
            while jobs:
                if not self._run(jobs[0]):
                    kept.append(jobs[0])
                del jobs[0]
        finally:
            # Ctrl-C may come in between; what it interrupts is rolled back, and waits again.
            with self._lock:
                self._rows[:0] = rows[written:]
                self._jobs[:0] = kept + jobs

    def _put_aside(self, rows: list[tuple[Any, ...]]) -> bool:
        """Return whether rows need no transaction yet, because they are safe in the journal."""
        assert self._journal is not None
        if not rows:
            # Between two rows of a busy run is no pause.
            return bool(self._safe) and time.monotonic() - self._last < _QUIET
        if len(self._safe) + len(rows) >= _BATCH:
            return False
        try:
            self._journal.append(rows)
        except (OSError, ValueError):
            # A full disk, or a row that is none: the database says it better.
            return False
        except BaseException:
            with self._lock:
                self._rows[:0] = rows
            raise
        self._safe += rows
        self._last = time.monotonic()
        return True

    def _write_rows(self, rows: list[tuple[Any, ...]]) -> int:
        """Return how many rows are dealt with, from the first on; the rest is to be kept."""
        if not rows:
            return 0
        try:
            self._write(rows)
        except Exception as error:  # noqa: BLE001 - whatever a row of the caller's may hold
            if _is_the_databases(error):
                self._error = error
                return 0
            if len(rows) == 1:
                self._lost = self._lost or error
                return 1
            # The others are not to blame. Halving finds the bad ones, and keeps the order.
            middle = len(rows) // 2
            written = self._write_rows(rows[:middle])
            return written if written < middle else middle + self._write_rows(rows[middle:])
        return len(rows)

    def _run(self, job: _Job) -> bool:
        """Return whether the job is dealt with; otherwise it is to be kept."""
        if self._error is None:
            try:
                job.value = job.function()
            except Exception as error:  # noqa: BLE001 - raised again where somebody waits
                if job.done is None and _is_the_databases(error):
                    self._error = error
                    return False
                if job.done is None:
                    self._lost = self._lost or error
                job.finish(error)
            else:
                job.finish()
            return True
        if job.done is None:
            return False
        job.finish(self._error)
        return True


def _is_the_databases(error: BaseException) -> TypeGuard[DatabaseError]:
    return isinstance(error, DatabaseError) and not isinstance(error, UnknownRunError)


def _closed() -> DatabaseError:
    return DatabaseError("The state database is closed; open it again to write to it.")


def _nothing() -> None:
    return None
