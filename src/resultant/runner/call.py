"""The one place where a task's own code runs: timeouts, captured output, exception → state."""

from __future__ import annotations

from resultant.engine.result import Result
from resultant.engine.signals import ENDRUN, ResultantStateSignal, TaskTimeoutSignal
from resultant.engine.state import Failed, State, Success, TimedOut
from resultant.runtime import context, get_logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .frame import TaskFrame

__all__ = ["SUCCEEDED", "call"]

SUCCEEDED = "Task run succeeded."

_new = object.__new__


def call(frame: TaskFrame, inputs: dict[str, Any]) -> State:
    """Run a task's code and return the state that it leads to; the value is not stored yet.

    Args:
        frame: the task run.
        inputs: values by name.

    Raises:
        ENDRUN: the code ends the run with a state of its own.
    """
    step = frame.step
    run = step.task.run
    if step.timeout is not None or step.task.log_stdout:
        run = _wrapped(frame, run)
    try:
        value = run(**inputs)
    except ResultantStateSignal as signal:
        return signal.state
    except TaskTimeoutSignal as signal:
        around = signal.task_run_id not in (None, frame.lookup("task_run_id"))
        if around or context.get("raise_on_exception"):
            raise
        return TimedOut("Task timed out during execution.", result=signal)
    except ENDRUN:
        raise
    except (Exception, SystemExit) as error:
        if context.get("raise_on_exception"):
            raise
        from .failure_text import users_trace

        get_logger(step.name).error(
            "Task '%s': Exception encountered during task execution!",
            _name(frame),
            exc_info=(type(error), error, users_trace(error)),
        )
        from resultant.errors import safe_repr

        return Failed(f"Error during execution of task: {safe_repr(error)}", result=error)
    state = _new(Success)
    state.message = SUCCEEDED
    result = _new(Result)
    result.value = value
    state._result = result
    return state


def _name(frame: TaskFrame) -> str:
    return str(frame.lookup("task_full_name"))


def _wrapped(frame: TaskFrame, run: Callable[..., Any]) -> Callable[..., Any]:
    step = frame.step

    def wrapped(**inputs: Any) -> Any:
        if step.timeout is None:
            return run(**inputs)
        from .timeout import call_within

        return call_within(step.timeout, frame, run, inputs)

    if not step.task.log_stdout:
        return wrapped

    def captured(**inputs: Any) -> Any:
        from .capture import printed_to

        with printed_to(get_logger(step.name)):
            return wrapped(**inputs)

    return captured
