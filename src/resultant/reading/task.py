"""A task of a run on record, and its value."""

from __future__ import annotations

from contextlib import contextmanager

from resultant.engine.integrity import LARGE
from resultant.engine.recorded import RecordedValue, later
from resultant.errors import (
    CorruptResultError,
    MissingResultError,
    ResultantError,
    SupersededResultError,
    UnreadableResultError,
)
from resultant.records import location_of
from resultant.stores.packed import split_place

from .standing import is_missed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime, timedelta
    from typing import Any, BinaryIO

    from resultant.engine.integrity import Digester
    from resultant.engine.result import Result
    from resultant.records import ResultKind, TaskRun

    from .run import RecordedRun

__all__ = ["RecordedTask", "moment", "result_of"]


class RecordedTask:
    """A task of a recorded run, or one child of a mapped task.

    ``task[3]`` is the fourth child of a mapped task, ``len(task)`` how many there are, and iterating gives them in order.

    Args:
        run: the run it belongs to.
        row: its row.

    Attributes:
        row: its row.
    """

    def __init__(self, run: RecordedRun, row: TaskRun) -> None:
        self._run = run
        self.row = row

    @property
    def slug(self) -> str:
        """The task's slug."""
        return self.row.slug

    @property
    def state(self) -> str:
        """The name of the state that it is in."""
        return self.row.state

    @property
    def location(self) -> str | None:
        """Where its bytes are."""
        return self.row.location

    @property
    def started(self) -> datetime | None:
        """When its last try began, in UTC."""
        return moment(self.row.started)

    @property
    def ended(self) -> datetime | None:
        """When its last try ended, in UTC."""
        return moment(self.row.ended)

    @property
    def error(self) -> str | None:
        """Of a failure, the type of the exception, file and line."""
        return self.row.error

    @property
    def kind(self) -> ResultKind | None:
        """How its bytes were made."""
        return self._run.places.kind(self.row)

    @property
    def value(self) -> Any:
        """What the task returned; of a mapped task, a list of what its children returned. It is read anew each time.

        Raises:
            MissingResultError: it has no stored value: it failed, its value was never stored, or the bytes are gone.
            SupersededResultError: a newer run wrote its own value to the same place; ``run`` of the error names it.
            CorruptResultError: the bytes are not those that were recorded.
            UnreadableResultError: the bytes cannot be decoded by this process.
        """
        if self.row.children is None:
            return self._unread().value
        children = list(self)
        if len(children) < len(self):
            raise MissingResultError(
                f"{self._full_name().capitalize()} has no value yet: {len(children)} of its {len(self)} children are on record. "
                f"Those can be read one by one; `resultant resume {self.row.run}` goes on with the run."
            )
        results = [child._unread() for child in children]
        if len(results) > 1:
            from resultant.engine.together import read_together

            read_together(results)
        return [result.value for result in results]

    def _unread(self) -> Result:
        """Return the result, whose value is read when it is asked for."""
        from resultant.engine.result import Result
        from resultant.engine.stored import StoredResult

        row = self.row
        if row.none or row.state == "Skipped":
            return Result()
        if row.location is None:
            raise MissingResultError(self._why_not())
        self.check_superseded()
        result = self._result()
        result.location = location_of(row.location)
        store = result.store if isinstance(result, StoredResult) else None
        found: Result = later(result, RecordedValue(self._digester(), row.digest, row.size, store))
        return found

    @property
    def failure(self) -> str | None:
        """The message and the traceback of a failure, if they can be read from here."""
        if self.row.text is None:
            return self.row.message
        from resultant.runner.failure_text import read_text

        try:
            kind = self.kind
            store: Any = None if kind is None else result_of(kind, self._run.types, self._own_result()).store
            return read_text(self.row.text, store)
        except (OSError, ResultantError):
            return self.row.message

    def superseded_by(self) -> TaskRun | None:
        """Return the row of the last task run that wrote other bytes to the place of this one, if there is one.

        The same bytes again, or a look at what is there, supersede nothing.
        """
        if self.row.location is not None and split_place(self.row.location) is not None:
            # Nobody writes to the place of a packed result again.
            return None
        return self._run.places.newer_writer(self.row)

    def check_superseded(self) -> None:
        """Raise an error if another task run wrote other bytes to the same place.

        Raises:
            SupersededResultError: one did.
        """
        newer = self.superseded_by()
        if newer is None or self._has_own_bytes():
            return
        child = "" if newer.index < 0 else f"[{newer.index}]"
        error = SupersededResultError(
            f"The result of {self._full_name()} is superseded: run {newer.run} (task {newer.slug}{child}) wrote its own value "
            f"to {self.row.location!r}. Read it there, or give each run a place of its own, with {{flow_run_id}} in the location."
        )
        error.run = newer.run
        raise error

    def _has_own_bytes(self) -> bool:
        """Return whether what lies there is this one's: the clock of whoever wrote the other row may have been ahead."""
        if self.row.digest is None:
            return False
        try:
            with self._source(location_of(self.row.location or "")) as source:
                return source is not None and self._checked(source) is not None
        except (OSError, ResultantError):
            return False

    def verify(self) -> int:
        """Check the bytes against what was recorded of them, without decoding anything.

        Returns:
            How many bytes were checked, those of all children of a mapped task; 0 where there is nothing to check.

        Raises:
            MissingResultError: the bytes are gone.
            SupersededResultError: a newer run wrote its own value to the same place.
            CorruptResultError: the bytes are not those that were recorded.
            UnreadableResultError: only the flow's own classes can reach them.
        """
        row = self.row
        if row.children is not None:
            return sum(child.verify() for child in self)
        if is_missed(row):
            raise MissingResultError(self._why_not())
        if row.location is None or self.is_inline:
            return 0
        self.check_superseded()
        with self._source(location_of(row.location)) as source:
            if source is None:
                return 0
            self._checked(source)
            return int(source.size)

    def save(self, path: str | BinaryIO) -> int:
        """Write the stored bytes, checked against their digest, to a file.

        Args:
            path: the file, what is there is replaced; or a binary file that is open for writing.

        Returns:
            How many bytes they are.

        Raises:
            ReadError: there are none that could be read; see :attr:`value`.
        """
        row = self.row
        if row.children is not None:
            own = f"its children have bytes of their own, {self.slug}[0] for one."
            raise MissingResultError(f"{self._full_name().capitalize()} is mapped: {own}")
        if row.location is None or self.is_inline:
            raise MissingResultError(f"{self._full_name().capitalize()} has no bytes outside of its row.")
        self.check_superseded()
        with self._source(location_of(row.location)) as source:
            if source is None:
                raise UnreadableResultError(f"The store of {self._full_name()} gives values, and no bytes.")
            data = self._checked(source)
            if isinstance(path, str):
                with open(path, "wb") as file:
                    file.write(data)
            else:
                path.write(data)
            return int(source.size)

    @contextmanager
    def _source(self, location: str) -> Iterator[Any]:
        """Give the stored bytes; ``None`` where there is something, and the class of the result gives values only."""
        result: Any = self._result()
        store = getattr(result, "store", None)
        if store is None:
            if not result.exists(location):
                raise MissingResultError(f"Nothing is stored at {location!r} any more.")
            yield None
            return
        with store.source(location) as source:
            yield source

    def _checked(self, source: Any) -> Any:
        row = self.row
        if row.size is not None and source.size != row.size:
            raise CorruptResultError(
                f"The result at {row.location!r} has {source.size} bytes, and its record says {row.size}."
            )
        mapped = source.map(writable=False) if source.size >= LARGE else None
        data = source.read() if mapped is None else mapped
        digester = self._digester()
        if digester is not None and row.digest is not None and not digester.agrees(row.digest, data):
            raise CorruptResultError(f"The bytes at {row.location!r} are not those that were recorded.")
        return data

    def pin(self, until: datetime | timedelta | None = None) -> None:
        """Keep the result, whatever budget ``resultant gc`` is given.

        Args:
            until: when the pin falls off by itself, or after how long.
        """
        from datetime import UTC, datetime, timedelta

        if isinstance(until, timedelta):
            until = datetime.now(UTC) + until
        end = None if until is None else until.timestamp()
        self._run.db.set_pinned(self.row.run, self.row.slug, self.row.index, True, end)

    def unpin(self) -> None:
        """Take the pin off."""
        self._run.db.set_pinned(self.row.run, self.row.slug, self.row.index, False)

    def __len__(self) -> int:
        if self.row.children is None:
            raise TypeError(f"Task {self.slug!r} is not mapped: it has one value and no children.")
        return self.row.children

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, index: int) -> RecordedTask:
        """Return a child of a mapped task.

        Raises:
            IndexError: there is no such child, or it was not reached.
            TypeError: the task is not mapped.
        """
        many = len(self)
        number = index + many if index < 0 else index
        rows = self._run.db.task_runs(self.row.run, self.slug, number) if 0 <= number < many else []
        if not rows:
            raise IndexError(f"Task {self.slug!r} of run {self.row.run} has no record of a child {index} (of {many}).")
        return RecordedTask(self._run, rows[0])

    def __iter__(self) -> Iterator[RecordedTask]:
        many = len(self)
        for row in self._run.db.task_runs(self.row.run, self.slug):
            if 0 <= row.index < many:
                yield RecordedTask(self._run, row)

    def __repr__(self) -> str:
        child = "" if self.row.index < 0 else f"[{self.row.index}]"
        return f"<RecordedTask {self.slug}{child}: {self.state}>"

    def _full_name(self) -> str:
        child = "" if self.row.index < 0 else f"[{self.row.index}]"
        return f"task {self.slug}{child} of run {self.row.run}"

    @property
    def is_inline(self) -> bool:
        """Whether its value is part of its row, or of the flow, and no bytes are stored anywhere else."""
        return self.row.location is not None and self._run.places.full(self.row) is None

    def _why_not(self) -> str:
        row = self.row
        if row.state not in ("Success", "Cached"):
            why = f" ({row.error})" if row.error else ""
            return f"{self._full_name().capitalize()} has no value: its state is {row.state}{why}."
        if is_missed(row):
            why = f"gone: nothing was at its place when `resultant fsck` looked. `resultant resume {row.run}` makes it again."
        else:
            why = "not stored: it was kept in memory only, because neither the task nor the flow has a result such as LocalResult, "
            why += "or `resultant gc` released it."
        return f"The value of {self._full_name()} is {why}"

    def _result(self) -> Result:
        """Return a result like the one that wrote the bytes."""
        kind = self.kind
        own = self._own_result()
        if kind is None or kind.serializer is None:
            if own is not None:
                return own.copy()
            raise UnreadableResultError(
                f"The result of {self._full_name()} was written by a class or a serializer that no row can name. Open the run "
                "with the flow itself: open_run(RUN_ID, flow=FLOW)."
            )
        if own is not None:
            return result_of(kind, self._run.types, own)
        made = self._run.made.get(kind.id)
        if made is None:
            made = self._run.made[kind.id] = result_of(kind, self._run.types)
        return made.copy()

    def _digester(self) -> Digester | None:
        """Return what checks the bytes; ``None`` where there is no digest to check them against."""
        if self.row.digest is None:
            return None
        from resultant.runner.digest_key import digester_of

        return digester_of(self._run.row)

    def _own_result(self) -> Result | None:
        flow = self._run.own_flow
        if flow is None:
            return None
        task = next((task for task, slug in flow.slugs.items() if slug == self.slug), None)
        found: Result | None = getattr(task, "result", None) or flow.result
        return found


def result_of(kind: ResultKind, types: Iterable[type] = (), own: Result | None = None) -> Result:
    """Return a result like those of a kind.

    Args:
        kind: what the rows have in common.
        types: classes of results and serializers that may be meant.
        own: the result that the flow itself uses.

    Raises:
        UnreadableResultError: nothing here has the names that the kind gives.
    """
    import json

    from resultant.engine.description import from_record
    from resultant.records import ResultRecord

    record = ResultRecord(
        type=kind.type,
        options=json.loads(kind.options),
        serializer=None if kind.serializer is None else json.loads(kind.serializer),
    )
    own_types = () if own is None else (type(own), type(own.serializer))
    return from_record(record, (*types, *own_types), own)


def moment(seconds: float | None) -> datetime | None:
    """Return seconds since 1970 as a moment in UTC."""
    if seconds is None:
        return None
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC)
