"""Which task run computed a value, and which entry of the cache stands for it."""

from __future__ import annotations

import json
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from resultant.reading.run import RecordedRun
    from resultant.records import CacheEntry, TaskRun

__all__ = ["Origins", "is_made_up", "key_of", "own_key"]

#: Names that the library makes up for a result, or for a segment of packed ones, when it is written: UTC, microseconds.
_MADE_UP = re.compile(r"resultant-(?:result|packed)-(\d{4}-\d\d-\d\dt\d\d-\d\d-\d\d)-(?:(\d{6})-)?")


class Origins:
    """Follows values back to the task runs that computed them.

    A task run in the state ``Cached`` computed its value if there is an entry of the cache for it; otherwise it found the
    value at its target or in the cache.

    Args:
        run: a run of the database.
    """

    def __init__(self, run: RecordedRun) -> None:
        self._db = run.db
        self._places = run.places
        self._entries: dict[str, dict[tuple[str, int], CacheEntry]] = {}

    def entry(self, row: TaskRun) -> CacheEntry | None:
        """Return the entry by which the cache offers what a task run computed, if it does."""
        known = self._entries.get(row.run)
        if known is None:
            known = self._entries[row.run] = {(each.slug, each.index): each for each in self._db.cached(row.run)}
        entry = known.get((row.slug, row.index))
        # A row that was written later than its entry is about another try.
        return entry if entry is not None and entry.created == row.ended else None

    def of(self, row: TaskRun) -> TaskRun | None:
        """Return the row of the task run that computed the value of a row, which may be that row.

        Returns:
            ``None`` where the value was found, and nobody on record computed it.
        """
        if self._computed(row):
            return row
        place = self._places.full(row)
        others = self._offered(row) if place is None else self._places.rows(place)
        for other in others:
            if key_of(other) == key_of(row) or _end(other) > _end(row) or not self._computed(other):
                continue
            if self._may_be_same(row, other, place is None):
                return other
        # What cannot be offered to later runs has no entry, and a name of its own.
        return row if place is not None and self._is_named_since(row, place) else None

    def _computed(self, row: TaskRun) -> bool:
        return row.state != "Cached" or self.entry(row) is not None

    def _offered(self, row: TaskRun) -> Iterator[TaskRun]:
        """Yield the rows that the cache offers to a task without a key of its own, those of the same position first."""
        flow = self._db.flow_run(row.run).flow
        entries = self._db.cache_find(own_key(flow, row.slug))
        for each in sorted(entries, key=lambda entry: entry.index != row.index):
            yield from self._db.task_runs(each.run, each.slug, each.index)

    def _may_be_same(self, row: TaskRun, other: TaskRun, inline: bool) -> bool:
        """Return whether nothing on record says that two values are different ones."""
        if inline:
            return (row.none, row.location) == (other.none, other.location)
        if row.size is not None and other.size is not None and row.size != other.size:
            return False
        if row.digest is None or other.digest is None or row.digest[:1] != other.digest[:1]:
            # Each hash has its own first byte: digests of different ones say nothing about each other.
            return True
        return row.digest == other.digest or not self.comparable(row.run, other.run)

    def comparable(self, one: str, other: str) -> bool:
        """Return whether the digests of two runs, given by their ids, were taken with the same secret."""
        return self._db.flow_run(one).digest_key == self._db.flow_run(other).digest_key

    def _is_named_since(self, row: TaskRun, place: str) -> bool:
        """Return whether a place got its name while the task run, or at least its run, was under way."""
        if row.run in place:
            return True
        match = _MADE_UP.search(place)
        if match is None:
            return False
        from datetime import UTC, datetime

        named = datetime.strptime(match[1], "%Y-%m-%dt%H-%M-%S").replace(tzinfo=UTC).timestamp()
        if match[2] is None:
            # A segment belongs to one run, and is older than most of what is in it.
            return named >= int(self._db.flow_run(row.run).created)
        return named + int(match[2]) / 1e6 >= row.started


def own_key(flow: str, slug: str) -> str:
    """Return the key in the cache of a task that was given none."""
    return json.dumps([flow, slug])


def is_made_up(place: str) -> bool:
    """Return whether the library made a place's name up, so that it is nobody's target."""
    return _MADE_UP.search(place) is not None


def key_of(row: TaskRun) -> tuple[str, str, int]:
    """Return what tells a task run from all others."""
    return row.run, row.slug, row.index


def _end(row: TaskRun) -> float:
    return row.ended or row.started
