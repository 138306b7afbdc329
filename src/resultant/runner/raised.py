"""What a skipped task raised, in a run that is resumed."""

from __future__ import annotations

from resultant.engine.signals import SKIP
from resultant.errors import MissingResultError, ResultantError

from .failure_text import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.engine.result import Result

__all__ = ["Raised"]


class Raised:
    """Stands for the signal that a skipped task raised; what it said lies where texts of failures do.

    Args:
        message: for whoever looks at it, if that cannot be read.
        place: of the text; ``None`` where there is none.
        result: in whose store it lies, if it is no file.
    """

    __slots__ = ("message", "place", "result")

    def __init__(self, message: str, place: str | None, result: Any) -> None:
        self.message = message
        self.place = place
        self.result = result

    def __call__(self, result: Result) -> SKIP:
        """Return such a signal."""
        try:
            return SKIP(self.said())
        except (OSError, ResultantError):
            return SKIP(self.message)

    def said(self) -> str:
        """Return what the task said.

        Raises:
            MissingResultError: that is on no record.
            OSError: it cannot be read.
            ResultantError: its store does not give it.
        """
        if self.place is None:
            raise MissingResultError("What it raised is on no record.")
        return read_text(self.place, None if self.result is None else self.result.store)
