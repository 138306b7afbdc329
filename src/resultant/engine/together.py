"""Several results at the same time, where they lie in a store that is far away and answers many at once."""

from __future__ import annotations

from resultant.stores.base import MARK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    from resultant.engine.result import Result

    T = TypeVar("T")
    R = TypeVar("R")

__all__ = ["at_once", "each", "read_together"]

#: Fewer than these are as quick one after the other.
_FEW = 3


def at_once(store: Any, location: str | None) -> int:
    """Return how many requests like that for a location the store answers at once.

    Args:
        store: where it is; ``None`` where nobody knows.
        location: packed results count as near: those that share a segment share the request for it.
    """
    if location is None or MARK in location:
        return 1
    return int(getattr(store, "concurrency", 1))


def each(call: Callable[[T], R], items: list[T], threads: int) -> list[R]:
    """Return what a call gives for each of several items, called on several threads.

    Args:
        call: the call.
        items: what it is called with.
        threads: at most so many.

    Raises:
        Exception: what the call raises for the first item for which it does.
    """
    if threads < 2 or len(items) < _FEW:
        return [call(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(threads, len(items)), thread_name_prefix="resultant-read") as pool:
        return list(pool.map(call, items))


def read_together(results: Iterable[Result]) -> None:
    """Read the values that are still to be read of results that lie far away, several at the same time.

    What cannot be read shows when the value is asked for.

    Args:
        results: some of them may have their values.
    """
    far = []
    threads = 1
    for result in results:
        known = result.__dict__
        if "value" not in known:
            number = at_once(getattr(known.get("_load"), "store", None), result.location)
            if number > 1:
                far.append(result)
                threads = max(threads, number)
    each(_read, far, threads)


def _read(result: Result) -> None:
    try:
        _ = result.value
    except Exception:  # noqa: BLE001 - it is raised again, where the value is asked for
        pass
