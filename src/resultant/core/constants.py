"""A constant: a task whose value is known beforehand."""

from __future__ import annotations

from resultant.core.task import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

__all__ = ["Constant"]

#: A longer repr would make an unreadable name.
_LONGEST_NAME = 8


class Constant(Task):
    """A task that gives a value.

    Args:
        value: the value.
        name: what the task is called; the value's repr, or its type where that is long, if not given.
        **task_options: options of :class:`~resultant.core.task.Task`.
    """

    is_constant: ClassVar[bool] = True

    def __init__(self, value: Any, name: str | None = None, **task_options: Any) -> None:
        self.value = value
        if name is None:
            name = repr(value)
            if len(name) > _LONGEST_NAME:
                name = f"Constant[{type(value).__name__}]"
        super().__init__(name=name, **task_options)

    def run(self) -> Any:
        """Return the value."""
        return self.value
