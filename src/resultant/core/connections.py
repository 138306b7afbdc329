"""What connects a task with others: dependencies, and operators that build further tasks in the active flow."""

from __future__ import annotations

from resultant import runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any, Self

    from resultant.core.flow import Flow
    from resultant.core.task import Task

__all__ = ["Connections", "active_flow"]


def active_flow(flow: Flow | None) -> Flow:
    """Return `flow`, or the flow whose ``with`` block is open.

    Raises:
        ValueError: there is neither.
    """
    if flow is None:
        flow = runtime.peek("flow")
        if flow is None:
            raise ValueError("No Flow was passed, and could not infer an active Flow context.")
    return flow


class Connections:
    """What ``task + 1``, ``task[key]`` and the like mean. Equality and hash keep meaning identity."""

    name: str
    nout: int | None

    # Arrays and frames would take a task for one item, and build a task for each of theirs.
    __array_ufunc__ = None
    __pandas_priority__ = 10_000

    def set_dependencies(
        self,
        flow: Flow | None = None,
        upstream_tasks: Iterable[Any] | None = None,
        downstream_tasks: Iterable[Any] | None = None,
        keyword_tasks: Mapping[str, Any] | None = None,
        mapped: bool = False,
        validate: bool | None = None,
    ) -> Self:
        """Add edges to and from this task.

        Args:
            flow: the flow; the one whose ``with`` block is open if not given.
            upstream_tasks: tasks to wait for.
            downstream_tasks: tasks that wait for this one.
            keyword_tasks: inputs by name.
            mapped: whether the upstream edges are mapped.
            validate: whether to check the flow at once.

        Returns:
            The task.

        Raises:
            ValueError: no flow is given and none is open.
        """
        active_flow(flow).set_dependencies(
            self, upstream_tasks, downstream_tasks, keyword_tasks, mapped=mapped, validate=validate
        )
        return self

    def set_upstream(self, task: Any, flow: Flow | None = None, key: str | None = None, mapped: bool = False) -> Self:
        """Make this task wait for another.

        Args:
            task: the task, or a value.
            flow: the flow; the one whose ``with`` block is open if not given.
            key: the argument that takes the other's value.
            mapped: whether the edge is mapped.

        Returns:
            This task.

        Raises:
            ValueError: no flow is given and none is open.
        """
        active_flow(flow).connect_one(task, self, key, mapped)
        return self

    def set_downstream(self, task: Any, flow: Flow | None = None, key: str | None = None, mapped: bool = False) -> Self:
        """Make another task wait for this one.

        Args:
            task: the other task, or a value.
            flow: the flow; the one whose ``with`` block is open if not given.
            key: the other's argument that takes this task's value.
            mapped: whether the edge is mapped.

        Returns:
            This task.

        Raises:
            ValueError: no flow is given and none is open.
        """
        active_flow(flow).connect_one(self, task, key, mapped)
        return self

    def pipe(self, other: Callable[..., Any], /, **kwargs: Any) -> Any:
        """Return ``other(self, **kwargs)``, for chains that read from left to right.

        Args:
            other: a task, or an annotation class such as `flatten`.
            **kwargs: further inputs.

        Raises:
            ValueError: an input called ``self``.
        """
        if "self" in kwargs:
            raise ValueError('You cannot use the keyword argument "self" in .pipe.')
        return other(self, **kwargs)

    def _build(self, operator: str, x: Any, y: Any) -> Task:
        from resultant.core import operators

        task: Task = getattr(operators, operator)()
        return task.bind(x=x, y=y)

    def is_equal(self, other: object) -> Task:
        """Return a task that compares this task's value with another for equality."""
        return self._build("Equal", self, other)

    def is_not_equal(self, other: object) -> Task:
        """Return a task that compares this task's value with another for inequality."""
        return self._build("NotEqual", self, other)

    def not_(self) -> Task:
        """Return a task that negates this task's value."""
        from resultant.core.operators import Not

        return Not().bind(x=self)

    def or_(self, other: object) -> Task:
        """Return a task for ``this or other``; ``|`` is taken by dependencies."""
        return self._build("Or", self, other)

    def __iter__(self) -> Iterator[Task]:
        if self.nout is None:
            raise TypeError(
                "Task is not iterable. If your task returns multiple results, pass `nout` to the task "
                f"decorator/constructor, or give {self!r} a `tuple[...]` return annotation of a fixed length."
            )
        return (self[index] for index in range(self.nout))

    def __getitem__(self, key: Any) -> Task:
        from resultant.core.operators import GetItem
        from resultant.core.task import Task

        name = f"{self.name}[{key.name if isinstance(key, Task) else repr(key)}]"
        item = GetItem(name=name, checkpoint=getattr(self, "checkpoint", None), result=getattr(self, "result", None))
        return item.bind(task_result=self, key=key)

    def __or__(self, other: object) -> Task:
        return _connected(self, other)[1]

    def __ror__(self, other: object) -> Task:
        return _connected(other, self)[1]

    def __add__(self, other: object) -> Task:
        return self._build("Add", self, other)

    def __sub__(self, other: object) -> Task:
        return self._build("Sub", self, other)

    def __mul__(self, other: object) -> Task:
        return self._build("Mul", self, other)

    def __truediv__(self, other: object) -> Task:
        return self._build("Div", self, other)

    def __floordiv__(self, other: object) -> Task:
        return self._build("FloorDiv", self, other)

    def __mod__(self, other: object) -> Task:
        return self._build("Mod", self, other)

    def __pow__(self, other: object) -> Task:
        return self._build("Pow", self, other)

    def __and__(self, other: object) -> Task:
        return self._build("And", self, other)

    def __radd__(self, other: object) -> Task:
        return self._build("Add", other, self)

    def __rsub__(self, other: object) -> Task:
        return self._build("Sub", other, self)

    def __rmul__(self, other: object) -> Task:
        return self._build("Mul", other, self)

    def __rtruediv__(self, other: object) -> Task:
        return self._build("Div", other, self)

    def __rfloordiv__(self, other: object) -> Task:
        return self._build("FloorDiv", other, self)

    def __rmod__(self, other: object) -> Task:
        return self._build("Mod", other, self)

    def __rpow__(self, other: object) -> Task:
        return self._build("Pow", other, self)

    def __rand__(self, other: object) -> Task:
        return self._build("And", other, self)

    def __lt__(self, other: object) -> Task:
        return self._build("LessThan", self, other)

    def __le__(self, other: object) -> Task:
        return self._build("LessThanOrEqual", self, other)

    def __gt__(self, other: object) -> Task:
        return self._build("GreaterThan", self, other)

    def __ge__(self, other: object) -> Task:
        return self._build("GreaterThanOrEqual", self, other)


def _connected(upstream: Any, downstream: Any) -> tuple[Task, Task]:
    """Add an edge in the active flow and return both ends as tasks, so that a chain goes on through constants."""
    from resultant.core.as_task import as_task

    flow = active_flow(None)
    tasks = as_task(upstream, flow=flow), as_task(downstream, flow=flow)
    flow.add_edge(*tasks)
    return tasks
