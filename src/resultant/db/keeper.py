"""A thread that makes rows safe in time, whatever the database is doing meanwhile.

A transaction may take tens of milliseconds, and one that waits for another process a minute: whoever is at that cannot keep
a promise of ten.
"""

from __future__ import annotations

import threading
import time

from .intake import NEVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .aside import Aside
    from .intake import Intake

__all__ = ["EARLY", "Keeper"]

# Sooner than that is now.
EARLY = 0.0005

# After so many looks at nothing the thread sleeps until it is roused. As long as rows keep coming, looking costs whoever
# brings them less than rousing it would.
_LOOKS = 20


class Keeper:
    """Brings rows that nobody else does into the journal, and says when it is time for the database.

    Args:
        intake: where rows wait.
        aside: brings them into the journal.
        until_write: tells after how many seconds there is something for the database to do; ``NEVER`` if there is nothing.
        write: is called when that is so.
        patience: how long, in seconds, a row waits for company.
        grace: how much longer, for whoever brings rows to do it.
        name: of the thread.
    """

    def __init__(
        self,
        intake: Intake,
        aside: Aside,
        until_write: Callable[[], float],
        write: Callable[[], None],
        patience: float,
        grace: float,
        name: str,
    ) -> None:
        self._intake = intake
        self._aside = aside
        self._until_write = until_write
        self._write = write
        self._patience = patience
        self._grace = grace
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._over.set()
        self._intake.roused.set()
        self._thread.join()

    def _loop(self) -> None:
        looks = 0
        while not self._over.is_set():
            pause = self._pause()
            if pause == NEVER and looks >= _LOOKS:
                self._sleep()
                looks = 0
                continue
            looks = looks + 1 if pause == NEVER else 0
            if pause <= EARLY:
                self._aside.bring()
                if self._until_write() <= EARLY:
                    self._write()
                pause = self._patience
            # Not for longer, because rows may come meanwhile that cannot wait for so long.
            self._over.wait(min(pause, self._patience))

    def _pause(self) -> float:
        """Return after how many seconds there will be something to do; ``NEVER`` where nothing is on its way."""
        now, due = time.time(), self._intake.due
        if due == NEVER:
            return self._until_write()
        if now < self._intake.since:
            return 0.0  # the clock went back
        return max(0.0, min(due - now, self._patience) + self._grace)

    def _sleep(self) -> None:
        roused = self._intake.roused
        # In this order: what comes in between is seen, or rouses it again.
        roused.clear()
        if self._pause() == NEVER and not self._over.is_set():
            roused.wait()
