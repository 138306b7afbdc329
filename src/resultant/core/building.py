"""Building a flow: its ``with`` block, tasks, edges and constants."""

from __future__ import annotations

from resultant import runtime
from resultant.core import options
from resultant.core.annotations import EdgeAnnotation
from resultant.core.edge import checked_key, new_edge
from resultant.core.graph import CYCLE, Graph
from resultant.core.task import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType
    from typing import Any, Self

    from resultant.core.edge import Edge

__all__ = ["Building"]

#: Values that are bound as they are: no task can hide in them.
_PLAIN = frozenset((int, float, str, bytes, bool, type(None), complex))


class Building(Graph):
    """A graph that grows.

    Args:
        name: the name of the flow.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        #: Blocks of resource managers that are open and want to hear of each task that is added.
        self.open_resources: list[Any] = []
        self._unused: dict[Task, None] | None = None
        self._blocks: list[Any] = []
        self._eager: bool | None = None

    def __enter__(self) -> Self:
        block = runtime.context(flow=self)
        block.__enter__()
        self._blocks.append((block, self._unused, self._eager))
        self._unused = {}
        self._eager = runtime.settings().flows.eager_edge_validation
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        unused = [task for task in self._unused or () if task not in self.slugs and not task.is_constant]
        block, self._unused, self._eager = self._blocks.pop()
        block.__exit__(kind, error, trace)
        if unused and error is None:
            options.warn(
                f"Tasks were created but not added to the flow: {unused}. Call them, pass them to another task, or add "
                "them with `flow.add_task`; what is only defined inside a `with Flow(...)` block does not run."
            )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_blocks": [], "_unused": None, "_eager": None, "_order": None}

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
        for block in self.open_resources:
            block.add_task(task, self)
        case = runtime.peek("case")
        if case is not None:
            case.add_task(task, self)
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

            edge = Edge(upstream_task, downstream_task, key, mapped, flattened, flow=self)  # type: ignore[arg-type]
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
        if downstream_task not in self.slugs:
            self.add_task(downstream_task)
        if validate if validate is not None else self._validates():
            self._check_edge(upstream_task, downstream_task, key)
        edge = new_edge(upstream_task, downstream_task, key, mapped, flattened)
        if key is not None:
            if upstream_task.is_constant and not mapped and not flattened:
                self.constants[downstream_task][key] = upstream_task.value
                return edge
            if downstream_task in self.constants:
                self.constants[downstream_task].pop(key, None)
        if upstream_task not in self.slugs:
            self.add_task(upstream_task)
        return self._insert(edge)

    def _validates(self) -> bool:
        """Return whether edges are checked at once. Inside a block, what was configured when it was opened counts."""
        return runtime.settings().flows.eager_edge_validation if self._eager is None else self._eager

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
            raise ValueError(CYCLE)

    def connect(
        self, task: Task, inputs: Mapping[str, Any], upstream_tasks: Iterable[Any] | None, mapped: bool
    ) -> None:
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
            plain = key is not None and type(upstream) in _PLAIN and not (mapped or flattened or validate)
            if plain and downstream in self.slugs and not self._validates():
                self.constants[downstream][key] = upstream  # type: ignore[index]
                return
            upstream = self._as_task(upstream)
        self.add_edge(upstream, downstream, key, mapped, flattened, validate)

    def _as_task(self, value: Any) -> Task:
        from resultant.core.as_task import as_task

        return as_task(value, flow=self)  # type: ignore[arg-type]

    def chain(self, *tasks: Any, validate: bool | None = None) -> list[Edge]:
        """Add tasks that run one after the other.

        Args:
            *tasks: the tasks, in order.
            validate: as for :meth:`add_edge`.

        Returns:
            The edges, in order.
        """
        from itertools import pairwise

        chained = [self._as_task(task) for task in tasks]
        return [self.add_edge(*pair, validate=validate) for pair in pairwise(chained)]

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
        task = self.add_task(self._as_task(task))
        for upstream in upstream_tasks or ():
            self.connect_one(upstream, task, None, mapped, validate)
        for downstream in downstream_tasks or ():
            self.connect_one(task, self._as_task(downstream), None, mapped, validate)
        for key, value in (keyword_tasks or {}).items():
            self.connect_one(value, task, key, mapped, validate)
