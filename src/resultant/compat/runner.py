"""What the faces of the one runner have in common."""

from __future__ import annotations

from resultant.errors import UnsupportedError
from resultant.runtime import context, get_logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from logging import Logger
    from typing import Any, ClassVar

__all__ = ["Runner"]


class Runner:
    """Base of ``FlowRunner`` and ``TaskRunner``.

    Args:
        state_handlers: functions called at each change of state, after those of the flow or task.

    Raises:
        TypeError: `state_handlers` is no sequence.
    """

    #: Methods that Prefect's runners called on themselves and nothing calls here.
    _steps: ClassVar[frozenset[str]] = frozenset(("call_runner_target_handlers", "handle_state_change"))

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        lost = sorted(name for name in vars(cls) if name in cls._steps)
        if lost:
            raise UnsupportedError(
                f"{cls.__name__} replaces {', '.join(lost)}, which nothing would call: there is one runner, which is not "
                "made of methods to be replaced. Use state handlers, triggers, a Result class or an executor of your own."
            )

    def __init__(self, state_handlers: Iterable[Callable[..., Any]] | None = None) -> None:
        if state_handlers is not None and not isinstance(state_handlers, list | tuple | set):
            raise TypeError("state_handlers should be a sequence of functions.")
        self.state_handlers: list[Callable[..., Any]] = list(state_handlers or ())
        self.context: dict[str, Any] = context.to_dict()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def _bound(self) -> list[Callable[..., Any]]:
        """Return the state handlers as the one runner calls them; they are told of this object."""
        return [_Bound(handler, self) for handler in self.state_handlers]

    @property
    def logger(self) -> Logger:
        """The runner's logger."""
        return get_logger(type(self).__name__)


class _Bound:
    def __init__(self, handler: Callable[..., Any], runner: Runner) -> None:
        self.handler = handler
        self.runner = runner

    def __call__(self, _: Any, old: Any, new: Any) -> Any:
        return self.handler(self.runner, old, new)
