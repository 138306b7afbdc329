"""The state database of this process, and the row of a run from its beginning to its end."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from time import time

from resultant.errors import ConfigurationError, DatabaseError
from resultant.runtime import get_logger, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import ExitStack
    from typing import Any

    from resultant.db import StateDB
    from resultant.engine.state import State
    from resultant.records import FlowRun as FlowRunRow

    from .history import History
    from .intents import Intents
    from .plan import Plan, Run
    from .recording import Recorder
    from .undisturbed import Undisturbed

__all__ = ["Recording", "begin", "close_databases", "database", "earlier_run"]

#: Opened databases, by address and home; one serves the whole process.
_open: dict[tuple[str | None, str], StateDB] = {}

#: Keys of the context that belong to a run as such, and are on record elsewhere or worked out anew.
_OWN_KEYS = frozenset(
    (
        "caches", "case", "checkpointing", "config", "date", "flow", "flow_id", "flow_name", "flow_run_id", "flow_run_name",
        "logger", "parameters", "raise_on_exception", "resume", "scheduled_start_time", "secrets", "tags", "today",
        "today_nodash", "tomorrow", "tomorrow_nodash", "yesterday", "yesterday_nodash",
    )
)  # fmt: skip


def database(reading: bool = False, make: bool = False) -> StateDB:
    """Return the configured state database, opened when it is first asked for.

    Args:
        reading: whether one that may not be written is good enough, and an empty one where there is none.
        make: whether one is made all the same, where there is none.

    Raises:
        DatabaseError: it cannot be opened; the message says why and what to do.
    """
    now = settings()
    place = now.database.url, now.home_dir
    found = _open.get(place)
    if found is None or (not reading and getattr(found, "read_only", False)):
        from resultant.db import open_db

        opened = open_db(
            now.database.url, now.home_dir, durability=now.durability, reading=reading, make=make or not reading
        )
        if opened.url.startswith("memory:") and not (now.database.url or "").startswith("memory:"):
            # Nothing is on record yet: a look leaves nothing behind, and the next one may find more.
            return opened
        if found is not None:
            found.close()
        found = _open[place] = opened
    return found


def close_databases() -> None:
    """Write what waits, and close every database that this process has opened; the next run opens its own again."""
    while _open:
        _open.popitem()[1].close()


def _forget() -> None:
    """Let a forked child open its own connections: those of the parent are of no use to it."""
    _open.clear()


os.register_at_fork(after_in_child=_forget)


class Recording:
    """The row of a run under way, and who writes the rows of its tasks.

    Args:
        db: the database.
        row: the run's row, written already.
        recorder: writes the rows of task runs.
        history: what earlier attempts left, for a run that is resumed.
        times: for how many seconds results are to be kept, by slug.
        intents: what was about to be written.
        code: digests of the code of tasks that stood when the attempt began, where it is another one now.
    """

    def __init__(
        self,
        db: StateDB,
        row: FlowRunRow,
        recorder: Recorder,
        history: History | None,
        times: dict[str, float],
        intents: Intents,
        code: dict[str, str],
    ) -> None:
        self._code = code
        self.db = db
        self.row = row
        self.recorder = recorder
        self.history = history
        self._times = times
        self._intents = intents

    def end(self, final: State) -> None:
        """Write how the run ended; everything that was recorded is durable when this returns.

        Raises:
            DatabaseError: it is not.
        """
        if self._times:
            from .keeping import pin_kept

            self.db.flush()
            pin_kept(self.db, self.row.id, self._times)
        if self._code:
            from .code import code_of_attempt

            self.db.flush()
            self.row = self.row._replace(code=code_of_attempt(self.db, self.row, self._code))
        error = final.result if isinstance(final.result, BaseException) else None
        self.db.put_flow_run(
            self.row._replace(
                state=type(final).__name__,
                ended=time() if final.is_finished() else None,
                error=None if error is None else type(error).__name__,
            )
        )
        self.db.flush()
        self._intents.settle(self.db)
        names = sorted(self.recorder.kept_in_memory)
        if names:
            get_logger("results").warning(
                "Flow %r is on record, but what these tasks returned is in memory alone, and a resume would compute it again: %s. "
                "Give them, or the flow, a result with a storage, or set `flows.default_result`.",
                self.row.flow,
                ", ".join(names),
            )

    def fail(self, final: State) -> None:
        """Write how a run ended that broke; that the database is what broke is no second failure."""
        try:
            self.end(final)
        except DatabaseError as error:
            get_logger("record").error("The end of run %s could not be recorded: %s", self.row.id, error)


class Earlier:
    """A run that is resumed.

    Args:
        row: its row.
        parameters: values by name, recorded ones and given ones.
        context: keys, recorded ones and given ones.
    """

    def __init__(self, row: FlowRunRow, parameters: dict[str, Any], context: dict[str, Any]) -> None:
        self.row = row
        self.parameters = parameters
        self.context = context


@contextmanager
def earlier_run(flow: Any, text: str, parameters: dict[str, Any], context: dict[str, Any]) -> Iterator[Earlier]:
    """Hold a recorded run for as long as it is resumed.

    Args:
        flow: the flow that it was a run of.
        text: its id, the beginning of that, or its name.
        parameters: values that were given for the resume.
        context: keys that were given for the resume.

    Raises:
        UnknownRunError: there is no such run.
        RunHeldError: somebody is at work on it.
        ValueError: it is a run of another flow, or a parameter is not on record and was not given.
        ConfigurationError: its digests were taken with another secret.
    """
    from datetime import UTC, datetime

    from resultant.engine.tagged import untagged

    from .digest_key import is_ours

    db = database()
    found = db.find_flow_run(text)
    if found.flow != flow.name:
        raise ValueError(f"Run {found.id} is one of the flow {found.flow!r}, not of {flow.name!r}.")
    if not is_ours(found):
        raise ConfigurationError(
            f"Run {found.id} was recorded with another secret for digests than that of this home, so that nothing could tell which "
            "of its results still stand. Copy digest.key from the home that recorded it, or name that file in "
            "RESULTANT__RECORD__DIGEST_KEY_FILE."
        )
    with db.hold(found.id):
        # What was read before it was held may have changed since.
        row = db.flow_run(found.id)
        values: dict[str, Any] = {}
        for name, data in json.loads(row.parameters or "{}").items():
            try:
                values[name] = untagged(data)
            except ValueError:
                if name not in parameters:
                    raise ValueError(
                        f"The parameter {name!r} of run {row.id} is not on record, because JSON cannot carry it: pass it again."
                    ) from None
        kept = {name: untagged(data) for name, data in json.loads(row.context or "{}").items()}
        kept["date"] = datetime.fromtimestamp(row.date, UTC)
        # What is on record was written, whatever is switched on now.
        kept["checkpointing"] = True
        yield Earlier(row, {**values, **parameters}, {**kept, **context})


def begin(
    held: ExitStack,
    flow: Any,
    plan: Plan,
    run: Run,
    executor: Any,
    earlier: FlowRunRow | None,
    approve: Iterable[str],
    given: dict[str, Any],
    calm: Undisturbed | None = None,
) -> Recording:
    """Write the row of a run that begins, before its first task.

    Args:
        held: lets go of the run at its end.
        flow: the flow.
        plan: its steps.
        run: what is common to them.
        executor: where its tasks run.
        earlier: the row of the run that is resumed; it is held already.
        approve: slugs or names of its tasks that may go on.
        given: keys of the context that the caller gave.
        calm: until something is about to run that is not on record.

    Raises:
        DatabaseError: the database cannot be used.
    """
    from resultant.records import FlowRun as FlowRunRow

    from .code import code_digests, code_that_stands, say_what_changed
    from .digest_key import digester
    from .history import History
    from .intents import Intents
    from .keeping import times_to_keep
    from .needed import look_for_needed
    from .recording import Recorder

    try:
        db = database()
        run.digester = digester()
    except (DatabaseError, OSError) as error:
        raise DatabaseError(
            f"The run cannot be recorded: {error} (RESULTANT__RECORD__RUNS=false runs flows without a record.)"
        ) from error
    keys = run.keys
    now = time()
    if earlier is None:
        held.enter_context(db.hold(keys["flow_run_id"]))
        _refuse_known(db, keys["flow_run_id"])
    if any(step.task.cache_for is not None for step in plan.steps):
        from .shelf import stock

        stock(db, plan, run)
    file, attribute = source_of(flow)
    date = keys["date"]
    row = FlowRunRow(
        id=keys["flow_run_id"],
        flow=flow.name,
        name=keys["flow_run_name"],
        state="Running",
        attempt=1 if earlier is None else earlier.attempt + 1,
        parameters=_parameters(flow, keys["parameters"]),
        context=_context(given) if earlier is None else earlier.context,
        date=date.timestamp() if hasattr(date, "timestamp") else now,
        created=now if earlier is None else earlier.created,
        started=now,
        file=file or (earlier.file if earlier is not None else None),
        attribute=attribute or (earlier.attribute if earlier is not None else None),
        cwd=os.getcwd() if earlier is None else earlier.cwd,
        executor=repr(executor),
        alias=bool(getattr(sys.modules.get("prefect"), "__resultant_alias__", False)),
        code=json.dumps(code_digests(plan, run.digester), sort_keys=True),
        pinned=earlier is not None and earlier.pinned,
        digest_key=run.digester.name,
    )
    history = None
    code: dict[str, str] = {}
    if earlier is not None:
        approved = frozenset((approve,) if isinstance(approve, str) else approve)
        unknown = approved and approved.difference(*((step.slug, step.name) for step in plan.steps))
        if unknown:
            raise ValueError(f"Flow {flow.name!r} has no task to approve that is called {', '.join(sorted(unknown))}.")
        history = History(db, row.id, run.digester, plan.steps, approved, calm)
        look_for_needed(history, plan.steps, earlier.state == "Success")
        say_what_changed(earlier, row)
        code = code_that_stands(earlier, row, history, plan)
    db.put_flow_run(row)
    run.intents = Intents(settings().home_dir, db.url, row.id, run.digester, settings().durability == "power")
    recorder = Recorder(db, row, run, run.digester, settings().record.messages)
    return Recording(db, row, recorder, history, times_to_keep(plan), run.intents, code)


def _refuse_known(db: StateDB, run_id: str) -> None:
    """Refuse the id of a run that has begun before: rows of two runs would be mixed up."""
    from resultant.errors import UnknownRunError

    try:
        known = db.flow_run(run_id)
    except UnknownRunError:
        return
    if known.started is not None:
        raise ValueError(
            f"A run with the id {run_id!r} is on record already. Resume it (`resume_run={run_id!r}`), or give another id."
        )


def source_of(flow: Any) -> tuple[str | None, str | None]:
    """Return the file that a flow was made in, and what it is called there, if that can be told.

    Args:
        flow: the flow.
    """
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    if main is None or file is None:
        return None, None
    for name, value in vars(main).items():
        if value is flow and not name.startswith("_"):
            return os.path.abspath(file), name
    return None, None


def _parameters(flow: Any, values: dict[str, Any]) -> str:
    """Return parameters as text; a default that cannot be recorded is found in the flow again."""
    from resultant.engine.tagged import NOT_RECORDED, tagged

    defaults = {task.name: task.default for task in flow.parameters() if not task.required}
    found = {name: tagged(value) for name, value in values.items()}
    return json.dumps(
        {name: data for name, data in found.items() if data != NOT_RECORDED or values[name] is not defaults.get(name)}
    )


def _context(given: dict[str, Any]) -> str:
    """Return the JSON-able part of what the caller put into the context, never secrets."""
    from resultant.engine.tagged import NOT_RECORDED, tagged

    kept = {}
    for name, value in given.items():
        if name not in _OWN_KEYS:
            text = tagged(value)
            if text != NOT_RECORDED:
                kept[name] = text
    return json.dumps(kept)
