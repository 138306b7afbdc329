"""One run of a flow from beginning to end: what it is given, what is waited for, and the state it ends in."""

from __future__ import annotations

from contextlib import ExitStack

from resultant.engine.result import NoResult, Result
from resultant.engine.signals import ENDRUN, PAUSE
from resultant.engine.state import (
    Cancelled,
    Failed,
    Mapped,
    Paused,
    Pending,
    Resume,
    Running,
    Scheduled,
    State,
    Success,
)
from resultant.runtime import CACHES, Frame, enter, frame, get_logger, leave, settings

from .flow import FlowRun
from .frame import fresh_id
from .plan import Plan, Run, make_plan, prepare
from .transition import transition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

__all__ = ["run_flow"]


def run_flow(
    flow: Any,
    *,
    parameters: dict[str, Any] | None = None,
    executor: Any = None,
    state: State | None = None,
    task_states: dict[Any, State] | None = None,
    context: dict[str, Any] | None = None,
    task_contexts: dict[Any, dict[str, Any]] | None = None,
    flow_run_id: str | None = None,
    flow_run_name: str | None = None,
    raise_on_failure: bool = False,
    one_pass: bool = False,
    return_tasks: Iterable[Any] | None = None,
    state_handlers: Sequence[Callable[..., Any]] = (),
    task_state_handlers: Sequence[Callable[..., Any]] = (),
) -> State:
    """Run a flow.

    Args:
        flow: the flow.
        parameters: values by name, in place of defaults and of the context's ``parameters``.
        executor: where tasks run; default the flow's, else the configured one.
        state: how the flow stands; a finished state is returned as it is.
        task_states: how tasks stand; finished states stand and are not run again.
        context: keys for every task of this run.
        task_contexts: keys for single tasks.
        flow_run_id: identifies the run; a fresh one if missing.
        flow_run_name: names the run; a fresh one if missing.
        raise_on_failure: raise the first failure instead of returning a failed state.
        one_pass: do not wait for retries, schedules and approvals.
        return_tasks: the tasks whose states the final state's result holds; all if missing.
        state_handlers: called at the flow's changes of state, after the flow's own.
        task_state_handlers: called at every task's changes of state, after the task's own.

    Returns:
        The state the flow ends in; its ``result`` is a dictionary from task to state.

    Raises:
        KeyboardInterrupt: somebody pressed Ctrl-C; what was finished is kept.
        Exception: the first failure, with `raise_on_failure`.
    """
    if state is not None and state.is_finished():
        return state
    keys = _run_keys(flow, context or {}, parameters, flow_run_id, flow_run_name)
    handlers = (*flow.state_handlers, *state_handlers)
    outer = enter(Frame(keys))
    logger = get_logger(flow.name)
    start: State = state if state is not None else Scheduled()
    tracker: FlowRun | None = None
    try:
        _show_log()
        logger.info("Beginning Flow run for '%s'", flow.name)
        running = start
        if not start.is_running():
            running = transition(flow, handlers, start, Running("Running flow."))
            if not running.is_running():
                return running
        plan = make_plan(flow)
        run = _make_run(keys, task_state_handlers)
        _prepare(plan, run, flow, task_contexts or {}, keys)
        given = {plan.index[task]: known for task, known in (task_states or {}).items() if task in plan.index}
        with ExitStack() as stack:
            chosen = _started(stack, _choose_executor(executor, flow), keys)
            if chosen.in_process if hasattr(chosen, "in_process") else True:
                from .writers import Writers

                run.writers = Writers()
                stack.callback(run.writers.close)
            tracker = FlowRun(plan, run, chosen, given, one_pass)
            shown = stack.enter_context(_display(flow, tracker))
            tracker.work()
            while not one_pass and _approve(tracker, shown):
                tracker.work()
        final = _final_state(flow, tracker, running, return_tasks)
        if not one_pass:
            _remember_caches(tracker)
        final = transition(flow, handlers, running, final)
        shown.conclude(final)
    except KeyboardInterrupt:
        _interrupted(flow, tracker, handlers, start)
        raise
    except (ENDRUN, PAUSE) as end:
        final = end.state
    except Exception as error:
        if frame().flat().get("raise_on_exception"):
            raise
        logger.exception("Unexpected error occurred while running flow %r.", flow.name)
        final = Failed(f"Unexpected error: {error!r}", result=error)
        try:
            final = transition(flow, handlers, start, final)
        except (ENDRUN, PAUSE) as end:
            final = end.state
    finally:
        leave(outer)
    logger.info("Flow run %s: %s", type(final).__name__.upper(), final.message)
    if raise_on_failure and final.is_failed():
        raise _first_failure(final, tracker)
    return final


