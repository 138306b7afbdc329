"""The ladder of one task run. Each rung is one policy, and calls the rung below.

``run_task → when_ready → unless_cached → with_retries → persisted → call``

A rung returns the state it ends in, or an :class:`Unfinished` where bytes are still on their way to a slow store.
"""

from __future__ import annotations

from resultant.engine.signals import ENDRUN, PAUSE
from resultant.engine.state import (
    Cached,
    Failed,
    Looped,
    Mapped,
    Pending,
    Retrying,
    Running,
    Skipped,
    State,
    Success,
    TriggerFailed,
)
from resultant.errors import LocationError, WriteError
from resultant.runtime import context, enter, get_logger, leave

from .call import call
from .failure_text import keep_failure, keep_signal
from .frame import TaskFrame
from .gate import all_succeeded, gate, may_run, name_run
from .mapping import expand, input_values
from .persist import locate, read_target, save, wrap
from .transition import change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Future
    from typing import Any

    from resultant.engine.result import Result

    from .mapping import Children
    from .plan import Run, Step

__all__ = ["FOUND_AT_TARGET", "Unfinished", "died", "parent_state", "run_task", "write_failed"]


_new = object.__new__

#: How the message of a state begins whose value was at the task's target already.
FOUND_AT_TARGET = "Result found at task target"


class Unfinished:
    """A task run whose code is done while its bytes still travel.

    Args:
        frame: the task run.
        running: the state before.
        outcome: the state that it reaches when the write ends well.
        write: the write's future.
    """

    __slots__ = ("frame", "outcome", "running", "write")

    def __init__(self, frame: TaskFrame, running: State, outcome: State, write: Future[Any]) -> None:
        self.frame = frame
        self.running = running
        self.outcome = outcome
        self.write = write

    def finish(self) -> State:
        """Wait for the write and return the state that the run ends in; handlers are called now."""
        outer = enter(self.frame)
        try:
            try:
                self.write.result()
            except WriteError as error:
                self.outcome = write_failed(error)
            state: State = _ended(self.frame, conclude(self.frame, self.running, self.outcome))
            return state
        except (ENDRUN, PAUSE) as end:
            return end.state
        except Exception as error:  # noqa: BLE001 - whatever a handler or a store does, the run ends in a state
            return _unexpected(error)
        finally:
            leave(outer)


def run_task(
    run: Run,
    step: Step,
    state: State,
    upstream: list[State] | None,
    inputs: dict[str, Any] | None = None,
    index: int | None = None,
    location: str | None = None,
) -> State | Unfinished:
    """Run one task, or one child of a mapped task.

    Args:
        run: what is common to the whole run.
        step: what is common to all runs of the task.
        state: how the task run stands.
        upstream: the states of the tasks above, one for each edge; ``None`` where the trigger is the usual one, and it
            is known that all of them succeeded and none was skipped.
        inputs: values by name; made from `upstream` if missing.
        index: position of a mapped child.
        location: where the value goes, if that was worked out already.

    Returns:
        The state it ends in; `state` itself if nothing could be done yet.
    """
    frame = TaskFrame(run, step, index)
    frame.location = location
    outer = enter(frame)
    try:
        if state.__class__ is not Pending and not may_run(frame, state):
            return state
        if run.verbose and (index is None or run.verbose > 1):
            get_logger(step.name).log(20 if index is None else 10, "Task '%s': Starting task run...", step.name)
        end: Any = when_ready(frame, state, upstream, inputs)
        while end.__class__ is Looped:
            end = when_ready(frame, _next_pass(frame, end), upstream, inputs)
        last: State | Unfinished = _ended(frame, end)
        return last
    except (ENDRUN, PAUSE) as signal:
        return signal.state
    except Exception as error:
        if context.get("raise_on_exception"):
            raise
        get_logger(step.name).error("Task '%s': unexpected error: %r", step.name, error, exc_info=True)
        return _unexpected(error)
    finally:
        leave(outer)


def when_ready(
    frame: TaskFrame, state: State, upstream: list[State] | None, inputs: dict[str, Any] | None
) -> State | Unfinished:
    """First rung: everything above is finished, not skipped, and the trigger says yes."""
    step = frame.step
    if inputs is None:
        inputs = input_values(step, upstream or [])
    frame.inputs = inputs
    if not step.plain or (upstream is not None and not all_succeeded(upstream)):
        frame.upstream = upstream
        if upstream is None:
            name_run(frame)
        else:
            stop = gate(frame, state, upstream)
            if stop is not None:
                return stop
        return unless_cached(frame, state, inputs)
    if state.__class__ is not Cached:
        return with_retries(frame, state, inputs)
    return unless_cached(frame, state, inputs)


