"""What a task prints, as records of its logger.

Standard output belongs to the whole process, while tasks print in several threads at once: so one stand-in serves all of
them, and hands what is printed to the task run that prints it.
"""

from __future__ import annotations

from contextvars import ContextVar
from threading import Lock

from resultant.runtime import is_outside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from logging import Logger
    from typing import Any

__all__ = ["printed_to"]


class _Lines:
    """A text file that logs each whole line."""

    encoding = "utf-8"

    def __init__(self, logger: Logger) -> None:
        self.logger = logger
        self.rest = ""

    def write(self, text: str) -> int:
        *lines, self.rest = (self.rest + text).split("\n")
        for line in lines:
            if line:
                self.logger.info(line)
        return len(text)

    def flush(self) -> None:
        """Nothing waits but an unfinished line."""

    def isatty(self) -> bool:
        return False

    def close(self) -> None:
        if self.rest:
            self.logger.info(self.rest)
            self.rest = ""


_own: ContextVar[_Lines | None] = ContextVar("resultant_printed", default=None)
_lock = Lock()


class _StandIn:
    """Stands in for standard output while some task's prints are logged."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.open: list[_Lines] = []

    def _target(self) -> Any:
        own = _own.get()
        if own is not None:
            return own
        # A thread that a task has started: whose it is can be told while there is only one.
        open_now = self.open
        return open_now[0] if len(open_now) == 1 and is_outside() else self.stream

    def write(self, text: str) -> int:
        written: int = self._target().write(text)
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target(), name)


def printed_to(logger: Logger) -> AbstractContextManager[Any]:
    """Return a block in which what is printed goes to `logger`, one record for each line.

    Args:
        logger: the logger; the level is INFO.
    """
    import sys
    from contextlib import contextmanager

    @contextmanager
    def block() -> Any:
        lines = _Lines(logger)
        with _lock:
            now: Any = sys.stdout
            stand_in = now if isinstance(now, _StandIn) else _StandIn(now)
            stand_in.open.append(lines)
            sys.stdout = stand_in
        token = _own.set(lines)
        try:
            yield
        finally:
            _own.reset(token)
            with _lock:
                stand_in.open.remove(lines)
                if not stand_in.open and sys.stdout is stand_in:
                    sys.stdout = stand_in.stream
            lines.close()

    return block()
