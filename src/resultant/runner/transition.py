"""One change of state: handlers are asked, in order, and the log is told."""

from __future__ import annotations

from resultant.engine.signals import ENDRUN, PAUSE, ResultantStateSignal
from resultant.engine.state import Failed, State
from resultant.runtime import context, get_logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .frame import TaskFrame

__all__ = ["change", "transition"]


def transition(subject: Any, handlers: Iterable[Callable[..., Any]], old: State, new: State) -> State:
    """Return the state that a change ends in, after every handler was asked.

    Args:
        subject: the task or flow whose state changes.
        handlers: called with subject, true old state and the previous handler's new state; ``None`` keeps the state.
        old: the state before.
        new: the state after.

    Raises:
        ENDRUN: a handler failed with an exception: the run ends with a failure that holds it.
        PAUSE: a handler asks for a pause.
    """
    if new is old:
        return new
    try:
        for handler in handlers:
            answer = handler(subject, old, new)
            if answer is not None:
                if not isinstance(answer, State):
                    name = getattr(handler, "__name__", repr(handler))
                    raise TypeError(f"the state handler {name} returned {answer!r}; it returns a state, or nothing")
                new = answer
    except PAUSE:
        raise
    except ResultantStateSignal as signal:
        if context.get("raise_on_exception"):
            raise
        return signal.state
    except Exception as error:
        if context.get("raise_on_exception"):
            raise
        from resultant.errors import safe_repr

        message = f"Unexpected error while calling state handlers: {safe_repr(error)}"
        get_logger(getattr(subject, "name", None)).error(message, exc_info=True)
        raise ENDRUN(Failed(message, result=error)) from error
    return new


def change(frame: TaskFrame, old: State, new: State) -> State:
    """Return the state that a task run's change ends in, after its handlers were asked, if it has any."""
    step = frame.step
    if step.tags and new._context is None:
        new.context["tags"] = list(step.tags)
    return transition(step.task, step.handlers, old, new) if step.handlers else new