def unless_cached(frame: TaskFrame, state: State, inputs: dict[str, Any]) -> State | Unfinished:
    """Second rung: nothing at the target, and no cached state that the validator accepts."""
    step = frame.step
    if step.task.target is not None and frame.loop_result is None:
        try:
            found = read_target(frame)
        except Exception as error:
            if context.get("raise_on_exception"):
                raise
            get_logger(step.name).error("Task '%s': its target cannot be used: %s", step.name, error)
            return change(frame, state, Failed(f"Unexpected error: {error!r}", result=error))
        if found is not None:
            hit = _new(Cached)
            hit.message = f"{FOUND_AT_TARGET} {frame.location}"
            hit._result = found
            return change(frame, state, hit)
    elif step.task.cache_for is not None or state.__class__ is Cached:
        from .caching import valid_state

        cached = valid_state(frame, state, inputs)
        if cached is not None:
            return cached if cached is state else change(frame, state, cached)
        if state.is_cached():
            state = change(frame, state, Pending("Cache was invalid; ready to run."))
    return with_retries(frame, state, inputs)


def with_retries(frame: TaskFrame, state: State, inputs: dict[str, Any]) -> State | Unfinished:
    """Third rung: a failure that may be tried again becomes ``Retrying``; the flow does the waiting."""
    if frame.step.handlers:
        running = change(frame, state, Running("Starting task run."))
        if not running.is_running():
            return running
    else:
        running = state
    outcome = persisted(frame, running, inputs)
    return outcome if outcome.__class__ is Unfinished else conclude(frame, running, outcome)  # type: ignore[arg-type]


def persisted(frame: TaskFrame, running: State, inputs: dict[str, Any]) -> State | Unfinished:
    """Fourth rung: the value is stored before anybody hears of it."""
    step = frame.step
    if step.stores:
        try:
            locate(frame)
        except Exception as error:
            get_logger(step.name).error(
                "Task '%s' did not run, because its result would have no place: %s", step.name, error
            )
            raise ENDRUN(change(frame, running, Failed(_unplaced(step, error), result=error))) from error
    try:
        outcome = call(frame, inputs)
    except ENDRUN as end:
        raise ENDRUN(change(frame, running, end.state)) from end
    if outcome.__class__ is Success or (isinstance(outcome, (Success, Looped)) and not isinstance(outcome, Skipped)):
        value = outcome._result.value
        # A target is what later runs find: the value of a pass that is not the last has no business there.
        passing = outcome.__class__ is Looped and step.task.target is not None
        if step.stores and (value is not None or step.own_location) and not passing:
            try:
                background = frame.run.writers is not None and outcome.__class__ is not Looped
                outcome._result, write = save(frame, value, background)
            except WriteError as error:
                return write_failed(error)
            if write is not None:
                return Unfinished(frame, running, outcome, write)
        elif step.result is not None:
            outcome._result = wrap(frame, value)
    return outcome


def conclude(frame: TaskFrame, running: State, outcome: State) -> State:
    """Tell the handlers how the code ended, and work out what follows: a cache entry, another try, another pass."""
    step = frame.step
    if outcome.__class__ is Looped and not outcome.message:
        outcome.message = "Task is looping."
    elif frame.run.digester is not None and outcome.__class__ is not Success:
        if isinstance(outcome, Failed):
            keep_failure(frame, outcome)
        elif isinstance(outcome, Skipped):
            keep_signal(frame, outcome)
    if step.handlers:
        before = outcome._result
        told = change(frame, running, outcome)
        outcome = _stored_again(frame, told, before)
    elif step.tags and outcome._context is None:
        outcome.context["tags"] = list(step.tags)
    if step.task.cache_for is not None and outcome.__class__ is Success:
        from .caching import cached_state

        outcome = change(frame, outcome, cached_state(frame, outcome))
    elif isinstance(outcome, Failed) and step.max_retries and _may_retry(frame, outcome):
        outcome = change(frame, outcome, _retrying(frame))
    return outcome


