"""Whether a cached state may stand for a run.

A validator is a function of the cached state, the inputs (raw values by name) and the parameters of the run at hand.
"""

from __future__ import annotations

from resultant.engine.result import same

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from resultant.engine.state import Cached

    Values = Mapping[str, Any] | None
    Validator = Callable[[Cached, Values, Values], bool]

__all__ = [
    "all_inputs",
    "all_parameters",
    "duration_only",
    "never_use",
    "partial_inputs_only",
    "partial_parameters_only",
]

_ABSENT = object()


def never_use(state: Cached, inputs: Values, parameters: Values) -> bool:
    """Never use the cache."""
    return False


def duration_only(state: Cached, inputs: Values, parameters: Values) -> bool:
    """Use the cache until it expires."""
    from resultant.engine.moments import passed

    return not passed(state.cached_result_expiration)


def all_inputs(state: Cached, inputs: Values, parameters: Values) -> bool:
    """Use the cache in time and for equal inputs."""
    if not duration_only(state, inputs, parameters):
        return False
    return _inputs_agree(state, inputs, None)


def all_parameters(state: Cached, inputs: Values, parameters: Values) -> bool:
    """Use the cache in time and for equal parameters."""
    if not duration_only(state, inputs, parameters):
        return False
    return _agree(state.cached_parameters, parameters, None)


class _PartialInputs:
    def __init__(self, names: Iterable[str] | None) -> None:
        self.names = None if names is None else list(names)

    def __call__(self, state: Cached, inputs: Values, parameters: Values) -> bool:
        if not duration_only(state, inputs, parameters):
            return False
        return self.names is None or _inputs_agree(state, inputs, self.names)


class _PartialParameters:
    def __init__(self, names: Iterable[str] | None) -> None:
        self.names = None if names is None else list(names)

    def __call__(self, state: Cached, inputs: Values, parameters: Values) -> bool:
        if not duration_only(state, inputs, parameters):
            return False
        return self.names is None or _agree(state.cached_parameters, parameters, self.names)


def partial_inputs_only(validate_on: Iterable[str] | None = None) -> Validator:
    """Return a validator that compares some inputs.

    Args:
        validate_on: their names; ``None`` compares none.
    """
    return _PartialInputs(validate_on)


def partial_parameters_only(validate_on: Iterable[str] | None = None) -> Validator:
    """Return a validator that compares some parameters.

    Args:
        validate_on: their names; ``None`` compares none.
    """
    return _PartialParameters(validate_on)


def compares(validator: Any) -> tuple[bool, tuple[str, ...] | None]:
    """Return what a validator looks at, as far as that is known.

    Args:
        validator: one of these, or somebody's own.

    Returns:
        Whether it may tell inputs apart; and the names of those that have to agree, none for all of them: ``None`` where
        nobody can say.
    """
    if validator is all_inputs:
        return True, ()
    if isinstance(validator, _PartialInputs):
        return validator.names is not None, tuple(validator.names) if validator.names else None
    own = validator not in (never_use, duration_only, all_parameters) and not isinstance(validator, _PartialParameters)
    return own, None


def _inputs_agree(state: Cached, inputs: Values, names: Iterable[str] | None) -> bool:
    stored = state.hashed_inputs
    if stored:
        from resultant.engine.inputs import Inputs

        known = inputs if isinstance(inputs, Inputs) else Inputs(inputs or {})
        chosen = known if names is None else [name for name in names if name in known]
        digests = {name: known.digest(name) for name in chosen}
        # What cannot be hashed agrees with nothing.
        return None not in digests.values() and _agree(stored, digests, names)
    return _agree({name: result.value for name, result in state.cached_inputs.items()}, inputs, names)


def _agree(stored: Values, wanted: Values, names: Iterable[str] | None) -> bool:
    stored = stored or {}
    wanted = wanted or {}
    if names is None:
        if stored.keys() != wanted.keys():
            return False
        names = stored.keys()
    return all(_same_entry(stored.get(name, _ABSENT), wanted.get(name, _ABSENT)) for name in names)


def _same_entry(one: Any, other: Any) -> bool:
    if one is _ABSENT or other is _ABSENT:
        return one is other
    from resultant.engine.inputs import SealedDigest

    # An array would be compared item by item.
    return one == other if isinstance(one, SealedDigest) else same(one, other)
