"""Signals: raised in a task, a trigger or a state handler, they choose the state.

They derive from ``BaseException``, so that ``except Exception`` in a task does not swallow one.
"""

from __future__ import annotations

from resultant.engine import state as states

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "ENDRUN",
    "FAIL",
    "LOOP",
    "PAUSE",
    "RETRY",
    "SKIP",
    "SUCCESS",
    "TRIGGERFAIL",
    "VALIDATIONFAIL",
    "ResultantStateSignal",
    "Signal",
    "TaskTimeoutSignal",
    "signal_from_state",
]


class Signal(BaseException):
    """Base of all signals."""


class TaskTimeoutSignal(Signal):
    """A task ran out of time.

    Attributes:
        task_run_id: whose limit it was, where the code of several task runs is under way, one within the other.
    """

    task_run_id: str | None = None


class ENDRUN(Signal):
    """Ends a task run at once with the given state.

    Args:
        state: the state to end with.
    """

    def __init__(self, state: states.State) -> None:
        self.state = state
        super().__init__(state)


class ResultantStateSignal(Signal):
    """A signal that stands for a state.

    Args:
        message: the state's message.
        *args: further arguments of the state, by position.
        **kwargs: further arguments of the state, ``result=`` among them; without it the state's value is the signal.

    Raises:
        TypeError: the state takes no such argument.
    """

    _state_class: type[states.State] = states.State

    def __init__(self, message: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(message)
        self._arguments = (message, args, kwargs)
        kwargs = dict(kwargs)
        kwargs.setdefault("result", self._own_result())
        self.state = self._state_class(message, *args, **kwargs)

    def _own_result(self) -> Any:
        return self

    def __repr__(self) -> str:
        message = self.args[0] if self.args else None
        return f"{type(self).__name__}({message!r})"

    def __reduce__(self) -> Any:
        message, args, kwargs = self._arguments
        return _rebuild, (type(self), message, args, kwargs)


def _rebuild(cls: type[ResultantStateSignal], message: Any, args: Any, kwargs: Any) -> ResultantStateSignal:
    return cls(message, *args, **kwargs)


class FAIL(ResultantStateSignal):
    """The task failed; retried like an ordinary error."""

    _state_class = states.Failed


class TRIGGERFAIL(FAIL):
    """The trigger does not let the task run."""

    _state_class = states.TriggerFailed


class VALIDATIONFAIL(FAIL):
    """The task found its data wrong."""

    _state_class = states.ValidationFailed


class SUCCESS(ResultantStateSignal):
    """The task succeeded; ``result=`` is its value."""

    _state_class = states.Success


class RETRY(ResultantStateSignal):
    """The task wants another try, whatever its ``max_retries``.

    Args:
        message: the state's message.
        *args: further arguments of the state.
        **kwargs: ``start_time=`` (default now), ``run_count=``, ``result=``.
    """

    _state_class = states.Retrying


class SKIP(ResultantStateSignal):
    """The task need not run."""

    _state_class = states.Skipped


class PAUSE(ResultantStateSignal):
    """The task waits for approval, or until ``start_time=``."""

    _state_class = states.Paused


class LOOP(ResultantStateSignal):
    """The task wants another pass; ``result=`` is handed to it as ``task_loop_result``."""

    _state_class = states.Looped

    def _own_result(self) -> Any:
        return repr(self)


def signal_from_state(state: states.State) -> type[ResultantStateSignal]:
    """Return the class of signal that stands for a state.

    Raises:
        ValueError: no signal does.
    """
    for signal in (TRIGGERFAIL, VALIDATIONFAIL, FAIL, SUCCESS, RETRY, SKIP, PAUSE, LOOP):
        if type(state) is signal._state_class:
            return signal
    raise ValueError(f"No signal stands for the state {type(state).__name__}.")
