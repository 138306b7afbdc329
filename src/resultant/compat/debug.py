"""Letting exceptions out, and asking whether something can be pickled."""

from __future__ import annotations

from contextlib import contextmanager

from resultant.runtime import context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["is_serializable", "raise_on_exception"]


@contextmanager
def raise_on_exception() -> Iterator[None]:
    """Let ordinary exceptions of tasks, handlers and runners come out of ``run`` for the length of a block.

    Signals raised by a task still become states.
    """
    with context(raise_on_exception=True):
        yield


def is_serializable(obj: Any, raise_on_error: bool = False) -> bool:
    """Return whether an object survives being pickled and loaded again.

    Args:
        obj: the object.
        raise_on_error: raise what went wrong instead of returning ``False``.

    Raises:
        Exception: what pickling or loading raised, with `raise_on_error`.
    """
    import cloudpickle

    try:
        cloudpickle.loads(cloudpickle.dumps(obj))
    except Exception:
        if raise_on_error:
            raise
        return False
    return True
