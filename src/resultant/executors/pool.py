"""The worker processes of a started `ProcessExecutor`, and the one thread that talks to them.

A job is handed to a worker that has nothing else to do, never in advance: so no job waits behind a long one, and when a
worker dies it is known which job it ran. A submitter hands its job to an idle worker itself; everything else, also the
starting of workers, is done by the pool's thread.
"""

from __future__ import annotations

import atexit
import os
import select
import socket
import threading
from collections import deque
from concurrent.futures import CancelledError, InvalidStateError

from resultant.errors import ExecutorError, WorkerDiedError
from resultant.executors.pickling import pack_shared
from resultant.executors.spawn import describe_exit, end, hello, spawn
from resultant.executors.wire import FORGET, READY, Inbox, pack, send_some

TYPE_CHECKING = False
if TYPE_CHECKING:
    from subprocess import Popen

    from resultant.executors.job import Job
    from resultant.executors.wire import Bytes

_MOST_FAILED_STARTS = 3
_MOST_SHARED = 256
_MOST_SHARED_BYTES = 256 << 20
_GRACE = 5.0


class Member:
    """A worker process as the pool sees it."""

    __slots__ = ("gone", "hello", "inbox", "job", "lifeline", "process", "ready", "setups", "shared", "sock", "unsent")

    def __init__(self, process: Popen[bytes], sock: socket.socket, lifeline: int) -> None:
        self.process = process
        self.sock = sock
        self.lifeline = lifeline
        self.inbox = Inbox(sock)
        self.job: Job | None = None
        self.unsent: list[Bytes] = []
        self.ready = False
        # It was dead before it could be sent its job.
        self.gone = False
        self.hello: list[Bytes] | None = None
        self.setups = 0
        # What the worker has of the shared arguments, the longest unused first, with sizes.
        self.shared: dict[int, int] = {}


