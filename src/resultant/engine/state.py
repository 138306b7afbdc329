"""How a run stands.

A state has a message for people, a :class:`~resultant.engine.result.Result`, and, where that is worth it, a context and
the results of its inputs. Two states are equal when class, result and the other public attributes agree; message and
context do not count.
"""

from __future__ import annotations

from resultant.engine.meta_states import ClientFailed, Queued, Submitted, _MetaState
from resultant.engine.state_base import State, moment_or_now
from resultant.runtime import peek

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any, Self

    from resultant.engine.result import Result

__all__ = [
    "Cached",
    "Cancelled",
    "Cancelling",
    "ClientFailed",
    "Failed",
    "Finished",
    "Looped",
    "Mapped",
    "Paused",
    "Pending",
    "Queued",
    "Resume",
    "Retrying",
    "Running",
    "Scheduled",
    "Skipped",
    "State",
    "Submitted",
    "Success",
    "TimedOut",
    "TriggerFailed",
    "ValidationFailed",
    "_MetaState",
]


class Pending(State):
    """The run has not begun."""

    color = "#d3d3d3"

    def is_pending(self) -> bool:
        return True


class Scheduled(Pending):
    """The run waits for a time.

    Args:
        message: see :class:`State`.
        result: see :class:`State`.
        start_time: when to begin; now if missing. Naive datetimes count as UTC.
        context: see :class:`State`.
        cached_inputs: see :class:`State`.
    """

    color = "#ffab00"
    start_time: datetime | None

    def __init__(
        self,
        message: Any = None,
        result: Any = None,
        start_time: Any = None,
        context: dict[str, Any] | None = None,
        cached_inputs: dict[str, Result] | None = None,
    ) -> None:
        super().__init__(message, result, context, cached_inputs)
        self.start_time = moment_or_now(start_time)
        count = peek("task_run_count")
        if count is not None:
            self.context.setdefault("task_run_count", count)

    def is_scheduled(self) -> bool:
        return True


class Paused(Scheduled):
    """The run waits for somebody's approval, or for a time if one is given."""

    color = "#cfd8dc"

    def __init__(
        self,
        message: Any = None,
        result: Any = None,
        start_time: Any = None,
        context: dict[str, Any] | None = None,
        cached_inputs: dict[str, Result] | None = None,
    ) -> None:
        super().__init__(message, result, start_time, context, cached_inputs)
        if start_time is None:
            self.start_time = None


class Resume(Scheduled):
    """The run was approved and goes on."""

    color = "#fb8532"


class Retrying(Scheduled):
    """The run failed and waits for its next try.

    Args:
        message: see :class:`State`.
        result: see :class:`State`.
        start_time: when to try again; now if missing.
        context: see :class:`State`.
        cached_inputs: results of the inputs, each tied to the result of the task that made it.
        run_count: tries so far; default the one that is running, else 1.
    """

    color = "#ffff00"

    def __init__(
        self,
        message: Any = None,
        result: Any = None,
        start_time: Any = None,
        context: dict[str, Any] | None = None,
        cached_inputs: dict[str, Result] | None = None,
        run_count: int | None = None,
    ) -> None:
        super().__init__(message, result, start_time, context, cached_inputs)
        self.run_count: int = run_count if run_count is not None else peek("task_run_count") or 1

    def is_retrying(self) -> bool:
        return True


class Running(State):
    """The run goes on now."""

    color = "#3495eb"

    def is_running(self) -> bool:
        return True


class Cancelling(Running):
    """The run is being stopped."""

    color = "#bdbdbd"


class Finished(State):
    """The run is over."""

    color = "#003ccb"

    def is_finished(self) -> bool:
        return True


class Success(Finished):
    """The run ended well."""

    color = "#28a745"

    def is_successful(self) -> bool:
        return True


class Cached(Success):
    """The value of an earlier run, or one that later runs may use.

    Args:
        message: see :class:`State`.
        result: see :class:`State`.
        context: see :class:`State`.
        cached_inputs: see :class:`State`.
        cached_parameters: the parameters of the run that made it.
        cached_result_expiration: when it stops being usable; never if missing.
        hashed_inputs: a digest for each input of the run that made it.
    """

    color = "#34d058"
    cached_parameters: dict[str, Any] | None = None
    cached_result_expiration: datetime | None = None
    hashed_inputs: dict[str, str] | None = None

    def __init__(
        self,
        message: Any = None,
        result: Any = None,
        context: dict[str, Any] | None = None,
        cached_inputs: dict[str, Result] | None = None,
        cached_parameters: dict[str, Any] | None = None,
        cached_result_expiration: Any = None,
        hashed_inputs: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message, result, context, cached_inputs)
        self.cached_parameters = cached_parameters
        self.cached_result_expiration = (
            None if cached_result_expiration is None else moment_or_now(cached_result_expiration)
        )
        self.hashed_inputs = hashed_inputs

    def is_cached(self) -> bool:
        return True


class Mapped(Success):
    """Stands for the children of a mapped task.

    Args:
        message: see :class:`State`.
        result: see :class:`State`.
        context: see :class:`State`.
        cached_inputs: see :class:`State`.
        map_states: the children's states, in order; ``None`` for one that has not run.
        n_map_states: how many there are, where the states themselves are not at hand.
    """

    color = "#97ffb0"

    def __init__(
        self,
        message: Any = None,
        result: Any = None,
        context: dict[str, Any] | None = None,
        cached_inputs: dict[str, Result] | None = None,
        map_states: list[Any] | None = None,
        n_map_states: int | None = None,
    ) -> None:
        super().__init__(message, result, context, cached_inputs)
        self.map_states: list[Any] = map_states if map_states is not None else []
        self._n_map_states = n_map_states

    @property
    def n_map_states(self) -> int:
        """How many children there are."""
        return len(self.map_states) if self._n_map_states is None else self._n_map_states

    def load_result(self, result: Result | None = None) -> Self:
        """Read the values of all children and make the list of them this state's value."""
        for child in self.map_states:
            if child is not None:
                child.load_result(result)
        self.result = [child.result if child is not None else None for child in self.map_states]
        return self

    def is_mapped(self) -> bool:
        return True


class Skipped(Success):
    """The run was not needed."""

    color = "#62757f"

    def is_skipped(self) -> bool:
        return True


class Failed(Finished):
    """The run ended badly."""

    color = "#eb0000"

    def is_failed(self) -> bool:
        return True


class TriggerFailed(Failed):
    """The trigger did not let the task run."""

    color = "#ff5131"


class TimedOut(Failed):
    """The run took longer than the task's timeout."""

    color = "#cf4d9d"


class ValidationFailed(Failed):
    """The task found its data wrong."""

    color = "#f50097"


class Cancelled(Finished):
    """The run was stopped."""

    color = "#bdbdbd"


class Looped(Finished):
    """The task asked for another pass.

    Args:
        message: see :class:`State`.
        result: see :class:`State`.
        loop_count: the pass that ended; default the one that is running, else 1.
        context: see :class:`State`.
        cached_inputs: see :class:`State`.
    """

    color = "#003ccb"

    def __init__(
        self,
        message: Any = None,
        result: Any = None,
        loop_count: int | None = None,
        context: dict[str, Any] | None = None,
        cached_inputs: dict[str, Result] | None = None,
    ) -> None:
        super().__init__(message, result, context, cached_inputs)
        self.loop_count: int = loop_count if loop_count is not None else peek("task_loop_count") or 1

    def is_looped(self) -> bool:
        return True
