"""Output caches: the first state that the validator accepts stands for a run.

States of this process come first, then those that earlier processes left behind; see :mod:`.shelf`.
"""

from __future__ import annotations

from types import NoneType

from resultant.engine.cache_validators import compares
from resultant.engine.inputs import Inputs, SealedDigest, seal
from resultant.engine.state import Cached
from resultant.errors import CorruptResultError, MissingResultError, ReadError, StoreError
from resultant.runtime import get_logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from resultant.engine.integrity import Digester
    from resultant.engine.state import State

    from .frame import TaskFrame
    from .plan import Step

__all__ = ["Candidates", "cached_state", "candidates", "remember", "valid_state"]


def valid_state(frame: TaskFrame, state: State, values: dict[str, Any]) -> Cached | None:
    """Return the cached state that may stand for a task run, if there is one.

    Args:
        frame: the task run.
        state: how it stands; a ``Cached`` state that was passed in is asked first.
        values: inputs by name.
    """
    step = frame.step
    validator, parameters = step.task.cache_validator, frame.run.parameters
    inputs = frame.known = Inputs(values, _stored(frame))
    if isinstance(state, Cached) and validator(state, inputs, parameters):
        return state
    for candidate in () if step.cached is None else step.cached.fitting(validator, inputs):
        candidate.load_cached_results({})
        if validator(candidate, inputs, parameters):
            try:
                found: Cached = candidate.load_result()
            except (MissingResultError, CorruptResultError) as error:
                # A hit is proven by its bytes.
                _refuse(step, error)
                continue
            return found
    if step.shelf is not None:
        for offered in step.shelf.fitting(validator, inputs, -1 if frame.index is None else frame.index):
            try:
                if validator(offered, inputs, parameters):
                    return offered.load_result()
            except (ReadError, StoreError) as error:
                _refuse(step, error)
    if step.task.cache_for is not None:
        # The task's code may change what it is given.
        inputs.digests()
    return None


def _refuse(step: Step, error: Exception) -> None:
    get_logger(step.name).warning(
        "Task '%s': the cached value cannot be used, so it is not taken from the cache: %s", step.name, error
    )


def _stored(frame: TaskFrame) -> dict[str, str]:
    """Return what tells inputs that are recorded results from others: their bytes, and what they were made with."""
    digester, upstream = frame.run.digester, getattr(frame, "upstream", None)
    if digester is None or upstream is None:
        return {}
    import json

    found = {}
    for edge, above in zip(frame.step.upstream, upstream, strict=True):
        result = above._result
        if edge.key is None or result._digest is None or not above.is_successful():
            continue
        serializer = result.serializer.describe()
        if serializer is not None:
            text = json.dumps(serializer, sort_keys=True).encode()
            found[edge.key] = "stored:" + digester.small(text + b"\0" + result._digest).hex()
    return found


def cached_state(frame: TaskFrame, success: State) -> Cached:
    """Return a success as a cache entry: same message and value, with what a validator compares.

    Args:
        frame: the task run.
        success: the state it ended in.
    """
    from resultant.engine.moments import later

    step = frame.step
    inputs = getattr(frame, "known", None)
    if inputs is None:
        inputs = Inputs(frame.inputs, _stored(frame))
    digests = inputs.digests()
    # Of a mapped task's children the first one speaks for all.
    if inputs.refusals and not frame.index:
        _warn(step, inputs)
    state = Cached(
        success.message,
        result=success._result,
        context=success._context,
        cached_parameters=frame.run.parameters,
        cached_result_expiration=later(step.task.cache_for),
        # A digest that is None agrees with nothing: what cannot be hashed is never a hit.
        hashed_inputs=digests,  # type: ignore[arg-type]
    )
    digester = frame.run.digester
    if step.shelf is not None and digester is not None:
        # For its row, which is written elsewhere.
        sealed = {name: None if plain is None else seal(digester, plain) for name, plain in digests.items()}
        state._sealed = sealed  # type: ignore[attr-defined]
    return state


def _warn(step: Step, inputs: Inputs) -> None:
    from resultant.engine.cache_validators import duration_only, never_use

    if step.task.cache_validator in (duration_only, never_use):
        return
    for name, error in inputs.refusals.items():
        get_logger(step.name).warning(
            "Task '%s': the input %r cannot be compared with that of a later run, so a cache that looks at it is never "
            "used: %s",
            step.name,
            name,
            error,
        )


