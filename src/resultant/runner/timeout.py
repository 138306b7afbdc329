"""Time limits on a task's code.

In a main thread an alarm interrupts it. In any other thread nothing can, so it runs in a process of its own, which is
ended at the limit.
"""

from __future__ import annotations

from resultant.engine.signals import TaskTimeoutSignal
from resultant.runtime import enter, leave

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

    from .frame import TaskFrame

__all__ = ["call_within"]


def call_within(seconds: float, frame: TaskFrame, run: Callable[..., Any], inputs: dict[str, Any]) -> Any:
    """Return ``run(**inputs)``, or give up after some time.

    Args:
        seconds: the limit.
        frame: the task run, put in force where the code runs.
        run: the task's code.
        inputs: values by name.

    Raises:
        TaskTimeoutSignal: the limit was reached.
    """
    import threading

    if threading.current_thread() is threading.main_thread():
        return _with_alarm(seconds, frame, run, inputs)
    from resultant.executors.subprocess_call import run_in_subprocess

    from .remote import worker_setup

    step = frame.step
    prints = bool(step.task.log_stdout)
    try:
        return run_in_subprocess(
            _in_frame,
            _keys(frame),
            step.name,
            prints,
            run,
            inputs,
            timeout=seconds,
            setup=worker_setup(),
            extra_context={"task_name": step.name},
        )
    except TimeoutError as error:
        if isinstance(error, TaskTimeoutSignal):
            raise
        raise TaskTimeoutSignal(f"Execution timed out after {seconds:g} s.") from None


def _with_alarm(seconds: float, frame: TaskFrame, run: Callable[..., Any], inputs: dict[str, Any]) -> Any:
    import signal
    from time import monotonic

    # There is one alarm. It may be set: by the limit of a task that runs this one's flow, or by the program for itself.
    outer, _ = signal.getitimer(signal.ITIMER_REAL)
    began = monotonic()

    def ring(number: int, place: FrameType | None) -> None:
        nonlocal outer
        left = seconds - (monotonic() - began)
        if 0 < outer < seconds and callable(before) and left > 0:
            outer = 0.0
            before(number, place)
            signal.setitimer(signal.ITIMER_REAL, left)
            return
        over = TaskTimeoutSignal(f"Execution timed out after {seconds:g} s.")
        over.task_run_id = frame.lookup("task_run_id")
        raise over

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, min(seconds, outer or seconds))
        return run(**inputs)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if outer:
            signal.setitimer(signal.ITIMER_REAL, max(1e-6, outer - (monotonic() - began)))


def _in_frame(keys: dict[str, Any], name: str, prints: bool, code: Callable[..., Any], inputs: dict[str, Any]) -> Any:
    from contextlib import nullcontext

    from resultant.runtime import Frame, get_logger

    from .capture import printed_to

    keys["logger"] = logger = get_logger(name)
    old = enter(Frame(keys))
    try:
        with printed_to(logger) if prints else nullcontext():
            return code(**inputs)
    finally:
        leave(old)


def _keys(frame: TaskFrame) -> dict[str, Any]:
    # What belongs to this process alone stays here.
    return {key: value for key, value in frame.flat().items() if key not in ("caches", "flow", "logger", "case")}
