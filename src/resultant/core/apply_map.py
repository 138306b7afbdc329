"""Mapping a function that builds tasks."""

from __future__ import annotations

from itertools import islice

from resultant import runtime
from resultant.core.annotations import EdgeAnnotation
from resultant.core.as_task import as_task
from resultant.core.task import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from resultant.core.flow import Flow

__all__ = ["apply_map"]


def apply_map(func: Callable[..., Any], *args: Any, flow: Flow | None = None, **kwargs: Any) -> Any:
    """Map a function that adds tasks to a flow: each task that it adds becomes a mapped one.

    The function is called once, with a task for each argument.

    Args:
        func: adds tasks and returns whatever shall be returned here.
        *args: tasks or sequences to map over; `unmapped` and `flatten` mark single ones.
        flow: the flow; it is handed on to `func` then. The one whose ``with`` block is open if not given.
        **kwargs: the same by name.

    Returns:
        What `func` returns.

    Raises:
        ValueError: no flow is given and none is open, or `func` maps by itself.
        TypeError: an argument is no task and cannot be indexed.
    """
    if flow is not None:
        extra = {"flow": flow}
    else:
        extra = {}
        flow = runtime.peek("flow")
        if flow is None:
            raise ValueError("Couldn't infer a flow in the current context; pass `flow=`, or open a `with Flow` block.")
    if runtime.peek("mapped"):
        raise ValueError("Cannot set `mapped=True` when running from inside a mapped context")
    marks: dict[Task, tuple[bool, bool]] = {}
    given = [_argument(value, flow, marks) for value in args]
    named = {name: _argument(value, flow, marks) for name, value in kwargs.items()}
    tasks_before, edges_before = len(flow.slugs), len(flow._edges)
    # A constant that is mapped over is an upstream task, not a value to bind.
    lifted = [task for task, (mapped, _) in marks.items() if mapped and task.is_constant]
    for task in lifted:
        vars(task)["is_constant"] = False
    try:
        with runtime.context(mapped=True):
            outcome = func(*given, **named, **extra)
    finally:
        for task in lifted:
            del vars(task)["is_constant"]
    new_tasks = dict.fromkeys(islice(flow.slugs, tasks_before, None))
    _mark_edges(flow, edges_before, new_tasks, marks)
    _tie_roots(flow, new_tasks, marks)
    return outcome


def _argument(value: Any, flow: Flow, marks: dict[Task, tuple[bool, bool]]) -> Task:
    mapped, flattened, inner = True, False, value
    if isinstance(value, EdgeAnnotation):
        mapped = value.annotations.get("mapped", True)
        flattened = value.annotations.get("flattened", False)
        inner = value.value
    if mapped and (isinstance(inner, dict) or not (isinstance(inner, Task) or hasattr(inner, "__getitem__"))):
        raise TypeError(
            f"Cannot map over non-sequence object of type `{type(inner).__name__}`; pass a list, or wrap it in `unmapped`."
        )
    task = as_task(inner, flow=flow)
    if mapped or not task.is_constant:
        flow.add_task(task)
    marks[task] = (mapped, flattened)
    return task


def _mark_edges(flow: Flow, before: int, new_tasks: dict[Task, None], marks: dict[Task, tuple[bool, bool]]) -> None:
    """Map the edges that were added after the first `before` ones."""
    for identity, edge in list(islice(flow._edges.items(), before, None)):
        upstream = edge.upstream_task
        mark = marks.get(upstream)
        if mark is None:
            # Values that the function brought along are the same for every child.
            mark = (not (upstream in new_tasks and (upstream.is_constant or upstream.is_parameter)), False)
        del flow._edges[identity]
        edge.mapped = mark[0]
        edge.flattened = edge.flattened or mark[1]
        flow._edges[edge.identity] = edge


def _tie_roots(flow: Flow, new_tasks: dict[Task, None], marks: dict[Task, tuple[bool, bool]]) -> None:
    """Make the first tasks of the function wait for all mapped arguments, so that each has as many children."""
    for task in new_tasks:
        if task.is_constant or task.is_parameter:
            continue
        upstream = flow.upstream_tasks(task)
        if any(other in new_tasks and not (other.is_constant or other.is_parameter) for other in upstream):
            continue
        for argument, (mapped, flattened) in marks.items():
            if mapped and argument not in upstream:
                flow.add_edge(argument, task, mapped=True, flattened=flattened)
