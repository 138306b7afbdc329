"""A flow: tasks and their dependencies, built in a ``with`` block and run with ``flow.run()``."""

from __future__ import annotations

from resultant import runtime
from resultant.core import options
from resultant.core.building import Building

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from logging import Logger
    from typing import Any, Self

    from resultant.core.edge import Edge
    from resultant.core.task import Task
    from resultant.engine.result import Result
    from resultant.engine.state import State

__all__ = ["Flow", "accept_ignored_options"]

#: Whether ``schedule=``, ``storage=`` and ``run_config=`` are accepted although nothing reads them; the `prefect` alias
#: turns it on.
accept_ignored_options = False

#: Keywords of ``run`` that are handed to the runner.
_RUN_OPTIONS = frozenset(
    (
        "executor",
        "state",
        "task_states",
        "context",
        "task_contexts",
        "flow_run_id",
        "flow_run_name",
        "resume_run",
        "approve",
        "raise_on_failure",
    )
)


class Flow(Building):
    """Tasks and their dependencies.

    Args:
        name: what the flow is called.
        schedule: not supported; run the flow from cron or a systemd timer.
        executor: where tasks run; the configured executor if not given.
        run_config: not supported; start the flow where it shall run.
        storage: not supported; the flow is the file that defines it.
        tasks: tasks to start with.
        edges: edges to start with.
        reference_tasks: tasks whose states decide the flow's; the terminal ones if not given.
        state_handlers: functions called with the flow, its old and its new state at each change.
        on_failure: a function called with the flow and its state when it fails.
        validate: whether to check the flow at once.
        result: where and how the values of tasks without a result of their own are stored.
        terminal_state_handler: a function called with the flow, its final state and the states of its reference tasks;
            a state that it returns becomes the final one.

    Raises:
        ValueError: the name is empty, or the flow is checked and found wrong.
        TypeError: `state_handlers` is no sequence.
        UnsupportedError: `schedule`, `run_config` or `storage` is given.
    """

    def __init__(
        self,
        name: str,
        schedule: Any = None,
        executor: Any = None,
        run_config: Any = None,
        storage: Any = None,
        tasks: Iterable[Task] | None = None,
        edges: Iterable[Edge] | None = None,
        reference_tasks: Iterable[Task] | None = None,
        state_handlers: Iterable[Callable[..., Any]] | None = None,
        on_failure: Callable[..., Any] | None = None,
        validate: bool | None = None,
        result: Result | None = None,
        terminal_state_handler: Callable[..., Any] | None = None,
    ) -> None:
        if not name:
            raise ValueError("A name must be provided for the flow.")
        super().__init__(name)
        self.executor = options.instance("executor", executor, "ThreadExecutor()")
        self.result = options.instance("result", result, "LocalResult(dir=...)")
        self.state_handlers = options.handler_list(state_handlers)
        if on_failure is not None:
            self.state_handlers.append(options.failure_handler(on_failure))
        self.terminal_state_handler = terminal_state_handler
        self.schedule, self.run_config, self.storage = schedule, run_config, storage
        if not accept_ignored_options and (schedule, run_config, storage) != (None, None, None):
            from resultant.core.unsupported import refuse_options

            refuse_options(schedule=schedule, run_config=run_config, storage=storage)
        for task in tasks or ():
            self.add_task(task)
        for edge in edges or ():
            self.add_edge(edge.upstream_task, edge.downstream_task, edge.key, edge.mapped, edge.flattened)
        if reference_tasks is not None:
            self.set_reference_tasks(reference_tasks)
        if validate or (validate is None and edges and runtime.settings().flows.eager_edge_validation):
            self.validate()

    @property
    def logger(self) -> Logger:
        """The flow's logger, named after it."""
        return runtime.get_logger(self.name)

    def __repr__(self) -> str:
        return f'<{type(self).__name__}: name="{self.name}">'

    def update(
        self,
        flow: Flow,
        merge_parameters: bool = False,
        validate: bool | None = None,
        merge_reference_tasks: bool = False,
    ) -> None:
        """Add everything in another flow to this one.

        Args:
            flow: the other flow; it stays as it is.
            merge_parameters: whether its parameters take the place of those of the same name.
            validate: as for :meth:`add_edge`.
            merge_reference_tasks: whether its reference tasks become reference tasks here too.

        Raises:
            ValueError: a slug that both have.
        """
        from resultant.core.changes import update

        update(self, flow, merge_parameters, validate, merge_reference_tasks)

    def replace(self, old: Task, new: Any, validate: bool = True) -> None:
        """Put one task in the place of another, with its edges and its part as a reference task.

        Args:
            old: a task of the flow.
            new: a task, or any value.
            validate: whether to check the flow afterwards.

        Raises:
            ValueError: `old` is not in the flow, or the outcome is no valid flow.
        """
        from resultant.core.changes import replace

        replace(self, old, new)
        if validate:
            self.validate()

    def copy(self) -> Self:
        """Return a flow with containers of its own and the same tasks."""
        from resultant.core.changes import copy_flow

        return copy_flow(self)

    def run(
        self,
        parameters: Mapping[str, Any] | None = None,
        run_on_schedule: bool | None = None,
        runner_cls: type | None = None,
        **kwargs: Any,
    ) -> State:
        """Run the flow until it is finished.

        Args:
            parameters: values of the flow's parameters by name; they can be given as keywords as well.
            run_on_schedule: whether to wait for the flow's schedule, which is not supported: without one it has no effect.
            runner_cls: a class whose instances are made with the flow and have a ``run``; the built-in runner if not
                given.
            **kwargs: parameters by name, and: `executor`; `state`, the state to start from; `task_states`, states of
                tasks to start from; `context`, keys of the context; `task_contexts`, keys by task; `flow_run_id`;
                `flow_run_name`; `resume_run`, the id of a recorded run to go on with; `raise_on_failure`, whether the
                first failure is raised.

        Returns:
            The final state; its result is a dictionary of every task to its state.

        Raises:
            RuntimeError: called inside the flow's own ``with`` block.
            ValueError: required parameters are missing, or unknown ones given.
            TypeError: an unknown keyword.
            UnsupportedError: the flow, written for Prefect 1, has a schedule to wait for.
        """
        if self.schedule is not None:
            from resultant.core.unsupported import refuse_schedule

            refuse_schedule(self, run_on_schedule)
        if runtime.peek("flow") is self:
            raise RuntimeError(
                "Don't call `flow.run()` from within a `Flow` context manager: the flow is not built yet. Move the call "
                "below the `with` block."
            )
        from resultant.core.run_arguments import run_arguments

        given, run_options = run_arguments(self, parameters, kwargs, _RUN_OPTIONS)
        if runner_cls is not None:
            run_options.pop("raise_on_failure", None)
            from resultant.core.own_runner import run_with

            return run_with(self, runner_cls, given, run_options)
        from resultant.runner import run_flow

        return run_flow(self, parameters=given, **run_options)

    def serialize(self) -> dict[str, Any]:
        """Check the flow and return a description of it that JSON can hold.

        Raises:
            ValueError: the flow is not valid.
        """
        from resultant.core.describe import describe_flow

        self.validate()
        return describe_flow(self)

    def save(self, path: str | None = None) -> str:
        """Pickle the flow.

        Args:
            path: the file; ``<home_dir>/flows/<slug of the name>.resultant`` if not given.

        Returns:
            The file's path.
        """
        from resultant.core.flow_file import save

        return save(self, path)

    @staticmethod
    def load(path: str) -> Flow:
        """Load a flow that was saved. Load only what you trust: a pickle can run any code.

        Args:
            path: the file, or the flow's name or its slug if it was saved to the default place.

        Raises:
            FileNotFoundError: there is no such file.
        """
        from resultant.core.flow_file import load

        return load(path)

    def visualize(
        self,
        flow_state: State | None = None,
        filename: str | None = None,
        format: str | None = None,
        horizontal: bool = False,
    ) -> Any:
        """Draw the flow with graphviz.

        Args:
            flow_state: a state of the flow; colours the tasks and shows mapped children one by one.
            filename: the file to render to; without one, a viewer is opened.
            format: the file's format, such as ``pdf`` or ``png``; from the file's ending if not given.
            horizontal: whether to draw from left to right.

        Returns:
            A ``graphviz.Digraph``.

        Raises:
            ImportError: the Python package ``graphviz`` is not installed.
            graphviz.ExecutableNotFound: the program is not installed.
        """
        from resultant.core.visualize import visualize

        return visualize(self, flow_state, filename, format, horizontal)
