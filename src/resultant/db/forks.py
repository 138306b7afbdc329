"""What a forked child has inherited and must not touch: connections, locks and journals are its parent's."""

from __future__ import annotations

import os
from weakref import WeakSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Inherited(Protocol):
        def forked(self) -> None: ...


__all__ = ["keep", "watch"]

_watched: WeakSet[Inherited] = WeakSet()

#: Closing some things would tell a server, or a file's other users, that the parent is gone. Here they are never closed.
_kept: list[object] = []


def watch(inherited: Inherited) -> None:
    """Have an object's method ``forked`` called in every forked child.

    Args:
        inherited: is not kept alive for that.
    """
    _watched.add(inherited)


def keep(thing: object) -> None:
    """Keep something that a child inherited from being closed by being forgotten."""
    _kept.append(thing)


def _after_fork() -> None:
    for each in list(_watched):
        each.forked()


os.register_at_fork(after_in_child=_after_fork)
