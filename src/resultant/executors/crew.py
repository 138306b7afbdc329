"""The threads of a started `ThreadExecutor`."""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from weakref import WeakSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Job = tuple[Future[Any], Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class Crew:
    """Threads that share one queue. They are made as jobs come, up to `size`."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._closed = ""
        _crews.add(self)

    def submit(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Future[Any]:
        """Queue a call."""
        future: Future[Any] = Future()
        with self._lock:
            if self._closed:
                from resultant.errors import ExecutorError

                raise ExecutorError(self._closed)
            if len(self._threads) < self._size:
                thread = threading.Thread(
                    target=_work, args=(self._jobs,), name=f"resultant-thread-{len(self._threads)}"
                )
                thread.start()
                self._threads.append(thread)
            self._jobs.put((future, fn, args, kwargs))
        return future

    def dismiss(self, cancel: bool) -> None:
        """Tell the threads to end after the jobs there are; with `cancel`, after those that have begun."""
        with self._lock:
            self._closed = "The executor has stopped: submit inside `with executor.start():`"
            if cancel:
                try:
                    while True:
                        job = self._jobs.get_nowait()
                        if job is not None:
                            job[0].cancel()
                            job[0].set_running_or_notify_cancel()
                except Empty:
                    pass
            # One for all: each thread leaves it for the next. Ctrl-C may have come between a thread's start and its entry in
            # the list, so nobody knows how many there are.
            self._jobs.put(None)

    def lose(self) -> None:
        """Know that this process is a fork, in which the threads do not exist."""
        self._closed = "An executor that was started before a fork cannot be used after it; start another one"
        self._lock = threading.Lock()
        self._threads = []

    def stop(self, cancel: bool) -> None:
        """`dismiss` the threads and wait for them, but for the one that calls."""
        self.dismiss(cancel)
        try:
            for thread in self._threads:
                if thread is not threading.current_thread():
                    thread.join()
        except BaseException:
            # Ctrl-C while waiting: what has not begun need not begin any more.
            self.dismiss(cancel=True)
            raise


def _work(jobs: SimpleQueue[Job | None]) -> None:
    while True:
        job = jobs.get()
        if job is None:
            jobs.put(None)
            return
        future, fn, args, kwargs = job
        if future.set_running_or_notify_cancel():
            try:
                value = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - it is the submitter's to handle, whatever it is
                future.set_exception(error)
            else:
                future.set_result(value)
        # A thread that waits for its next job must not keep the last one's values alive.
        job = future = fn = args = kwargs = value = None  # type: ignore[assignment]


_crews: WeakSet[Crew] = WeakSet()


def _dismiss_all() -> None:
    for crew in list(_crews):
        crew.dismiss(cancel=True)


# The interpreter joins all threads before it runs `atexit`; a started executor that nobody stops must not hang it.
threading._register_atexit(_dismiss_all)  # type: ignore[attr-defined]


def _lose_all() -> None:
    for crew in list(_crews):
        crew.lose()


os.register_at_fork(after_in_child=_lose_all)
