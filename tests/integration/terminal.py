"""Scripts on a terminal of their own."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import textwrap
import time
from pathlib import Path
from threading import Thread

_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]")


class OnTerminal:
    """A script whose standard input, output and error are a terminal.

    Args:
        folder: where the script is written.
        source: the script.
        settings: environment variables.
        rows: height of the terminal.
        columns: its width.
        stdout: where standard output goes, if not to the terminal.
    """

    def __init__(
        self,
        folder: Path,
        source: str,
        settings: dict[str, str] | None = None,
        rows: int = 24,
        columns: int = 100,
        stdout: int | None = None,
    ) -> None:
        script = folder / "script.py"
        script.write_text(textwrap.dedent(source))
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "PYTHONUNBUFFERED": "1", **(settings or {})}
        # The size is the terminal's, not that of whoever runs the tests.
        for name in ("NO_COLOR", "LINES", "COLUMNS"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, str(script)],
            stdin=slave,
            stdout=slave if stdout is None else stdout,
            stderr=slave,
            env=environment,
            start_new_session=True,
            cwd=folder,
        )
        os.close(slave)
        self.raw = ""
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        """What was written, without colours and movements; where a line was erased, another one begins."""
        return _CODES.sub("", self.raw.replace("\x1b[2K", "\n")).replace("\r", "")

    def wait_for(self, words: str, seconds: float = 30) -> None:
        """Wait until `words` are there."""
        end = time.monotonic() + seconds
        while words not in self.text:
            assert time.monotonic() < end, f"no {words!r} in\n{self.text}"
            assert self.process.poll() is None or words in self.text, self.text
            time.sleep(0.02)

    def type(self, text: str) -> None:
        """Type on the keyboard."""
        os.write(self._master, text.encode())

    def finish(self, seconds: float = 60) -> int:
        """Wait for the end and return the exit status."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"still running:\n{self.text}") from None
        self._reader.join(10)
        os.close(self._master)
        return status

    def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:
                return
            if not data:
                return
            self.raw += decoder.decode(data)
