"""A run, seen: whether a terminal shows how it stands, and what it says at the end."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Any, Self

    from resultant.engine.state import State

    from .flow import FlowRun
    from .screen import Screen

__all__ = ["Display", "display", "is_shown"]


class Display:
    """Shows a run on the terminal for as long as the block lasts; or nothing, where nobody would see it.

    Args:
        screen: what draws; ``None`` to show nothing.
    """

    def __init__(self, screen: Screen | None = None) -> None:
        self._screen = screen

    def __enter__(self) -> Self:
        if self._screen is not None:
            self._screen.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._screen is not None:
            self._screen.stop()

    def aside(self) -> AbstractContextManager[Any]:
        """Return a block during which the terminal belongs to somebody else, such as a question to the user."""
        from contextlib import nullcontext

        return nullcontext() if self._screen is None else self._screen.aside()

    def conclude(self, final: State) -> None:
        """Leave a summary behind, if the run was shown at all.

        Args:
            final: the state that the flow ended in.
        """
        if self._screen is not None:
            self._screen.conclude(final)


def display(flow: Any, tracker: FlowRun) -> Display:
    """Return a block during which the terminal shows how a run stands.

    Nothing is shown where standard error is no terminal, where the log says the same (level INFO or below), where
    ``logging.display`` is off, inside of another run that is shown, and for runs that end within half a second.

    Args:
        flow: the flow.
        tracker: its run.
    """
    if not is_shown(tracker.run.verbose):
        return Display()
    import sys

    from .screen import Screen

    return Display(Screen(flow.name, tracker, sys.stderr))


def is_shown(verbose: int) -> bool:
    """Return whether runs are shown here and now.

    Args:
        verbose: what is logged; see ``Run``.
    """
    import sys

    # A log that is read line by line and a picture that is drawn over and over do not go together.
    if verbose or not _is_terminal(sys.stderr):
        return False
    from resultant.runtime import settings

    return settings().logging.display


def _is_terminal(stream: Any) -> bool:
    from os import environ

    try:
        return bool(stream.isatty()) and environ.get("TERM") not in ("dumb", "unknown")
    except (AttributeError, ValueError):
        # Not there, closed, or replaced by something that is no file.
        return False
