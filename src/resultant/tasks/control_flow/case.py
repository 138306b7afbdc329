"""A block of tasks that run only if a value is as expected."""

from __future__ import annotations

from resultant import runtime
from resultant.core.constants import brief
from resultant.core.task import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Self

    from resultant.core.flow import Flow

__all__ = ["case"]

#: Characters of a value that a name may hold: names are on record, and data is not.
_LONGEST_LABEL = 24


class case:
    """A block: the tasks added inside run only if the value of `task` equals `value`, and are skipped otherwise.

    Args:
        task: the task whose value decides.
        value: what it is compared with.

    Raises:
        TypeError: `value` is a task.
    """

    def __init__(self, task: Task, value: Any) -> None:
        if isinstance(value, Task):
            raise TypeError("`value` cannot be a task")
        self.task = task
        self.value = value
        self._tasks: dict[Task, None] = {}
        self._flow: Flow | None = None
        self._block: Any = None

    def add_task(self, task: Task, flow: Flow) -> None:
        """Take note of a task that was added to a flow while the block is open.

        Raises:
            ValueError: tasks were added to another flow before.
        """
        if self._flow is None:
            self._flow = flow
        elif self._flow is not flow:
            raise ValueError("Multiple flows cannot be used with the same case statement")
        if not (task.is_constant or task.is_parameter):
            self._tasks[task] = None

    def __enter__(self) -> Self:
        self._tasks, self._flow = {}, None
        self._block = runtime.context(case=self)
        self._block.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._block.__exit__(kind, error, trace)
        flow = self._flow
        if error is not None or flow is None or not self._tasks:
            return
        from resultant.tasks.control_flow.conditional import CompareValue

        first = [task for task in self._tasks if not any(other in self._tasks for other in flow.upstream_tasks(task))]
        label = self.value if brief(self.value, _LONGEST_LABEL) else type(self.value).__name__
        condition = CompareValue(self.value, name=f"case({label})").bind(value=self.task, flow=flow)
        for task in first:
            flow.connect_one(condition, task, None, False)
