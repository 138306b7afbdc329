"""States about other states."""

from __future__ import annotations

from resultant.engine.state_base import State, moment_or_now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.engine.result import Result

__all__ = ["ClientFailed", "Queued", "Submitted", "_MetaState"]


class _MetaState(State):
    """A state about another one; it never wraps a meta state.

    Args:
        message: see :class:`State`.
        result: see :class:`State`.
        state: the state that it is about.
        context: see :class:`State`.
        cached_inputs: see :class:`State`.
    """

    def __init__(
        self,
        message: Any = None,
        result: Any = None,
        state: State | None = None,
        context: dict[str, Any] | None = None,
        cached_inputs: dict[str, Result] | None = None,
    ) -> None:
        super().__init__(message, result, context, cached_inputs)
        self.state = state

    @property
    def state(self) -> State | None:
        """The state that it is about."""
        return self._state

    @state.setter
    def state(self, state: State | None) -> None:
        while isinstance(state, _MetaState):
            state = state.state
        self._state = state

    def __eq__(self, other: object) -> bool:
        equal = super().__eq__(other)
        return equal if equal is not True else self.state == other.state  # type: ignore[attr-defined]

    __hash__ = object.__hash__

    def is_meta_state(self) -> bool:
        return True


class ClientFailed(_MetaState):
    """The state could not be reported."""

    color = "#eb0000"


class Submitted(_MetaState):
    """The run was handed to an executor."""

    color = "#f6c6d6"

    def is_submitted(self) -> bool:
        return True


class Queued(_MetaState):
    """The run waits for a place.

    Args:
        message: see :class:`State`.
        result: see :class:`State`.
        state: the state that it is about.
        start_time: when to look again; now if missing.
        context: see :class:`State`.
        cached_inputs: see :class:`State`.
    """

    color = "#42c4ff"

    def __init__(
        self,
        message: Any = None,
        result: Any = None,
        state: State | None = None,
        start_time: Any = None,
        context: dict[str, Any] | None = None,
        cached_inputs: dict[str, Result] | None = None,
    ) -> None:
        super().__init__(message, result, state, context, cached_inputs)
        self.start_time = moment_or_now(start_time)

    def is_queued(self) -> bool:
        return True

    def is_scheduled(self) -> bool:
        return True
