"""Output caches: the first state that the validator accepts stands for a run.

States of this process come first, then those that earlier processes left behind; see :mod:`.shelf`.
"""

from __future__ import annotations

from resultant.engine.inputs import Inputs, seal
from resultant.engine.state import Cached
from resultant.errors import CorruptResultError, MissingResultError, ReadError, StoreError
from resultant.runtime import CACHES, get_logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.engine.state import State

    from .frame import TaskFrame
    from .plan import Step

__all__ = ["cached_state", "candidates", "remember", "valid_state"]


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
    for candidate in step.cached:
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


def candidates(step: Step, caches: dict[str, list[Any]]) -> list[Any]:
    """Return the cached states that a task may use.

    Those of another task that only happens to have the same name, or of other code under this one's, are none.
    """
    if step.task.cache_for is None:
        return []
    found = list(caches.get(step.task.cache_key or step.task.name, ()))
    if not found or step.task.cache_key or step.task.cache_ignores_code:
        return found
    code = _code_of(step)
    return [state for state in found if getattr(state, "_code", code) == code]


def _code_of(step: Step) -> bytes:
    from .code import own_code

    run = getattr(step.task, "run", None)
    return own_code(step, getattr(run, "__func__", run))


def remember(step: Step, states: list[State], caches: dict[str, list[Any]] | None = None) -> None:
    """Keep the cached states that a run ended in, without those that have expired.

    Args:
        step: the task.
        states: its states, children's included.
        caches: where; default those of this process.
    """
    from resultant.engine.moments import passed

    caches = CACHES if caches is None else caches
    key = step.task.cache_key or step.task.name
    known = caches.setdefault(key, [])
    fresh = [state for state in states if isinstance(state, Cached) and state.cached_result_expiration is not None]
    if fresh and not step.task.cache_key:
        code = _code_of(step)
        for state in fresh:
            # What was taken from the cache has that of whoever put it there.
            state.__dict__.setdefault("_code", code)
    kept = {id(state): state for state in (*fresh, *known) if not passed(state.cached_result_expiration)}
    known[:] = kept.values()
