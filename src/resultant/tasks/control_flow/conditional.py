"""Branches that are chosen by a value, and the task that joins them again."""

from __future__ import annotations

from resultant.core.as_task import as_task
from resultant.core.connections import active_flow
from resultant.core.function_task import task as task_from
from resultant.core.tags import tags
from resultant.core.task import Task
from resultant.engine.signals import SKIP
from resultant.triggers import not_all_skipped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from resultant.core.flow import Flow

__all__ = ["CompareValue", "Merge", "ifelse", "merge", "switch"]


class CompareValue(Task):
    """Skips what depends on it unless a value is as expected.

    Args:
        value: what is expected.
        name: what the task is called.
        **task_options: options of :class:`~resultant.core.task.Task`.
    """

    def __init__(self, value: Any, name: str | None = None, **task_options: Any) -> None:
        self.value = value
        super().__init__(name=f'CompareValue: "{value}"' if name is None else name, **task_options)

    def run(self, value: Any) -> None:  # type: ignore[override]
        """Compare `value` with what is expected.

        Raises:
            SKIP: they differ.
        """
        if value != self.value:
            raise SKIP(f'Provided value "{value}" did not match "{self.value}"')


class Merge(Task):
    """Gives the first of its inputs that has a value.

    Args:
        **task_options: options of :class:`~resultant.core.task.Task`.

    Raises:
        ValueError: `skip_on_upstream_skip` is true, which would skip it with the first branch that is.
    """

    def __init__(self, **task_options: Any) -> None:
        if task_options.setdefault("skip_on_upstream_skip", False):
            raise ValueError("Merge tasks must have `skip_on_upstream_skip=False`.")
        task_options.setdefault("trigger", not_all_skipped)
        super().__init__(**task_options)

    def run(self, **task_results: Any) -> Any:
        """Return the first value, by the number in its name, that is not ``None``."""
        for key in sorted(task_results, key=lambda key: int(key.rpartition("_")[2])):
            value = task_results[key]
            if value is not None:
                return value
        return None


def merge(*tasks: Any, flow: Flow | None = None, mapped: bool = False, **task_options: Any) -> Task:
    """Join branches: the task returned has the value of the first of `tasks`, in order, that is not ``None``.

    Args:
        *tasks: the ends of the branches.
        flow: the flow; the one whose ``with`` block is open if not given.
        mapped: whether to join mapped branches child by child.
        **task_options: options of :class:`~resultant.core.task.Task`.

    Raises:
        ValueError: no flow is given and none is open, or `skip_on_upstream_skip` is true.
    """
    inputs = {f"task_{number}": task for number, task in enumerate(tasks, 1)}
    return Merge(**task_options).bind(flow=flow, mapped=mapped, **inputs)


def switch(condition: Any, cases: Mapping[Any, Any], mapped: bool = False) -> None:
    """Let each task in `cases` run only if the condition's value equals its key.

    Args:
        condition: the task whose value decides.
        cases: tasks by value.
        mapped: whether to decide for each child of a mapped condition.

    Raises:
        ValueError: no flow is open.
    """
    flow = active_flow(None)
    with tags("switch"):
        for value, branch in cases.items():
            compared = CompareValue(value).bind(value=condition, mapped=mapped, flow=flow)
            flow.connect_one(compared, as_task(branch, flow=flow), None, mapped)


def ifelse(condition: Any, true_task: Any, false_task: Any, mapped: bool = False) -> None:
    """Let one of two tasks run, by the truth of the condition's value.

    Args:
        condition: the task whose value decides.
        true_task: runs if it is true; ``None`` for nothing.
        false_task: runs if it is false; ``None`` for nothing.
        mapped: whether to decide for each child of a mapped condition.

    Raises:
        ValueError: no flow is open.
    """
    branches = {value: branch for value, branch in ((True, true_task), (False, false_task)) if branch is not None}
    switch(task_from(_as_bool, name="as_bool")(condition, mapped=mapped), branches, mapped=mapped)


def _as_bool(x: Any) -> bool:
    return bool(x)