class Candidates:
    """The cached states of this process that a task may use, in the order in which they are asked.

    Args:
        states: the states.
    """

    __slots__ = ("_by", "_places", "states")

    def __init__(self, states: list[Any]) -> None:
        self.states = states
        self._by: dict[tuple[str, ...], _Index] = {}
        self._places: frozenset[str] | None = None

    def __reduce__(self) -> Any:
        return Candidates, (self.states,)

    @property
    def places(self) -> frozenset[str]:
        """Where their values are stored."""
        if self._places is None:
            self._places = frozenset(state._result.place for state in self.states) - {None}
        return self._places

    def fitting(self, validator: Any, inputs: Inputs) -> list[Any]:
        """Return the states that a validator may accept; which ones it does is for it to say.

        Args:
            validator: the task's.
            inputs: values by name.
        """
        _, names = compares(validator)
        if names is None:
            return self.states
        index = self._by.get(names)
        if index is None:
            index = self._by[names] = _Index(self.states, names)
        return [self.states[place] for place in index.find(inputs)]


class _Index:
    """Finds, among thousands of cached states, those that were made from the same inputs.

    Args:
        states: the states.
        names: of the inputs that have to agree; none for all of them.
    """

    __slots__ = ("_names", "_others", "_plain", "_sealed")

    def __init__(self, states: list[Any], names: tuple[str, ...]) -> None:
        self._names = names
        #: Positions by the digests of inputs, by those that are sealed with a key, and of states that have none.
        self._plain: dict[Any, list[int]] = {}
        self._sealed: dict[bytes, tuple[Digester, dict[Any, list[int]]]] = {}
        self._others: list[int] = []
        for place, state in enumerate(states):
            hashed = state.hashed_inputs or {}
            kinds = set(map(type, hashed.values()))
            if hashed and kinds <= {str, NoneType}:
                self._plain.setdefault(self._key(hashed), []).append(place)
            elif kinds == {SealedDigest} and len({one.digester.key for one in hashed.values()}) == 1:
                digester = next(iter(hashed.values())).digester
                _, found = self._sealed.setdefault(digester.key, (digester, {}))
                texts = {name: one.text for name, one in hashed.items()}
                found.setdefault(self._key(texts), []).append(place)
            else:
                self._others.append(place)

    def _key(self, digests: Mapping[str, str | None]) -> frozenset[tuple[str, str | None]]:
        return frozenset((name, text) for name, text in digests.items() if not self._names or name in self._names)

    def find(self, inputs: Inputs) -> list[int]:
        """Return the positions of states that may have been made from some inputs, in order."""
        wanted = {name: inputs.digest(name) for name in self._names or inputs if name in inputs}
        found = list(self._others)
        # What has no digest agrees with nothing.
        if None not in wanted.values():
            found += self._plain.get(self._key(wanted), ())
            for digester, places in self._sealed.values():
                sealed = {name: seal(digester, text) for name, text in wanted.items() if text is not None}
                found += places.get(self._key(sealed), ())
        return sorted(found)


def candidates(
    step: Step, caches: dict[str, list[Any]], shared: dict[Any, Candidates] | None = None
) -> Candidates | None:
    """Return the cached states that a task may use, if there are any.

    Those of another task that only happens to have the same name, or of other code under this one's, are none.

    Args:
        step: the task.
        caches: cached states by key.
        shared: what other tasks of the same run were given, for those to share that may use the same.
    """
    shared = {} if shared is None else shared
    known = caches.get(step.task.cache_key or step.task.name) if step.task.cache_for is not None else None
    if not known:
        return None
    code = None if step.task.cache_key or step.task.cache_ignores_code else _code_of(step)
    found = shared.get((id(known), code))
    if found is None:
        some = [state for state in known if code is None or getattr(state, "_code", code) == code]
        found = shared[id(known), code] = Candidates(some)
    return found


def _code_of(step: Step) -> bytes:
    from .code import own_code

    run = getattr(step.task, "run", None)
    return own_code(step, getattr(run, "__func__", run))


def remember(ended: Iterable[tuple[Step, list[State]]], caches: dict[str, list[Any]]) -> None:
    """Keep the cached states that a run ended in, without those that have expired.

    Args:
        ended: tasks, and their states, children's included.
        caches: where.
    """
    from resultant.engine.moments import passed

    found: dict[str, list[State]] = {}
    for step, states in reversed(list(ended)):
        fresh = [state for state in states if isinstance(state, Cached) and state.cached_result_expiration is not None]
        if fresh and not step.task.cache_key:
            code = _code_of(step)
            for state in fresh:
                # What was taken from the cache has that of whoever put it there.
                state.__dict__.setdefault("_code", code)
        found.setdefault(step.task.cache_key or step.task.name, []).extend(fresh)
    for key, states in found.items():
        known = caches.setdefault(key, [])
        kept = {id(state): state for state in (*states, *known) if not passed(state.cached_result_expiration)}
        known[:] = kept.values()
