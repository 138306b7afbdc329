"""Tasks that the operators of a task build."""

from __future__ import annotations

from resultant.core.task import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "Add",
    "And",
    "Div",
    "Equal",
    "FloorDiv",
    "GetAttr",
    "GetItem",
    "GreaterThan",
    "GreaterThanOrEqual",
    "LessThan",
    "LessThanOrEqual",
    "Mod",
    "Mul",
    "Not",
    "NotEqual",
    "Or",
    "Pow",
    "Sub",
]


class NoDefault:
    """Stands for "no default given", as a class so that it is the same object in every process."""

    def __repr__(self) -> str:
        return "<no default>"


_NO_DEFAULT = NoDefault


class GetItem(Task):
    """Takes an item of a task's value.

    Args:
        default: what is given when there is no such item; without it, that is an error.
        **task_options: options of :class:`~resultant.core.task.Task`.
    """

    def __init__(self, default: Any = _NO_DEFAULT, **task_options: Any) -> None:
        self.default = default
        super().__init__(**task_options)

    def run(self, task_result: Any, key: Any, default: Any = _NO_DEFAULT) -> Any:  # type: ignore[override]
        """Return ``task_result[key]``.

        Raises:
            IndexError: there is no such item, and no default.
            KeyError: the same for a mapping.
        """
        try:
            return task_result[key]
        except (IndexError, KeyError):
            default = self.default if default is _NO_DEFAULT else default
            if default is _NO_DEFAULT:
                raise
            return default


class GetAttr(Task):
    """Takes an attribute of a task's value.

    Args:
        default: what is given when there is no such attribute; without it, that is an error.
        **task_options: options of :class:`~resultant.core.task.Task`.
    """

    def __init__(self, default: Any = _NO_DEFAULT, **task_options: Any) -> None:
        self.default = default
        super().__init__(**task_options)

    def run(self, task_result: Any, attr: str, default: Any = _NO_DEFAULT) -> Any:  # type: ignore[override]
        """Return the attribute `attr`, which may be dotted.

        Raises:
            AttributeError: there is no such attribute, and no default.
        """
        try:
            for name in attr.split("."):
                task_result = getattr(task_result, name)
            return task_result
        except AttributeError:
            default = self.default if default is _NO_DEFAULT else default
            if default is _NO_DEFAULT:
                raise
            return default


class Not(Task):
    """Negates a value."""

    def run(self, x: Any) -> bool:  # type: ignore[override]
        """Return ``not x``."""
        return not x


class Add(Task):
    """Gives ``x + y``."""

    def run(self, x: Any, y: Any) -> Any:  # type: ignore[override]
        """Return ``x + y``."""
        return x + y


class Sub(Task):
    """Gives ``x - y``."""

    def run(self, x: Any, y: Any) -> Any:  # type: ignore[override]
        """Return ``x - y``."""
        return x - y


class Mul(Task):
    """Gives ``x * y``."""

    def run(self, x: Any, y: Any) -> Any:  # type: ignore[override]
        """Return ``x * y``."""
        return x * y


class Div(Task):
    """Gives ``x / y``."""

    def run(self, x: Any, y: Any) -> Any:  # type: ignore[override]
        """Return ``x / y``."""
        return x / y


class FloorDiv(Task):
    """Gives ``x // y``."""

    def run(self, x: Any, y: Any) -> Any:  # type: ignore[override]
        """Return ``x // y``."""
        return x // y


class Mod(Task):
    """Gives ``x % y``."""

    def run(self, x: Any, y: Any) -> Any:  # type: ignore[override]
        """Return ``x % y``."""
        return x % y


class Pow(Task):
    """Gives ``x**y``."""

    def run(self, x: Any, y: Any) -> Any:  # type: ignore[override]
        """Return ``x**y``."""
        return x**y


class And(Task):
    """Gives ``x and y``."""

    def run(self, x: Any, y: Any) -> Any:  # type: ignore[override]
        """Return ``x and y``."""
        return x and y


class Or(Task):
    """Gives ``x or y``."""

    def run(self, x: Any, y: Any) -> Any:  # type: ignore[override]
        """Return ``x or y``."""
        return x or y


class Equal(Task):
    """Gives ``x == y``."""

    def run(self, x: Any, y: Any) -> Any:  # type: ignore[override]
        """Return ``x == y``."""
        return x == y


class NotEqual(Task):
    """Gives ``x != y``."""

    def run(self, x: Any, y: Any) -> Any:  # type: ignore[override]
        """Return ``x != y``."""
        return x != y


class GreaterThan(Task):
    """Gives ``x > y``."""

    def run(self, x: Any, y: Any) -> Any:  # type: ignore[override]
        """Return ``x > y``."""
        return x > y


class GreaterThanOrEqual(Task):
    """Gives ``x >= y``."""

    def run(self, x: Any, y: Any) -> Any:  # type: ignore[override]
        """Return ``x >= y``."""
        return x >= y


class LessThan(Task):
    """Gives ``x < y``."""

    def run(self, x: Any, y: Any) -> Any:  # type: ignore[override]
        """Return ``x < y``."""
        return x < y


class LessThanOrEqual(Task):
    """Gives ``x <= y``."""

    def run(self, x: Any, y: Any) -> Any:  # type: ignore[override]
        """Return ``x <= y``."""
        return x <= y
