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
            text = _brief(value)
            name = f"Constant[{type(value).__name__}]" if text is None or len(text) > _LONGEST_NAME else text
        super().__init__(name=name, **task_options)

    def run(self) -> Any:
        """Return the value."""
        return self.value


def _brief(value: Any) -> str | None:
    """Return the value's repr, or ``None`` where that is surely long: no walk over the user's data for a name."""
    kind = type(value)
    if kind in (str, bytes):
        if len(value) > _LONGEST_NAME:
            return None
    elif kind is int:
        # The repr of a huge number is an error.
        if value.bit_length() > 4 * _LONGEST_NAME:
            return None
    elif kind in (list, tuple, set, frozenset, dict):
        # Three items with brackets and commas are nine characters.
        if len(value) > 2 or any(_brief(item) is None for item in value):
            return None
        if kind is dict and any(_brief(item) is None for item in value.values()):
            return None
    try:
        return repr(value)
    except Exception:  # noqa: BLE001
        # A broken repr is no reason not to run the flow.
        return None
