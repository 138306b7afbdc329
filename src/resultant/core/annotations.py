"""Marks on a task's input that say how its edge is made: mapped, unmapped or flattened."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["EdgeAnnotation", "flatten", "mapped", "unmapped"]


class EdgeAnnotation:
    """A value with marks for the edge that will carry it.

    Annotations nest; where two of them set the same mark, the inner one wins.

    Args:
        value: a task, a constant, or another annotation.
        **annotations: the marks, ``mapped`` and ``flattened``.
    """

    value: Any
    annotations: dict[str, bool]

    def __init__(self, value: Any, **annotations: bool) -> None:
        if isinstance(value, EdgeAnnotation):
            annotations.update(value.annotations)
            value = value.value
        self.value = value
        self.annotations = annotations

    def pipe(self, other: Callable[..., Any], /, **kwargs: Any) -> Any:
        """Return ``other(self, **kwargs)``, so that a chain of pipes may lead through an annotation.

        Args:
            other: a task, or another annotation class.
            **kwargs: further inputs.
        """
        return other(self, **kwargs)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.value!r}>"


class mapped(EdgeAnnotation):
    """Mark an input that gives each mapped child one of its items.

    Args:
        value: the task or the constant to map over.
    """

    def __init__(self, value: Any) -> None:
        super().__init__(value, mapped=True)


class unmapped(EdgeAnnotation):
    """Mark an input that goes whole to each mapped child.

    Args:
        value: the task or the constant to hand over whole.
    """

    def __init__(self, value: Any) -> None:
        super().__init__(value, mapped=False)


class flatten(EdgeAnnotation):
    """Mark an input whose items are un-nested by one level before they are used.

    Args:
        value: the task or the constant whose items are iterables.
    """

    def __init__(self, value: Any) -> None:
        super().__init__(value, flattened=True)
