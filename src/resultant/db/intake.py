"""What was brought to be written and is still to be taken up, in memory."""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .parcels import Head, Make, Parcel

    Begun = tuple[Head, list[Any], Make]

__all__ = ["NEVER", "WIDTH", "Intake"]

NEVER = float("inf")

#: What is taken of a usual row: its index or slug, two times, and what the rest is made of.
WIDTH = 5


class Intake:
    """Rows that wait, and who is to be told of them.

    Args:
        patience: how long, in seconds, a row may wait for company.

    Attributes:
        due: when the oldest row has waited that long, in seconds since the epoch; ``NEVER`` if none waits.
        roused: set where a sleeping thread has to look.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._rows: list[tuple[Any, ...]] = []
        self._begun: list[Begun] = []  # lists of usual rows; each has some
        self.due = NEVER
        self.roused = threading.Event()

    def __len__(self) -> int:
        return len(self._rows) + sum(len(taken) // WIDTH for _, taken, _ in self._begun)

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

    def begin(self, begun: Begun, now: float) -> None:
        """Learn that a list of usual rows has its first one.

        Whoever appends to the list holds no lock. That works because :meth:`take` takes the first ones, as many as it has
        seen, and forgets a list only while it is empty, under the lock; the next row is then the first one again.

        Args:
            begun: what they have in common, the list, and what makes rows of them.
            now: in seconds since the epoch.
        """
        with self._lock:
            if begun[1] and not any(begun is other for other in self._begun):
                self._begun.append(begun)
            self._expect(now)

    def _expect(self, now: float) -> None:
        if self.due == NEVER:
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
            self.due = NEVER
            if self._rows:
                into.append((None, self._rows))
                self._rows = []
            for head, taken, make in self._begun:
                some = taken[:]
                into.append((head, make(some)))
                del taken[: len(some)]
            self._begun = [begun for begun in self._begun if begun[1]]
            if self._begun:
                self.due = 0.0
