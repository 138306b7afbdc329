"""Starting a worker process, and saying how one ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.executors.wire import Bytes

_SOCKET_BUFFER = 1 << 18


def spawn() -> tuple[subprocess.Popen[bytes], socket.socket, int]:
    """Start a worker process.

    Returns:
        The process, the socket to it, and the descriptor that keeps it alive: it dies when that is closed.

    Raises:
        ExecutorError: the interpreter's own program is not known.
        OSError: the process cannot be started.
    """
    if not sys.executable:
        from resultant.errors import ExecutorError

        raise ExecutorError(
            "Worker processes cannot be started: sys.executable is empty, as in an embedded interpreter. "
            "Set it to a Python program, or use a ThreadExecutor."
        )
    ours, theirs = socket.socketpair()
    for side in (ours, theirs):
        # Several small jobs must fit at once; the default of some systems is 8 KiB.
        side.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BUFFER)
        side.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BUFFER)
    end, lifeline = os.pipe()
    # Ctrl-C reaches the whole group: a worker must not see it before it can handle it. The mask is inherited.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process = subprocess.Popen(
            _command(theirs.fileno(), end), stdin=subprocess.DEVNULL, pass_fds=(theirs.fileno(), end)
        )
    except BaseException:
        ours.close()
        os.close(lifeline)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        theirs.close()
        os.close(end)
    return process, ours, lifeline


def _command(sock: int, lifeline: int) -> list[str]:
    # `-m` would look for this package where the user stands; it is where it is here.
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    code = f"import sys; sys.path[0] = {root!r}; from resultant.executors.worker import main; main()"
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return [sys.executable, *flags, "-c", code, str(sock), str(lifeline)]


def hello() -> list[Bytes]:
    """The frame that tells a worker where this process looks for modules and files."""
    import pickle

    from resultant.executors.wire import HELLO, pack

    try:
        cwd: str | None = os.getcwd()
    except OSError:
        cwd = None
    path = [entry or os.curdir for entry in sys.path]
    return pack(HELLO, [pickle.dumps((path, cwd, list(getattr(sys, "argv", []))), 5)])


def describe_exit(code: int | None) -> str:
    """How a process ended, as the end of a sentence that begins with its name."""
    if code is None:
        return "closed its connection and was ended"
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "an unknown signal"
    hint = ", perhaps by the system for want of memory" if name == "SIGKILL" else ""
    return f"was ended by {name} (signal {-code}){hint}"


def end(processes: list[subprocess.Popen[bytes]], grace: float) -> None:
    """Wait for processes that should be ending, and end those that do not.

    Args:
        processes: the processes.
        grace: seconds they may still take; with 0 they are ended at once.
    """
    from time import monotonic

    left = processes
    for number, seconds in ((None, grace), (signal.SIGTERM, 1.0), (signal.SIGKILL, 10.0)):
        if number is not None:
            for process in left:
                process.send_signal(number)
        deadline = monotonic() + seconds
        alive = []
        for process in left:
            try:
                process.wait(max(0.0, deadline - monotonic()))
            except subprocess.TimeoutExpired:
                alive.append(process)
        left = alive
        if not left:
            return