def _run_keys(
    flow: Any,
    given: dict[str, Any],
    parameters: dict[str, Any] | None,
    flow_run_id: str | None,
    flow_run_name: str | None,
) -> dict[str, Any]:
    """Return the run's keys of the context: what is in force, what is given, and what every task may ask for."""
    from .dates import date_keys

    keys = frame().flat()
    keys.update(given)
    if "config" in given and isinstance(given["config"], dict):
        from resultant.runtime import config

        keys["config"] = config().merged(given["config"])
    values = {task.name: task.default for task in flow.parameters() if not task.required}
    values.update(keys.get("parameters") or {})
    values.update(parameters or {})
    keys["parameters"] = values
    keys["flow_name"] = flow.name
    keys["flow_id"] = flow.name
    keys.setdefault("caches", CACHES)
    run_id = flow_run_id or keys.get("flow_run_id") or fresh_id()
    keys["flow_run_id"] = run_id
    keys["flow_run_name"] = flow_run_name or keys.get("flow_run_name") or fresh_id()
    date_keys(keys)
    return keys


def _make_run(keys: dict[str, Any], task_state_handlers: Sequence[Callable[..., Any]]) -> Run:
    import logging

    now = settings()
    checkpointing = keys.get("checkpointing")
    if checkpointing is None:
        checkpointing = now.flows.checkpointing
    keys["checkpointing"] = checkpointing
    run = Run(
        keys,
        keys["parameters"],
        bool(checkpointing) and now.tasks.checkpointing,
        now.templates.allow_absolute,
        tuple(task_state_handlers),
    )
    logger = get_logger()
    run.verbose = 2 if logger.isEnabledFor(logging.DEBUG) else 1 if logger.isEnabledFor(logging.INFO) else 0
    return run


def _prepare(plan: Plan, run: Run, flow: Any, task_contexts: dict[Any, dict[str, Any]], keys: dict[str, Any]) -> None:
    from resultant.errors import LocationError

    from .caching import candidates

    flow_result = flow.result if flow.result is not None else _default_result()
    configured = False
    for step in plan.steps:
        step.context = task_contexts.get(step.task)
        step.cached = candidates(step, keys["caches"])
        try:
            prepare(step, run, flow_result)
        except LocationError as error:
            raise type(error)(f"Task {step.name!r}: {error}") from error
        task = step.task
        configured = configured or (task.checkpoint is not False and task.result is not None and not _is_input(task))
    if (configured or flow.result is not None) and not run.checkpointing:
        _warn_that_nothing_is_written(flow.name)


def _is_input(task: Any) -> bool:
    """Return whether a result was configured by the library itself: a parameter's, or that of a part of one."""
    return task.auto_generated or (hasattr(task, "default") and hasattr(task, "required"))


def _warn_that_nothing_is_written(name: str) -> None:
    get_logger("results").warning(
        "Flow %r has results configured, but checkpointing is off: nothing is written. Switch it on with "
        "RESULTANT__FLOWS__CHECKPOINTING=true, or `resultant.config.flows.checkpointing = True`.",
        name,
    )


def _default_result() -> Result | None:
    chosen: Any = settings().flows.default_result
    if chosen is None or isinstance(chosen, Result):
        return chosen
    from resultant.engine.description import result_named

    return result_named(chosen)


