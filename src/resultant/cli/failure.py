"""What a command cannot do, in one line."""

from __future__ import annotations

__all__ = ["Failure", "one_line"]


class Failure(Exception):
    """Ends a command with a line on standard error.

    Args:
        message: what happened, to which thing, and what to do.
        status: the exit status.
    """

    def __init__(self, message: str, status: int = 2) -> None:
        super().__init__(message)
        self.status = status


def one_line(error: BaseException) -> str:
    """Return what an error says, for somebody who does not read tracebacks.

    Args:
        error: any exception.
    """
    from resultant.errors import ResultantError

    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        # The text of these begins with a number.
        return f"{error.filename or type(error).__name__}: {error.strerror}"
    if isinstance(error, (Failure, ResultantError)) and text:
        return text
    if isinstance(error, (ValueError, LookupError)) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
