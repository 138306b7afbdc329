"""Writes what is left for it, in groups, on a thread of its own.

Rows are made safe by the hand of whoever brings more, with one call for all that wait: a thread that did that would take
the interpreter from the tasks whose rows it writes, and give it back a few milliseconds later, again and again. What
takes longer, the database itself, needs no interpreter for most of its time.
"""

from __future__ import annotations

import atexit
import threading
import time

from resultant.errors import DatabaseError, UnknownRunError

from .aside import Aside
from .forks import watch
from .intake import NEVER, Intake, Taken
from .keeper import EARLY, Keeper
from .parcels import unpacked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeGuard, TypeVar

    from .journal import Journal
    from .parcels import Head, Make, Parcel

    T = TypeVar("T")

__all__ = ["Writer"]

# Waiting this long for company makes two hundred commits a second out of ten thousand rows, or three hundred frames of a
# journal. What is left of the promised 10 ms is for the interpreter, which lets a thread wait up to 5 ms for its turn, and
# for the commit. Whoever brings a row after that writes what waits by itself, and so when there are so many.
_SOON = 0.005
_SOON_IN_JOURNAL = 0.003
_MANY = 500

# A thread gives those who bring rows so much time to do it.
_GRACE = 0.002
_GRACE_IN_JOURNAL = 0.001

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
    """Takes rows without making anybody wait, and hands them on in groups.

    Args:
        write: makes rows durable, all or none of them. A :class:`~resultant.errors.DatabaseError` means that the
            database is to blame: the rows are kept and tried again. Any other exception means that a row is, and it is
            left out.
        name: of the thread.
        journal: makes rows safe until some hundreds of them, or a pause, are worth a transaction.
        helping: whether those who bring rows may write them too; not where writing waits for another machine.
    """

    def __init__(
        self,
        write: Callable[[list[Parcel]], None],
        name: str,
        *,
        helping: bool = True,
        journal: Journal | None = None,
    ) -> None:
        self._write = write
        self._journal = journal
        self._helping = helping
        self._grace = _GRACE if helping else 0.0
        self._intake = Intake(_SOON if journal is None else _SOON_IN_JOURNAL)
        self._lock = threading.Lock()
        self._jobs: list[_Job] = []
        self._closing = False
        self._hurry = threading.Event()
        self._aside = Aside(self._intake, journal)
        self._writing = threading.RLock()  # held by whoever writes to the database
        self._busy = False  # whether somebody does
        self._error: DatabaseError | None = None  # why what is kept could not be written
        self._lost: BaseException | None = None  # why a row or a job without a waiter was left out
        self._keeper: Keeper | None = None
        if journal is not None:
            times = _SOON_IN_JOURNAL, _GRACE_IN_JOURNAL
            self._keeper = Keeper(
                self._intake, self._aside, self._until_write, self._hurry.set, *times, f"{name}-journal"
            )
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)
        self._thread.start()
        atexit.register(self.close)
        watch(self)

    def later(self, rows: list[tuple[Any, ...]]) -> None:
        """Leave rows to be written; the list may be used again.

        Raises:
            DatabaseError: the writer is closed, or so much waits that nothing more fits, and it cannot be written.
        """
        if self._closing:
            raise _closed()
        now = time.time()
        waiting = self._intake.add(rows, now)
        if not self._intake.since < now < self._intake.due or waiting >= _MANY:
            self._help()

    def successes(self, head: Head, make: Make) -> Callable[[tuple[Any, ...]], None]:
        """Return what takes one usual row at a time, as :meth:`later` takes whole ones.

        Args:
            head: what these rows have in common.
            make: makes rows of what is taken.
        """
        intake = self._intake
        taken = Taken(head, make)
        extend = taken.extend

        def take(noted: tuple[Any, ...]) -> None:
            extend(noted)
            if not taken.known:
                if self._closing:
                    raise _closed()
                intake.begin(taken, noted[2])
            elif not intake.since < noted[2] < intake.due:
                self._help()

        return take

    def _help(self) -> None:
        """Write what there is on this thread, if nobody else does at the moment."""
        if not self._helping:
            pass
        elif self._journal is not None:
            if self._aside.bring():
                self._hurry.set()
        elif self._error is None and not self._busy:
            with self._writing:
                self._turn()
        if len(self._intake) + len(self._aside) > _BOUND:
            self._wait_for_room()

    def _wait_for_room(self) -> None:
        self._hurry.set()
        while len(self._intake) + len(self._aside) > _BOUND:
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
        with self._writing:
            self._turn()
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
        self._intake.roused.set()

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

    def forked(self) -> None:
        """Leave everything to the process that this one was forked from: it writes what waits, and this one can write nothing."""
        atexit.unregister(self.close)
        self._closing = True
        self._lock = threading.Lock()
        self._writing = threading.RLock()
        self._help = _nothing  # type: ignore[method-assign]
        if self._journal is not None:
            self._journal.forked()

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
            if self._keeper is not None:
                self._keeper.close()
            self._intake.roused.set()
            self._hurry.set()
            self._thread.join()
            if self._journal is not None:
                self._journal.close()

    # -------------------------------------------------------------------------------------------------- on the thread

    def _loop(self) -> None:
        while True:
            if self._keeper is not None:
                self._hurry.wait(None if self._error is None else _PAUSE)
            elif not self._is_time():
                continue
            with self._writing:
                self._turn()
            if self._closing:
                return

    def _until_write(self) -> float:
        """Return after how many seconds to write what is in the journal, and what was left to be done."""
        if self._error is not None:
            # The thread tries again by itself, after a while and no sooner.
            return NEVER
        if self._aside:
            return self._aside.pause()
        return 0.0 if self._jobs else NEVER

    def _is_time(self) -> bool:
        """Wait for what is to be done, where nobody else looks at the clock; return whether it is still to be done."""
        if not (self._intake or self._jobs or self._aside or self._closing):
            self._intake.roused.wait()
            self._intake.roused.clear()
        # Otherwise somebody else has just written what this was going to.
        return self._hurry.wait(self._pause()) or self._error is not None or self._pause() <= EARLY

    def _pause(self) -> float:
        """Return after how many seconds there will be something to do for the thread."""
        if self._error is not None:
            return _PAUSE
        now, due = time.time(), self._intake.due
        if due == NEVER or now < self._intake.since:
            return 0.0
        return max(0.0, min(due - now, _SOON) + self._grace)

    # ------------------------------------------------------------------------------------ by whoever holds the locks

    def _turn(self) -> None:
        """Write the rows and do the jobs that there are; what the database refuses is kept."""
        rest: list[Parcel] = []
        jobs: list[_Job] = []
        kept: list[_Job] = []
        self._busy = True
        try:
            self._hurry.clear()
            with self._lock:
                jobs, self._jobs = self._jobs, jobs
            self._error = None
            # Into the journal first, whatever else there is to do: the database may be somebody else's for a minute.
            if self._journal is not None and not self._aside.bring() and not jobs:
                return
            self._aside.take(rest)
            rest = self._write_parcels(rest)
            if not rest:
                self._aside.written(self._write_parcels)
            # Nothing may become durable before what was left ahead of it.
            while jobs:
                if not self._run(jobs[0]):
                    kept.append(jobs[0])
                del jobs[0]
        finally:
            # Ctrl-C may come in between; what it interrupts is rolled back, and waits again.
            self._busy = False
            if rest:
                self._aside.put_back(rest)
            if kept or jobs:
                with self._lock:
                    self._jobs[:0] = kept + jobs
            if rest or kept or jobs:
                # From here on it is the thread that tries again; what it leaves is for the keeper to see.
                if threading.current_thread() is not self._thread:
                    self._hurry.set()
                self._intake.roused.set()

    def _write_parcels(self, parcels: list[Parcel]) -> list[Parcel]:
        """Return what is to be kept."""
        if not parcels:
            return []
        try:
            self._write(parcels)
        except Exception as error:  # noqa: BLE001 - whatever a row of the caller's may hold
            if _is_the_databases(error):
                self._error = error
                return parcels
        else:
            return []
        rows = unpacked(parcels)
        rest = rows[self._write_rows(rows) :]
        return [(None, rest)] if rest else []

    def _write_rows(self, rows: list[tuple[Any, ...]]) -> int:
        """Return how many rows are dealt with, from the first on; the rest is to be kept."""
        try:
            self._write([(None, rows)])
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