class Pool:
    """Up to `size` worker processes, started as jobs come and replaced when they die."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._queue: deque[Job] = deque()
        self._idle: list[Member] = []
        self._members: dict[int, Member] = {}
        self._starting = 0
        self._failed_starts = 0
        self._setups: list[list[Bytes]] = []
        self._hello = hello()
        self._to_flush: deque[Member] = deque()
        self._closing = False
        self._now = False
        self._closed: str | None = None
        self._poll = select.poll()
        self._bell, self._ringer = socket.socketpair()
        self._bell.setblocking(False)
        self._ringer.setblocking(False)
        self._poll.register(self._bell, select.POLLIN)
        self._thread = threading.Thread(target=self._run, name="resultant-processes", daemon=True)
        self._thread.start()
        atexit.register(self.stop, True)

    # What other threads call

    def prepare(self, setup: list[Bytes] | None) -> None:
        """Have the frame of a setup run in every worker before its next job, and look again where this process stands."""
        now = hello()
        with self._lock:
            if now != self._hello:
                self._hello = now
            if setup is not None and (not self._setups or self._setups[-1] != setup):
                self._setups.append(setup)

    def submit(self, job: Job) -> None:
        """Queue a job, or hand it to a worker that is idle.

        Raises:
            ExecutorError: the pool has stopped or cannot start workers.
        """
        member = None
        with self._lock:
            if self._closed is not None or self._pid != os.getpid():
                raise ExecutorError(
                    self._closed or "An executor that was started before a fork cannot be used after it"
                )
            if self._idle and not self._queue:
                member = self._idle.pop()
                member.job = job
            else:
                self._queue.append(job)
                if len(self._members) >= self._size or self._starting >= len(self._queue):
                    return
        if member is None:
            self._ring()
        elif job.begin():
            self._send(member, self._parts(member, job))
            if member.unsent:
                self._to_flush.append(member)
                self._ring()

    def stop(self, now: bool) -> None:
        """End the workers and wait for them; `now` cancels what waits and does not wait for what runs."""
        atexit.unregister(self.stop)
        if self._pid != os.getpid():
            return
        try:
            with self._lock:
                self._closing = True
                self._now = self._now or now
            self._ring()
            if self._thread is not threading.current_thread():
                self._thread.join()
        except BaseException:
            # Ctrl-C while waiting.
            self._now = True
            self._ring()
            self._thread.join()
            raise

    def _ring(self) -> None:
        try:
            self._ringer.send(b"!")
        except OSError:
            # Full: it has been rung often enough. Closed: nobody needs it any more.
            pass

    # The pool's thread

    def _run(self) -> None:
        why = "The executor has stopped: submit inside `with executor.start():`"
        try:
            while not self._over():
                self._hire()
                self._listen()
        except BaseException as error:
            why = f"The executor's own thread failed ({type(error).__name__}: {error}); this is a bug in resultant"
            self._now = True
            raise
        finally:
            self._close(why)

    def _over(self) -> bool:
        if self._now:
            return True
        with self._lock:
            if self._closing and not self._queue and all(member.job is None for member in self._members.values()):
                self._closed = "The executor has stopped: submit inside `with executor.start():`"
                return True
        return False

    def _hire(self) -> None:
        while len(self._members) < self._size and self._starting < len(self._queue) and self._closed is None:
            try:
                process, sock, lifeline = spawn()
            except (OSError, ExecutorError) as error:
                self._give_up(f"Worker processes cannot be started: {type(error).__name__}: {error}")
                return
            sock.setblocking(False)
            member = Member(process, sock, lifeline)
            with self._lock:
                self._members[sock.fileno()] = member
                self._starting += 1
                member.hello = self._hello
            self._poll.register(sock, select.POLLIN)
            self._send(member, list(member.hello))

    def _listen(self) -> None:
        # Workers are looked at once a second as well: a program that one has started may hold its socket open when it dies.
        events = self._poll.poll(1000 if len(self._idle) < len(self._members) else None)
        if not events:
            for member in list(self._members.values()):
                if member.process.poll() is not None:
                    self._hear(member)
                    self._bury(member)
        for number, event in events:
            member_ = self._members.get(number)
            if member_ is None:
                self._answer_bell()
                continue
            if event & select.POLLOUT:
                self._send(member_, member_.unsent)
                if not member_.unsent:
                    self._poll.modify(number, select.POLLIN)
            if event & ~select.POLLOUT and not self._hear(member_):
                self._bury(member_)

    def _answer_bell(self) -> None:
        try:
            self._bell.recv(4096)
        except BlockingIOError:
            pass
        while self._to_flush:
            member = self._to_flush.popleft()
            if member.unsent and self._members.get(member.sock.fileno()) is member:
                self._poll.modify(member.sock, select.POLLIN | select.POLLOUT)

    def _hear(self, member: Member) -> bool:
        """Take what a worker says; false when it will say no more."""
        try:
            frames = member.inbox.receive()
        except BlockingIOError:
            return True
        except OSError:
            return False
        if frames is None:
            return False
        for frame in frames:
            done = member.job
            if frame[0] == READY:
                if not member.ready:
                    member.ready = True
                    self._failed_starts = 0
                    with self._lock:
                        self._starting -= 1
                    self._feed(member)
            elif done is not None:
                self._feed(member)
                try:
                    done.future.answer(done.name, frame)
                except InvalidStateError:
                    pass
        return True

    def _feed(self, member: Member) -> None:
        """Give a worker that has nothing to do the next job, if there is one."""
        while True:
            with self._lock:
                if not self._queue:
                    member.job = None
                    self._idle.append(member)
                    return
                job = member.job = self._queue.popleft()
            if job.begin():
                break
        self._send(member, self._parts(member, job))
        if member.unsent:
            self._poll.modify(member.sock, select.POLLIN | select.POLLOUT)

    def _parts(self, member: Member, job: Job) -> list[Bytes]:
        """The frames that a worker needs to run a job."""
        if member.hello is self._hello and member.setups == len(self._setups) and not job.shared:
            return job.parts
        parts: list[Bytes] = []
        if member.hello is not self._hello:
            member.hello = self._hello
            parts += member.hello
        while member.setups < len(self._setups):
            parts += self._setups[member.setups]
            member.setups += 1
        new = False
        for shared in job.shared:
            size = member.shared.pop(shared.token, None)
            if size is None:
                frame, size = pack_shared(shared)
                parts += frame
                new = True
            member.shared[shared.token] = size
        if new:
            parts = self._make_room(member, job) + parts
        return parts + job.parts

    def _make_room(self, member: Member, job: Job) -> list[Bytes]:
        """The frame that has a worker forget shared arguments, the longest unused first, when it has too many."""
        count, size = len(member.shared), sum(member.shared.values())
        forgotten = []
        for token in list(member.shared)[: count - len(job.shared)]:
            if count <= _MOST_SHARED and size <= _MOST_SHARED_BYTES:
                break
            count -= 1
            size -= member.shared.pop(token)
            forgotten.append(token)
        if not forgotten:
            return []
        import pickle

        return pack(FORGET, [pickle.dumps(forgotten, 5)])

    def _send(self, member: Member, parts: list[Bytes]) -> None:
        try:
            member.unsent = send_some(member.sock, parts)
        except OSError:
            # The worker is gone; the pool's thread finds out when it reads from it.
            member.unsent = []
            member.gone = True

    def _bury(self, member: Member) -> None:
        number = member.sock.fileno()
        self._poll.unregister(number)
        with self._lock:
            del self._members[number]
            if member in self._idle:
                self._idle.remove(member)
            if not member.ready:
                self._starting -= 1
            job, member.job = member.job, None
            if job is not None and member.gone and not job.again:
                job.again = True
                self._queue.appendleft(job)
                job = None
        code = _reap(member)
        if job is not None:
            _fail(
                job,
                WorkerDiedError(f"Worker process {member.process.pid} {describe_exit(code)} while it ran {job.name}"),
            )
        elif not member.ready:
            self._failed_starts += 1
            if self._failed_starts >= _MOST_FAILED_STARTS:
                self._give_up(
                    f"Worker processes cannot be started: {self._failed_starts} in a row did not get ready; the last, "
                    f"{member.process.pid}, {describe_exit(code)}. Its standard error says why."
                )

    def _give_up(self, why: str) -> None:
        with self._lock:
            self._closed = why
            jobs = list(self._queue)
            self._queue.clear()
        for job in jobs:
            if job.begin():
                _fail(job, ExecutorError(f"{job.name} was not run. {why}"))

    def _close(self, why: str) -> None:
        with self._lock:
            self._closed = self._closed or why
            waiting, members = list(self._queue), list(self._members.values())
            running = [member.job for member in members if member.job is not None]
            self._queue.clear()
            self._members.clear()
            self._idle.clear()
        for member in members:
            member.sock.close()
        end([member.process for member in members], 0.0 if self._now else _GRACE)
        for member in members:
            os.close(member.lifeline)
        self._bell.close()
        self._ringer.close()
        for job in waiting:
            job.future.cancel()
            job.future.set_running_or_notify_cancel()
        for job in running:
            _fail(job, CancelledError(f"{job.name} was ended: its executor was stopped while it ran"))


def _fail(job: Job, error: BaseException) -> None:
    try:
        job.future.set_exception(error)
    except InvalidStateError:
        pass


def _reap(member: Member) -> int | None:
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
