"""The tasks and edges of a flow, and the questions one can ask about them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from resultant.core.edge import Edge
    from resultant.core.parameter import Parameter
    from resultant.core.task import Task

    Identity = tuple[Task, Task, str | None, bool, bool]

__all__ = ["CYCLE", "Constants", "Graph"]

CYCLE = "Cycle found; flows must be acyclic!"


class Constants(dict["Task", "dict[str, Any]"]):
    """Constant inputs by task; a task that has none gets an empty dictionary when it is looked up."""

    def __missing__(self, task: Task) -> dict[str, Any]:
        inputs: dict[str, Any] = {}
        self[task] = inputs
        return inputs


class Graph:
    """Tasks, edges and constants, each in the order in which they were added.

    Args:
        name: the name of the flow.

    Attributes:
        name: the name of the flow.
        slugs: the name of each task, unique here; its keys are the tasks.
        constants: inputs that are values, by task and name.
    """

    name: str
    slugs: dict[Task, str]
    constants: Constants

    def __init__(self, name: str) -> None:
        self.name = name
        self.slugs = {}
        self.constants = Constants()
        self._edges: dict[Identity, Edge] = {}
        self._upstream: dict[Task, list[Edge]] = {}
        self._downstream: dict[Task, list[Edge]] = {}
        self._taken: set[str] = set()
        self._counters: dict[str, int] = {}
        self._references: dict[Task, None] | None = None
        self._order: tuple[Task, ...] | None = None
        self._has_cleanup = False

    @property
    def tasks(self) -> set[Task]:
        """The tasks, as a new set."""
        return set(self.slugs)

    @property
    def edges(self) -> set[Edge]:
        """The edges, as a new set."""
        return set(self._edges.values())

    def iter_edges(self) -> Iterator[Edge]:
        """Iterate over the edges in the order in which they were added."""
        return iter(self._edges.values())

    def has_edges(self, task: Task) -> bool:
        """Return whether an edge leads to or from `task`."""
        return bool(self._upstream.get(task) or self._downstream.get(task))

    def __contains__(self, task: object) -> bool:
        return task in self.slugs

    def __iter__(self) -> Iterator[Task]:
        return iter(self.sorted_tasks())

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Graph)
            and type(self) is type(other)
            and self.name == other.name
            and self.slugs.keys() == other.slugs.keys()
            and self._edges.keys() == other._edges.keys()
            and self.reference_tasks() == other.reference_tasks()
        )

    __hash__ = None  # type: ignore[assignment]

    def _new_slug(self, task: Task) -> str:
        """Return a slug that is free: the task's own, or its name and tags and a number."""
        own = task.slug
        if own is not None:
            if own in self._taken:
                raise ValueError(f'A task with the slug "{own}" already exists in this flow.')
            self._taken.add(own)
            return own
        prefix = "-".join((task.name, *sorted(task.tags))) if task.tags else task.name
        number = self._counters.get(prefix, 0) + 1
        while (slug := f"{prefix}-{number}") in self._taken:
            number += 1
        self._counters[prefix] = number
        self._taken.add(slug)
        return slug

    def _insert(self, edge: Edge) -> Edge:
        """Add an edge unless there is an equal one; return the one that is there now."""
        upstream, downstream = edge.upstream_task, edge.downstream_task
        identity = (upstream, downstream, edge.key, edge.mapped, edge.flattened)
        present = self._edges.get(identity)
        if present is not None:
            return present
        self._edges[identity] = edge
        self._order = None
        edges = self._upstream.get(downstream)
        if edges is None:
            self._upstream[downstream] = [edge]
        else:
            edges.append(edge)
        edges = self._downstream.get(upstream)
        if edges is None:
            self._downstream[upstream] = [edge]
        else:
            edges.append(edge)
        return edge

    def _rebuild(self, edges: Iterable[Edge]) -> None:
        """Put `edges` in the place of all that are there."""
        edges = list(edges)
        self._edges, self._upstream, self._downstream, self._order = {}, {}, {}, None
        for edge in edges:
            self._insert(edge)

    def _found(self, task: Task) -> Task:
        if task not in self.slugs:
            raise ValueError(f"Task {task!r} was not found in Flow {self!r}")
        return task

    def edges_to(self, task: Task) -> set[Edge]:
        """Return the edges that end at `task`.

        Raises:
            ValueError: the task is not in the flow.
        """
        return set(self._upstream.get(self._found(task), ()))

    def edges_from(self, task: Task) -> set[Edge]:
        """Return the edges that start at `task`.

        Raises:
            ValueError: the task is not in the flow.
        """
        return set(self._downstream.get(self._found(task), ()))

    def upstream_tasks(self, task: Task) -> set[Task]:
        """Return the tasks that `task` waits for directly.

        Raises:
            ValueError: the task is not in the flow.
        """
        return {edge.upstream_task for edge in self._upstream.get(self._found(task), ())}

    def downstream_tasks(self, task: Task) -> set[Task]:
        """Return the tasks that wait for `task` directly.

        Raises:
            ValueError: the task is not in the flow.
        """
        return {edge.downstream_task for edge in self._downstream.get(self._found(task), ())}

    def all_upstream_edges(self) -> dict[Task, set[Edge]]:
        """Return the edges that end at each task."""
        return {task: set(self._upstream.get(task, ())) for task in self.slugs}

    def all_downstream_edges(self) -> dict[Task, set[Edge]]:
        """Return the edges that start at each task."""
        return {task: set(self._downstream.get(task, ())) for task in self.slugs}

    def root_tasks(self) -> set[Task]:
        """Return the tasks that wait for no other."""
        return {task for task in self.slugs if not self._upstream.get(task)}

    def terminal_tasks(self) -> set[Task]:
        """Return the tasks that no other waits for."""
        return {task for task in self.slugs if not self._downstream.get(task)}

    def parameters(self) -> set[Parameter]:
        """Return the parameters of the flow."""
        return {task for task in self.slugs if task.is_parameter}  # type: ignore[misc]

    def get_tasks(
        self,
        name: str | None = None,
        slug: str | None = None,
        tags: Iterable[str] | None = None,
        task_type: type | None = None,
    ) -> list[Task]:
        """Return the tasks that match everything that is given.

        Args:
            name: the task's name.
            slug: its slug in this flow.
            tags: labels that it must all have.
            task_type: its class or a superclass.
        """
        wanted = set(tags or ())
        return [
            task
            for task, own_slug in self.slugs.items()
            if (name is None or task.name == name)
            and (slug is None or own_slug == slug)
            and wanted <= task.tags
            and (task_type is None or isinstance(task, task_type))
        ]

    def reference_tasks(self) -> set[Task]:
        """Return the tasks whose states decide the state of the flow: the terminal ones unless set otherwise."""
        if self._references:
            return set(self._references)
        if not self._has_cleanup:
            return self.terminal_tasks()
        return {
            task
            for task in self.slugs
            if task.reference_by_default
            and all(not edge.downstream_task.reference_by_default for edge in self._downstream.get(task, ()))
        }

    def set_reference_tasks(self, tasks: Iterable[Task]) -> None:
        """Choose the tasks whose states decide the state of the flow.

        Args:
            tasks: tasks of the flow; none to go back to the terminal tasks.

        Raises:
            ValueError: one of them is not in the flow.
        """
        tasks = list(tasks)
        for task in tasks:
            if task not in self.slugs:
                raise ValueError(f"reference tasks must be part of the flow; {task!r} is not.")
        self._references = dict.fromkeys(tasks) or None

    def sorted_tasks(self, root_tasks: Iterable[Task] | None = None) -> tuple[Task, ...]:
        """Return the tasks so that each comes after those it waits for; otherwise in the order they were added.

        Args:
            root_tasks: leave out what does not depend on one of these, themselves excepted.

        Raises:
            ValueError: the edges form a cycle.
        """
        order = self._order
        if order is None or len(order) != len(self.slugs):
            self._order = order = self._sort()
        roots = list(root_tasks or ())
        if not roots:
            return order
        reached = set(roots)
        for task in order:
            if task in reached:
                reached.update(edge.downstream_task for edge in self._downstream.get(task, ()))
        return tuple(task for task in order if task in reached)

    def _sort(self) -> tuple[Task, ...]:
        position = {task: number for number, task in enumerate(self.slugs)}
        if all(position[edge.upstream_task] < position[edge.downstream_task] for edge in self._edges.values()):
            return tuple(self.slugs)
        from heapq import heapify, heappop, heappush

        tasks = list(self.slugs)
        waiting = [len(self._upstream.get(task, ())) for task in tasks]
        ready = [number for number, count in enumerate(waiting) if not count]
        heapify(ready)
        order: list[Task] = []
        while ready:
            task = tasks[heappop(ready)]
            order.append(task)
            for edge in self._downstream.get(task, ()):
                number = position[edge.downstream_task]
                waiting[number] -= 1
                if not waiting[number]:
                    heappush(ready, number)
        if len(order) != len(tasks):
            raise ValueError(CYCLE)
        return tuple(order)

    def _leads_to(self, start: Task, goal: Task) -> bool:
        seen, waiting = {start}, [start]
        while waiting:
            task = waiting.pop()
            if task is goal:
                return True
            for edge in self._downstream.get(task, ()):
                if edge.downstream_task not in seen:
                    seen.add(edge.downstream_task)
                    waiting.append(edge.downstream_task)
        return False

    def validate(self) -> None:
        """Check that the flow can run.

        Raises:
            ValueError: a cycle, or an edge or reference task that is not in the flow.
        """
        for edge in self._edges.values():
            if edge.upstream_task not in self.slugs or edge.downstream_task not in self.slugs:
                raise ValueError(f"Some edges refer to tasks not contained in this flow: {edge!r}.")
        for task in self._references or ():
            if task not in self.slugs:
                raise ValueError(f"Some reference tasks are not contained in this flow: {task!r}.")
        self._order = None
        self.sorted_tasks()
