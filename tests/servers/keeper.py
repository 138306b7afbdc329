"""Runs a server for as long as whoever started it holds the other end of the standard input.

    python keeper.py FOLDER PROGRAM [ARGUMENT ...]

Tests may end in any way, even by a kill: their end of the pipe goes with them, and so do the server and its folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading


def main() -> int:
    # Ctrl-C is for the tests, which still clean up with the server's help.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, start_new_session=True)

    killed: list[bool] = []

    def end(*_: object) -> None:
        killed.append(True)
        server.kill()

    def watch() -> None:
        while os.read(0, 4096):
            pass
        end()

    signal.signal(signal.SIGTERM, end)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    code = server.wait()
    if killed:
        shutil.rmtree(sys.argv[1], ignore_errors=True)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
