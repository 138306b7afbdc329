"""Bytes that are deleted only if they are those on record."""

from __future__ import annotations

import errno
import os
from contextlib import suppress

from resultant.cli.stored import NOT_MOUNTED, absent_folder
from resultant.errors import CorruptResultError, MissingResultError, StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.db import StateDB
    from resultant.reading.places import Places
    from resultant.records import TaskRun

__all__ = ["Doomed", "Eraser"]

#: Seconds by which the clock of a file system may be beside that of whoever wrote the row.
_SLACK = 2.0


class Doomed:
    """A place whose bytes go.

    Attributes:
        location: its full name.
        row: the task run that wrote it.
        size: how many bytes are on record.
        packed: how many results it holds, if it is a segment.
        others: task runs of other runs that, as it seems, were written over.
    """

    __slots__ = ("location", "others", "packed", "row", "size")

    def __init__(
        self, location: str, row: TaskRun, size: int | None = None, packed: int = 0, others: list[TaskRun] | None = None
    ) -> None:
        self.location = location
        self.row = row
        self.size = (row.size if size is None else size) or 0
        self.packed = packed
        self.others = others or []


class Eraser:
    """Deletes what is at places.

    Args:
        db: the state database.
        places: knows how the bytes of a row were made.
    """

    def __init__(self, db: StateDB, places: Places) -> None:
        self._db = db
        self._places = places
        #: Results like those that wrote the bytes, by the number of their kind.
        self._made: dict[int, Any] = {}

    def erase(self, each: Doomed) -> bool:
        """Delete the bytes at a place, unless others than those on record are there: somebody is about to record them.

        Returns:
            Whether they were deleted.

        Raises:
            ResultError: they cannot be deleted, now or by this process.
            AttributeError: their class has no store.
            ValueError: it cannot be made.
        """
        from resultant.reading.task import result_of

        kind = self._places.kind(each.row)
        if kind is None:
            raise ValueError("Nothing is on record of how these bytes were made.")
        result: Any = self._made.get(kind.id)
        if result is None:
            result = self._made[kind.id] = result_of(kind)
        store = result.store
        try:
            if each.packed:
                # It grew after its first result was on record, and nobody else ever writes to it.
                store.stat(each.location)
                store.delete(each.location)
                return True
            if each.location[:1] == "/":
                return self._erase_file(store, each)
            if not self._is_theirs(store, each.location, each):
                return False
            store.delete(each.location)
            return True
        except MissingResultError:
            if (absent := absent_folder(result, each.location)) is not None:
                raise StoreError(errno.ENOENT, NOT_MOUNTED, absent) from None
            return False

    def _erase_file(self, store: Any, each: Doomed) -> bool:
        """Delete a file that nobody can replace between the look at it and its end."""
        from resultant.stores.system import translate

        aside = _aside(each.location)
        try:
            if not self._is_theirs(store, each.location, each):
                return False
            os.rename(each.location, aside)
        except OSError as error:
            # One that a crash has left half-way, or whose name somebody took this very moment.
            if not os.path.exists(aside):
                raise (
                    error
                    if isinstance(error, (MissingResultError, StoreError))
                    else translate(error, each.location, "delete")
                ) from error
        try:
            theirs = self._is_theirs(store, aside, each)
        except BaseException:
            _put_back(aside, each.location)
            raise
        if not theirs:
            _put_back(aside, each.location)
            return False
        store.delete(aside)
        return True

    def _is_theirs(self, store: Any, place: str, each: Doomed) -> bool:
        """Return whether the bytes are those on record, and those of nobody else."""
        row = each.row
        found = store.stat(place)
        if row.size is not None and found.size != row.size:
            return False
        then = row.started - _SLACK <= found.modified <= (row.ended or row.started) + _SLACK
        if then and not each.others:
            return True
        # The clock of a server is not that of this machine, and files are copied and moved: the bytes say whose they are.
        if any(other.digest is None or self._agrees(other, store, place) for other in each.others):
            return False
        return then or self._agrees(row, store, place)

    def _agrees(self, row: TaskRun, store: Any, place: str) -> bool:
        """Return whether bytes are those of a row; where its secret is not at hand, that is an error of a result."""
        from resultant.engine.recorded import RecordedValue
        from resultant.runner.digest_key import digester_of

        if row.digest is None:
            return False
        digester = digester_of(self._db.flow_run(row.run))
        try:
            RecordedValue(digester, row.digest, row.size, store).check(place)
        except CorruptResultError:
            return False
        return True


def _aside(path: str) -> str:
    """Return the name of a file that is about to be deleted; `gc` knows it as one that nobody wants."""
    from hashlib import blake2b

    from resultant.stores.file import TEMPORARY_PREFIX, TEMPORARY_SUFFIX

    folder, name = os.path.split(path)
    digest = blake2b(os.fsencode(name), digest_size=12).hexdigest()
    return os.path.join(folder, f"{TEMPORARY_PREFIX}doomed-{digest}{TEMPORARY_SUFFIX}")


def _put_back(aside: str, path: str) -> None:
    """Give a file its name again, unless somebody has taken that meanwhile."""
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    except OSError:
        # A file system without hard links.
        os.rename(aside, path)
        return
    with suppress(OSError):
        os.unlink(aside)
