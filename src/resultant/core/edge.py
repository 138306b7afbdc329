"""An edge: one task that waits for another, and maybe takes its value."""

from __future__ import annotations

from resultant.core.annotations import EdgeAnnotation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.core.flow import Flow
    from resultant.core.task import Task

__all__ = ["Edge", "checked_key"]

#: Keys that were found valid: the same few names come again with every edge.
_valid_keys: set[str] = set()


def checked_key(key: str) -> str:
    """Return `key` if it can name an argument.

    Args:
        key: the name of the downstream task's argument.

    Raises:
        ValueError: it is no identifier, or a keyword of Python.
    """
    if key not in _valid_keys:
        from keyword import iskeyword

        if not key.isidentifier() or iskeyword(key):
            raise ValueError(f'Key must be a valid identifier (received "{key}")')
        _valid_keys.add(key)
    return key


class Edge:
    """A dependency between two tasks; with a key, the upstream task's value is that argument of the downstream task.

    Args:
        upstream_task: the task to wait for; any other value is turned into a task, and an annotation sets the marks.
        downstream_task: the task that waits.
        key: the argument of the downstream task that takes the value; ``None`` to wait only.
        mapped: whether each item of the value goes to a child of the downstream task.
        flattened: whether the value is un-nested by one level first.
        flow: the flow in which tasks made from values are placed.

    Raises:
        ValueError: `key` is no valid identifier, or both tasks are the same.
    """

    __slots__ = ("downstream_task", "flattened", "key", "mapped", "upstream_task")

    upstream_task: Task
    downstream_task: Task
    key: str | None
    mapped: bool
    flattened: bool

    def __init__(
        self,
        upstream_task: Any,
        downstream_task: Any,
        key: str | None = None,
        mapped: bool | None = None,
        flattened: bool | None = None,
        flow: Flow | None = None,
    ) -> None:
        from resultant.core.as_task import as_task

        for value in (downstream_task, upstream_task):
            if isinstance(value, EdgeAnnotation):
                mapped = value.annotations.get("mapped", mapped)
                flattened = value.annotations.get("flattened", flattened)
        self.upstream_task = as_task(upstream_task, flow=flow)
        self.downstream_task = as_task(downstream_task, flow=flow)
        if self.upstream_task is self.downstream_task:
            raise ValueError("Edges can not connect a task to itself.")
        self.key = None if key is None else checked_key(key)
        self.mapped = bool(mapped)
        self.flattened = bool(flattened)

    @property
    def tasks(self) -> set[Task]:
        """The two tasks."""
        return {self.upstream_task, self.downstream_task}

    @property
    def identity(self) -> tuple[Task, Task, str | None, bool, bool]:
        """The five parts that make two edges equal."""
        return (self.upstream_task, self.downstream_task, self.key, self.mapped, self.flattened)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Edge) and self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)

    def __repr__(self) -> str:
        return (
            f"<Edge(key={self.key}, mapped={self.mapped}, flattened={self.flattened}): "
            f"{self.upstream_task.name} to {self.downstream_task.name}>"
        )


def new_edge(upstream: Task, downstream: Task, key: str | None, mapped: bool, flattened: bool) -> Edge:
    """Return an edge between two tasks whose parts were checked by the caller."""
    edge = object.__new__(Edge)
    edge.upstream_task = upstream
    edge.downstream_task = downstream
    edge.key = key
    edge.mapped = mapped
    edge.flattened = flattened
    return edge
