"""What was brought to be written and is still to be taken up, in memory."""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .parcels import Head, Make, Parcel

__all__ = ["NEVER", "WIDTH", "Intake", "Taken"]

NEVER = float("inf")

#: What is taken of a usual row: its index or slug, two times, and what the rest is made of.
WIDTH = 5


class Taken(list["Any"]):
    """Usual rows of one sort that wait, ``WIDTH`` values each.

    Args:
        head: what they have in common.
        make: makes rows of them.

    Attributes:
        known: whether the intake knows of them. It is asked after a row was appended, and denied before the intake looks
            for the last time: a row that the one does not see makes the other tell of it.
    """

    __slots__ = ("head", "known", "make")

    def __init__(self, head: Head, make: Make) -> None:
        super().__init__()
        self.head = head
        self.make = make
        self.known = False


class Intake:
    """Rows that wait, and who is to be told of them.

    Args:
        patience: how long, in seconds, a row may wait for company.

    Attributes:
        due: when the oldest row has waited that long, in seconds since the epoch; ``NEVER`` if none waits.
        since: no row that waits is older; whoever has an earlier time sees that the clock went back, and ``due`` is wrong.
        roused: set where a sleeping thread has to look.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._rows: list[tuple[Any, ...]] = []
        self._begun: list[Taken] = []
        self.due = NEVER
        self.since = -NEVER
        self.roused = threading.Event()

    def __len__(self) -> int:
        return len(self._rows) + sum(len(taken) // WIDTH for taken in self._begun)

    def add(self, rows: list[tuple[Any, ...]], now: float) -> int:
        """Take whole rows in, and return how many wait.

        Args:
            rows: the list may be used again.
            now: in seconds since the epoch.
        """
        with self._lock:
            self._rows += rows
            self._expect(now)
            return len(self._rows)

    def begin(self, taken: Taken, now: float) -> None:
        """Learn of a list of usual rows. Whoever appends to it holds no lock.

        Args:
            taken: the list.
            now: in seconds since the epoch.
        """
        with self._lock:
            if not taken:
                return  # somebody was faster
            if not any(taken is other for other in self._begun):
                self._begun.append(taken)
            self._expect(now)
            # In this order: if Ctrl-C comes in between, the next row tells of it again.
            taken.known = True

    def _expect(self, now: float) -> None:
        if self.due == NEVER:
            # Those who take rows at the same time have looked at the clock in any order.
            self.since = now - 2 * self._patience
            self.due = now + self._patience
        # In this order: if Ctrl-C comes in between, the next row rouses the thread again.
        if not self.roused.is_set():
            self.roused.set()

    def take(self, into: list[Parcel]) -> None:
        """Hand over the rows that wait.

        Args:
            into: is given the parcels before they are forgotten.
        """
        with self._lock:
            self.due, self.since = NEVER, -NEVER
            try:
                if self._rows:
                    into.append((None, self._rows))
                    self._rows = []
                for taken in self._begun:
                    if some := taken[:]:
                        into.append((taken.head, taken.make(some)))
                        del taken[: len(some)]
                for taken in self._begun:
                    taken.known = False
                self._begun = [taken for taken in self._begun if taken]
                for taken in self._begun:
                    taken.known = True
            finally:
                # Also where Ctrl-C came in between.
                if self._rows or self._begun:
                    self.due = 0.0
