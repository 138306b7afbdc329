"""The write-ahead log goes into the database file behind everybody's back."""

from __future__ import annotations

import sqlite3
import threading

__all__ = ["Checkpoints"]

# Roughly 16 MiB of log: a row in three indexes, and the pages that each commit writes whole.
_ROW = 300
_COMMIT = 8 * 4096
_ENOUGH = 16 << 20

# A log of that many pages is emptied at the price of a short halt: with several busy writers it would grow for ever.
_TOO_MANY_PAGES = 65_536


class Checkpoints:
    """Counts what was written, and moves it from time to time.

    Args:
        path: the database file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._bytes = 0
        self._thread: threading.Thread | None = None

    def wrote(self, rows: int) -> None:
        """Count one commit of so many rows."""
        self._bytes += _COMMIT + rows * _ROW
        if self._bytes > _ENOUGH and (self._thread is None or not self._thread.is_alive()):
            self._bytes = 0
            self._thread = threading.Thread(target=self._checkpoint, name="resultant-db-checkpoint", daemon=True)
            self._thread.start()

    def _checkpoint(self) -> None:
        try:
            connection = sqlite3.connect(self._path, isolation_level=None, timeout=1.0)
            try:
                _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                if pages > _TOO_MANY_PAGES:
                    connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
            finally:
                connection.close()
        except sqlite3.Error:
            pass  # the log is as safe as the file: there is always another time

    def close(self) -> None:
        """Wait for what is under way."""
        if self._thread is not None:
            self._thread.join()
