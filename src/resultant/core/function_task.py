"""Tasks made from functions."""

from __future__ import annotations

from resultant.core.signature import checked_signature
from resultant.core.task import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, overload

    from resultant.core.signature import RunSignature

__all__ = ["FunctionTask", "task"]


class FunctionTask(Task):
    """A task whose ``run`` is a given function.

    Args:
        fn: the function.
        name: what the task is called; the function's name if not given.
        **task_options: options of :class:`~resultant.core.task.Task`.

    Raises:
        TypeError: `fn` cannot be called, or has positional-only parameters.
        ValueError: `fn` takes ``*args`` or an argument with a reserved name, or cannot be inspected.
        UnsupportedError: `fn` is an ``async def``.
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, **task_options: Any) -> None:
        if not callable(fn):
            raise TypeError(f"`fn` must be callable, not {fn!r}.")
        own_name = getattr(fn, "__name__", type(self).__name__)
        self._signature = checked_signature(fn, False, own_name)
        # An attribute of the object shadows the method: `task.run` is the function itself.
        self.run = fn  # type: ignore[method-assign]
        super().__init__(name=own_name if name is None else name, **task_options)
        for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
            if hasattr(fn, attribute):
                setattr(self, attribute, getattr(fn, attribute))
        self.__wrapped__ = fn

    @property
    def run_signature(self) -> RunSignature:
        """The arguments that the function takes."""
        return self._signature

    def _no_flow(self) -> str:
        return super()._no_flow().replace(f"{type(self).__name__}(...).run", f"{self.name}.run")


if TYPE_CHECKING:

    @overload
    def task(fn: Callable[..., Any], /, **task_options: Any) -> FunctionTask: ...
    @overload
    def task(fn: None = None, /, **task_options: Any) -> Callable[[Callable[..., Any]], FunctionTask]: ...


def task(fn: Callable[..., Any] | None = None, /, **task_options: Any) -> Any:
    """Turn a function into a task: ``@task``, ``@task(max_retries=2, ...)`` or ``task(fn, ...)``.

    Args:
        fn: the function.
        **task_options: options of :class:`~resultant.core.task.Task`.

    Returns:
        The task; a decorator if `fn` is not given.

    Raises:
        TypeError: `fn` cannot be called, or has positional-only parameters.
        ValueError: `fn` takes ``*args`` or an argument with a reserved name, or cannot be inspected.
    """
    if fn is None:
        return lambda function: FunctionTask(function, **task_options)
    return FunctionTask(fn, **task_options)
