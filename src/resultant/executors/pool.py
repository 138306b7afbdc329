"""The worker processes of a started `ProcessExecutor`, and the one thread that talks to them.

A job is handed to a worker that has nothing else to do. While jobs take next to no time a worker is handed several at once,
which it runs one by one, answering each; when one of them turns out to be long it gives those behind it back. So no job
waits behind a long one, and when a worker dies it is known which job it ran. A submitter hands its job to an idle worker itself; everything else, also the
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
from resultant.executors.member import Member, fail, reap
from resultant.executors.pickling import pack_shared
from resultant.executors.spawn import describe_exit, end, hello, spawn
from resultant.executors.wire import BACK, FORGET, QUICK, READY, pack, send_some

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.executors.job import Job
    from resultant.executors.wire import Bytes

_MOST_FAILED_STARTS = 3
_MOST_SHARED = 256
_MOST_SHARED_BYTES = 256 << 20
_MOST_AT_ONCE = 8
_MOST_AT_ONCE_BYTES = 16384
_GRACE = 5.0


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
        if self._pid != os.getpid():
            raise ExecutorError("An executor that was started before a fork cannot be used after it; start another one")
        with self._lock:
            if self._closed is not None:
                raise ExecutorError(self._closed)
            if self._idle and not self._queue:
                member = self._idle.pop()
                member.jobs.append(job)
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
        if not self._closing:
            return False
        with self._lock:
            if not self._queue and not any(member.jobs for member in self._members.values()):
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
                    heard = len(member.jobs) + 1
                    while self._hear(member) and heard > len(member.jobs):
                        heard = len(member.jobs)
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
        for kind, payload, buffers in frames:
            if kind == READY:
                if not member.ready:
                    member.ready = True
                    self._failed_starts = 0
                    with self._lock:
                        self._starting -= 1
                    self._feed(member)
            elif kind == BACK:
                count = int.from_bytes(payload, "little")
                self._give_back([member.jobs.pop() for _ in range(min(count, len(member.jobs)))][::-1])
            elif member.jobs:
                done = member.jobs.popleft()
                member.quick = kind == QUICK
                if not member.jobs:
                    self._feed(member)
                try:
                    done.future.answer(done.name, (kind, payload, buffers))
                except InvalidStateError:
                    pass
        return True

    def _give_back(self, jobs: list[Job]) -> None:
        """Put jobs that no worker has begun back where they were, before all others."""
        with self._lock:
            self._queue.extendleft(reversed(jobs))
            idle, self._idle = self._idle, []
        for member in idle:
            self._feed(member)

    def _feed(self, member: Member) -> None:
        """Give a worker that has nothing to do its next jobs, if there are any."""
        while True:
            with self._lock:
                waiting = len(self._queue)
                if not waiting:
                    self._idle.append(member)
                    return
                count = min(_MOST_AT_ONCE, waiting // (2 * self._size)) if member.quick else 1
                jobs = [self._queue.popleft() for _ in range(count or 1)]
            jobs = [job for job in jobs if job.begin()]
            if jobs:
                break
        parts = self._parts(member, jobs[0])
        member.jobs.append(jobs[0])
        if len(jobs) > 1:
            parts = list(parts)
            fit = self._fill(member, parts, jobs)
            member.jobs.extend(jobs[1:fit])
            if fit < len(jobs):
                self._give_back(jobs[fit:])
        self._send(member, parts)
        if member.unsent:
            self._poll.modify(member.sock, select.POLLIN | select.POLLOUT)

    def _fill(self, member: Member, parts: list[Bytes], jobs: list[Job]) -> int:
        """Add the frames of further jobs as long as they are small and all there is to send; say how many jobs that makes.

        The worker must receive them in one piece, or it could not give them back.
        """
        if parts != jobs[0].parts:
            return 1
        size = sum(map(len, parts))
        for index in range(1, len(jobs)):
            job = jobs[index]
            size += sum(map(len, job.parts))
            if size > _MOST_AT_ONCE_BYTES or any(shared.token not in member.shared for shared in job.shared):
                return index
            parts += job.parts
        return len(jobs)

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
            job = member.jobs.popleft() if member.jobs else None
            if job is not None and member.gone and not job.again:
                job.again = True
                member.jobs.appendleft(job)
                job = None
        self._give_back(list(member.jobs))
        code = reap(member)
        if job is not None:
            fail(
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
                fail(job, ExecutorError(f"{job.name} was not run. {why}"))

    def _close(self, why: str) -> None:
        with self._lock:
            self._closed = self._closed or why
            waiting, members = list(self._queue), list(self._members.values())
            running = [job for member in members for job in member.jobs]
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
            if not job.begun:
                job.future.cancel()
                job.future.set_running_or_notify_cancel()
        for job in [*running, *(job for job in waiting if job.begun)]:
            fail(job, CancelledError(f"{job.name} was ended: its executor was stopped while it ran"))
