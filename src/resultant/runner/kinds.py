"""Results made from rows: each of a recorded kind, its value read when somebody asks for it."""

from __future__ import annotations

from resultant.engine.recorded import LoadRecorded, RecordedValue, later
from resultant.engine.result import Result
from resultant.engine.stored import StoredResult
from resultant.engine.together import at_once, each
from resultant.errors import MissingResultError
from resultant.records import ESCAPED, location_of
from resultant.runtime import get_logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from resultant.db import StateDB
    from resultant.engine.integrity import Digester
    from resultant.records import TaskRun

    from .plan import Step

    _Kind = tuple[type[Result], list[tuple[str, Any]], Any, LoadRecorded]

__all__ = ["FORGOTTEN", "NOT_STORED", "Kinds"]

#: A row that kept its kind has lost bytes that nobody meant to lose.
FORGOTTEN = "its bytes were gone when `resultant fsck --repair` looked"

NOT_STORED = "is not stored: it was in the memory of the process that made it, or `resultant gc` released it"

_new = object.__new__


class Kinds:
    """What many recorded results have in common, looked up once.

    Args:
        db: where the kinds are.
        digester: checks what is read.
        steps: the plan's steps; their classes of results and serializers may be meant.
    """

    def __init__(self, db: StateDB, digester: Digester, steps: Iterable[Step]) -> None:
        self._db = db
        self._digester = digester
        #: Class, attributes, store and reader of results, by kind, or by step and kind where the flow's own object is needed.
        #: Attributes are set one by one: an object that is asked for its dictionary makes one, which costs more than they do.
        self._known: dict[Any, _Kind] = {}
        self._names: dict[int | None, tuple[str, str] | None] = {}
        #: By kind, what tells from location, size and time that nobody has touched a result since, where that is cheap.
        self.looks: dict[int | None, Callable[[str, int, float], bool]] = {}
        self._types: tuple[type, ...] = tuple(
            {kind for result in {id(step.result): step.result for step in steps}.values() for kind in _types_of(result)}
        )

    def result(self, step: Step, row: TaskRun) -> Result:
        """Return a result whose value is still to be read, or to be found gone.

        Args:
            step: the task.
            row: what is recorded of one run of it.
        """
        known = self._known
        cls, fields, _, load = known.get(row.kind) or known.get((step.index, row.kind)) or self._look_up(step, row.kind)
        result: Result = _new(cls)
        for name, field in fields:
            setattr(result, name, field)
        location = row.location
        if location is not None:
            result.location = location_of(location) if location[:1] == ESCAPED else location
            result._size = row.size
            result._digest = row.digest
            result._load = load
        elif row.none:
            result.value = None
        else:
            later(result, _gone)
        return result

    def by_name(self, kind: int | None) -> tuple[str, str] | None:
        """Return type and options of a kind whose store any process can reach by these two alone; ``None`` for others."""
        if kind not in self._names:
            self._names[kind] = None if kind is None else self._named(kind)
        return self._names[kind]

    def _named(self, kind: int) -> tuple[str, str] | None:
        import json

        from resultant.engine.description import from_record
        from resultant.records import ResultRecord

        try:
            known = self._db.result_kind(kind)
            pickle = {"name": "pickle", "options": {}}
            made = from_record(ResultRecord(type=known.type, options=json.loads(known.options), serializer=pickle))
            return (known.type, known.options) if isinstance(made, StoredResult) else None
        except Exception:  # noqa: BLE001 - a class of the user's own, or a database that is away
            return None

    def why_lost(self, step: Step, row: TaskRun) -> str | Exception | None:
        """Return why the bytes of a result cannot be used any more, as far as place, size and time tell.

        Args:
            step: the task.
            row: what is recorded of one run of it; it has a location.
        """
        known = self._known
        kind = known.get(row.kind) or known.get((step.index, row.kind)) or self._look_up(step, row.kind)
        store = kind[2]
        location = location_of(row.location or "")
        try:
            if store is None or row.size is None:
                # Classes of the user's own, and texts that are their own values.
                if self.result(step, row).exists(location.replace("{", "{{").replace("}", "}}")):
                    return None
                return f"nothing is at {location!r} any more"
            stat = store.stat(location)
            if stat.size != row.size:
                return f"it has {stat.size} bytes instead of {row.size}"
            if stat.modified > (row.ended or row.started):
                # Somebody wrote there since, perhaps the same bytes. What nobody touched is not read for that.
                RecordedValue(self._digester, row.digest, row.size, store).check(location)
        except NotImplementedError:
            # A class that cannot look: it shows when it is read.
            return None
        except Exception as error:  # noqa: BLE001 - classes of results may be the user's own
            return error
        return None

    def why_lost_each(self, asked: list[tuple[Step, TaskRun]]) -> list[str | Exception | None]:
        """Return :meth:`why_lost` of several task runs; a store that is far away is asked for many of them at once."""
        threads = max(self.at_once(step, row) for step, row in asked)
        return each(lambda pair: self.why_lost(*pair), asked, threads)

    def at_once(self, step: Step, row: TaskRun) -> int:
        """Return for how many results like that of a task run the store may be asked at once."""
        kind = self._known.get(row.kind) or self._known.get((step.index, row.kind)) or self._look_up(step, row.kind)
        return at_once(kind[2], row.location)

    def _look_up(self, step: Step, kind: int | None) -> _Kind:
        found: Result | None = None
        own = step.result or Result()
        if kind is not None:
            import json

            from resultant.engine.description import from_record
            from resultant.records import ResultRecord

            known = self._db.result_kind(kind)
            serializer = None if known.serializer is None else json.loads(known.serializer)
            record = ResultRecord(type=known.type, options=json.loads(known.options), serializer=serializer)
            # A class of the user's own keeps nothing in its records that would make it anew, and a serializer that could
            # not be named is the flow's own as well.
            if serializer is not None and type(own).__qualname__ != known.type:
                try:
                    found = from_record(record, self._types, own)
                except Exception as error:  # noqa: BLE001 - somebody else's class is made
                    get_logger("resume").debug("Results of kind %d are read with the flow's own: %s", kind, error)
        prototype = (found or own).from_value(None)
        fields = [(name, value) for name, value in vars(prototype).items() if name not in ("value", "location")]
        store = prototype.store if isinstance(prototype, StoredResult) else None
        made = type(prototype), fields, store, LoadRecorded(self._digester, store)
        self._known[kind if found is not None else (step.index, kind)] = made
        look = getattr(store, "is_unchanged", None)
        if found is not None and look is not None:
            self.looks[kind] = look
        return made


def _types_of(result: Any) -> Iterable[type]:
    if result is not None:
        yield type(result)
        yield type(result.serializer)


def _gone(result: Result) -> None:
    raise MissingResultError(f"The value {NOT_STORED}.")
