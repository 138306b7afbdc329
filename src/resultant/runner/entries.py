"""From an entry of the cache to the row that it stands for, and to a result that can be read."""

from __future__ import annotations

import json

from resultant.engine.recorded import RecordedValue, later
from resultant.engine.result import Result
from resultant.errors import ReadError, ResultantError, UnreadableResultError
from resultant.records import ResultRecord, location_of
from resultant.runtime import get_logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from resultant.db import StateDB
    from resultant.engine.integrity import Digester
    from resultant.records import CacheEntry, ResultKind, TaskRun

    from .plan import Step

__all__ = ["Entries"]

#: Entries of one task of one run from which on its rows are read together.
_TOGETHER = 8
#: Kinds whose location is no place that somebody could have written to since.
_PLACELESS = ("inline",)
#: Kinds whose values are not for others.
_UNSHARED = ("constant", "secret")


class _Value(RecordedValue):
    """Reads a recorded value; whatever keeps it from being read is an error of this library's."""

    __slots__ = ()

    def __call__(self, result: Result) -> Any:
        try:
            return super().__call__(result)
        except (ResultantError, MemoryError):
            raise
        except Exception as error:
            raise UnreadableResultError(
                f"The result at {result.location!r} cannot be read: {type(error).__name__}: {error}"
            ) from error


class Entries:
    """Looks up what cache entries stand for.

    Args:
        db: the state database.
        step: the task that wants to use them.
        digester: checks what is read.
    """

    def __init__(self, db: StateDB, step: Step, digester: Digester) -> None:
        self._db = db
        self._step = step
        self._digester = digester
        self._kinds: dict[int | None, Result | None] = {}
        self._names: dict[int | None, str] = {}

    def rows(self, entries: list[CacheEntry]) -> Iterator[tuple[CacheEntry, TaskRun]]:
        """Yield each entry that still holds with its row: a success that nothing has replaced since.

        Args:
            entries: in whatever order; it is kept.
        """
        counts: dict[tuple[str, str], int] = {}
        for entry in entries:
            counts[entry.run, entry.slug] = counts.get((entry.run, entry.slug), 0) + 1
        together: dict[tuple[str, str], dict[int, TaskRun]] = {}
        for entry in entries:
            group = entry.run, entry.slug
            if counts[group] < _TOGETHER:
                found = {row.index: row for row in self._db.task_runs(*group, entry.index)}
            else:
                if group not in together:
                    together[group] = {row.index: row for row in self._db.task_runs(*group)}
                found = together[group]
            row = found.get(entry.index)
            # A row that was written later than its entry is about another try, perhaps with other inputs.
            if row is not None and row.state == "Cached" and row.ended == entry.created:
                yield entry, row

    def result(self, row: TaskRun) -> Result | None:
        """Return a result whose value is read, and checked, when somebody asks for it; ``None`` where that cannot be.

        Args:
            row: of a success.
        """
        if row.location is None:
            return Result() if row.none else None
        prototype = self._prototype(row.kind)
        if prototype is None:
            return None
        if row.digest is None and self._names[row.kind] not in _PLACELESS and self._is_superseded(row):
            get_logger(self._step.name).warning(
                "Task '%s': the cached value at %r is not used, because another task run wrote there since.",
                self._step.name,
                row.location,
            )
            return None
        result = prototype.from_value(None)
        result.location = location_of(row.location)
        result._size = row.size
        result._digest = row.digest
        read: Result = later(result, _Value(self._digester, row.digest, row.size))
        return read

    def _is_superseded(self, row: TaskRun) -> bool:
        """Return whether somebody wrote to a row's place since; where there are digests, they would tell."""
        assert row.location is not None
        for other in self._db.places(row.location):
            if (other.run, other.slug, other.index) == (row.run, row.slug, row.index):
                return False
            if other.digest is not None or other.state == "Success" or self._made(other):
                return True
        return False

    def _made(self, row: TaskRun) -> bool:
        """Return whether a task run in the state ``Cached`` made its value, and did not find it."""
        entries = self._db.cached(row.run)
        return any((each.slug, each.index, each.created) == (row.slug, row.index, row.ended) for each in entries)

    def _prototype(self, number: int | None) -> Result | None:
        """Return a result like those of a kind; ``None`` where nothing here can read them."""
        if number is None:
            return None
        if number not in self._kinds:
            kind = self._db.result_kind(number)
            self._names[number] = kind.type
            self._kinds[number] = None if kind.type in _UNSHARED else self._like(kind)
        return self._kinds[number]

    def _like(self, kind: ResultKind) -> Result | None:
        from resultant.engine.description import from_record, kind_of

        own = self._step.result
        if kind.serializer is None:
            # It could not be named: only the same task's own result, as it was then, can be meant.
            same = own is not None and kind_of(own.from_value(None))[:3] == (kind.type, kind.options, None)
            return own if same else None
        record = ResultRecord(type=kind.type, options=json.loads(kind.options), serializer=json.loads(kind.serializer))
        try:
            return from_record(record, () if own is None else (type(own), type(own.serializer)), own)
        except (ReadError, TypeError, ValueError) as error:
            get_logger(self._step.name).warning(
                "Task '%s': a cached value is not used, because it cannot be read here: %s", self._step.name, error
            )
            return None
