"""Rows on their way from memory into the database: safe in a journal, where there is one, until enough are together."""

from __future__ import annotations

import threading
import time

from .parcels import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .intake import Intake
    from .journal import Journal
    from .parcels import Parcel

__all__ = ["Aside"]

# As many rows in the journal are worth a transaction, and so is a pause of this long. Rows of a run that makes no pause
# are there for others to see after a while that is long enough for a transaction to cost next to nothing.
_BATCH = 4000
_QUIET = 0.05
_WHILE = 1.0

# The journal is emptied when all its rows are in the database. If that never happens by itself, because more are brought
# meanwhile, it is brought about at this size.
_LONG = 8 << 20


class Aside:
    """What was taken out of the intake. Rows that are there twice do no harm, and none may be missing, whenever Ctrl-C comes.

    Args:
        intake: where rows come from.
        journal: makes them safe.
    """

    def __init__(self, intake: Intake, journal: Journal | None) -> None:
        self._intake = intake
        self._journal = journal
        self._lock = threading.RLock()
        self._parcels: list[Parcel] = []
        self._counted = 0, 0  # so many of them are known to have so many rows
        self._safe = 0  # so many of them, the first ones, are in the journal
        self._bare: list[
            Parcel
        ] = []  # what was handed over and is not in the journal: nothing newer may come before it there
        self._size = 0  # of the journal, with all in it that was handed over
        self._first = 0.0  # when the oldest rows were put aside
        self._last = 0.0  # when rows were last put aside

    def __len__(self) -> int:
        # Asked after every few rows: those that were counted before are not counted again.
        with self._lock:
            parcels, rows = self._counted
            many = len(self._parcels)
            if many != parcels:
                self._counted = many, rows + count(self._parcels[parcels:])
            return self._counted[1]

    def bring(self) -> bool:
        """Bring what waits into the journal; return whether it is time to bring that to the database."""
        assert self._journal is not None
        with self._lock:
            parcels = self._parcels
            now = time.monotonic()
            if not parcels:
                self._first = now
            self._intake.take(parcels)
            new = parcels[self._safe :]
            if not new and not self._bare:
                return len(self) >= _BATCH or (bool(parcels) and self._worth_it(now))
            self._last = now
            try:
                if self._bare:
                    self._journal.append(self._bare)
                    self._bare, self._size = [], self._journal.size
                if new:
                    self._journal.append(new)
            except (OSError, ValueError):
                # A full disk, or a row that is none: the database says it better, and at once.
                return True
            self._safe = len(parcels)
            return len(self) >= _BATCH or self._worth_it(now)

    def _worth_it(self, now: float) -> bool:
        # Between two rows of a busy run is no pause.
        return now - self._last >= _QUIET or now - self._first >= _WHILE

    def pause(self) -> float:
        """Return after how many seconds to bring the rows to the database: at once those that the journal refused."""
        with self._lock:
            refused = self._safe < len(self._parcels)
        if refused or len(self) >= _BATCH:
            return 0.0
        return max(0.0, min(self._last + _QUIET, self._first + _WHILE) - time.monotonic())

    def take(self, into: list[Parcel]) -> None:
        """Hand over what was brought; without a journal, what waits.

        Args:
            into: is given the parcels before they are forgotten.
        """
        with self._lock:
            if self._journal is None:
                self._intake.take(self._parcels)
            into += self._parcels
            if self._journal is not None:
                self._bare = self._parcels[self._safe :]
                self._size = self._journal.size
            # In this order: if Ctrl-C comes in between, more is taken for bare than is.
            self._safe = 0
            self._parcels = []
            self._counted = 0, 0

    def put_back(self, parcels: list[Parcel]) -> None:
        """Keep what could not be brought to the database, in front of what came since."""
        with self._lock:
            self._parcels[:0] = parcels
            self._counted = 0, 0
            # As long as some of it is not in the journal, nothing that came since is.
            self._safe = 0 if self._bare else self._safe + len(parcels)
            self._bare = []

    def written(self, write: Callable[[list[Parcel]], list[Parcel]]) -> None:
        """Have the journal forget what was handed over: it is in the database.

        Args:
            write: brings rows to the database, and returns those that are to be kept.
        """
        if self._journal is None:
            return
        with self._lock:
            self._bare = []
            if self._parcels and self._journal.size > _LONG:
                self._safe = 0
                self._parcels = write(self._parcels)
                self._counted = 0, 0
            if self._parcels:
                self._journal.written(self._size)
            else:
                self._journal.clear()
