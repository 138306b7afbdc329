"""What stands before a task's code: its time, the tasks above, its trigger."""

from __future__ import annotations

from resultant.engine.signals import TRIGGERFAIL, ResultantStateSignal
from resultant.engine.state import Resume, Retrying, Scheduled, Skipped, State, Success, TriggerFailed
from resultant.runtime import context

from .transition import change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .frame import TaskFrame

__all__ = ["all_succeeded", "gate", "may_run", "name_run"]


def name_run(frame: TaskFrame) -> None:
    """Work out the task run's name, if the task has a template or callable for it."""
    template = frame.step.task.task_run_name
    if template is None:
        return
    if callable(template):
        from resultant.engine.location import call_with_names

        frame.run_name = call_with_names(template, frame.names())
    else:
        from resultant.engine.location import compile_template

        frame.run_name = compile_template(template).fill(frame.name)


def all_succeeded(upstream: list[State]) -> bool:
    """Return whether every state is a plain success, the usual case, which needs no second look."""
    for above in upstream:  # noqa: SIM110 - a loop costs a third of `all()` over a generator
        if above.__class__ is not Success:
            return False
    return True


def may_run(frame: TaskFrame, state: State) -> bool:
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


def gate(frame: TaskFrame, state: State, upstream: list[State], parent: bool = False) -> State | None:
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
        return change(frame, state, Skipped(text))
    if parent:
        return None
    name_run(frame)
    return _ask_trigger(frame, state, upstream)


def _ask_trigger(frame: TaskFrame, state: State, upstream: list[State]) -> State | None:
    step = frame.step
    try:
        states = {edge.edge: above for edge, above in zip(step.upstream, upstream, strict=False)}
        if step.task.trigger(states):
            return None
        stop = TRIGGERFAIL("Trigger failed").state
    except ResultantStateSignal as signal:
        if context.get("raise_on_exception"):
            raise
        stop = signal.state
    except Exception as error:
        if context.get("raise_on_exception"):
            raise
        from resultant.errors import safe_repr

        stop = TriggerFailed(f"Unexpected error while checking task trigger: {safe_repr(error)}", result=error)
    return change(frame, state, stop)
