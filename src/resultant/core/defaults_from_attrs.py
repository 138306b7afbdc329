"""Arguments of ``run`` that fall back to attributes of the task."""

from __future__ import annotations

from functools import wraps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

__all__ = ["defaults_from_attrs"]


def defaults_from_attrs(*names: str) -> Callable[[F], F]:
    """Decorate ``run`` so that arguments not passed to it are taken from the task's attributes.

    An argument that is passed stays what it is, ``None`` too. An attribute that was never set is an
    ``AttributeError`` of the call.

    Args:
        *names: the arguments, and the attributes, by name.
    """

    def decorate(run: F) -> F:
        code = getattr(run, "__code__", None)
        positions = {name: number for number, name in enumerate(code.co_varnames[: code.co_argcount])} if code else {}

        @wraps(run)
        def with_defaults(self: Any, *args: Any, **kwargs: Any) -> Any:
            for name in names:
                # Positions count `self`, args do not.
                if name not in kwargs and not 0 < positions.get(name, 0) <= len(args):
                    kwargs[name] = getattr(self, name)
            return run(self, *args, **kwargs)

        return with_defaults  # type: ignore[return-value]

    return decorate
