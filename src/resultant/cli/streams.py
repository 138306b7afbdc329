"""Standard output and error that no reader, encoding or disk can make a command fail half-way."""

from __future__ import annotations

import io
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from _typeshed import ReadableBuffer

__all__ = ["Output", "prepare"]


class Output(io.FileIO):
    """The bytes of a stream; after an error, what is written to it is dropped, and the command goes on."""

    _error: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        """Write bytes, as long as somebody takes them."""
        view = memoryview(data).cast("B")
        done = 0
        try:
            # The system may take less at once than it is given, and not everybody who writes here asks how much that was.
            while self._error is None and done < view.nbytes:
                taken = super().write(view[done:])
                if taken:
                    done += taken
                else:
                    # A pipe that is full, and was set not to block, takes nothing.
                    from select import select

                    select((), (self,), ())
        except OSError as error:
            self._error = error
        return view.nbytes

    def end(self, status: int) -> int:
        """Write what waits to be written, and say so if not everything could be.

        Args:
            status: what the command ended with.

        Returns:
            The exit status. That a reader has seen enough and went away is no failure.
        """
        sys.stdout.flush()
        if self._error is None or isinstance(self._error, BrokenPipeError):
            return status
        sys.stderr.write(f"resultant: Standard output cannot be written: {self._error.strerror}. Some of it is lost.\n")
        return status or 2


def prepare() -> Output | None:
    """Make standard output and error ready for a command; characters that their encoding lacks are escaped.

    Returns:
        What takes the bytes of standard output; ``None`` where whoever started the process has closed it.
    """
    if sys.stderr is None:
        # Nothing else shall be opened under its number, and be written to by whoever complains.
        sys.stderr = open("/dev/null", "w", encoding="utf-8")  # noqa: SIM115
    else:
        sys.stderr, _ = _over(sys.stderr)
    if sys.stdout is None:
        return None
    sys.stdout, output = _over(sys.stdout)
    return output


def _over(given: Any) -> tuple[io.TextIOWrapper, Output]:
    output = Output(given.fileno(), "w", closefd=False)
    stream = io.TextIOWrapper(
        output if given.write_through else io.BufferedWriter(output),
        encoding=given.encoding,
        errors="backslashreplace",
        line_buffering=given.line_buffering,
        write_through=given.write_through,
    )
    return stream, output
