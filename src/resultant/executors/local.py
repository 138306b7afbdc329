"""No concurrency: the function is called at once, by whoever submits it."""

from __future__ import annotations

from resultant.executors.base import Executor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class LocalExecutor(Executor):
    """Calls each function when it is submitted and gives its value back. The default."""

    inline = True

    def submit(
        self, fn: Callable[..., Any], /, *args: Any, extra_context: dict[str, Any] | None = None, **kwargs: Any
    ) -> Any:
        """Call the function.

        Args:
            fn: the function.
            *args: its arguments.
            extra_context: ignored.
            **kwargs: its keyword arguments.

        Returns:
            What the function returns.

        Raises:
            BaseException: whatever the function raises.
        """
        return fn(*args, **kwargs)

    def wait(self, futures: Any) -> Any:
        """Return the argument: what `submit` gave are values already."""
        return futures
