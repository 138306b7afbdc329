"""What rich shows of results and states; rich itself is not needed for it."""

from __future__ import annotations

from .html import is_absent, is_secret, is_unread, short_repr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from resultant.engine.result import Result
    from resultant.engine.state import State

__all__ = ["result_fields", "state_fields"]


class _Shown:
    """Text that stands for a value."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def result_fields(result: Result) -> Iterator[tuple[str, Any]]:
    """Yield what is worth showing of a result.

    Args:
        result: the result.
    """
    if is_secret(result):
        yield "value", _Shown("<secret>")
    else:
        yield "value", _Shown("<not read yet>" if is_unread(result) else short_repr(result.value))
    if result.location is not None:
        yield "location", result.location


def state_fields(state: State) -> Iterator[tuple[str, Any]]:
    """Yield what is worth showing of a state.

    Args:
        state: the state.
    """
    if state.message:
        yield "message", _Shown(short_repr(state.message))
    children = getattr(state, "map_states", None)
    if children:
        yield "children", len(children)
    elif not is_absent(state._result):
        yield "result", state._result
