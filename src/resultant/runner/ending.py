"""How a run ends: approvals that are still missing, the flow's final state, an interruption."""

from __future__ import annotations

from resultant.engine.result import NoResult
from resultant.engine.signals import ENDRUN, PAUSE
from resultant.engine.state import Cancelled, Failed, Mapped, Paused, Pending, Resume, Running, State, Success
from resultant.runtime import get_logger

from .plan import is_input
from .transition import transition
from .waits import waiting_runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from .flow import FlowRun

__all__ = ["ask_for_approval", "final_state", "first_failure", "interrupted", "remember_caches"]


def ask_for_approval(tracker: FlowRun, shown: Any) -> bool:
    """Ask whoever sits at the terminal about each task run that is paused; return whether one of them may go on."""
    paused = [
        (index, child, state)
        for index, child, state in waiting_runs(tracker.states)
        if isinstance(state, Paused) and state.start_time is None
    ]
    if not paused:
        return False
    import sys

    if sys.stdin is None or not sys.stdin.isatty():
        names = ", ".join(sorted({tracker.plan.steps[index].name for index, _, _ in paused}))
        get_logger("flow").warning("The run waits for approval of: %s. There is no terminal to ask on.", names)
        return False
    approved = False
    for index, child, state in paused:
        name = tracker.plan.steps[index].name
        full = name if child is None else f"{name}[{child}]"
        with shown.aside():
            answer = input(f"{full} is paused: {state.message or 'it waits for approval'} Run it now? [y/N] ")
        if answer.strip().lower() in ("y", "yes"):
            tracker.resume(index, child, Resume("Approved on the terminal."))
            approved = True
    return approved


def final_state(flow: Any, tracker: FlowRun, running: State, return_tasks: Iterable[Any] | None) -> State:
    """Return the state that a flow ends in, judged by its reference tasks.

    Args:
        flow: the flow.
        tracker: its run.
        running: the flow's state so far.
        return_tasks: the tasks whose states the final state's result holds; all if missing.
    """
    states, index = tracker.states, tracker.plan.index
    for unfinished in states:
        if unfinished.__class__ is Pending and unfinished.message is None and return_tasks is None:
            unfinished.message = "Task not run."
        elif isinstance(unfinished, Mapped) and unfinished._result == NoResult:
            unfinished.result = [child and child.result for child in unfinished.map_states]
    found = {step.task: states[step.index] for step in tracker.plan.steps}
    if return_tasks is not None:
        wanted = list(return_tasks)
        unknown = [task for task in wanted if task not in found]
        if unknown:
            raise ValueError(f"Some tasks provided in `return_tasks` were not found in the flow: {unknown}")
        found = {task: found[task] for task in wanted}
    terminal, wanted_tasks = flow.terminal_tasks(), flow.reference_tasks()
    reference = [states[index[task]] for task in wanted_tasks]
    judged = _one_of_each(reference)
    ends = judged if terminal == wanted_tasks else _one_of_each(states[index[task]] for task in terminal)
    final: State
    if not all(state.is_finished() for state in ends):
        final = running if running.is_running() else Running()
        final.result = found
        return final
    if any(state.is_failed() for state in judged):
        final = Failed("Some reference tasks failed.", result=found)
    elif all(state.is_successful() for state in judged):
        final = Success("All reference tasks succeeded.", result=found)
    else:
        final = Success("No reference tasks failed.", result=found)
    handler = flow.terminal_state_handler
    if handler is not None:
        answer = handler(flow, final, set(reference))
        final = final if answer is None else answer
    return final


def _one_of_each(states: Iterable[State]) -> list[State]:
    """Return one state of each class that there is: what is asked of thousands, the class alone answers.

    Classes of the user's own may answer otherwise: where there is one, all states are returned.
    """
    flat = _with_children(states)
    one = {state.__class__: state for state in flat}
    return list(one.values()) if all(cls.__module__.startswith("resultant.engine.") for cls in one) else flat


def _with_children(states: Iterable[State]) -> list[State]:
    flat: list[State] = []
    for state in states:
        flat.append(state)
        if isinstance(state, Mapped):
            flat.extend(child for child in state.map_states if child is not None)
    return flat


def remember_caches(tracker: FlowRun) -> None:
    """Keep the cached states that a run ended in for later runs of this process."""
    from .caching import remember

    cached = [step for step in tracker.plan.steps if step.task.cache_for is not None]
    remember([(step, _with_children([tracker.states[step.index]])) for step in cached], tracker.run.keys["caches"])


def interrupted(flow: Any, tracker: FlowRun | None, handlers: Sequence[Any], start: State) -> State:
    """Say what is kept, once nothing is in flight any more, and return the state of a flow that was stopped."""
    if tracker is not None:
        _finish_writes(tracker)
    message = _what_is_kept(tracker)
    get_logger(flow.name).warning("Flow %r: %s", flow.name, message)
    try:
        return transition(flow, handlers, start, Cancelled(message))
    except (ENDRUN, PAUSE) as end:
        return end.state


def _finish_writes(tracker: FlowRun) -> None:
    """Wait for what is in flight: what was computed is kept, and on record."""
    if tracker.run.writers is not None:
        tracker.run.writers.close()
    for index, child, end in tracker.flights.land(wait=False):
        if isinstance(end, State):
            tracker.note(index, child, end)


def _what_is_kept(tracker: FlowRun | None) -> str:
    states = _with_children(tracker.states) if tracker is not None else []
    done = sum(state.is_finished() and state.__class__ is not Mapped for state in states)
    finished = f"Interrupted after {done:,} finished task run{'' if done == 1 else 's'}"
    if tracker is None or not any(step.stores and not is_input(step.task) for step in tracker.plan.steps):
        return f"{finished}; nothing was stored, because checkpointing is off or no result is configured."
    from .plan import single_folder

    folder = single_folder(tracker.plan)
    return f"{finished}; their results are kept{'' if folder is None else f' in {folder}'}."


def first_failure(final: State, tracker: FlowRun | None) -> BaseException:
    """Return the exception to raise for a run that failed."""
    from resultant.errors import ResultantError

    for state in _with_children(tracker.states if tracker is not None else [final]):
        if state.is_failed() and isinstance(state.result, BaseException):
            error: BaseException = state.result
            return error if isinstance(error, Exception) else ResultantError(f"The flow failed: {error!r}")
    if isinstance(final.result, BaseException):
        return final.result
    return ResultantError(f"The flow failed: {final.message}")
