"""How a run stands at a moment, read from outside of the thread that drives it.

Nothing here takes a lock or asks the run to count anything for it: what is read may be a few task runs old, never wrong
in a way that the next look does not put right.
"""

from __future__ import annotations

from bisect import bisect_left
from time import monotonic

from resultant.engine.state import Failed, Mapped, Running, Scheduled, State, Submitted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .flow import FlowRun

__all__ = ["Row", "View"]

#: Children that are gone through at every look; of more than that, failures are counted for the whole run only.
_COUNTED = 50_000

#: The order in which rows are worth their place when not all of them fit.
_FAILED, _RUNNING, _WAITING, _DONE, _PENDING = range(5)


class Row:
    """One task.

    Attributes:
        name: its name.
        rank: how much it is worth seeing; lower comes first.
        state: the class of state to show.
        done: how many children have ended; ``None`` for a task that is not mapped or has not begun.
        total: how many children there are.
        failed: how many children have failed.
        since: when it was first seen running, on the monotonic clock.
    """

    __slots__ = ("done", "failed", "name", "rank", "since", "state", "total")

    def __init__(self, name: str, rank: int, state: type[State]) -> None:
        self.name = name
        self.rank = rank
        self.state = state
        self.done: int | None = None
        self.total = 0
        self.failed = 0
        self.since: float | None = None


class View:
    """Looks at one run again and again.

    Args:
        tracker: the run.
    """

    def __init__(self, tracker: FlowRun) -> None:
        self.tracker = tracker
        self.began = monotonic()
        self._since: dict[int, float] = {}

    @property
    def written(self) -> int:
        """Bytes stored so far."""
        return self.tracker.run.written

    def counts(self) -> list[tuple[type[State], int]]:
        """Return how many task runs ended in each class of state, the parents of mapped tasks apart."""
        found = [(cls, count) for cls, count in self.tracker.counts.copy().items() if cls is not Mapped]
        return sorted(found, key=lambda pair: (issubclass(pair[0], Failed), -pair[1]))

    def progress(self, rows: list[Row]) -> tuple[int, int]:
        """Return how many task runs have ended, and how many are known of."""
        done = sum((row.total and (row.done or 0)) or (row.rank in (_FAILED, _DONE) and not row.total) for row in rows)
        return int(done), sum(row.total or 1 for row in rows)

    def rows(self) -> list[Row]:
        """Return a row for each task, in the flow's order."""
        tracker = self.tracker
        ready = set(tracker.ready)
        anyone_failed = any(issubclass(cls, Failed) for cls in tracker.counts.copy())
        now = monotonic()
        workers = 1 if tracker.flights.inline else getattr(tracker.flights.executor, "workers", None)
        free = workers if isinstance(workers, int) else len(tracker.states)
        found: list[Row] = []
        for step, state in zip(tracker.plan.steps, tracker.states, strict=True):
            index = step.index
            brood = tracker.broods.get(index)
            row = Row(step.name, _PENDING, type(state))
            if isinstance(state, Mapped):
                self._count(row, state, None if brood is None else brood.left, anyone_failed)
            elif isinstance(state, Failed):
                row.rank = _FAILED
            elif state.is_finished():
                row.rank = _DONE
            elif isinstance(state, Scheduled):
                row.rank = _WAITING
            elif index not in ready and tracker.missing[index] <= 0:
                # What was handed over first is run first, as far as there are hands.
                free -= 1
                row.rank, row.state = (_RUNNING, Running) if free >= 0 else (_WAITING, Submitted)
            if row.state is Running:
                row.since = self._since.setdefault(index, now)
            found.append(row)
        return found

    def _count(self, row: Row, state: Mapped, left: int | None, anyone_failed: bool) -> None:
        children = state.map_states
        row.total = len(children)
        if left is None:
            row.done = row.total
        else:
            row.done = row.total - left
            if not row.done and row.total and self.tracker.flights.inline:
                # Run one after the other: those behind the one that runs have no state yet.
                row.done = bisect_left(children, True, key=lambda child: child is None)
        row.rank, row.state = (_DONE, Mapped) if row.done >= row.total else (_RUNNING, Running)
        if anyone_failed and row.total <= _COUNTED:
            row.failed = sum(isinstance(child, Failed) for child in children)
            if row.failed:
                row.rank = _FAILED
