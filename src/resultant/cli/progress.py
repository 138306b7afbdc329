"""How far a long command is, for whoever watches it on a terminal."""

from __future__ import annotations

import sys
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from resultant.db import StateDB

__all__ = ["Progress"]

# Seconds without a word, and between two words.
_PATIENCE = 1.0
_PAUSE = 0.2


class Progress:
    """One line on standard error that is written again and again, and is gone at the end; nothing where that is no terminal.

    Args:
        what: is being done.
        db: whose task runs are gone through.
    """

    def __init__(self, what: str, db: StateDB) -> None:
        self._what = what
        self._shown = sys.stderr.isatty()
        self._total = db.sizes()["task_runs"] if self._shown else 0
        self._done = 0
        self._next = monotonic() + _PATIENCE
        self._written = False

    def step(self, many: int = 1) -> None:
        """Count what was done."""
        self._done += many
        if self._shown and (now := monotonic()) >= self._next:
            self._next = now + _PAUSE
            self._written = True
            of = f" of {self._total:,}" if self._done <= self._total else ""
            sys.stderr.write(f"\r\x1b[K{self._what}: {self._done:,}{of} rows")
            sys.stderr.flush()

    def end(self) -> None:
        """Take the line away."""
        if self._written:
            self._written = False
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
