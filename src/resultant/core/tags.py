"""Tags for every task made inside a block."""

from __future__ import annotations

from resultant import runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

__all__ = ["tags"]


class tags:
    """A block in which every task that is created, copied or bound gets tags; blocks nest and add up.

    Args:
        *names: the tags.
    """

    def __init__(self, *names: str) -> None:
        self.names = set(names)
        self._blocks: list[Any] = []

    def __enter__(self) -> None:
        block = runtime.context(tags={*self.names, *(runtime.peek("tags") or ())})
        block.__enter__()
        self._blocks.append(block)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._blocks.pop().__exit__(kind, error, trace)
