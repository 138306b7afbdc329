"""What happens in a run, as rows: places and digests, never values."""

from __future__ import annotations

from itertools import chain
from time import time

from resultant.engine.state import Cached, Failed, Mapped, Pending, Retrying, Scheduled, Skipped, Success
from resultant.records import location_text

from .failure_text import keep_failure, where_raised
from .fingerprint import inputs_of_task, mark_anew
from .frame import TaskFrame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from resultant.db import StateDB
    from resultant.engine.integrity import Digester
    from resultant.engine.result import Result
    from resultant.engine.state import State
    from resultant.records import FlowRun as FlowRunRow

    from .brood import Brood
    from .flow import FlowRun
    from .plan import Run, Step

__all__ = ["Recorder", "tries"]


class Recorder:
    """Writes the rows of one run; a row is durable a few milliseconds after it was given, and the task waits for none.

    Args:
        db: where rows go.
        row: the run's own row, written already.
        run: what is common to its tasks.
        digester: takes the fingerprints of inputs.
        messages: whether the rows of failures hold their messages.
    """

    def __init__(self, db: StateDB, row: FlowRunRow, run: Run, digester: Digester, messages: bool) -> None:
        self.db = db
        self.row = row
        self._run = run
        self.digester = digester
        self.messages = messages
        self._id = row.id
        self._attempt = row.attempt
        self._kinds: dict[tuple[int, type], int] = {}
        self._later = db.task_runs_later
        #: What takes the usual rows of tasks that are not mapped, by configured result and type of value.
        self._alone: dict[tuple[int, type], Callable[[tuple[Any, ...]], None]] = {}
        #: Stores that only other processes wrote to, by the identity of the result that they belong to.
        self._stores: dict[int, Any] = {}
        #: Tasks whose values could not be stored, named once at the end.
        self.kept_in_memory: set[str] = set()

    def note(self, run: FlowRun, index: int, child: int | None, state: State) -> None:
        """Note the end, or the wait, of a task run that was handed out.

        Args:
            run: the run under way.
            index: the step.
            child: position of a mapped child.
            state: how it stands now; `run` still has how it stood.
        """
        step = run.plan.steps[index]
        began = run.began.pop((index, child), 0.0) or time()
        if child is not None:
            brood = run.broods[index]
            before = brood.parent.map_states[child]
            (brood.note or self.children(step, brood))(child, state, began, before)
            return
        states = run.states
        before = states[index]
        if step.task.rerun_always:
            mark_anew(self.digester, step, state, states)
        inputs = inputs_of_task(step, states)
        if state.__class__ is Success and before.__class__ is Pending and inputs is not None and state._context is None:
            result = state._result
            kind = result.value.__class__
            take = self._alone.get((id(step.result), kind)) or self._way(step, result, None, self._rows)
            if take is not None and result.location is not None and result._digest:
                take((step.slug, began, time(), inputs, result))
                return
        self._whole(step, -1, state, began, tries(before), inputs)

    def children(self, step: Step, brood: Brood) -> Callable[[int, State, float, State | None], None]:
        """Return what notes how the children of a mapped task stand, or how they ended.

        Args:
            step: the task.
            brood: its children.

        Returns:
            Takes a child's position, its state, when its code began, in seconds since the epoch, and its state before. Once
            it has met children that end as most do, `brood.usual` says what takes the rows of others like them.
        """
        #: What takes the usual rows, by the type of value.
        ways: dict[type, Callable[[tuple[Any, ...]], None]] = {}
        inputs_of = None if brood.inputs is None else brood.inputs.of
        many = None if brood.inputs is None else brood.inputs.many

        def rows(noted: list[Any]) -> list[Any]:
            return self._rows(noted, noted[3::5] if many is None else many(noted[::5]))

        def note(index: int, state: State, began: float, before: State | None) -> None:
            inputs = None if many is not None or inputs_of is None else inputs_of(index)
            if state._result._undigested is not None:
                self.digest([state._result])
            # The usual case, which a run may meet a million times.
            if state.__class__ is Success and before.__class__ is Pending and not state._context:
                result = state._result
                kind = result.value.__class__
                take = ways.get(kind)
                if take is None and (take := self._way(step, result, step.slug, rows)) is not None:
                    ways[kind] = take
                known = many is not None or inputs is not None
                if known and take is not None and result.location is not None and result._digest:
                    take((index, began, time(), inputs, result))
                    if many is not None:
                        brood.usual = kind, take
                    return
            if many is not None:
                (inputs,) = many([index])
            self._whole(step, index, state, began, 1 if before is None else tries(before), inputs)

        brood.note = note
        return note

    def parent(self, run: FlowRun, step: Step, state: Mapped, count: int) -> None:
        """Note that a mapped task has its children, if that is not on record already.

        Their number, and what they are made from, is what a resume needs to know first: the rows of children that are
        not older than this one are theirs.

        Args:
            run: the run under way.
            step: the task.
            state: its state.
            count: how many children there are.
        """
        inputs = self._fingerprint(inputs_of_task(step, run.states))
        if run.history is None or not run.history.has_parent(step, count, inputs):
            self._later([self._task_row(step, -1, state, time(), 1, inputs, count)])

    def _task_row(
        self,
        step: Step,
        index: int,
        state: State,
        began: float,
        count: int,
        inputs: bytes | None,
        children: int | None = None,
    ) -> tuple[Any, ...]:
        result = state._result
        location = result.location
        own = result.__class__ is step.result.__class__
        if not result._is_place and location is not None:
            location = self._place(step, result, location)
        if state.__class__ is Success and location is not None and state._context is None and own:
            # The usual case, which a run may meet a million times.
            return (
                self._id,
                step.slug,
                index,
                "Success",
                self._attempt,
                count,
                began,
                time(),
                None,
                None,
                inputs,
                self._kinds.get((id(step.result), result.value.__class__)) or self._kind(step, result),
                location if location.isascii() else location_text(location),
                result._size,
                result._digest,
                False,
                None,
                None,
                None,
                None,
            )
        error = message = text = None
        if isinstance(state, Failed):
            error, message, text = self._failure(step, index, state)
        elif isinstance(state, Skipped):
            text = getattr(state, "_text", None)
        due = None
        if isinstance(state, Scheduled) and state.start_time is not None:
            due = state.start_time.timestamp()
        finished = state.is_finished()
        successful = state.is_successful()
        loop = (state._context or {}).get("task_loop_count")
        if not successful and loop is None:
            # A failure's result is its exception, and that is not a value of the task's; a loop's is its last pass.
            location = None
        elif location is not None and isinstance(state, Cached):
            location = _whole(result, location)
        kept = location is None and children is None and result.value is not None and not state.is_skipped()
        if kept and successful and not (step.task.is_parameter or step.task.rerun_always):
            self.kept_in_memory.add(step.name)
        return (
            self._id,
            step.slug,
            index,
            type(state).__name__,
            self._attempt,
            state.run_count if isinstance(state, Retrying) else count,
            began,
            time() if finished else None,
            due,
            children,
            inputs,
            self._kind_of_row(step, result, location, text),
            None if location is None else location_text(location),
            result._size,
            result._digest,
            location is None and children is None and result.value is None and (successful or loop is not None),
            error,
            message,
            text,
            loop,
        )

    def _whole(self, step: Step, index: int, state: State, began: float, count: int, inputs: bytes | None) -> None:
        row = self._task_row(step, index, state, began, count, self._fingerprint(inputs))
        self._later([row])
        if step.shelf is not None:
            self._offer(step, state, row)

    def _fingerprint(self, inputs: bytes | None) -> bytes | None:
        return None if inputs is None else self.digester.small(inputs)

    def _way(
        self, step: Step, result: Result, slug: str | None, rows: Callable[[list[Any]], list[Any]]
    ) -> Callable[[tuple[Any, ...]], None] | None:
        """Return what takes the usual rows of a step, if its results are of the usual sort."""
        if not step.direct or step.shelf is not None or result.__class__ is not step.result.__class__:
            return None
        if result._digest is None or result.location is None or not result._is_place:
            return None
        take = self.db.successes(self._id, slug, self._attempt, self._kind(step, result), rows)
        if slug is None:
            self._alone[id(step.result), result.value.__class__] = take
        return take

    def _rows(self, noted: list[Any], inputs: list[bytes] | None = None) -> list[Any]:
        """Return the usual rows of what was noted, made many at a time: that takes half as long as one by one."""
        results = noted[4::5]
        self.digest(results)
        fingerprints = self.digester.each(noted[3::5] if inputs is None else inputs)
        digests = [bytearray(given + result._digest) for given, result in zip(fingerprints, results, strict=True)]
        locations = [result.location for result in results]
        if not "".join(locations).isascii():
            locations = list(map(location_text, locations))
        sizes = [result._size for result in results]
        columns = zip(noted[::5], noted[1::5], noted[2::5], digests, locations, sizes, strict=True)
        return list(chain.from_iterable(columns))

    def digest(self, results: Iterable[Result]) -> None:
        """Take those digests that were left for later; each thread may do that at any time.

        Args:
            results: some of which have their bytes with them.
        """
        late, payloads = [], []
        for result in results:
            # Looked at once: another thread may be at it.
            data = result._undigested
            if data is not None:
                late.append(result)
                payloads.append(data)
        digests = self.digester.each(payloads)
        for result, digest in zip(late, digests, strict=True):
            result._digest = digest
            result._undigested = None

    def _place(self, step: Step, result: Any, location: str) -> str:
        """Return the full name of a location whose store has locations of its own, as many others do."""
        if "://" in location:
            return location
        own: Any = step.result
        if type(result) is not type(own):
            return str(result.place)
        from resultant.engine.stored import place_in

        store = step.store or self._stores.get(id(own))
        if store is None:
            # The bytes were written by other processes.
            store = self._stores[id(own)] = own.store
        return place_in(store, location)

    def _offer(self, step: Step, state: State, row: tuple[Any, ...]) -> None:
        """Let later runs find what a task with a cache returned."""
        entry = step.shelf.entry(state, row) if isinstance(state, Cached) and step.shelf is not None else None
        if entry is not None:
            self.db.cache_put([entry])

    def _kind_of_row(self, step: Step, result: Result, location: str | None, text: str | None) -> int | None:
        if location is not None:
            return self._kind(step, result)
        if text is not None and "://" in text and step.result is not None:
            # The text lies in the store of the task's results, and is read through it.
            return self._kind(step, step.result.from_value(None))
        return None

    def _kind(self, step: Step, result: Result) -> int:
        if result.__class__ is not step.result.__class__ or (step.shelf is not None and not _is_like(step, result)):
            # A handler put another one in its place, or a cache one that was made otherwise.
            from resultant.engine.description import kind_of

            return self.db.kind(*kind_of(result))
        # Steps often share one configured result, and are kept alive by the plan.
        key = id(step.result), type(result.value)
        kind = self._kinds.get(key)
        if kind is None:
            from resultant.engine.description import kind_of

            kind = self._kinds[key] = self.db.kind(*kind_of(result))
        return kind

    def _failure(self, step: Step, index: int, state: Failed) -> tuple[str | None, str | None, str | None]:
        if not hasattr(state, "_text") and isinstance(state._result.value, Exception) and type(state) is Failed:
            # It failed before, or beside, the task's own code, which has its text kept where it runs.
            keep_failure(TaskFrame(self._run, step, None if index < 0 else index), state)
        summary = getattr(state, "_where", None) or where_raised(state._result.value)
        return summary, str(state.message) if self.messages else None, getattr(state, "_text", None)


def _is_like(step: Step, result: Any) -> bool:
    """Return whether a result was made from the one that its task is configured with, here and now."""
    fields, own = step.fields, result.__dict__
    return fields is not None and all(own.get(name) is field for name, field in fields)


def _whole(result: Any, location: str) -> str:
    """Return the whole location of what was found at a target, as those who wrote it have it in their rows."""
    from resultant.engine.stored import StoredResult

    if location[:1] == "/":
        return location
    path = getattr(result.store, "path", None) if isinstance(result, StoredResult) else None
    return location if path is None else str(path(location))


def tries(before: State) -> int:
    """Return the number of the try that follows a state."""
    return before.run_count + 1 if isinstance(before, Retrying) else 1
