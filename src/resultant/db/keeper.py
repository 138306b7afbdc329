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
    """Brings rows that nobody else does into the journal.

    Args:
        intake: where rows wait.
        aside: brings them into the journal.
        worth_it: is called when those in the journal are worth a transaction.
        patience: how long, in seconds, a row waits for company.
        grace: how much longer, for whoever brings rows to do it.
        name: of the thread.
    """

    def __init__(
        self,
        intake: Intake,
        aside: Aside,
        worth_it: Callable[[], None],
        patience: float,
        grace: float,
        name: str,
    ) -> None:
        self._intake = intake
        self._aside = aside
        self._worth_it = worth_it
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
            if pause <= EARLY:
                if self._aside.bring():
                    self._worth_it()
                pause, looks = self._patience, 0
            elif pause == NEVER and looks == _LOOKS:
                self._sleep()
                looks = 0
                continue
            else:
                looks += 1
            # Not for longer, because rows may come meanwhile that cannot wait for so long.
            self._over.wait(min(pause, self._patience))

    def _pause(self) -> float:
        """Return after how many seconds there will be something to do; ``NEVER`` where nothing is on its way."""
        now, due = time.time(), self._intake.due
        if due == NEVER:
            # What is in the journal waits for a pause.
            return self._aside.pause() if self._aside else NEVER
        if now < self._intake.since:
            return 0.0  # the clock went back
        return max(0.0, min(due - now, self._patience) + self._grace)

    def _sleep(self) -> None:
        roused = self._intake.roused
        # In this order: what comes in between rouses it again.
        roused.clear()
        if self._intake.due == NEVER and not self._over.is_set():
            roused.wait()
