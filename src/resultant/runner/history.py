"""What earlier attempts of a run left behind, and which of it still stands."""

from __future__ import annotations

from resultant.engine.recorded import later
from resultant.engine.result import Result
from resultant.engine.state import Cached, Mapped, Paused, Resume, Retrying, Scheduled, Skipped, State, Success
from resultant.records import ESCAPED, location_text
from resultant.runtime import get_logger

from .kinds import FORGOTTEN, NOT_STORED, Kinds
from .outdated import note_replaced, set_aside
from .raised import Raised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from resultant.db import StateDB
    from resultant.engine.integrity import Digester
    from resultant.records import TaskRun

    from .flow import FlowRun
    from .plan import Step
    from .undisturbed import Undisturbed

__all__ = ["STOOD", "History", "is_unread"]

#: What states say that an earlier attempt of a run reached.
STOOD = "Recorded by an earlier attempt of this run."

_SUCCESSFUL: dict[str, type[State]] = {"Success": Success, "Cached": Cached, "Skipped": Skipped}

_new = object.__new__


class History:
    """The recorded task runs of a run that is resumed.

    Args:
        db: where the rows are.
        run_id: the run.
        digester: checks what is read.
        steps: the plan's steps; their classes of results and serializers may be meant by rows.
        approved: slugs or names of tasks that waited for approval and may go on.
        calm: until something is about to run that is not on record; :meth:`begin` ends it.
    """

    def __init__(
        self,
        db: StateDB,
        run_id: str,
        digester: Digester,
        steps: Iterable[Step],
        approved: frozenset[str] = frozenset(),
        calm: Undisturbed | None = None,
    ) -> None:
        self._db = db
        self._run_id = run_id
        self._approved = approved
        self._calm = calm
        self.digester = digester
        #: What stood once and cannot be used any more, with the reason.
        self.lost: dict[tuple[str, int], str] = {}
        #: Why results are lost that were asked for together with others.
        self._asked: dict[tuple[str, int], str | Exception | None] = {}
        #: Edges whose values have been read, by step.
        self.fetched: set[tuple[int, Any]] = set()
        #: What this process has reached itself, while it looks at the rows again.
        self.kept: dict[tuple[str, int], State] = {}
        self._kinds = Kinds(db, digester, steps)
        self._latest: dict[str, tuple[int, float]] = {}
        self._read()
        #: The parameters of the attempts before, as text; they are run, and written, again.
        self._given = {
            step.slug: row.location for step in steps if step.task.is_parameter and (row := self.row(step)) is not None
        }

    def _read(self) -> None:
        self._rows: dict[str, dict[int, TaskRun]] = {}
        self._latest.clear()
        slug, rows = "", self._rows
        found: dict[int, TaskRun] = {}
        for row in self._db.task_runs(self._run_id):
            if row.slug != slug:
                slug = row.slug
                found = rows.setdefault(slug, {})
            found[row.index] = row

    def look_again(self, run: FlowRun) -> None:
        """Take the rows as they are by now, and what this process holds in memory.

        Args:
            run: the run under way.
        """
        self._db.flush()
        self._read()
        self.fetched.clear()
        for step, state in zip(run.plan.steps, run.states, strict=True):
            children = enumerate(state.map_states) if isinstance(state, Mapped) else ((-1, state),)
            for index, each in children:
                if each is not None and each.is_finished() and not is_unread(each):
                    self.kept[step.slug, index] = each

    def begin(self) -> None:
        """Know that a task run which does not stand begins to run."""
        if self._calm is not None:
            self._calm.end()
            self._calm = None

    def doubt(self, run: FlowRun, step: Step, index: int, inputs: Callable[[], dict[str, Any]]) -> None:
        """See to it that a task run which begins to run does not find what it left itself, and that somebody does.

        Args:
            run: the run under way.
            step: the task.
            index: of a mapped child, else -1.
            inputs: gives what it is given now, by name.
        """
        row = self.row(step, index)
        if row is not None and row.state == "Success" and row.location is not None:
            note_replaced(run.run, step, row, self._kinds.by_name(row.kind))
        if step.target is not None and row is not None:
            set_aside(self._db, run.run, step, row, inputs, (step.slug, index) in self.lost)

    def row(self, step: Step, index: int = -1) -> TaskRun | None:
        """Return what is recorded of a task run, if anything is."""
        rows = self._rows.get(step.slug)
        return None if rows is None else rows.get(index)

    def rows(self, step: Step) -> dict[int, TaskRun]:
        """Return what is recorded of a task and its mapped children, by position; -1 is the task itself."""
        return self._rows.get(step.slug, {})

    def present(self, step: Step) -> list[TaskRun]:
        """Return what is recorded of a task and of those children that it has, which may have been more at a time."""
        rows = self._rows.get(step.slug, {})
        parent = rows.get(-1)
        many = None if parent is None else parent.children
        return [row for row in rows.values() if many is None or row.index < many]

    def stood(self, step: Step, index: int) -> bool:
        """Return whether a task run ended well, and is not known to be lost."""
        row = self._rows.get(step.slug, {}).get(index)
        return row is not None and row.state in _SUCCESSFUL and (step.slug, index) not in self.lost

    def stood_whole(self, step: Step) -> bool:
        """Return whether a task, and every child of it that is on record, ended well and is not known to be lost."""
        rows = self.present(step)
        return bool(rows) and all(row.state == Mapped.__name__ or self.stood(step, row.index) for row in rows)

    def has_parent(self, step: Step, count: int, inputs: bytes | None) -> bool:
        """Return whether it is on record that a mapped task has so many children, made from these inputs."""
        row = self.row(step)
        return row is not None and row.children == count and row.input == inputs and inputs is not None

    def epoch(self, run: FlowRun, step: Step, inputs: bytes | None) -> tuple[int, float] | None:
        """Return from when on rows of a mapped task's children are about the inputs that it is given now.

        Args:
            run: the run under way.
            step: the mapped task.
            inputs: the fingerprint of what its parent is given.

        Returns:
            The attempt, and the time in it; ``None`` where rows have to be compared one by one.
        """
        row = self.row(step)
        if row is None or row.children is None or row.state != "Mapped" or not self.same(run, step, row, inputs):
            return None
        return row.attempt, row.started

    def same(self, run: FlowRun, step: Step, row: TaskRun, inputs: bytes | None) -> bool:
        """Return whether a task run would be given now what it was given when its row was written.

        Args:
            run: the run under way.
            step: the task.
            row: what is recorded of it.
            inputs: the fingerprint of what it would be given now; ``None`` where there is none.
        """
        if inputs is not None and row.input is not None:
            return inputs == row.input
        # What cannot be compared has not changed unless something above it was done again since.
        edges = list(step.upstream)
        for edge in edges:
            above = run.plan.steps[edge.index]
            if edge.anew:
                # Done again in any case: what it is made of counts.
                edges += above.upstream
                continue
            if above.task.is_parameter and self._is_as_given(run, above):
                continue
            if edge.index in run.redone:
                return False
            if row.index < 0 and (brood := run.broods.get(edge.index)) is not None and brood.left:
                # Children above are still to be looked at: each child here compares when its own have ended.
                return False
            if (
                edge.mapped
                and not edge.flattened
                and row.index >= 0
                and (one := self.row(above, row.index)) is not None
            ):
                attempt, ended = one.attempt, one.ended or one.started
            else:
                attempt, ended = self._latest_of(above.slug)
            if attempt > row.attempt or ended > row.started:
                return False
        return True

    def _is_as_given(self, run: FlowRun, step: Step) -> bool:
        """Return whether a parameter has the value that the attempts before had."""
        before, now = self._given.get(step.slug), run.states[step.index]
        location = now._result.location
        return before is not None and now.is_successful() and location is not None and location_text(location) == before

    def _latest_of(self, slug: str) -> tuple[int, float]:
        found = self._latest.get(slug)
        if found is None:
            rows = self._rows.get(slug, {}).values()
            found = self._latest[slug] = (
                max((row.attempt for row in rows), default=0),
                max((row.ended or row.started for row in rows), default=0.0),
            )
        return found

    def take(self, step: Step, row: TaskRun) -> State | None:
        """Return the state that a row stands for, if it was a success whose value is not known to be lost."""
        if self.kept and (kept := self.kept.get((step.slug, row.index))) is not None:
            return kept
        cls = _SUCCESSFUL.get(row.state)
        if cls is None or (self.lost and (step.slug, row.index) in self.lost):
            return None
        state = _new(cls)
        state.message = STOOD
        if cls is not Skipped:
            state._result = self._kinds.result(step, row)
        elif not row.none:
            where = None if row.kind is None else self._kinds.result(step, row)
            state._result = later(Result(), Raised(state.message, row.text, where))
        return state

    def standing(
        self, run: FlowRun, step: Step, index: int, fingerprint: Callable[[], bytes | None], epoch: Any = None
    ) -> State | None:
        """Return the state that an earlier attempt reached, if it still stands.

        Args:
            run: the run under way.
            step: the task.
            index: of a mapped child, else -1.
            fingerprint: gives the fingerprint of the inputs.
            epoch: from when on rows are about these inputs, if that is known.
        """
        row = self._rows.get(step.slug, {}).get(index)
        if row is None:
            return None
        if epoch is None or (row.attempt, row.started) < epoch:
            # Only what could stand is worth the comparison.
            if row.state not in _SUCCESSFUL and (step.slug, index) not in self.kept:
                return None
            if not self.same(run, step, row, fingerprint()):
                return None
        return self.take(step, row)

    def whole(self, run: FlowRun, step: Step, inputs: bytes | None) -> list[State] | None:
        """Return the states of all children of a mapped task, if every one of them still stands.

        Args:
            run: the run under way.
            step: the mapped task.
            inputs: the fingerprint of what its parent is given.
        """
        rows = self._rows.get(step.slug, {})
        epoch = self.epoch(run, step, inputs)
        if epoch is None:
            return None
        count = rows[-1].children or 0
        if len(rows) <= count:
            return None
        children = [rows.get(index) for index in range(count)]
        # A look at all of them before any work is put into one.
        for row in children:
            if row is None or row.started < epoch[1] or row.attempt < epoch[0]:
                return None
            if row.state not in _SUCCESSFUL and (step.slug, row.index) not in self.kept:
                return None
        states: list[State] = []
        for row in children:
            state = None if row is None else self.take(step, row)
            if state is None:
                return None
            states.append(state)
        return states

    def waiting(self, run: FlowRun, step: Step, index: int, fingerprint: Callable[[], bytes | None]) -> State | None:
        """Return the state of a task run that waited, for a time or for an approval that is given now.

        Args:
            run: the run under way.
            step: the task.
            index: of a mapped child, else -1.
            fingerprint: gives the fingerprint of the inputs.
        """
        row = self._rows.get(step.slug, {}).get(index)
        if row is None:
            return None
        if row.state == Paused.__name__ and not self._approved.isdisjoint((step.slug, step.name)):
            return Resume("Approved.")
        if row.due is None or row.state not in (Retrying.__name__, Scheduled.__name__):
            return None
        if not self.same(run, step, row, fingerprint()):
            return None
        from datetime import UTC, datetime

        due = datetime.fromtimestamp(row.due, UTC)
        if row.state == Scheduled.__name__:
            return Scheduled("Scheduled before the run was resumed.", start_time=due)
        text = "Retrying after the run was resumed."
        if row.loop is None:
            return Retrying(text, start_time=due, run_count=row.count)
        if row.location is None and not row.none:
            # The value of the pass before was in memory: the loop begins anew.
            return None
        result = self._kinds.result(step, row)
        try:
            _ = result.value
        except Exception as error:  # noqa: BLE001 - whatever keeps it from being read
            self.lose(step, index, error)
            return None
        return Retrying(text, result, due, context={"task_loop_count": row.loop}, run_count=row.count)

    def _look(self, step: Step, row: TaskRun) -> None:
        """Look whether the value of a task run that ended well can be had, and note it if not."""
        key = step.slug, row.index
        if row.state not in _SUCCESSFUL or row.none or (self.lost and key in self.lost):
            return
        if row.location is None and row.state == Skipped.__name__:
            return
        if row.location is None:
            if row.kind is None:
                # That is nobody's fault, and no news.
                self.lost[key] = NOT_STORED
            else:
                self.lose(step, row.index, FORGOTTEN)
            return
        reason = self._asked.pop(key) if key in self._asked else self._kinds.why_lost(step, row)
        if reason is not None:
            self.lose(step, row.index, reason)

    def look_each(self, asked: list[tuple[Step, TaskRun]]) -> None:
        """Look whether the values of task runs that ended well can be had, and note those that cannot."""
        # Of a kind that is far away there may be thousands, and each look takes as long as the way there and back.
        samples = {row.kind: (step, row) for step, row in asked if row.location is not None}
        far = {kind for kind, sample in samples.items() if self._kinds.at_once(*sample) > 1}
        if far:
            pairs = [
                (step, row)
                for step, row in asked
                if row.kind in far and row.location is not None and row.state in _SUCCESSFUL and not row.none
            ]
            reasons = self._kinds.why_lost_each(pairs) if pairs else []
            self._asked = {(row.slug, row.index): why for (_, row), why in zip(pairs, reasons, strict=True)}
        looks, lost = self._kinds.looks, self.lost
        for step, row in asked:
            # One look, and no more than one system call, shows of most that the bytes are as they were.
            if row.state == "Success" and not lost and (look := looks.get(row.kind)) is not None:
                location, size = row.location or ESCAPED, row.size
                if size is not None and location[:1] != ESCAPED and look(location, size, row.ended or row.started):
                    continue
            self._look(step, row)
        self._asked = {}

    def lose(self, step: Step, index: int, reason: Exception | str) -> None:
        """Note, and say, that a recorded result cannot be used any more."""
        if isinstance(reason, MemoryError):
            raise reason
        text = str(reason) or repr(reason)
        self.lost[step.slug, index] = text
        name = step.name if index < 0 else f"{step.name}[{index}]"
        get_logger("resume").warning(
            "Task '%s' is done again, because its recorded result cannot be used: %s", name, text
        )


def is_unread(state: Any) -> bool:
    """Return whether a state's value is still to be read from where it is stored."""
    return "value" not in state._result.__dict__
