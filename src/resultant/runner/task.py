"""The ladder of one task run. Each rung is one policy, and calls the rung below.

``run_task → when_ready → unless_cached → with_retries → persisted → call``

A rung returns the state it ends in, or an :class:`Unfinished` where bytes are still on their way to a slow store.
"""

from __future__ import annotations

from resultant.engine.result import Result
from resultant.engine.signals import ENDRUN, PAUSE, ResultantStateSignal
from resultant.engine.state import (
    Cached,
    Failed,
    Looped,
    Mapped,
    Pending,
    Resume,
    Retrying,
    Running,
    Scheduled,
    Skipped,
    State,
    Success,
    TriggerFailed,
)
from resultant.errors import LocationError, WriteError
from resultant.runtime import context, enter, get_logger, leave

from .call import call
from .frame import TaskFrame
from .persist import locate, read_target, save, wrap
from .transition import transition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Future
    from typing import Any

    from .plan import Run, Step

__all__ = ["Unfinished", "died", "parent_state", "run_task"]


_new = object.__new__


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
                self.outcome = _write_failed(error)
            return _ended(self.frame, conclude(self.frame, self.running, self.outcome))
        except (ENDRUN, PAUSE) as end:
            return end.state
        except Exception as error:
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
        if state.__class__ is not Pending and not _may_run(frame, state):
            return state
        if run.verbose and (index is None or run.verbose > 1):
            get_logger(step.name).log(20 if index is None else 10, "Task '%s': Starting task run...", step.name)
        end = when_ready(frame, state, upstream, inputs)
        while end.__class__ is Looped:
            end = when_ready(frame, _next_pass(frame, end), upstream, inputs)  # type: ignore[arg-type]
        return _ended(frame, end)
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
        inputs = dict(step.constants)
        for edge, above in zip(step.upstream, upstream or (), strict=True):
            if edge.key is not None:
                inputs[edge.key] = above._result.value
    frame.inputs = inputs
    if not step.plain or (upstream is not None and not _all_succeeded(upstream)):
        if upstream is None:
            name_run(frame)
        else:
            stop = _gate(frame, state, upstream)
            if stop is not None:
                return stop
        return unless_cached(frame, state, inputs)
    if state.__class__ is not Cached:
        return with_retries(frame, state, inputs)
    return unless_cached(frame, state, inputs)


def unless_cached(frame: TaskFrame, state: State, inputs: dict[str, Any]) -> State | Unfinished:
    """Second rung: nothing at the target, and no cached state that the validator accepts."""
    step = frame.step
    if step.target is not None or step.task.target is not None:
        try:
            found = read_target(frame)
        except Exception as error:
            if context.get("raise_on_exception"):
                raise
            get_logger(step.name).error("Task '%s': its target cannot be used: %s", step.name, error)
            return _change(frame, state, Failed(f"Unexpected error: {error!r}", result=error))
        if found is not None:
            hit = _new(Cached)
            hit.message = f"Result found at task target {frame.location}"
            hit._result = found
            return _change(frame, state, hit)
    elif step.task.cache_for is not None or state.__class__ is Cached:
        from .caching import valid_state

        cached = valid_state(frame, state, inputs)
        if cached is not None:
            return cached if cached is state else _change(frame, state, cached)
        if state.is_cached():
            state = _change(frame, state, Pending("Cache was invalid; ready to run."))
    return with_retries(frame, state, inputs)


def with_retries(frame: TaskFrame, state: State, inputs: dict[str, Any]) -> State | Unfinished:
    """Third rung: a failure that may be tried again becomes ``Retrying``; the flow does the waiting."""
    if frame.step.handlers:
        running = _change(frame, state, Running("Starting task run."))
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
            raise ENDRUN(_change(frame, running, Failed(_unplaced(step, error), result=error))) from error
    try:
        outcome = call(frame, inputs)
    except ENDRUN as end:
        raise ENDRUN(_change(frame, running, end.state)) from end
    if outcome.__class__ is Success or isinstance(outcome, (Success, Looped)) and not isinstance(outcome, Skipped):
        value = outcome._result.value
        if step.stores and (value is not None or step.own_location):
            try:
                background = frame.run.writers is not None and outcome.__class__ is not Looped
                outcome._result, write = save(frame, value, background)
            except WriteError as error:
                return _write_failed(error)
            if write is not None:
                return Unfinished(frame, running, outcome, write)
        elif step.result is not None:
            outcome._result = wrap(frame, value)
    return outcome


def conclude(frame: TaskFrame, running: State, outcome: State) -> State:
    """Tell the handlers how the code ended, and work out what follows: a cache entry, another try, another pass."""
    step = frame.step
    if step.handlers:
        before = outcome._result
        told = _change(frame, running, outcome)
        outcome = _stored_again(frame, told, before)
    if step.task.cache_for is not None and outcome.__class__ is Success:
        from .caching import cached_state

        outcome = _change(frame, outcome, cached_state(frame, outcome))
    elif isinstance(outcome, Failed):
        if step.max_retries and _may_retry(frame, outcome):
            outcome = _change(frame, outcome, _retrying(frame))
    elif outcome.__class__ is Looped:
        if not outcome.message:
            outcome.message = "Task is looping."
    return outcome


