"""Cache entries on their way into the database: those that come while others wait are written together with them."""

from __future__ import annotations

import threading

from resultant.errors import UnknownRunError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from resultant.records import CacheEntry

__all__ = ["CacheIntake"]


class CacheIntake:
    """Collects entries, and has them written by a database's writer.

    Args:
        post: leaves something to be done soon, after the task runs that were given before.
        write: writes entries, all or none of them.
    """

    def __init__(
        self, post: Callable[[Callable[[], Any]], None], write: Callable[[Sequence[CacheEntry]], None]
    ) -> None:
        self._post = post
        self._write = write
        self._lock = threading.Lock()
        self._waiting: list[CacheEntry] = []

    def put(self, entries: Sequence[CacheEntry]) -> None:
        """Take entries; see :class:`~resultant.db.StateDB`."""
        with self._lock:
            alone = not self._waiting
            self._waiting += entries
        if alone:
            self._post(self._write_what_waits)

    def _write_what_waits(self) -> None:
        with self._lock:
            entries, self._waiting = self._waiting, []
        try:
            self._write_all(entries)
        except UnknownRunError:
            raise
        except BaseException:
            # The database is to blame: this is tried again.
            with self._lock:
                self._waiting[:0] = entries
            raise

    def _write_all(self, entries: Sequence[CacheEntry]) -> None:
        try:
            self._write(entries)
        except UnknownRunError:
            if len(entries) == 1:
                raise
            # The others are not to blame.
            lost: UnknownRunError | None = None
            for entry in entries:
                try:
                    self._write([entry])
                except UnknownRunError as error:
                    lost = lost or error
            if lost is not None:
                raise lost from None
