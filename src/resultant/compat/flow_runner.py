"""``FlowRunner``: one pass of a flow by the one runner."""

from __future__ import annotations

from resultant.compat.runner import Runner
from resultant.compat.task_runner import ForTaskRunner, TaskRunner
from resultant.engine.state import Failed, Pending
from resultant.errors import UnsupportedError
from resultant.runner import run_flow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, ClassVar

    from resultant.engine.state import State

__all__ = ["FlowRunner"]


class FlowRunner(Runner):
    """Runs a flow once, without waiting for retries, schedules and approvals.

    Args:
        flow: the flow.
        task_runner_cls: only ``TaskRunner`` itself.
        state_handlers: functions called at the flow's changes of state, after the flow's own.

    Raises:
        TypeError: `state_handlers` is no sequence.
        UnsupportedError: another class of task runner.
    """

    _steps: ClassVar[frozenset[str]] = Runner._steps | {
        "check_flow_is_pending_or_running",
        "check_flow_reached_start_time",
        "determine_final_state",
        "get_flow_run_state",
        "initialize_run",
        "run_task",
        "set_flow_to_running",
    }

    def __init__(
        self,
        flow: Any,
        task_runner_cls: type[TaskRunner] | None = None,
        state_handlers: Iterable[Callable[..., Any]] | None = None,
    ) -> None:
        if task_runner_cls is not None and task_runner_cls.run is not TaskRunner.run:
            raise UnsupportedError(
                f"FlowRunner(task_runner_cls={task_runner_cls.__name__}): there is one runner, so a class of task runner "
                "with a `run` of its own would not be used. Use state handlers, triggers or an executor of your own."
            )
        super().__init__(state_handlers)
        self.flow = flow

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.flow.name}>"

    def run(
        self,
        state: State | None = None,
        task_states: Mapping[Any, State] | None = None,
        return_tasks: Iterable[Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        task_runner_state_handlers: Iterable[Callable[..., Any]] | None = None,
        executor: Any = None,
        context: Mapping[str, Any] | None = None,
        task_contexts: Mapping[Any, Mapping[str, Any]] | None = None,
        **options: Any,
    ) -> State:
        """Run what can be run now.

        Args:
            state: how the flow stands; a finished state is returned as it is.
            task_states: how tasks stand; finished ones are not run again.
            return_tasks: tasks whose states the result holds; none if not given.
            parameters: values of parameters, over those in the context.
            task_runner_state_handlers: functions called at every task's changes of state.
            executor: where tasks run.
            context: keys for every task.
            task_contexts: keys for single tasks.
            **options: ``flow_run_id`` and ``flow_run_name``.

        Returns:
            The flow's state: ``Running`` while a terminal task is not finished.
        """
        wanted = list(return_tasks or ())
        unknown = [task for task in wanted if task not in self.flow.slugs]
        if unknown and not (state is not None and state.is_finished()):
            error = ValueError(f"Some tasks provided in `return_tasks` were not found in the flow: {unknown}")
            return Failed(f"Unexpected error: {error!r}", result=error)
        return run_flow(
            self.flow,
            parameters=dict(parameters or {}),
            executor=executor,
            state=Pending() if state is None else state,
            task_states=dict(task_states or {}),
            context=dict(context or {}),
            task_contexts={task: dict(keys) for task, keys in (task_contexts or {}).items()},
            one_pass=True,
            return_tasks=wanted,
            state_handlers=self._bound(),
            task_state_handlers=tuple(ForTaskRunner(handler) for handler in task_runner_state_handlers or ()),
            **options,
        )
