"""The worker's side of the process executor: ``python -m resultant.executors.worker SOCKET LIFELINE``.

A worker runs one job at a time, on its main thread, where alarms work. It never imports the user's ``__main__``. It leaves
when its socket ends, and at once, in the middle of a job too, when its driver is gone: the driver holds the other end of
the lifeline, a pipe that nobody ever writes to.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections import deque
from threading import Lock
from time import perf_counter

from resultant.executors.wire import (
    BACK,
    CALL,
    ERROR,
    FORGET,
    HELLO,
    QUICK,
    READY,
    SETUP,
    SHARE,
    VALUE,
    Inbox,
    pack,
    send_some,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from resultant.executors.wire import Bytes, Frame

# Seconds: what makes a job quick, and how often a worker looks whether calls wait behind one that is not.
_QUICK = 0.0005
_TICK = 0.25

# How a job ended, where it did not end with a value. The driver builds its exception from this.
RAISED, NOT_LOADED, NOT_SENT, NOT_SET_UP = "raised", "not loaded", "not sent", "not set up"


class Worker:
    """One worker process, seen from inside."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._inbox = Inbox(sock)
        self._pid = os.getpid()
        self._setups: list[Frame] = []
        self._backlog: deque[Frame] = deque()
        self._sending = Lock()
        # How many frames have been begun, and how many had been when `tick` looked last.
        self._begun = 0
        self._seen = 0

    def run(self) -> None:
        """Do what the driver says until the socket ends."""
        while True:
            try:
                frames = self._inbox.receive()
            except ConnectionResetError:
                return
            if frames is None:
                return
            self._backlog.extend(frames)
            # No frame may live on while this waits for the next ones.
            del frames
            while self._next():
                pass

    def _next(self) -> bool:
        try:
            frame = self._backlog.popleft()
        except IndexError:
            return False
        self._begun += 1
        self._handle(frame)
        return True

    def tick(self) -> None:
        """Give back the calls that wait behind a long one. Called now and then by another thread."""
        if self._backlog and self._begun == self._seen:
            with self._sending:
                count = 0
                try:
                    while self._backlog[-1][0] == CALL:
                        self._backlog.pop()
                        count += 1
                except IndexError:
                    pass
                if count:
                    self._put(pack(BACK, [count.to_bytes(4, "little")]))
        self._seen = self._begun

    def _handle(self, frame: Frame) -> None:
        kind, payload, buffers = frame
        if kind == CALL:
            self._answer(*self._call(payload, buffers))
        elif kind == SHARE:
            from resultant.executors.shared import receive

            receive(payload, buffers)
        elif kind == FORGET:
            import pickle

            from resultant.executors.shared import forget

            forget(pickle.loads(payload))
        elif kind == SETUP:
            self._setups.append(frame)
        elif kind == HELLO:
            _settle(payload)
            self._send([pack(READY, [])[0]])

    def _call(self, payload: Bytes, buffers: list[memoryview]) -> tuple[int, list[Any], list[memoryview]]:
        from resultant.executors.pickling import encode, load_call

        stage = NOT_SET_UP
        try:
            while self._setups:
                fn, args, kwargs = load_call(self._setups[0][1], self._setups[0][2])
                fn(*args, **kwargs)
                del self._setups[0]
            stage = NOT_LOADED
            fn, args, kwargs = load_call(payload, buffers)
            stage = RAISED
            begun = perf_counter()
            value = fn(*args, **kwargs)
            kind = QUICK if perf_counter() - begun < _QUICK else VALUE
            stage = NOT_SENT
            return kind, *encode(value)
        except BaseException as error:  # noqa: BLE001 - it is the submitter's to handle, whatever it is
            return ERROR, [_describe(stage, error)], []

    def _answer(self, kind: int, chunks: list[Any], buffers: list[memoryview]) -> None:
        if os.getpid() != self._pid:
            # The job forked and both sides came back. Only one of them is the worker.
            os._exit(0)
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (AttributeError, OSError, ValueError):
                pass
        self._send(pack(kind, chunks, buffers))

    def _send(self, parts: list[Bytes]) -> None:
        with self._sending:
            self._put(parts)

    def _put(self, parts: list[Bytes]) -> None:
        try:
            send_some(self._sock, parts)
        except (BrokenPipeError, ConnectionResetError):
            # Nobody waits for it: the next read ends the worker.
            pass


