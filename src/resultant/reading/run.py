"""A run on record."""

from __future__ import annotations

from .places import Places
from .standing import abandoned, name_in, standing
from .task import RecordedTask, moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from typing import Any

    from resultant.db import StateDB
    from resultant.engine.result import Result
    from resultant.records import FlowRun, TaskRun

__all__ = ["RecordedRun"]


class RecordedRun:
    """A run, as the state database has it at the moment it is asked.

    Args:
        db: the state database.
        row: the run's row.
        types: classes of results and serializers that its rows may mean.
        flow: the flow whose own results may be meant.
        like: another run of the same database, opened alike; what was found out for that is used for this one too.

    Attributes:
        row: the run's row.
        places: finds out who wrote where.
    """

    def __init__(
        self,
        db: StateDB,
        row: FlowRun,
        types: Iterable[type] = (),
        flow: Any = None,
        like: RecordedRun | None = None,
    ) -> None:
        self.db = db
        self.places: Places = Places(db) if like is None else like.places
        #: Results like those that wrote the bytes, by the number of their kind.
        self.made: dict[int, Result] = {} if like is None else like.made
        self.types = tuple(types)
        self.own_flow = flow
        self.row = row

    @property
    def id(self) -> str:
        """The run's id."""
        return self.row.id

    @property
    def flow(self) -> str:
        """The flow's name."""
        return self.row.flow

    @property
    def name(self) -> str:
        """The run's name."""
        return self.row.name

    @property
    def state(self) -> str:
        """The name of the state that the run is in: of one that waits for somebody's approval, ``Paused``."""
        return "Paused" if standing(self.db, [self.row]).get(self.id) == "Paused" else self.row.state

    @property
    def abandoned(self) -> bool:
        """Whether the run has not ended, no process works on it, and no task waits for approval: it can be resumed."""
        return self.id in abandoned(self.db, [self.row])

    @property
    def started(self) -> datetime | None:
        """When the latest attempt began, in UTC."""
        return moment(self.row.started)

    @property
    def ended(self) -> datetime | None:
        """When the latest attempt ended, in UTC; ``None`` where it did not."""
        return moment(self.row.ended)

    @property
    def parameters(self) -> dict[str, Any]:
        """The flow's parameters in this run; without those that could not be recorded."""
        import json

        from resultant.engine.tagged import NOT_RECORDED, untagged

        recorded = json.loads(self.row.parameters or "{}")
        return {name: untagged(value) for name, value in recorded.items() if value != NOT_RECORDED}

    def slugs(self) -> list[str]:
        """Return the slugs of the tasks that are on record."""
        return [row.slug for row in self.db.task_runs(self.id, index=-1)]

    def __iter__(self) -> Iterator[RecordedTask]:
        return iter([RecordedTask(self, row) for row in self.db.task_runs(self.id, index=-1)])

    def __getitem__(self, task: str) -> RecordedTask:
        """Return a task by its slug, or by its name where one task has that name.

        Raises:
            KeyError: no task is called that, or several could be meant.
        """
        return RecordedTask(self, self._row(task))

    def __contains__(self, task: object) -> bool:
        """Return whether a task is on record by this slug or name."""
        return isinstance(task, str) and any(task in (slug, name_in(slug)) for slug in self.slugs())

    def _row(self, task: str) -> TaskRun:
        rows = self.db.task_runs(self.id, task, -1)
        if rows:
            return rows[0]
        named = [row for row in self.db.task_runs(self.id, index=-1) if name_in(row.slug) == task]
        if len(named) == 1:
            return named[0]
        if named:
            slugs = ", ".join(row.slug for row in named)
            raise _UnknownTaskError(f"Run {self.id} has several tasks named {task!r}; take one of the slugs {slugs}.")
        raise _UnknownTaskError(f"Run {self.id} has no record of a task {task!r}; on record are: {_few(self.slugs())}.")

    def pin(self) -> None:
        """Keep the run and its results, whatever budget ``resultant gc`` is given."""
        self.db.set_pinned(self.id)

    def unpin(self) -> None:
        """Take the pin off."""
        self.db.set_pinned(self.id, pinned=False)

    def pins(self) -> dict[tuple[str, int], float | None]:
        """Return until when results are pinned, in seconds since 1970, by slug and index; pins that fell off are left out.

        The index is -1 for a whole task, with all its children; ``None`` is for good.
        """
        from time import time

        now = time()
        pins = self.db.pins(self.id)
        return {(slug, index): until for _, slug, index, until in pins if until is None or until > now}

    def __repr__(self) -> str:
        return f"<RecordedRun {self.id}: {self.flow!r} {self.row.state}>"


class _UnknownTaskError(KeyError):
    # KeyError shows the repr of its argument, which would put the whole message in quotes.
    __str__ = Exception.__str__


def _few(names: list[str]) -> str:
    shown = ", ".join(names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown or "none"
