"""A task that drops some of its inputs."""

from __future__ import annotations

from resultant.core.task import Task
from resultant.triggers import all_finished

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

__all__ = ["FilterTask"]


def _is_value(item: Any) -> bool:
    return item is not None and not isinstance(item, BaseException)


class FilterTask(Task):
    """Keeps the items that a function accepts, so that a flow goes on with what a mapped task could do.

    Args:
        filter_func: returns whether an item is kept; by default ``None`` and exceptions are dropped.
        log_func: makes a text of the items that are kept, which is logged.
        **task_options: options of :class:`~resultant.core.task.Task`.
    """

    def __init__(
        self,
        filter_func: Callable[[Any], bool] | None = None,
        log_func: Callable[[Any], str] | None = None,
        **task_options: Any,
    ) -> None:
        task_options.setdefault("skip_on_upstream_skip", False)
        task_options.setdefault("trigger", all_finished)
        self.filter_func = _is_value if filter_func is None else filter_func
        self.log_func = log_func
        super().__init__(**task_options)

    def run(self, task_results: Iterable[Any]) -> list[Any]:  # type: ignore[override]
        """Return the items that are kept.

        Args:
            task_results: the items, exceptions of failed children among them.
        """
        kept = [item for item in task_results if self.filter_func(item)]
        if self.log_func is not None:
            self.logger.info(self.log_func(kept))
        return kept
