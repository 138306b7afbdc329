"""What is printed and logged during a run, kept for a moment and then put above the picture of the run."""

from __future__ import annotations

import os
import sys
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from logging import StreamHandler
    from typing import Any

__all__ = ["Above", "same_terminal", "terminal_streams"]


class _Line:
    """Stands in for a terminal's text stream: whole lines are kept for the picture's thread, in the order they came.

    Before there is a picture and once it is gone, and in a fork, where nobody draws, it is the stream itself.
    """

    def __init__(self, stream: Any, lines: deque[str]) -> None:
        self._stream = stream
        self._lines = lines
        self._rest = ""
        self._process = os.getpid()
        self.active = False

    def write(self, text: str) -> int:
        if not self.active or os.getpid() != self._process:
            written: int = self._stream.write(text)
            return written
        if "\n" in text:
            whole, self._rest = (self._rest + text).rsplit("\n", 1)
            self._lines.append(whole)
        else:
            self._rest += text
        # A line that is drawn over again and again, as bars are, counts once, and when it is done.
        if "\r" in self._rest:
            self._rest = self._rest.rsplit("\r", 1)[1] or self._rest[-200:]
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if not self.active or os.getpid() != self._process:
            self._stream.flush()

    def close_lines(self) -> None:
        """Hand over the line that has no end yet."""
        rest, self._rest = self._rest, ""
        if rest:
            self._lines.append(rest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Above:
    """Takes the place of standard output and error, where those are the terminal, and of handlers that write there.

    Args:
        streams: names in ``sys``, and what they stood for when the run began, as far as that is the terminal.
    """

    def __init__(self, streams: dict[str, Any]) -> None:
        self.lines: deque[str] = deque()
        self._streams = [(name, stream, _Line(stream, self.lines)) for name, stream in streams.items()]
        self._handlers: list[tuple[StreamHandler[Any], Any, _Line]] = []
        for handler in _handlers():
            for _, stream, line in self._streams:
                # Some have no stream of their own, and write to what is standard error at the moment.
                if vars(handler).get("stream") is stream:
                    self._handlers.append((handler, stream, line))
                    handler.setStream(line)
        self.install()

    def install(self) -> None:
        """Step in where nobody else has: somebody may have put the stream itself back."""
        for name, stream, line in self._streams:
            if getattr(sys, name) is stream:
                setattr(sys, name, line)

    def keep(self, lines: bool) -> None:
        """Begin or end to keep what is written; until then, and from then on, it goes where it went before."""
        for _, _, line in self._streams:
            line.active = lines
            if not lines:
                line.close_lines()

    def remove(self) -> None:
        """Step back; what somebody else has put in place meanwhile stays."""
        for handler, stream, line in self._handlers:
            if vars(handler).get("stream") is line:
                handler.setStream(stream)
        for name, stream, line in self._streams:
            if getattr(sys, name) is line:
                setattr(sys, name, stream)

    def take(self) -> str:
        """Return what has come since the last time, and forget it."""
        found: list[str] = []
        while self.lines:
            found.append(self.lines.popleft())
        return "\n".join(found)

    def __bool__(self) -> bool:
        return bool(self.lines)


def terminal_streams(terminal: Any) -> dict[str, Any]:
    """Return what in ``sys`` is the terminal now, by name.

    Args:
        terminal: the stream that the picture is drawn on.
    """
    streams = {name: getattr(sys, name) for name in ("stdout", "stderr")}
    return {name: stream for name, stream in streams.items() if same_terminal(stream, terminal)}


def same_terminal(stream: Any, terminal: Any) -> bool:
    """Return whether `stream` ends on the terminal that `terminal` is."""
    if stream is terminal:
        return True
    try:
        return stream.isatty() and os.fstat(stream.fileno()).st_rdev == os.fstat(terminal.fileno()).st_rdev
    except (AttributeError, OSError, ValueError):
        return False


def _handlers() -> list[StreamHandler[Any]]:
    import logging

    found = [*logging.getLogger().handlers, *logging.getLogger("resultant").handlers]
    return [handler for handler in found if isinstance(handler, logging.StreamHandler)]
