"""What earlier attempts of a run left behind, and which of it still stands."""

from __future__ import annotations

from resultant.engine.recorded import RecordedValue, later
from resultant.engine.result import Result
from resultant.engine.state import Cached, Mapped, Paused, Resume, Retrying, Skipped, State, Success
from resultant.errors import MissingResultError
from resultant.records import location_of
from resultant.runtime import get_logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from resultant.db import StateDB
    from resultant.engine.integrity import Digester
    from resultant.records import TaskRun

    from .plan import Step

__all__ = ["History"]

_IN_MEMORY = "was kept in memory, and went with the process that had it"

_SUCCESSFUL: dict[str, type[State]] = {"Success": Success, "Cached": Cached, "Skipped": Skipped}


class History:
    """The recorded task runs of a run that is resumed.

    Args:
        db: where the rows are.
        run_id: the run.
        digester: checks what is read.
        steps: the plan's steps; their classes of results and serializers may be meant by rows.
        approved: slugs or names of tasks that waited for approval and may go on.
    """

    def __init__(
        self,
        db: StateDB,
        run_id: str,
        digester: Digester,
        steps: Iterable[Step],
        approved: frozenset[str] = frozenset(),
    ) -> None:
        self._db = db
        self._approved = approved
        self.digester = digester
        self._rows: dict[str, dict[int, TaskRun]] = {}
        for row in db.task_runs(run_id):
            self._rows.setdefault(row.slug, {})[row.index] = row
        #: What stood once and cannot be used any more, with the reason.
        self.lost: dict[tuple[str, int], str] = {}
        self._kinds: dict[int, Result | None] = {}
        self._types: tuple[type, ...] = tuple(
            {kind for step in steps if step.result is not None for kind in _types_of(step.result)}
        )

    def row(self, step: Step, index: int = -1) -> TaskRun | None:
        """Return what is recorded of a task run, if anything is."""
        return self._rows.get(step.slug, {}).get(index)

    def rows(self, step: Step) -> dict[int, TaskRun]:
        """Return what is recorded of a task and its mapped children, by position; -1 is the task itself."""
        return self._rows.get(step.slug, {})

    def stood(self, step: Step, index: int) -> bool:
        """Return whether a task run ended well, and is not known to be lost."""
        row = self._rows.get(step.slug, {}).get(index)
        return row is not None and row.state in _SUCCESSFUL and (step.slug, index) not in self.lost

    def standing(self, step: Step, index: int, fingerprint: Callable[[], bytes | None] | None) -> State | None:
        """Return the state that an earlier attempt reached, if it still stands.

        Args:
            step: the task.
            index: of a mapped child, else -1.
            fingerprint: gives the fingerprint of the inputs; ``None`` where nothing above was done again.
        """
        row = self._rows.get(step.slug, {}).get(index)
        if row is None or (step.slug, index) in self.lost:
            return None
        cls = _SUCCESSFUL.get(row.state)
        if cls is None:
            return None
        if fingerprint is not None and (row.input is None or fingerprint() != row.input):
            return None
        return self._state(step, row, cls)

    def whole(self, step: Step) -> list[State] | None:
        """Return the states of all children of a mapped task, if every one of them still stands."""
        rows = self._rows.get(step.slug, {})
        parent = rows.get(-1)
        if parent is None or parent.children is None or parent.state != Mapped.__name__:
            return None
        if len(rows) <= parent.children:
            return None
        states: list[State] = []
        for index in range(parent.children):
            state = self.standing(step, index, None)
            if state is None:
                return None
            states.append(state)
        return states

    def waiting(self, step: Step, index: int) -> State | None:
        """Return the state of a task run that waited, for its next try or for an approval that is given now."""
        row = self._rows.get(step.slug, {}).get(index)
        if row is not None and row.state == Paused.__name__ and not self._approved.isdisjoint((step.slug, step.name)):
            return Resume("Approved.")
        if row is None or row.state != Retrying.__name__ or row.due is None:
            return None
        from datetime import UTC, datetime

        return Retrying(
            "Retrying after the run was resumed.", start_time=datetime.fromtimestamp(row.due, UTC), run_count=row.count
        )

    def look(self, step: Step, row: TaskRun) -> None:
        """Look whether the value of a task run that ended well can be had, as far as size and place tell; note it if not."""
        from resultant.errors import StoreError

        cls = _SUCCESSFUL.get(row.state)
        if cls is None or cls is Skipped or row.none or (step.slug, row.index) in self.lost:
            return
        if row.location is None:
            # It was kept in memory, and went with the process that had it: that is nobody's fault, and no news.
            self.lost[step.slug, row.index] = _IN_MEMORY
            return
        result = self._state(step, row, cls)._result
        if row.size is None or not hasattr(result, "store"):
            return
        try:
            size = result.store.stat(result.location).size
        except (MissingResultError, StoreError) as error:
            self.lose(step, row.index, str(error))
            return
        if size != row.size:
            self.lose(step, row.index, f"it has {size} bytes instead of {row.size}")

    def lose(self, step: Step, index: int, reason: str) -> None:
        """Note, and say, that a recorded result cannot be used any more."""
        self.lost[step.slug, index] = reason
        name = step.name if index < 0 else f"{step.name}[{index}]"
        get_logger("resume").warning(
            "Task '%s' is done again, because its recorded result cannot be used: %s", name, reason
        )

    def _state(self, step: Step, row: TaskRun, cls: type[State]) -> State:
        state = object.__new__(cls)
        state.message = "Recorded by an earlier attempt of this run."
        if cls is Skipped:
            return state
        kind = None if row.kind is None else self._prototype(row.kind)
        result = (kind or step.result or Result()).from_value(None)
        if row.location is not None:
            result.location = location_of(row.location)
            result._size = row.size
            result._digest = row.digest
            later(result, RecordedValue(self.digester, row.digest, row.size))
        elif not row.none:
            later(result, _gone)
        state._result = result
        return state

    def _prototype(self, kind: int) -> Result | None:
        """Return a result like those of a kind, or ``None`` where only the flow's own object can read them."""
        if kind not in self._kinds:
            import json

            from resultant.engine.description import from_record
            from resultant.errors import UnreadableResultError
            from resultant.records import ResultRecord

            known = self._db.result_kind(kind)
            record = ResultRecord(
                type=known.type,
                options=json.loads(known.options),
                serializer=None if known.serializer is None else json.loads(known.serializer),
            )
            try:
                # A serializer that could not be named is the flow's own.
                self._kinds[kind] = None if record.serializer is None else from_record(record, self._types)
            except UnreadableResultError:
                self._kinds[kind] = None
        return self._kinds[kind]


def _types_of(result: Any) -> Iterable[type]:
    yield type(result)
    yield type(result.serializer)


def is_unread(state: Any) -> bool:
    """Return whether a state's value is still to be read from where it is stored."""
    return "value" not in state._result.__dict__


def _gone(result: Result) -> None:
    raise MissingResultError(f"The value {_IN_MEMORY}.")
