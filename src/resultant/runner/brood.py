"""The children of one mapped task while they run."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from resultant.engine.integrity import Digester
    from resultant.engine.state import Mapped, State

    from .fingerprint import Inputs
    from .mapping import Children, Claims

__all__ = ["Brood"]


class Brood:
    """The children of one mapped task while they run."""

    __slots__ = ("children", "claims", "fingerprint", "inputs", "left", "note", "parent", "places", "usual", "waiting")

    def __init__(self, children: Children | None, claims: Claims, parent: Mapped, count: int) -> None:
        self.children = children
        self.claims = claims
        self.parent = parent
        self.left = count
        #: Give the fingerprint of a child's inputs, and what it is taken of, where rows are written.
        self.fingerprint: Callable[[int], bytes | None] | None = None
        self.inputs: Inputs | None = None
        #: Notes how children stand, where rows are written.
        self.note: Callable[[int, State, float, State | None], None] | None = None
        #: The type of value, and what takes the rows, of children that end as most do; see ``Recorder.children``.
        self.usual: tuple[type | None, Any] = None, None
        #: Where each child's value goes, if that was worked out for all of them.
        self.places: list[str | None] | None = None
        #: Children that wait for children above them: how many arrivals each still needs.
        self.waiting: dict[int, int] = {}

    def know(self, digester: Digester, inputs: Inputs) -> None:
        """Learn what the fingerprints of children are taken of.

        Args:
            digester: takes them.
            inputs: what they are taken of.
        """

        def fingerprint(index: int) -> bytes | None:
            given = inputs.of(index)
            return None if given is None else digester.small(given)

        self.inputs, self.fingerprint = inputs, fingerprint
