"""How a run stands.

A state has a message for people, a :class:`~resultant.engine.result.Result`, and, where that is worth it, a context and
the results of its inputs. Two states are equal when class, result and the other public attributes agree; message and
context do not count.
"""

from __future__ import annotations

from resultant.engine.result import NoResult, Result, same
from resultant.runtime import peek

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from typing import Any, ClassVar, Self

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


class State:
    """Base of all states.

    Args:
        message: for people; an exception is allowed.
        result: a :class:`~resultant.engine.result.Result`, or a value that is wrapped in one; ``None`` means there is none.
        context: facts about the run at this point.
        cached_inputs: results of the inputs, by input name.
    """

    color: ClassVar[str] = "#000000"

    # Defaults live on the class, so that a state whose context nobody asks for does not carry one.
    message: Any = None
    _result: Result = NoResult
    _context: dict[str, Any] | None = None
    _cached_inputs: dict[str, Result] | None = None

    def __init__(
        self,
        message: Any = None,
        result: Any = None,
        context: dict[str, Any] | None = None,
        cached_inputs: dict[str, Result] | None = None,
    ) -> None:
        self.message = message
        if result is not None:
            self.result = result
        if context is not None:
            self._context = dict(context)
        if cached_inputs is not None:
            self._cached_inputs = cached_inputs
        tags = peek("task_tags")
        if tags is not None:
            self.context.setdefault("tags", list(tags))

    @property
    def result(self) -> Any:
        """The value; assigning anything but a ``Result`` wraps it in one."""
        return self._result.value

    @result.setter
    def result(self, value: Any) -> None:
        self._result = value if isinstance(value, Result) else Result(value)

    @property
    def context(self) -> dict[str, Any]:
        """Facts about the run at this point."""
        if self._context is None:
            self._context = {}
        return self._context

    @context.setter
    def context(self, value: dict[str, Any]) -> None:
        self._context = value

    @property
    def cached_inputs(self) -> dict[str, Result]:
        """Results of the inputs, by input name, each tied to the result of the task that made it."""
        if self._cached_inputs is None:
            self._cached_inputs = {}
        return self._cached_inputs

    @cached_inputs.setter
    def cached_inputs(self, value: dict[str, Result]) -> None:
        self._cached_inputs = value

    def load_result(self, result: Result | None = None) -> Self:
        """Read the value from its location, where it has one and its value is ``None``.

        Args:
            result: knows how to read; default the state's own.

        Returns:
            The state itself.
        """
        own = self._result
        if own.location is not None and own.value is None:
            self._result = (result or own).read(own.location)
        return self

    def load_cached_results(self, results: dict[str, Result] | None = None) -> Self:
        """Read the values of the cached inputs that have a location and no value.

        Args:
            results: by input name, what knows how to read, or where from.

        Returns:
            The state itself.
        """
        for name, reader in (results or {}).items():
            own = self.cached_inputs.get(name)
            location = (own.location if own is not None else None) or reader.location
            if location is not None and (own is None or own.value is None):
                self.cached_inputs[name] = reader.read(location)
        return self

    def is_pending(self) -> bool:
        """Return whether the run has not begun."""
        return isinstance(self, Pending)

    def is_queued(self) -> bool:
        """Return whether the run waits for a place."""
        return isinstance(self, Queued)

    def is_retrying(self) -> bool:
        """Return whether the run waits for its next try."""
        return isinstance(self, Retrying)

    def is_running(self) -> bool:
        """Return whether the run goes on now."""
        return isinstance(self, Running)

    def is_cached(self) -> bool:
        """Return whether the value may be used instead of running again."""
        return isinstance(self, Cached)

    def is_finished(self) -> bool:
        """Return whether the run is over."""
        return isinstance(self, Finished)

    def is_looped(self) -> bool:
        """Return whether the task asked for another pass."""
        return isinstance(self, Looped)

    def is_scheduled(self) -> bool:
        """Return whether the run waits for a time."""
        return isinstance(self, (Scheduled, Queued))

    def is_submitted(self) -> bool:
        """Return whether the run was handed to an executor."""
        return isinstance(self, Submitted)

    def is_skipped(self) -> bool:
        """Return whether the run was skipped."""
        return isinstance(self, Skipped)

    def is_successful(self) -> bool:
        """Return whether the run ended well; skipped and cached runs did."""
        return isinstance(self, Success)

    def is_failed(self) -> bool:
        """Return whether the run ended badly."""
        return isinstance(self, Failed)

    def is_mapped(self) -> bool:
        """Return whether the state stands for the children of a mapped task."""
        return isinstance(self, Mapped)

    def is_meta_state(self) -> bool:
        """Return whether the state wraps another one."""
        return isinstance(self, _MetaState)

    @classmethod
    def children(cls, include_self: bool = False, names_only: bool = False) -> list[Any]:
        """Return the classes derived from this one.

        Args:
            include_self: begin with this class.
            names_only: return names instead of classes.
        """
        found: list[Any] = [cls] if include_self else []
        todo = list(cls.__subclasses__())
        while todo:
            child = todo.pop(0)
            found.append(child)
            todo.extend(child.__subclasses__())
        return _public(found, names_only)

    @classmethod
    def parents(cls, include_self: bool = False, names_only: bool = False) -> list[Any]:
        """Return the classes that this one derives from.

        Args:
            include_self: begin with this class.
            names_only: return names instead of classes.
        """
        return _public(cls.mro()[0 if include_self else 1 :], names_only)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, State)
        if not (self._result == other._result and self.cached_inputs == other.cached_inputs):
            return False
        names = {name for name in (*vars(self), *vars(other)) if name[0] != "_" and name not in ("message", "context")}
        return all(same(getattr(self, name, None), getattr(other, name, None)) for name in names)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        name = type(self).__name__
        return f'<{name}: "{self.message}">' if self.message else f"<{name}>"

    def _repr_html_(self) -> str:
        from resultant.engine.html import state_html

        return state_html(self)

    def __getstate__(self) -> dict[str, Any]:
        fields = dict(vars(self))
        result = fields.get("_result")
        if result is not None and isinstance(result.value, Exception):
            fields["_result"] = _picklable(result)
        return fields

    def __setstate__(self, fields: dict[str, Any]) -> None:
        self.__dict__.update(fields)


