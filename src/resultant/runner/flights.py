"""Where the code of task runs is at the moment: handed to an executor, or done while its bytes travel."""

from __future__ import annotations

from queue import Empty, SimpleQueue

from resultant.engine.result import Result
from resultant.engine.state import Pending, Success
from resultant.errors import WriteError

from .call import SUCCEEDED
from .frame import TaskFrame
from .persist import like, packer_of, put_behind
from .task import Unfinished, run_task, write_failed
from .writers import BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from typing import Any

    from resultant.engine.state import State

    from .plan import Run, Step

    Landing = tuple[int, int | None, State | Exception]

__all__ = ["Flights"]

_new = object.__new__


class Flights:
    """Task runs that have begun and not come back.

    Args:
        run: what is common to all of them.
        steps: the plan's steps.
        executor: where their code runs; started already.

    Attributes:
        inline: whether code runs on the thread that submits it.
        count: how many are under way.
        most: how many children of mapped tasks are handed over before one of them has to come back.
    """

    def __init__(self, run: Run, steps: list[Step], executor: Any) -> None:
        self.run = run
        self.steps = steps
        self.executor = executor
        self.inline: bool = getattr(executor, "inline", False)
        self.count = 0
        # A task run that is under way takes some kilobytes, and more than keeps the hands busy is of no use. Of an executor
        # of somebody else's it is not known how many hands it has.
        workers = getattr(executor, "workers", None)
        self.most: float = max(1024, 64 * workers) if isinstance(workers, int) else float("inf")
        self._here: bool = getattr(executor, "in_process", True)
        self._landed: SimpleQueue[tuple[int, int | None, Any]] = SimpleQueue()
        self._shared: dict[int, Any] = {}
        #: Futures of an executor of somebody else's, which promises ``submit`` and ``wait`` and nothing more.
        self._foreign: list[tuple[int, int | None, Any]] = []

    def submit(
        self,
        step: Step,
        child: int | None,
        state: State,
        upstream: list[State] | None,
        inputs: dict[str, Any] | None,
        place: str | None,
    ) -> State | None:
        """Have a task run done; return the state it ended in if that is known already.

        Args:
            step: the task.
            child: position of a mapped child.
            state: how it stands.
            upstream: the states above, one for each edge, or ``None``; see ``run_task``.
            inputs: values by name, or ``None``.
            place: the location of its value, if that was worked out already.
        """
        index = step.index
        if self.inline or step.task.is_constant:
            end = run_task(self.run, step, state, upstream, inputs, child, place)
            if isinstance(end, Unfinished):
                self.fly(index, child, end)
                return None
            return end
        shared = self._shared.get(index)
        if shared is None:
            pair = (self.run, step)
            wrap = getattr(self.executor, "shared", None)
            shared = self._shared[index] = pair if wrap is None else wrap(pair)
        sent = None if state.__class__ is Pending and not self._here else state
        future = self.executor.submit(
            _run_remote, shared, sent, upstream, inputs, child, place, extra_context={"task_name": step.name}
        )
        if hasattr(future, "add_done_callback"):
            self.fly(index, child, future)
        else:
            self.count += 1
            self._foreign.append((index, child, future))
        return None

    def fly(self, index: int, child: int | None, flight: Any) -> None:
        """Note a task run that comes back when its future is done.

        Args:
            index: its step.
            child: position of a mapped child.
            flight: the future of its code, or an ``Unfinished`` with the future of its bytes.
        """
        queue = self._landed
        self.count += 1
        future = flight.write if isinstance(flight, Unfinished) else flight
        future.add_done_callback(lambda _: queue.put((index, child, flight)))

    def land(self, wait: bool, timeout: float | None = None) -> Iterator[Landing]:
        """Yield step, child and end of what has come back; an end is a state, or what the executor broke with.

        Args:
            wait: wait for the first one.
            timeout: for so many seconds at most; for ever if missing.
        """
        if self._foreign:
            yield from self._wait_for_foreign()
            return
        while self.count:
            if wait and self.run.packers:
                self._seal()
            try:
                index, child, flight = self._landed.get(wait, timeout)
            except Empty:
                return
            wait = False
            self.count -= 1
            end = self._end(index, child, flight)
            if isinstance(end, Unfinished):
                self.fly(index, child, end)
            else:
                yield index, child, end

    def _seal(self) -> None:
        """Have packed results written now if nobody is under way who could join them."""
        packers = list(self.run.packers.values())
        waiting = sum(packer.together.waiting for packer in packers if packer.together is not None)
        if waiting and waiting >= self.count - self._landed.qsize():
            for packer in packers:
                if packer.together is not None:
                    packer.together.seal()

    def _end(self, index: int, child: int | None, flight: Any) -> State | Exception | Unfinished:
        if isinstance(flight, Unfinished):
            return flight.finish()
        try:
            answer, written = flight.result()
            if not self._here:
                self.run.written += written
            return self._answered(index, child, answer)
        except Exception as error:  # noqa: BLE001 - the executor's own failure becomes the task run's
            return error

    def _answered(self, index: int, child: int | None, answer: Any) -> State | Unfinished:
        """Return the end of a task run from what came back of it; bytes that were left to be written are."""
        step = self.steps[index]
        end: State | Unfinished = _unpacked(step, *answer) if type(answer) is tuple else answer
        if self._here or isinstance(end, Unfinished) or BYTES not in end._result.__dict__:
            return end
        frame = TaskFrame(self.run, step, child)
        stored: Any = end._result
        data = stored.__dict__.pop(BYTES)
        if stored.location is not None:
            return _Arrived(end, put_behind(frame, stored, stored.location, data))
        try:
            _, write = packer_of(frame).add(frame, stored, data, True)
        except WriteError as error:
            return write_failed(error)
        return end if write is None else _Arrived(end, write)

    def _wait_for_foreign(self) -> Iterator[Landing]:
        flights, self._foreign = self._foreign, []
        ends = self.executor.wait([future for _, _, future in flights])
        self.count -= len(flights)
        for (index, child, _), (answer, _written) in zip(flights, ends, strict=True):
            end = self._answered(index, child, answer)
            if isinstance(end, Unfinished):
                self.fly(index, child, end)
            else:
                yield index, child, end


