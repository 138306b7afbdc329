"""A flow: tasks and their dependencies, built in a ``with`` block and run with ``flow.run()``."""

from __future__ import annotations

from resultant import runtime
from resultant.core import options
from resultant.core.annotations import EdgeAnnotation
from resultant.core.edge import checked_key, new_edge
from resultant.core.graph import Graph
from resultant.core.task import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Any, Self

    from resultant.core.edge import Edge
    from resultant.engine.result import Result
    from resultant.engine.state import State

__all__ = ["Flow", "accept_ignored_options"]

#: Whether ``schedule=``, ``storage=`` and ``run_config=`` are accepted although nothing reads them; the `prefect` alias
#: turns it on.
accept_ignored_options = False

#: Values that are bound as they are: no task can hide in them.
_PLAIN = frozenset((int, float, str, bytes, bool, type(None), complex))

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
        "raise_on_failure",
    )
)


class Flow(Graph):
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
        super().__init__()
        self.name = name
        self.executor = executor
        self.result = result
        self.state_handlers = options.handler_list(state_handlers)
        if on_failure is not None:
            self.state_handlers.append(options.failure_handler(on_failure))
        self.terminal_state_handler = terminal_state_handler
        self.schedule, self.run_config, self.storage = schedule, run_config, storage
        if not accept_ignored_options and (schedule, run_config, storage) != (None, None, None):
            from resultant.core.unsupported import refuse_options

            refuse_options(schedule=schedule, run_config=run_config, storage=storage)
        self._unused: dict[Task, None] | None = None
        self._blocks: list[Any] = []
        for task in tasks or ():
            self.add_task(task)
        for edge in edges or ():
            self.add_edge(edge.upstream_task, edge.downstream_task, edge.key, edge.mapped, edge.flattened)
        if reference_tasks is not None:
            self.set_reference_tasks(reference_tasks)
        if validate or (validate is None and edges and runtime.settings().flows.eager_edge_validation):
            self.validate()

    def __repr__(self) -> str:
        return f'<{type(self).__name__}: name="{self.name}">'

    def __enter__(self) -> Self:
        block = runtime.context(flow=self)
        block.__enter__()
        self._blocks.append((block, self._unused))
        self._unused = {}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        unused = [task for task in self._unused or () if task not in self.slugs and not task.is_constant]
        block, self._unused = self._blocks.pop()
        block.__exit__(kind, error, trace)
        if unused and error is None:
            options.warn(
                f"Tasks were created but not added to the flow: {unused}. Call them, pass them to another task, or add "
                "them with `flow.add_task`; what is only defined inside a `with Flow(...)` block does not run."
            )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_blocks": [], "_unused": None, "_order": None}

    def note_unused(self, task: Task) -> None:
        """Remember a task made inside the flow's block, to say so if it is never added."""
        if self._unused is not None:
            self._unused[task] = None

    def forget_unused(self, task: Task) -> None:
        """Take back :meth:`note_unused`: the task did what it was made for."""
        if self._unused is not None:
            self._unused.pop(task, None)

    def add_task(self, task: Task) -> Task:
        """Add a task; adding it twice does no harm.

        Returns:
            The task.

        Raises:
            TypeError: it is no task.
            ValueError: its slug is taken.
        """
        if task in self.slugs:
            return task
        if not isinstance(task, Task):
            raise TypeError(f"Tasks must be Task instances (received {type(task)})")
        self.slugs[task] = self._new_slug(task)
        self._order = None
        if not task.reference_by_default:
            self._has_cleanup = True
        for block in ("case", "resource"):
            open_block = runtime.peek(block)
            if open_block is not None:
                open_block.add_task(task, self)
        return task

    def add_edge(
        self,
        upstream_task: Any,
        downstream_task: Any,
        key: str | None = None,
        mapped: bool = False,
        flattened: bool = False,
        validate: bool | None = None,
    ) -> Edge:
        """Make a task wait for another, and add both to the flow.

        Args:
            upstream_task: the task to wait for, or a value; an annotation sets the marks.
            downstream_task: the task that waits.
            key: the argument of the downstream task that takes the value. A constant with a key is bound as a value.
            mapped: whether each item of the value goes to a child of the downstream task.
            flattened: whether the value is un-nested by one level first.
            validate: whether to check the key and look for cycles at once; as configured if not given.

        Returns:
            The edge.

        Raises:
            ValueError: both are the same task, the downstream task is a parameter, the key is no identifier; when
                validating also a key that is taken, or a cycle.
            TypeError: when validating, a key that the downstream task does not take.
        """
        if not isinstance(upstream_task, Task) or not isinstance(downstream_task, Task):
            from resultant.core.edge import Edge

            edge = Edge(upstream_task, downstream_task, key, mapped, flattened, flow=self)
            upstream_task, downstream_task = edge.upstream_task, edge.downstream_task
            mapped, flattened = edge.mapped, edge.flattened
        if upstream_task is downstream_task:
            raise ValueError("Edges can not connect a task to itself.")
        if downstream_task.is_parameter:
            raise ValueError(
                f"Parameters must be root tasks and can not have upstream dependencies; {downstream_task!r} is one."
            )
        if key is not None:
            checked_key(key)
        self.add_task(downstream_task)
        if validate is None:
            validate = runtime.settings().flows.eager_edge_validation
        if validate:
            self._check_edge(upstream_task, downstream_task, key)
        edge = new_edge(upstream_task, downstream_task, key, mapped, flattened)
        if key is not None:
            if upstream_task.is_constant and not mapped and not flattened:
                self.constants[downstream_task][key] = upstream_task.value  # type: ignore[attr-defined]
                return edge
            if downstream_task in self.constants:
                self.constants[downstream_task].pop(key, None)
        self.add_task(upstream_task)
        return self._insert(edge)

    def _check_edge(self, upstream: Task, downstream: Task, key: str | None) -> None:
        if key is not None:
            if key in self.constants.get(downstream, ()) or any(
                edge.key == key for edge in self._upstream.get(downstream, ())
            ):
                raise ValueError(
                    f'Argument "{key}" for task {downstream!r} has already been assigned in this flow. To call the task '
                    "again with other arguments, copy it first."
                )
            if not downstream.run_signature.takes(key):
                raise TypeError(f"got an unexpected keyword argument {key!r} for {downstream!r}")
        if self._leads_to(downstream, upstream):
            raise ValueError("Cycle found; flows must be acyclic!")

    def connect(self, task: Task, inputs: Mapping[str, Any], upstream_tasks: Iterable[Any] | None, mapped: bool) -> None:
        """Add a task with its inputs.

        Args:
            task: the task.
            inputs: tasks or values by argument.
            upstream_tasks: tasks or values to wait for.
            mapped: whether to map over them all.
        """
        self.add_task(task)
        for upstream in upstream_tasks or ():
            self.connect_one(upstream, task, None, mapped)
        for key, value in inputs.items():
            self.connect_one(value, task, key, mapped)

    def connect_one(
        self, upstream: Any, downstream: Any, key: str | None, mapped: bool, validate: bool | None = None
    ) -> None:
        """Add one input of a task.

        Args:
            upstream: a task, a value, or an annotation, whose marks win over `mapped`.
            downstream: the task that takes it.
            key: the argument that takes it; ``None`` to wait only.
            mapped: whether to map over it.
            validate: as for :meth:`add_edge`.
        """
        flattened = False
        if isinstance(upstream, EdgeAnnotation):
            mapped = upstream.annotations.get("mapped", mapped)
            flattened = upstream.annotations.get("flattened", flattened)
            upstream = upstream.value
        if not isinstance(upstream, Task):
            if key is not None and not mapped and not flattened and not validate and type(upstream) in _PLAIN:
                if not runtime.settings().flows.eager_edge_validation and downstream in self.slugs:
                    self.constants[downstream][key] = upstream
                    return
            from resultant.core.as_task import as_task

            upstream = as_task(upstream, flow=self)
        self.add_edge(upstream, downstream, key, mapped, flattened, validate)

    def chain(self, *tasks: Any, validate: bool | None = None) -> list[Edge]:
        """Add tasks that run one after the other.

        Args:
            *tasks: the tasks, in order.
            validate: as for :meth:`add_edge`.

        Returns:
            The edges, in order.
        """
        from resultant.core.as_task import as_task

        chained = [as_task(task, flow=self) for task in tasks]
        return [self.add_edge(*pair, validate=validate) for pair in zip(chained, chained[1:], strict=False)]

    def set_dependencies(
        self,
        task: Any,
        upstream_tasks: Iterable[Any] | None = None,
        downstream_tasks: Iterable[Any] | None = None,
        keyword_tasks: Mapping[str, Any] | None = None,
        mapped: bool = False,
        validate: bool | None = None,
    ) -> None:
        """Add edges to and from a task; values are turned into tasks.

        Args:
            task: the task.
            upstream_tasks: tasks to wait for.
            downstream_tasks: tasks that wait for it.
            keyword_tasks: inputs by name.
            mapped: whether the upstream edges are mapped.
            validate: as for :meth:`add_edge`.
        """
        from resultant.core.as_task import as_task

        task = self.add_task(as_task(task, flow=self))
        for upstream in upstream_tasks or ():
            self.connect_one(upstream, task, None, mapped, validate)
        for downstream in downstream_tasks or ():
            self.connect_one(task, as_task(downstream, flow=self), None, mapped, validate)
        for key, value in (keyword_tasks or {}).items():
            self.connect_one(value, task, key, mapped, validate)

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
            run_on_schedule: has no effect, since flows have no schedule.
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
        """
        if runtime.peek("flow") is self:
            raise RuntimeError(
                "Don't call `flow.run()` from within a `Flow` context manager: the flow is not built yet. Move the call "
                "below the `with` block."
            )
        from resultant.core.run_arguments import run_arguments

        given, run_options = run_arguments(self, parameters, kwargs, _RUN_OPTIONS)
        if runner_cls is not None:
            run_options.pop("raise_on_failure", None)
            runner = runner_cls(flow=self)
            state: State = runner.run(parameters=given, return_tasks=list(self.slugs), **run_options)
            return state
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
