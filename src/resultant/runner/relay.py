"""What worker processes print, on its way to the terminal of the process that drives them.

They would write across the picture of the run. So each worker's output goes to a pseudo-terminal, whoever writes it and
however, and a thread here puts it above the picture while there is one, and on the terminal as it is otherwise. Workers
may outlive a run, hence one relay for the whole process.
"""

from __future__ import annotations

import os
import sys
from threading import Lock, Thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import deque
    from typing import Any

__all__ = ["divert", "drain", "output_for_workers", "show_in"]

_relay: _Relay | None = None


class _Relay:
    """The pseudo-terminal and the thread that reads it."""

    def __init__(self, terminal: Any) -> None:
        import atexit
        import tty

        self.terminal = terminal
        self.process = os.getpid()
        self.lines: deque[str] | None = None
        self._rest = b""
        self._lock = Lock()
        # The other end stays open here as well: without it there is nothing to read as long as no worker is there.
        self._reading, self._writing = os.openpty()
        tty.setraw(self._writing)
        self._copy_size()
        self.path = os.ttyname(self._writing)
        Thread(target=self._run, name="resultant-relay", daemon=True).start()
        atexit.register(self.drain)

    def _copy_size(self) -> None:
        try:
            import fcntl
            import termios

            size = fcntl.ioctl(self.terminal.fileno(), termios.TIOCGWINSZ, bytes(8))
            fcntl.ioctl(self._writing, termios.TIOCSWINSZ, size)
        except (OSError, ValueError):
            # A width is good to have, no more.
            pass

    def _run(self) -> None:
        from select import select

        while True:
            select([self._reading], [], [])
            self.drain()

    def drain(self) -> None:
        """Pass on what is there."""
        from select import select

        with self._lock:
            while select([self._reading], [], [], 0)[0]:
                self._pass_on(os.read(self._reading, 65536))

    def show_in(self, lines: deque[str] | None) -> None:
        """Pass whole lines on to `lines` from now on, or everything to the terminal."""
        with self._lock:
            self.lines = lines
            if lines is None:
                self._pass_on(b"")

    def _pass_on(self, data: bytes) -> None:
        data, self._rest = self._rest + data, b""
        if self.lines is not None:
            whole, end, self._rest = data.rpartition(b"\n")
            if end:
                self.lines.append(whole.decode("utf-8", "replace").replace("\r\n", "\n"))
        elif data:
            self.terminal.flush()
            try:
                os.write(self.terminal.fileno(), data)
            except (OSError, ValueError):
                # The terminal is gone; what was printed has nowhere to go.
                pass


def output_for_workers() -> tuple[str, tuple[int, ...]] | None:
    """Return where workers are to write, and which of their descriptors; ``None`` to leave everything as it is."""
    global _relay
    terminal = sys.stderr
    if _relay is None or _relay.process != os.getpid() or _relay.terminal is not terminal:
        try:
            _relay = _Relay(terminal)
        except (OSError, ImportError):
            return None
    from .above import same_terminal

    return _relay.path, (1, 2) if same_terminal(sys.stdout, terminal) else (2,)


def divert(path: str, descriptors: tuple[int, ...]) -> None:
    """Have this process write to a relay.

    Args:
        path: the pseudo-terminal.
        descriptors: which of the standard ones.
    """
    try:
        target = os.open(path, os.O_WRONLY | os.O_NOCTTY)
    except OSError:
        # Another machine, or the one who reads has gone.
        return
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    for descriptor in descriptors:
        os.dup2(target, descriptor)
    os.close(target)


def show_in(lines: deque[str] | None) -> None:
    """Have what workers print kept in `lines` from now on, or go to the terminal.

    Args:
        lines: where the picture's thread finds them.
    """
    if _relay is not None and _relay.process == os.getpid():
        _relay.show_in(lines)


def drain() -> None:
    """Pass on what workers have printed so far."""
    if _relay is not None and _relay.process == os.getpid():
        _relay.drain()
