"""Results of earlier runs, of any process, that a task may use: found through the state database, proven by their bytes."""

from __future__ import annotations

import json

from resultant.engine.cache_validators import compares, never_use
from resultant.engine.digests import Undigestible, digest_value
from resultant.engine.inputs import SealedDigest, SealedValue, Untold, seal
from resultant.engine.moments import as_utc, passed
from resultant.runtime import get_logger

from .code_tree import code_tree_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from typing import Any

    from resultant.db import StateDB
    from resultant.engine.inputs import Inputs
    from resultant.engine.integrity import Digester
    from resultant.engine.result import Result
    from resultant.engine.state import Cached
    from resultant.records import CacheEntry

    from .plan import Plan, Run, Step

__all__ = ["FOUND_IN_CACHE", "Offer", "Shelf", "entry_key", "stock"]

#: How the message of a state begins whose value an earlier run had put into the cache.
FOUND_IN_CACHE = "The result of run"


class Offer:
    """One result that a task may use.

    Args:
        entry: its entry in the database.
        result: knows how to read it.
    """

    __slots__ = ("expires", "index", "inputs", "parameters", "result", "run")

    def __init__(self, entry: CacheEntry, result: Result) -> None:
        self.run = entry.run
        self.index = entry.index
        self.expires = _moment(entry.expires)
        self.inputs: dict[str, str | None] = json.loads(entry.inputs or "{}")
        self.parameters: dict[str, str | None] = json.loads(entry.parameters or "{}")
        self.result = result


