"""One run of a flow from beginning to end: what it is given, what is waited for, and the state it ends in."""

from __future__ import annotations

from contextlib import ExitStack

from resultant.engine.result import Result
from resultant.engine.signals import ENDRUN, PAUSE
from resultant.engine.state import (
    Cancelled,
    Failed,
    Running,
    Scheduled,
    State,
)
from resultant.errors import LocationError, ResultantError
from resultant.runtime import CACHES, Frame, enter, frame, get_logger, leave, settings

from .ending import ask_for_approval, final_state, first_failure, interrupted, remember_caches
from .flow import FlowRun
from .frame import OF_ONE_TASK_RUN, fresh_id
from .plan import Plan, Run, is_input, make_plan, prepare
from .transition import transition
from .undisturbed import Undisturbed
from .writers import Writers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from resultant.records import FlowRun as FlowRunRow

    from .recorded_runs import Recording

__all__ = ["planned", "run_flow", "run_once"]

_OF_ONE_RUN = ("flow_run_id", "flow_run_name", "scheduled_start_time")


def run_flow(
    flow: Any,
    *,
    resume_run: str | None = None,
    approve: Iterable[str] = (),
    parameters: dict[str, Any] | None = None,
    context: dict[str, Any] | None = None,
    **options: Any,
) -> State:
    """Run a flow, or go on with a recorded run of it.

    Args:
        flow: the flow.
        resume_run: the id of a recorded run, or its beginning, or its name: what it finished stands, and the rest runs now.
        approve: slugs or names of tasks of that run that waited for approval and may go on.
        parameters: values by name, in place of defaults and of the context's ``parameters``.
        context: keys for every task of this run.
        **options: see :func:`run_once`.

    Returns:
        The state the flow ends in; its ``result`` is a dictionary from task to state.

    Raises:
        UnknownRunError: no such run is on record.
        RunHeldError: somebody is at work on it.
        ValueError: it is a run of another flow, or a parameter of it is not on record and was not given.
    """
    if resume_run is None:
        return run_once(flow, parameters=parameters, context=context, **options)
    from .recorded_runs import earlier_run

    with earlier_run(flow, resume_run, parameters or {}, context or {}) as earlier:
        return run_once(
            flow,
            earlier=earlier.row,
            approve=approve,
            parameters=earlier.parameters,
            context=earlier.context,
            **{**options, "flow_run_id": earlier.row.id, "flow_run_name": earlier.row.name},
        )


def run_once(
    flow: Any,
    *,
    earlier: FlowRunRow | None = None,
    approve: Iterable[str] = (),
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
    """Run a flow once, from the beginning or from what an earlier attempt left.

    Args:
        flow: the flow.
        earlier: the row of the run that is resumed.
        approve: slugs or names of its tasks that may go on.
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
    recording: Recording | None = None
    held = ExitStack()
    try:
        _show_log()
        logger.info("Beginning Flow run for '%s'", flow.name)
        running = start
        if not start.is_running():
            running = transition(flow, handlers, start, Running("Running flow."))
            if not running.is_running():
                return running
        calm = None if earlier is None else held.enter_context(Undisturbed())
        plan = make_plan(flow)
        run = _make_run(keys, task_state_handlers)
        _prepare(plan, run, flow, task_contexts or {}, keys)
        given = {plan.index[task]: known for task, known in (task_states or {}).items() if task in plan.index}
        with ExitStack() as stack:
            chosen = _started(stack, _choose_executor(executor, flow), keys)
            run.writers = Writers()
            stack.callback(run.writers.close)
            if earlier is not None or (run.checkpointing and not one_pass and settings().record.runs):
                from .recorded_runs import begin

                recording = begin(held, flow, plan, run, chosen, earlier, approve, context or {}, calm)
            recorder, history = (None, None) if recording is None else (recording.recorder, recording.history)
            tracker = FlowRun(plan, run, chosen, given, one_pass, recorder, history)
            shown = stack.enter_context(_display(flow, tracker))
            tracker.work()
            while not one_pass and ask_for_approval(tracker, shown):
                tracker.work()
        final = final_state(flow, tracker, running, return_tasks)
        if not one_pass:
            remember_caches(tracker)
        final = transition(flow, handlers, running, final)
        shown.conclude(final)
        if recording is not None:
            recording.end(final)
    except KeyboardInterrupt:
        stopped = interrupted(flow, tracker, handlers, start)
        if recording is not None:
            recording.fail(stopped)
        raise
    except (ENDRUN, PAUSE) as end:
        final = end.state
        if recording is not None:
            recording.fail(final)
    except Exception as error:
        if frame().flat().get("raise_on_exception"):
            raise
        if tracker is None and isinstance(error, ResultantError):
            # Something is missing, or malformed, and no task has run: the message says what to do.
            logger.error("Flow %r could not begin: %s", flow.name, error)
        else:
            logger.exception("Unexpected error occurred while running flow %r.", flow.name)
        final = Failed(f"Unexpected error: {error!r}", result=error)
        try:
            final = transition(flow, handlers, start, final)
        except (ENDRUN, PAUSE) as end:
            final = end.state
        if recording is not None:
            recording.fail(final)
    except BaseException as error:
        # A cancellation, say: it is not ours to stop, but the run is over.
        if recording is not None:
            recording.fail(Cancelled(f"Stopped by {type(error).__name__}."))
        raise
    finally:
        held.close()
        leave(outer)
    logger.info("Flow run %s: %s", type(final).__name__.upper(), final.message)
    if raise_on_failure and final.is_failed():
        raise first_failure(final, tracker)
    return final


def planned(flow: Any, parameters: dict[str, Any]) -> tuple[Plan, Run]:
    """Return the steps of a flow, prepared as for a run that would begin now, and what is common to them.

    Args:
        flow: the flow.
        parameters: values by name.

    Raises:
        LocationError: a location or target template is malformed.
    """
    keys = _run_keys(flow, {}, parameters, None, None)
    plan = make_plan(flow)
    run = _make_run(keys, ())
    _prepare(plan, run, flow, {}, keys)
    return plan, run


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
    # Started in a task or a handler of another run, this is a run of its own.
    for name in (*_OF_ONE_RUN, *OF_ONE_TASK_RUN) if "task_run_id" in keys else _OF_ONE_RUN:
        keys.pop(name, None)
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
    from .caching import candidates

    flow_result = flow.result if flow.result is not None else _default_result()
    configured = False
    elsewhere: dict[int, Any] = {}
    shared: dict[Any, Any] = {}
    for step in plan.steps:
        step.context = task_contexts.get(step.task)
        if step.task.cache_for is not None:
            step.cached = candidates(step, keys["caches"], shared)
        try:
            prepare(step, run, flow_result)
        except LocationError as error:
            raise type(error)(f"Task {step.name!r}: {error}") from error
        if step.result is not None and not step.result._is_place and (step.stores or step.target is not None):
            elsewhere[id(step.result)] = step.result
        task = step.task
        configured = configured or (task.checkpoint is not False and task.result is not None and not is_input(task))
    for result in elsewhere.values():
        # The last task is a bad moment to learn that nobody has a key.
        result.check_access()
    if (configured or flow.result is not None) and not run.checkpointing:
        _warn_that_nothing_is_written(flow.name)


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
    from resultant.engine.description import result_at

    return result_at(chosen)


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