def _run_remote(shared: Any, state: Any, upstream: Any, inputs: Any, child: Any, place: Any) -> tuple[Any, int]:
    """Run a task where an executor wants it; returns its state and how many bytes were written for it.

    A worker process returns a plain success as value and location alone: what else it is made of is known on both sides,
    and would cost more to carry than the task.
    """
    run, step = shared
    before = run.written
    end: Any = run_task(run, step, _new(Pending) if state is None else state, upstream, inputs, child, place)
    if (
        run.remote
        and not step.handlers
        and end.__class__ is Success
        and end._context is None
        and end.message == SUCCEEDED
    ):
        result = end._result
        if step.result is None or (step.direct and type(result) is type(step.result)):
            end = result.value, result.location, result._size, result._digest, result.__dict__.get(BYTES)
    return end, run.written - before


def _unpacked(
    step: Step, value: Any, location: str | None, size: int | None, digest: bytes | None, data: bytes | None
) -> Success:
    state = _new(Success)
    state.message = SUCCEEDED
    if step.result is None:
        state._result = Result(value)
    else:
        state._result = like(step, value)
        state._result.location = location
        if digest is not None:
            state._result._size = size
            state._result._digest = digest
        if data is not None:
            state._result.__dict__[BYTES] = data
    return state


class _Arrived(Unfinished):
    """A task run that a worker process has finished, while what it left is still to be written."""

    __slots__ = ()

    def __init__(self, outcome: State, write: Future[Any]) -> None:
        self.outcome = outcome
        self.write = write

    def finish(self) -> State:
        try:
            self.write.result()
        except WriteError as error:
            return write_failed(error)
        return self.outcome