def _choose_executor(executor: Any, flow: Any) -> Any:
    executor = executor if executor is not None else flow.executor
    if executor is None:
        from .defaults import default_executor

        executor = default_executor()
    return executor


def _started(stack: ExitStack, executor: Any, keys: dict[str, Any]) -> Any:
    if getattr(executor, "in_process", True):
        stack.enter_context(executor.start())
    else:
        from .remote import worker_setup

        stack.enter_context(executor.start(setup=worker_setup()))
    return executor


def _show_log() -> None:
    from .log import show_log

    show_log(settings().logging)


def _display(flow: Any, tracker: FlowRun) -> Any:
    from .progress import display

    return display(flow, tracker)


def _approve(tracker: FlowRun, shown: Any) -> bool:
    """Ask whoever sits at the terminal about each task run that is paused; return whether one of them may go on."""
    paused = [
        (index, child, state)
        for index, child, state in tracker.waiting()
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


def _final_state(flow: Any, tracker: FlowRun, running: State, return_tasks: Iterable[Any] | None) -> State:
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
    terminal = _with_children(states[index[task]] for task in flow.terminal_tasks())
    reference = [states[index[task]] for task in flow.reference_tasks()]
    flat = _with_children(reference)
    final: State
    if not all(state.is_finished() for state in terminal):
        final = running if running.is_running() else Running()
        final.result = found
        return final
    if any(state.is_failed() for state in flat):
        final = Failed("Some reference tasks failed.", result=found)
    elif all(state.is_successful() for state in flat):
        final = Success("All reference tasks succeeded.", result=found)
    else:
        final = Success("No reference tasks failed.", result=found)
    handler = flow.terminal_state_handler
    if handler is not None:
        answer = handler(flow, final, set(reference))
        final = final if answer is None else answer
    return final


def _with_children(states: Iterable[State]) -> list[State]:
    flat: list[State] = []
    for state in states:
        flat.append(state)
        if isinstance(state, Mapped):
            flat.extend(child for child in state.map_states if child is not None)
    return flat


def _remember_caches(tracker: FlowRun) -> None:
    from .caching import remember

    caches = tracker.run.keys["caches"]
    for step in tracker.plan.steps:
        if step.task.cache_for is not None:
            remember(step, _with_children([tracker.states[step.index]]), caches)


def _interrupted(flow: Any, tracker: FlowRun | None, handlers: Sequence[Any], start: State) -> None:
    """Say what is kept, once nothing is in flight any more."""
    if tracker is not None:
        tracker.finish_writes()
    message = _what_is_kept(tracker)
    get_logger(flow.name).warning("Flow %r: %s", flow.name, message)
    try:
        transition(flow, handlers, start, Cancelled(message))
    except (ENDRUN, PAUSE):
        return


def _what_is_kept(tracker: FlowRun | None) -> str:
    states = _with_children(tracker.states) if tracker is not None else []
    done = sum(state.is_finished() and state.__class__ is not Mapped for state in states)
    finished = f"Interrupted after {done:,} finished task run{'' if done == 1 else 's'}"
    if tracker is None or not any(step.stores and not _is_input(step.task) for step in tracker.plan.steps):
        return f"{finished}; nothing was stored, because checkpointing is off or no result is configured."
    from .plan import single_folder

    folder = single_folder(tracker.plan)
    return f"{finished}; their results are kept{'' if folder is None else f' in {folder}'}."


def _first_failure(final: State, tracker: FlowRun | None) -> BaseException:
    from resultant.errors import ResultantError

    for state in _with_children(tracker.states if tracker is not None else [final]):
        if state.is_failed() and isinstance(state.result, BaseException):
            error: BaseException = state.result
            return error if isinstance(error, Exception) else ResultantError(f"The flow failed: {error!r}")
    if isinstance(final.result, BaseException):
        return final.result
    return ResultantError(f"The flow failed: {final.message}")
