"""What a task prints, as records of its logger."""

from __future__ import annotations

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


def printed_to(logger: Logger) -> AbstractContextManager[Any]:
    """Return a block in which standard output goes to `logger`, one record for each line."""
    from contextlib import contextmanager, redirect_stdout

    @contextmanager
    def block() -> Any:
        lines = _Lines(logger)
        with redirect_stdout(lines):
            try:
                yield
            finally:
                lines.close()

    return block()