class Shelf:
    """What earlier runs offer to one task, and what its own results are to be found by.

    Args:
        digester: holds the key.
        key: of the task's entries.
        shared: whether the key was given by the user, and other tasks may use it.
        code: digest of what the task computes with; ``None`` where it has none.
        parameters: digests of the run's parameters, as JSON.

    Attributes:
        offers: the newest first.
        closed: whether results of the task are kept from later processes.
    """

    def __init__(self, digester: Digester, key: str, shared: bool, code: bytes | None, parameters: str) -> None:
        self.digester = digester
        self.key = key
        self.shared = shared
        self.code = code
        self.parameters = parameters
        self.offers: list[Offer] = []
        self.closed = False
        self._by: dict[Any, dict[Any, list[Offer]]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_by": {}}

    def entry(self, state: Cached, row: tuple[Any, ...]) -> CacheEntry | None:
        """Return the entry by which later runs find what a task returned; ``None`` where they cannot have it.

        Args:
            state: how the task run ended.
            row: the row of that, in the order of :class:`~resultant.records.TaskRun`'s fields.
        """
        from resultant.records import CacheEntry

        # What was taken from a cache keeps the entry, and the expiry, that it has.
        inputs = state.__dict__.pop("_sealed", None)
        run, slug, index, ended, location, none = row[0], row[1], row[2], row[7], row[12], row[15]
        if inputs is None or self.closed or (location is None and not none):
            return None
        expires = state.cached_result_expiration
        until = None if expires is None else expires.timestamp()
        return CacheEntry(self.key, run, slug, index, ended, until, self.code, json.dumps(inputs), self.parameters)

    def fitting(self, validator: Any, inputs: Inputs, index: int) -> Iterator[Cached]:
        """Yield the states that a validator may accept, the likeliest first; which ones it does is for it to say.

        Args:
            validator: the task's.
            inputs: values by name.
            index: of a mapped child; -1 for none.
        """
        for offer in self._chosen(validator, inputs, index):
            yield self._state(offer)

    def _chosen(self, validator: Any, inputs: Inputs, index: int) -> Iterable[Offer]:
        if not self.offers:
            return ()
        tells_inputs, names = compares(validator)
        if names is not None:
            # Of ten thousand children each finds its own at once.
            wanted = {name: self._sealed(inputs.digest(name)) for name in inputs if not names or name in names}
            return () if None in wanted.values() else self._indexed(names).get(frozenset(wanted.items()), ())
        own = self._by_index().get(index, [])
        if self.shared or tells_inputs:
            return [*own, *(offer for offer in self.offers if offer.index != index)]
        # Whoever does not look at inputs would take any child's value for that of any other.
        return own

    def _sealed(self, digest: str | None) -> str | None:
        return None if digest is None else seal(self.digester, digest)

    def _indexed(self, names: tuple[str, ...]) -> dict[Any, list[Offer]]:
        found = self._by.get(names)
        if found is None:
            found = self._by[names] = {}
            for offer in self.offers:
                items = [(name, text) for name, text in offer.inputs.items() if not names or name in names]
                found.setdefault(frozenset(items), []).append(offer)
        return found

    def _by_index(self) -> dict[Any, list[Offer]]:
        found = self._by.get("index")
        if found is None:
            found = self._by["index"] = {}
            for offer in self.offers:
                found.setdefault(offer.index, []).append(offer)
        return found

    def _state(self, offer: Offer) -> Cached:
        from resultant.engine.state import Cached

        sealed: Any = {
            name: None if text is None else SealedDigest(self.digester, text) for name, text in offer.inputs.items()
        }
        state = Cached(
            f"{FOUND_IN_CACHE} {offer.run} stands in for this run.",
            cached_parameters={
                name: Untold() if text is None else SealedValue(self.digester, text)
                for name, text in offer.parameters.items()
            },
            cached_result_expiration=offer.expires,
            hashed_inputs=sealed,
        )
        # One result for all who take it: its value is read once.
        state._result = offer.result
        return state


def entry_key(step: Step, flow_name: str) -> str:
    """Return the key that the results of a task are found by in the database.

    Args:
        step: the task.
        flow_name: of its flow.
    """
    return step.task.cache_key or json.dumps([flow_name, step.slug])


def stock(db: StateDB, plan: Plan, run: Run) -> None:
    """Give every task that has a cache what earlier runs offer to it.

    Args:
        db: where the entries are.
        plan: the steps.
        run: what is common to them.

    Raises:
        DatabaseError: the database cannot be read.
    """
    parameters: str | None = None
    for step in plan.steps:
        if step.task.cache_for is None or step.task.is_constant or step.task.is_parameter:
            continue
        digester = run.digester
        assert digester is not None
        if parameters is None:
            parameters = _parameters(digester, run.parameters)
        key = entry_key(step, run.keys["flow_name"])
        step.shelf = shelf = Shelf(digester, key, bool(step.task.cache_key), _code(step, digester), parameters)
        unused = step.task.cache_validator is never_use
        shelf.closed = (shelf.code is None and not step.task.cache_ignores_code) or (unused and not shelf.shared)
        if not (unused or shelf.closed):
            shelf.offers = _offers(db, step, shelf, run)


def _parameters(digester: Digester, values: dict[str, Any]) -> str:
    digests = {name: digest_value(value) for name, value in values.items()}
    return json.dumps({name: None if plain is None else seal(digester, plain) for name, plain in digests.items()})


def _code(step: Step, digester: Digester) -> bytes | None:
    try:
        return digester.small(b"cache code\0" + code_tree_digest(step.task).encode())
    except Undigestible as error:
        if not step.task.cache_ignores_code:
            get_logger(step.name).warning(
                "Task '%s': later processes will not find its cached results, because %s. If its code need not be compared, "
                "say cache_ignores_code=True.",
                step.name,
                error,
            )
        return None


def _offers(db: StateDB, step: Step, shelf: Shelf, run: Run) -> list[Offer]:
    from .entries import Entries

    entries, others, strange = [], 0, 0
    runs: dict[str, bool] = {}
    for entry in db.cache_find(shelf.key):
        # What this run did itself before it was resumed, its own record tells.
        if passed(_moment(entry.expires)) or entry.run == run.keys["flow_run_id"]:
            continue
        if entry.run not in runs:
            runs[entry.run] = _is_comparable(db, entry.run)
        if not runs[entry.run]:
            strange += 1
        elif entry.code != shelf.code and not step.task.cache_ignores_code:
            others += 1
        else:
            entries.append(entry)
    reader = Entries(db, step, shelf.digester)
    known = step.cached.places if step.cached is not None else ()
    offers = []
    for entry, row in reader.rows(entries):
        # This process has the value in memory.
        result = None if row.location in known else reader.result(row)
        if result is not None:
            offers.append(Offer(entry, result))
    if others and not offers:
        get_logger(step.name).info(
            "Task '%s': what is in the cache was computed with other code, so it is not used. (cache_ignores_code=True would "
            "use it all the same.)",
            step.name,
        )
    if strange and not offers:
        get_logger(step.name).info(
            "Task '%s': what is in the cache was recorded with another secret for digests, so it is not used. "
            "(RESULTANT__RECORD__DIGEST_KEY_FILE names the one that your team shares.)",
            step.name,
        )
    return offers


def _is_comparable(db: StateDB, run_id: str) -> bool:
    from resultant.errors import UnknownRunError

    from .digest_key import is_ours

    try:
        return is_ours(db.flow_run(run_id))
    except UnknownRunError:
        # Somebody removes it at this moment.
        return False


def _moment(seconds: float | None) -> datetime | None:
    if seconds is None:
        return None
    from datetime import UTC, datetime

    return as_utc(datetime.fromtimestamp(seconds, UTC))
