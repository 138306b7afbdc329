"""One worker process as its pool sees it."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import InvalidStateError

from resultant.executors.spawn import end
from resultant.executors.wire import Inbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from subprocess import Popen

    from resultant.executors.job import Job
    from resultant.executors.wire import Bytes


class Member:
    """A worker process as the pool sees it."""

    __slots__ = (
        "gone",
        "hello",
        "inbox",
        "jobs",
        "lifeline",
        "process",
        "quick",
        "ready",
        "setups",
        "shared",
        "sock",
        "unsent",
    )

    def __init__(self, process: Popen[bytes], sock: socket.socket, lifeline: int) -> None:
        self.process = process
        self.sock = sock
        self.lifeline = lifeline
        self.inbox = Inbox(sock)
        # What it was given and has not answered: the first runs, the others wait in it.
        self.jobs: deque[Job] = deque()
        # Its last job took next to no time.
        self.quick = False
        self.unsent: list[Bytes] = []
        self.ready = False
        # It was dead before it could be sent its job.
        self.gone = False
        self.hello: list[Bytes] | None = None
        self.setups = 0
        # What the worker has of the shared arguments, the longest unused first, with sizes.
        self.shared: dict[int, int] = {}


def fail(job: Job, error: BaseException) -> None:
    """End a job with an exception, unless it has ended."""
    try:
        job.future.set_exception(error)
    except InvalidStateError:
        pass


def reap(member: Member) -> int | None:
    """End what is left of a worker that closed its connection, and return the exit code it had by then."""
    from subprocess import TimeoutExpired

    code: int | None
    try:
        code = member.process.wait(2.0)
    except TimeoutExpired:
        code = None
        end([member.process], 0.0)
    member.sock.close()
    os.close(member.lifeline)
    return code
