"""Task runs on their way to the database: whole rows, and the usual ones, which leave out what all of a task have in common.

A parcel is a head and a list. Without a head the list has whole rows, in the order of
:class:`~resultant.records.TaskRun`'s fields. With one, which is run, slug, attempt and kind, it has first tries that
succeeded, six values each, one after the other and not in tuples, which the garbage collector would look after: index,
start, end, the digests of inputs and result one after the other, location, size. Without a slug in the head they are runs
of tasks that are not mapped, and have their slug in the place of the index.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Head = tuple[str, str | None, int, int]
    Make = Callable[[list[Any]], list[Any]]
    Parcel = tuple[Head | None, list[Any]]

__all__ = ["DIGEST", "WIDTH", "count", "one_by_one", "unpacked"]

#: Bytes of the digest of the inputs; what follows is that of the result.
DIGEST = 17

#: Values of a usual row.
WIDTH = 6


def count(parcels: Iterable[Parcel]) -> int:
    """Return how many rows there are in parcels."""
    return sum(len(rows) if head is None else len(rows) // WIDTH for head, rows in parcels)


def unpacked(parcels: Iterable[Parcel]) -> list[tuple[Any, ...]]:
    """Return the rows of parcels, whole and in order."""
    rows: list[tuple[Any, ...]] = []
    for head, some in parcels:
        if head is None:
            rows += some
            continue
        run, slug, attempt, kind = head
        for which, started, ended, digests, location, size in zip(*[iter(some)] * WIDTH, strict=True):
            known = bytes(digests)
            names = (run, which, -1) if slug is None else (run, slug, which)
            stored = (known[:DIGEST], kind, location, size, known[DIGEST:], False)
            rows.append((*names, "Success", attempt, 1, started, ended, None, None, *stored, None, None, None, None))
    return rows


def one_by_one(later: Callable[[list[tuple[Any, ...]]], None], head: Head, make: Make) -> Callable[[Any], None]:
    """Return what takes the usual rows of one head, for a database to which they are rows like any other.

    Args:
        later: takes whole rows.
        head: what they have in common.
        make: makes rows of what is taken.
    """
    return lambda noted: later(unpacked([(head, make(list(noted)))]))
