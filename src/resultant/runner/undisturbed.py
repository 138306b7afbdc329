"""A while without Python's garbage collector.

A resumed run takes over thousands of recorded states before any task's code runs, and all of them stay. The collector would
look through all that is there again and again meanwhile, for as much time as the rest takes.
"""

from __future__ import annotations

import gc
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Undisturbed"]

_lock = threading.Lock()
_begun = 0
_was_on = False


class Undisturbed:
    """Keeps the collector from running until :meth:`end`, or the end of a ``with`` block; whichever comes first."""

    def __init__(self) -> None:
        global _begun, _was_on
        self._over = False
        with _lock:
            if not _begun:
                _was_on = gc.isenabled()
                gc.disable()
            _begun += 1

    def end(self) -> None:
        """Let it run again, unless others keep it from that; calling this twice is fine."""
        global _begun
        if self._over:
            return
        self._over = True
        with _lock:
            _begun -= 1
            if not _begun and _was_on:
                if not gc.get_freeze_count():
                    # What was made meanwhile stays: it counts as old at once, without a look at each of it.
                    gc.freeze()
                    gc.unfreeze()
                gc.enable()

    def __enter__(self) -> Undisturbed:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
