"""Output caches of one process: the first state that the validator accepts stands for a run."""

from __future__ import annotations

from resultant.engine.state import Cached
from resultant.errors import CorruptResultError, MissingResultError
from resultant.runtime import CACHES, get_logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.engine.state import State

    from .frame import TaskFrame
    from .plan import Step

__all__ = ["cached_state", "candidates", "remember", "valid_state"]


def valid_state(frame: TaskFrame, state: State, inputs: dict[str, Any]) -> Cached | None:
    """Return the cached state that may stand for a task run, if there is one.

    Args:
        frame: the task run.
        state: how it stands; a ``Cached`` state that was passed in is asked first.
        inputs: values by name.
    """
    validator = frame.step.task.cache_validator
    if isinstance(state, Cached) and validator(state, inputs, frame.run.parameters):
        return state
    for candidate in frame.step.cached:
        candidate.load_cached_results({})
        if validator(candidate, inputs, frame.run.parameters):
            try:
                found: Cached = candidate.load_result()
            except (MissingResultError, CorruptResultError) as error:
                # A hit is proven by its bytes.
                get_logger(frame.step.name).warning(
                    "Task '%s': the cached value cannot be used, so it is not taken from the cache: %s",
                    frame.step.name,
                    error,
                )
                continue
            return found
    return None


def cached_state(frame: TaskFrame, success: State) -> Cached:
    """Return a success as a cache entry: same message and value, with what a validator compares.

    Args:
        frame: the task run.
        success: the state it ended in.
    """
    from resultant.engine.moments import later

    task = frame.step.task
    digests = {name: _digest(frame, name, value) for name, value in frame.inputs.items()}
    return Cached(
        success.message,
        result=success._result,
        context=success._context,
        cached_parameters=frame.run.parameters,
        cached_result_expiration=later(task.cache_for),
        # A digest that is None agrees with nothing: what cannot be hashed is never a hit.
        hashed_inputs=digests,  # type: ignore[arg-type]
    )


def _digest(frame: TaskFrame, name: str, value: Any) -> str | None:
    from resultant.engine.cache_validators import duration_only, never_use
    from resultant.engine.digests import Undigestible, digest

    try:
        return digest(value)
    except Undigestible as error:
        # Of a mapped task's children the first one speaks for all.
        if not frame.index and frame.step.task.cache_validator not in (duration_only, never_use):
            get_logger(frame.step.name).warning(
                "Task '%s': the input %r cannot be compared with that of a later run, so a cache that looks at it is never "
                "used: %s",
                frame.step.name,
                name,
                error,
            )
        return None


def candidates(step: Step, caches: dict[str, list[Any]]) -> list[Any]:
    """Return the cached states that a task may use."""
    if step.task.cache_for is None:
        return []
    return list(caches.get(step.task.cache_key or step.task.name, ()))


def remember(step: Step, states: list[State], caches: dict[str, list[Any]] | None = None) -> None:
    """Keep the cached states that a run ended in, without those that have expired.

    Args:
        step: the task.
        states: its states, children's included.
        caches: where; default those of this process.
    """
    from resultant.engine.moments import now

    caches = CACHES if caches is None else caches
    key = step.task.cache_key or step.task.name
    known = caches.setdefault(key, [])
    fresh = [state for state in states if isinstance(state, Cached) and state.cached_result_expiration is not None]
    moment = now()
    kept: list[Any] = []
    for state in (*fresh, *known):
        expiration = state.cached_result_expiration
        if (expiration is None or expiration > moment) and not any(state is other for other in kept):
            kept.append(state)
    known[:] = kept
