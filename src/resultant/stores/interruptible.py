"""Calls that Ctrl-C can end: the client's own do not look at signals until they return."""

from __future__ import annotations

from _thread import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from queue import SimpleQueue
    from typing import Any

__all__ = ["interruptible"]

_main = 0
#: Threads that wait for something to do.
_idle: list[SimpleQueue[Any]] = []


def interruptible(function: Callable[[Any], Any], argument: Any) -> Any:
    """Return what a function returns, or raise what it raises.

    Signals reach the main thread alone. There, another thread makes the call; when the wait for it is interrupted, that
    thread is left behind with it, and does not keep the program from ending.

    Args:
        function: may block for long.
        argument: what it is given.
    """
    global _main
    if not _main:
        from threading import main_thread

        _main = main_thread().ident or -1
    if get_ident() != _main:
        return function(argument)
    from contextvars import copy_context
    from queue import SimpleQueue

    answer: SimpleQueue[Any] = SimpleQueue()
    try:
        jobs = _idle.pop()
    except IndexError:
        jobs = _new_thread()
    jobs.put((copy_context(), function, argument, answer))
    found, error = answer.get()
    _idle.append(jobs)
    if error is not None:
        raise error
    return found


def _new_thread() -> SimpleQueue[Any]:
    from queue import SimpleQueue
    from threading import Thread

    jobs: SimpleQueue[Any] = SimpleQueue()
    Thread(target=_work, args=(jobs,), name="resultant-request", daemon=True).start()
    return jobs


def _work(jobs: SimpleQueue[Any]) -> None:
    while True:
        context, function, argument, answer = jobs.get()
        try:
            found = context.run(function, argument)
        except BaseException as error:  # noqa: BLE001 - raised by the thread that asked
            answer.put((None, error))
        else:
            answer.put((found, None))
        # Nothing of the last call is kept while waiting for the next.
        context = function = argument = answer = found = None


def forget() -> None:
    """Forget the threads; in a forked process there are none."""
    global _main
    _main = 0
    _idle.clear()
