"""Rows that processes which are gone had left in their journals."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress

from resultant.errors import DatabaseError, UnknownRunError

from .holding import is_at
from .journal import rows_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from typing import Any

    from .parcels import Parcel

    Rows = list[tuple[Any, ...]]

__all__ = ["take_over", "write_left"]

# What was complained of already.
_denied: set[str] = set()


def take_over(folder: str, write: Callable[[Rows], None]) -> None:
    """Have the rows in the journals of processes that are gone written, and remove the journals.

    Whoever does so waits for others that do: what they are about to write was so before whatever comes next.

    Args:
        folder: where journals are.
        write: writes rows; a journal is removed when it returns.
    """
    with _alone(folder) as there:
        for name in sorted(os.listdir(folder)) if there else ():
            _take(os.path.join(folder, name), write)


@contextmanager
def _alone(folder: str) -> Iterator[bool]:
    """Keep others out; yield whether there is a folder."""
    while True:
        file = _opened(folder, os.O_RDONLY)
        if file is None:
            yield False
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            # Whoever removes its own journal removes an empty folder as well.
            if is_at(file, folder):
                yield True
                return
        finally:
            # A process that is forked meanwhile has the descriptor too.
            fcntl.flock(file, fcntl.LOCK_UN)
            os.close(file)


def _take(path: str, write: Callable[[Rows], None]) -> None:
    file = _opened(path, os.O_RDWR)
    if file is None:
        return
    try:
        with suppress(BlockingIOError):  # its process lives
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its process may have removed it at its end, just now.
            if is_at(file, path):
                rows = rows_of(file)
                if rows:
                    write(rows)
                # Removing it takes a right to the folder.
                os.ftruncate(file, 0)
                with suppress(OSError):
                    os.unlink(path)
    finally:
        os.close(file)


def _opened(path: str, how: int) -> int | None:
    try:
        return os.open(path, how | os.O_CLOEXEC)
    except PermissionError:
        if path not in _denied and not _is_of_a_living_process(path):
            from logging import getLogger

            _denied.add(path)
            getLogger("resultant.db").warning(
                "What a process that is gone had finished last is in %s, which this user may not read and write: runs go on "
                "without it. Give the file, and its folder, the group and the rights of the state database.",
                path,
            )
    except OSError:
        pass  # it has just been removed
    return None


def _is_of_a_living_process(path: str) -> bool:
    number = os.path.basename(path).partition("-")[0]
    try:
        os.kill(int(number), 0)
    except (ValueError, ProcessLookupError):
        return False
    except OSError:
        pass  # somebody else's
    return True


def write_left(connection: sqlite3.Connection, write: Callable[[list[Parcel]], None], rows: Rows) -> None:
    """Write rows of a journal, apart from those that nobody can write and those that a later attempt has replaced.

    Args:
        connection: to the database.
        write: writes all or none of some rows.
        rows: all of the journal.

    Raises:
        DatabaseError: they could not be written.
    """
    first: dict[str, int] = {}
    for row in rows:
        first[row[0]] = min(row[4], first.get(row[0], row[4]))
    newer: dict[tuple[Any, ...], int] = {}
    for run, attempt in first.items():
        found = connection.execute("SELECT no FROM flow_run WHERE id = ? AND attempt > ?", (run, attempt)).fetchone()
        if found is not None:
            later = connection.execute(
                "SELECT task.slug, idx, attempt FROM task CROSS JOIN task_run ON task_run.task = task.no "
                "WHERE task.run = ? AND attempt > ?",
                (found[0], attempt),
            )
            newer.update(((run, slug, index), number) for slug, index, number in later)
    _write(write, [row for row in rows if newer.get(row[:3], 0) <= row[4]])


def _write(write: Callable[[list[Parcel]], None], rows: Rows) -> None:
    if not rows:
        return
    try:
        write([(None, rows)])
    except Exception as error:
        if isinstance(error, DatabaseError) and not isinstance(error, UnknownRunError):
            raise
        # A run is not there any more, or a row is none. The others are not to blame.
        middle = len(rows) // 2
        if middle:
            _write(write, rows[:middle])
            _write(write, rows[middle:])
