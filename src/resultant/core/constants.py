"""A constant: a task whose value is known beforehand."""

from __future__ import annotations

from resultant.core.task import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

__all__ = ["Constant", "brief"]

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
            name = brief(value, _LONGEST_NAME) or f"Constant[{type(value).__name__}]"
        super().__init__(name=name, **task_options)

    def run(self) -> Any:
        """Return the value."""
        return self.value


def brief(value: Any, longest: int) -> str | None:
    """Return the value's repr, or ``None`` where that is longer: no walk over the user's data for a name.

    Args:
        value: any value.
        longest: how many characters the repr may have.
    """
    kind = type(value)
    if kind in (str, bytes):
        if len(value) > longest:
            return None
    elif kind is int:
        # The repr of a huge number is an error.
        if value.bit_length() > 4 * longest:
            return None
    elif kind in (list, tuple, set, frozenset, dict):
        # Each item takes a character and what stands between it and the next.
        if 3 * len(value) > longest or any(brief(item, longest) is None for item in value):
            return None
        if kind is dict and any(brief(item, longest) is None for item in value.values()):
            return None
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001
        # A broken repr is no reason not to run the flow.
        return None
    return text if len(text) <= longest else None