def _settle(payload: Bytes) -> None:
    """Look for modules and files where the driver does."""
    import pickle

    path, cwd, argv = pickle.loads(payload)
    sys.path[:] = path
    sys.argv[:] = argv
    if cwd is not None:
        try:
            os.chdir(cwd)
        except OSError as error:
            print(f"resultant worker {os.getpid()}: cannot work in {cwd}: {error}", file=sys.stderr)  # noqa: T201
    # Imported before the worker says that it is ready: one that cannot import it must not be given a job.
    import resultant.executors.pickling  # noqa: F401


def _describe(stage: str, error: BaseException) -> bytes:
    """An exception as text, and as an exception where it can be pickled."""
    import pickle
    import traceback

    from resultant.executors.pickling import encode

    # The frames of this file tell the user nothing.
    trace = error.__traceback__.tb_next if error.__traceback__ is not None else None
    try:
        text = "".join(traceback.format_exception(type(error), error, trace))
    except Exception as broken:  # noqa: BLE001 - an exception may fail to show itself
        text = f"{type(error).__qualname__} (which cannot be shown: {type(broken).__qualname__})\n"
    try:
        said = str(error)
    except Exception:  # noqa: BLE001 - as above
        said = ""
    try:
        chunks, buffers = encode(error)
        body: bytes | None = None if buffers else b"".join(chunks)
        if body is None:
            import cloudpickle

            body = cloudpickle.dumps(error)
    except Exception:  # noqa: BLE001 - its text goes without it
        body = None
    error.__traceback__ = None
    return pickle.dumps((stage, type(error).__qualname__, said, text, body), 5)


def _no_interrupt(number: int, frame: FrameType | None) -> None:
    """Ctrl-C is the driver's to handle. A function, not SIG_IGN, which programs that a job starts would inherit."""


def _live_with(lifeline: int, worker: Worker) -> None:
    """Die when the driver does, whatever the main thread is doing."""
    parent = os.getppid()

    def watch() -> None:
        from select import POLLIN, poll

        # Not select(), which takes no number above 1023, and a driver may have many files open.
        waiting = poll()
        waiting.register(lifeline, POLLIN)
        # The parent is looked at as well: a program that the driver forked may hold the pipe open.
        while not waiting.poll(_TICK * 1000) and os.getppid() == parent:
            worker.tick()
        os._exit(1)

    import threading

    threading.Thread(target=watch, name="resultant-lifeline", daemon=True).start()
    if sys.platform == "linux":
        # The kernel itself ends the process: code that never frees the interpreter lock would stop the thread above.
        from fcntl import F_GETFL, F_SETFL, F_SETOWN, fcntl

        signal.signal(signal.SIGIO, signal.SIG_DFL)
        fcntl(lifeline, F_SETOWN, os.getpid())
        fcntl(lifeline, F_SETFL, fcntl(lifeline, F_GETFL) | os.O_ASYNC)


def main(arguments: list[str] | None = None) -> None:
    """Run a worker.

    Args:
        arguments: the descriptors of its socket and of its lifeline; those of the command line when left out.
    """
    number, lifeline = (int(text) for text in (arguments or sys.argv[1:]))
    signal.signal(signal.SIGINT, _no_interrupt)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    for descriptor in (number, lifeline):
        os.set_inheritable(descriptor, False)
    sock = socket.socket(fileno=number)
    worker = Worker(sock)
    _live_with(lifeline, worker)
    worker.run()
    if sys.platform == "linux":
        # From here on it ends by itself, with whatever users registered for the exit.
        from fcntl import F_SETFL, fcntl

        fcntl(lifeline, F_SETFL, 0)
    sock.close()


if __name__ == "__main__":
    main()
