"""The result of a value that is written in the flow."""

from __future__ import annotations

from resultant.engine.result import Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

__all__ = ["ConstantResult"]


class ConstantResult(Result):
    """A value that travels with the flow and so needs no storage.

    Args:
        **options: ``value`` and ``location`` of :class:`~resultant.engine.result.Result`.

    Raises:
        ValueError: a serializer was given.
    """

    def __init__(self, **options: Any) -> None:
        if "serializer" in options:
            raise ValueError("Can't pass a serializer to a ConstantResult: its value is part of the flow.")
        super().__init__(**options)

    def read(self, location: str) -> Self:
        """Return this result itself."""
        return self

    def write(self, value_: Any, **kwargs: Any) -> Self:
        """Raise ``ValueError``: constants are not written."""
        raise ValueError("A ConstantResult cannot be written: its value is part of the flow.")

    def exists(self, location: str, **kwargs: Any) -> bool:
        """Return ``True``."""
        return True
