"""One call in a process of its own, which is ended when it takes too long."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket
    from typing import Any

    from resultant.executors.wire import Bytes, Frame, Inbox


def run_in_subprocess(
    fn: Callable[..., Any],
    /,
    *args: Any,
    timeout: float | None,
    setup: tuple[Callable[..., Any], tuple[Any, ...]] | None = None,
    extra_context: dict[str, Any] | None = None,
    **kwargs: Any,
) -> Any:
    """Call a function on the main thread of a new process.

    For timeouts where no alarm can be had, as in a thread: the process is ended when the time is over, whatever it does.

    Args:
        fn: the function.
        *args: its arguments.
        timeout: seconds it may take, not counting the start of the process; ``None`` for as long as it likes.
        setup: a function and its arguments to be called before, in the same time.
        extra_context: ``task_name`` is what errors call the call.
        **kwargs: its keyword arguments.

    Returns:
        What the function returns.

    Raises:
        TimeoutError: the time is over.
        UnpicklableError: the call or its result cannot be pickled.
        WorkerDiedError: the process ended without an answer.
        BaseException: whatever the function raises; its cause is the traceback in the process, as text.
    """
    from os import close
    from time import monotonic

    from resultant.errors import WorkerDiedError
    from resultant.executors.job import make_job, make_setup, read
    from resultant.executors.pickling import pack_shared
    from resultant.executors.spawn import describe_exit, end, hello, spawn
    from resultant.executors.wire import Inbox, send_some

    job = make_job(fn, args, kwargs, extra_context)
    parts = [] if setup is None else make_setup(*setup)
    for shared in job.shared:
        parts += pack_shared(shared)[0]
    parts += job.parts
    process, sock, lifeline = spawn()
    grace = 0.0
    try:
        inbox = Inbox(sock)
        frame = None
        try:
            send_some(sock, hello())
            if _next(sock, inbox, None) is not None:
                deadline = None if timeout is None else monotonic() + timeout
                _send_by(sock, parts, deadline)
                frame = _next(sock, inbox, deadline)
        except TimeoutError:
            raise TimeoutError(f"{job.name} took longer than {timeout} seconds; its process was ended") from None
        except OSError:
            # The process is gone: its exit code says more.
            pass
        if frame is None:
            sock.close()
            end([process], 2.0)
            raise WorkerDiedError(f"Process {process.pid} {describe_exit(process.returncode)} while it ran {job.name}")
        grace = 2.0
    finally:
        sock.close()
        end([process], grace)
        close(lifeline)
    value, error = read(job.name, frame)
    if error is not None:
        raise error
    return value


def _send_by(sock: socket, parts: list[Bytes], deadline: float | None) -> None:
    """Send all, or raise TimeoutError."""
    from time import monotonic

    from resultant.executors.wire import send_some

    while parts:
        sock.settimeout(None if deadline is None else max(1e-6, deadline - monotonic()))
        parts = send_some(sock, parts)


def _next(sock: socket, inbox: Inbox, deadline: float | None) -> Frame | None:
    """The next frame, or ``None`` when the socket has ended; TimeoutError when the deadline is over."""
    from time import monotonic

    while True:
        sock.settimeout(None if deadline is None else max(1e-6, deadline - monotonic()))
        frames = inbox.receive()
        if frames is None:
            return None
        if frames:
            return frames[0]