def parent_state(run: Run, step: Step, state: State, upstream: list[State]) -> State:
    """Return how the parent of mapped children stands: ``Mapped`` when they may be made.

    Args:
        run: what is common to the whole run.
        step: the mapped task.
        state: how the parent stood.
        upstream: the states of the tasks above, one for each edge.
    """
    frame = TaskFrame(run, step, None)
    outer = enter(frame)
    try:
        if state.__class__ is Mapped:
            return state
        if state.__class__ is not Pending and not _may_run(frame, state):
            return state
        stop = _gate(frame, state, upstream, parent=True)
        if stop is not None:
            return stop
        return _change(frame, state, Mapped("Ready to proceed with mapping."))
    except (ENDRUN, PAUSE) as signal:
        return signal.state
    except Exception as error:
        if context.get("raise_on_exception"):
            raise
        return _unexpected(error)
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
        _may_run(frame, state)
        get_logger(step.name).error("Task '%s' could not be run to its end: %s", step.name, error)
        return conclude(frame, Running(), Failed(f"Unexpected error: {error!r}", result=error))
    except (ENDRUN, PAUSE) as signal:
        return signal.state
    finally:
        leave(outer)


def name_run(frame: TaskFrame) -> None:
    """Work out the task run's name, if the task has a template or callable for it."""
    template = frame.step.task.task_run_name
    if template is None:
        return
    if callable(template):
        frame.run_name = template(**frame.names())
    else:
        from resultant.engine.location import compile_template

        frame.run_name = compile_template(template).fill(frame.name)


def _change(frame: TaskFrame, old: State, new: State) -> State:
    step = frame.step
    if step.tags and new._context is None:
        new.context["tags"] = list(step.tags)
    return transition(step.task, step.handlers, old, new) if step.handlers else new


def _all_succeeded(upstream: list[State]) -> bool:
    """Return whether every state is a plain success, the usual case, which needs no second look."""
    for above in upstream:  # noqa: SIM110 - a loop costs a third of `all()` over a generator
        if above.__class__ is not Success:
            return False
    return True


def _may_run(frame: TaskFrame, state: State) -> bool:
    """Take over what a state that waited carries; return whether it is its time."""
    if not (state.is_pending() or state.is_cached() or state.is_mapped()):
        return False
    if isinstance(state, Scheduled):
        from resultant.engine.moments import now

        if state.start_time is None or state.start_time > now():
            return False
        frame.resume = isinstance(state, Resume) or state.__class__.__name__ == "Paused"
    if isinstance(state, Retrying):
        frame.run_count = state.run_count + 1
        if "task_loop_count" in state.context:
            frame.loop_count = state.context["task_loop_count"]
            frame.loop_result = state._result
    else:
        frame.run_count = state.context.get("task_run_count", 1)
    return True


def _gate(frame: TaskFrame, state: State, upstream: list[State], parent: bool = False) -> State | None:
    """Return the state that keeps a task from running, or ``None`` if nothing does.

    The parent of mapped children does not ask the trigger: each child asks for itself.
    """
    step = frame.step
    flat: list[State] = []
    for above, edge in zip(upstream, step.upstream, strict=True):
        if above.is_mapped() and not edge.mapped:
            flat.extend(above.map_states)  # type: ignore[attr-defined]
        else:
            flat.append(above)
    if not all(above.is_finished() for above in flat):
        return state
    if step.task.skip_on_upstream_skip and any(above.is_skipped() for above in flat):
        text = "Upstream task was skipped; if this was not the intended behavior, consider changing `skip_on_upstream_skip=False` for this task."
        return _change(frame, state, Skipped(text))
    name_run(frame)
    return None if parent else _ask_trigger(frame, state, upstream)


def _ask_trigger(frame: TaskFrame, state: State, upstream: list[State]) -> State | None:
    step = frame.step
    try:
        states = {edge.edge: above for edge, above in zip(step.upstream, upstream, strict=False)}
        if step.task.trigger(states):
            return None
        stop: State = TriggerFailed("Trigger failed")
    except ResultantStateSignal as signal:
        if context.get("raise_on_exception"):
            raise
        stop = signal.state
    except Exception as error:
        if context.get("raise_on_exception"):
            raise
        stop = TriggerFailed(f"Unexpected error while checking task trigger: {error!r}", result=error)
    return _change(frame, state, stop)


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
        return _write_failed(error)
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


def _write_failed(error: WriteError) -> Failed:
    get_logger("results").error("%s", error)
    failed = Failed(str(error), result=error)
    return failed


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
