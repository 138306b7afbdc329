"""Task runs on their way to the database: whole rows, and the usual ones, which leave out what all of a task have in common.

A parcel is a head and a list of rows. Without a head the rows are whole, in the order of
:class:`~resultant.records.TaskRun`'s fields. With one, which is run, slug, attempt and kind, they are first tries that
succeeded, of six values each: index, start, end, the digests of inputs and result one after the other, location, size.
Without a slug in the head they are runs of tasks that are not mapped, and have their slug in the place of the index.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Head = tuple[str, str | None, int, int]
    Make = Callable[[list[Any]], list[tuple[Any, ...]]]
    Parcel = tuple[Head | None, list[tuple[Any, ...]]]

__all__ = ["DIGEST", "one_by_one", "unpacked"]

#: Bytes of the digest of the inputs; what follows is that of the result.
DIGEST = 17


def unpacked(parcels: Iterable[Parcel]) -> list[tuple[Any, ...]]:
    """Return the rows of parcels, whole and in order."""
    rows: list[tuple[Any, ...]] = []
    for head, some in parcels:
        if head is None:
            rows += some
            continue
        run, slug, attempt, kind = head
        for which, started, ended, digests, location, size in some:
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
    return lambda noted: later(unpacked([(head, make([noted]))]))