def parent_state(run: Run, step: Step, state: State, upstream: list[State]) -> tuple[State, Children | None]:
    """Return how the parent of mapped children stands: ``Mapped``, and what they are given, when they may be made.

    Args:
        run: what is common to the whole run.
        step: the mapped task.
        state: how the parent stood.
        upstream: the states of the tasks above, one for each edge.
    """
    frame = TaskFrame(run, step, None)
    outer = enter(frame)
    try:
        if state.__class__ is not Mapped:
            if state.__class__ is not Pending and not may_run(frame, state):
                return state, None
            stop = gate(frame, state, upstream, parent=True)
            if stop is not None:
                return stop, None
        children = expand(run, step, upstream)
        if isinstance(children, Failed):
            return change(frame, state, children), None
        if state.__class__ is not Mapped:
            state = change(frame, state, Mapped("Ready to proceed with mapping."))
        return state, children if isinstance(state, Mapped) else None
    except (ENDRUN, PAUSE) as signal:
        return signal.state, None
    except Exception as error:
        if context.get("raise_on_exception"):
            raise
        return _unexpected(error), None
    finally:
        leave(outer)


def died(run: Run, step: Step, state: State, index: int | None, error: Exception) -> State:
    """Return the state of a task run that came to no end of its own, because what ran it broke.

    Args:
        run: what is common to the whole run.
        step: the task.
        state: how it stood.
        index: position of a mapped child.
        error: what the executor said.
    """
    frame = TaskFrame(run, step, index)
    outer = enter(frame)
    try:
        may_run(frame, state)
        get_logger(step.name).error("Task '%s' could not be run to its end: %s", step.name, error)
        return conclude(frame, Running(), Failed(f"Unexpected error: {error!r}", result=error))
    except (ENDRUN, PAUSE) as signal:
        return signal.state
    finally:
        leave(outer)


def _stored_again(frame: TaskFrame, state: State, before: Result) -> State:
    """Store the value that a handler put in the place of the task's own, by the same rules."""
    step = frame.step
    result = state._result
    if result is before or not step.stores or not isinstance(state, Success) or isinstance(state, Skipped):
        return state
    if result.location is not None or (result.value is None and not step.own_location):
        return state
    try:
        state._result, _ = save(frame, result.value, background=False)
    except WriteError as error:
        return write_failed(error)
    return state


def _may_retry(frame: TaskFrame, failed: Failed) -> bool:
    if isinstance(failed, TriggerFailed) or frame.run_count > frame.step.max_retries:
        return False
    if isinstance(failed.result, WriteError):
        # The code has done its work; running it again would not make the store any better.
        return False
    wanted = frame.step.task.retry_on
    return not wanted or isinstance(failed.result, tuple(wanted))


def _retrying(frame: TaskFrame) -> Retrying:
    from resultant.engine.moments import later

    step = frame.step
    looping = {"task_loop_count": frame.loop_count} if frame.loop_result is not None else None
    return Retrying(
        f"Retrying Task (after attempt {frame.run_count} of {step.max_retries + 1})",
        result=frame.loop_result,
        start_time=later(step.task.retry_delay),
        run_count=frame.run_count,
        context=looping,
    )


def _next_pass(frame: TaskFrame, looped: Any) -> State:
    frame.loop_count = looped.loop_count + 1
    frame.loop_result = looped._result
    frame.run_count = 1
    frame.location = None
    return Pending(f"Looping task (on loop index {looped.loop_count}).")


def write_failed(error: WriteError) -> Failed:
    """Return the state of a task run whose value could not be stored."""
    get_logger("results").error("%s", error)
    return Failed(str(error), result=error)


def _unplaced(step: Step, error: Exception) -> str:
    text = error if isinstance(error, LocationError) else repr(error)
    return f"Task {step.name!r} did not run, because its result would have no place: {text}"


def _unexpected(error: BaseException) -> Failed:
    return Failed(f"Unexpected error: {error!r}", result=error)


def _ended(frame: TaskFrame, end: Any) -> Any:
    run = frame.run
    if run.verbose and (frame.index is None or run.verbose > 1) and end.__class__ is not Unfinished:
        get_logger(frame.step.name).log(
            20 if frame.index is None else 10,
            "Task '%s': Finished task run for task with final state: '%s'",
            frame.step.name,
            type(end).__name__,
        )
    return end