class Pending(State):
    """The run has not begun."""

    color = "#d3d3d3"


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
        self.start_time = _as_utc(start_time)
        count = peek("task_run_count")
        if count is not None:
            self.context.setdefault("task_run_count", count)


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


class Running(State):
    """The run goes on now."""

    color = "#3495eb"


class Cancelling(Running):
    """The run is being stopped."""

    color = "#bdbdbd"


class Finished(State):
    """The run is over."""

    color = "#003ccb"


class Success(Finished):
    """The run ended well."""

    color = "#28a745"


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
        self.cached_result_expiration = None if cached_result_expiration is None else _as_utc(cached_result_expiration)
        self.hashed_inputs = hashed_inputs


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


class Skipped(Success):
    """The run was not needed."""

    color = "#62757f"


class Failed(Finished):
    """The run ended badly."""

    color = "#eb0000"


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


class ClientFailed(_MetaState):
    """The state could not be reported."""

    color = "#eb0000"


class Submitted(_MetaState):
    """The run was handed to an executor."""

    color = "#f6c6d6"


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
        self.start_time = _as_utc(start_time)


def _public(classes: Iterable[type], names_only: bool) -> list[Any]:
    kept = [cls for cls in dict.fromkeys(classes) if cls is not object and not cls.__name__.startswith("_")]
    return [cls.__name__ for cls in kept] if names_only else kept


def _as_utc(moment: Any) -> datetime:
    from resultant.engine.moments import as_utc, now

    return now() if moment is None else as_utc(moment)


def _picklable(result: Result) -> Result:
    import cloudpickle

    try:
        cloudpickle.dumps(result.value)
    except Exception as error:
        return result.from_value(
            f"The following exception could not be pickled, because of {error!r}:\n{result.value!r}"
        )
    return result
