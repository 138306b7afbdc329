"""SPEC 9: validators of cached states."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from resultant import Result
from resultant.engine.cache_validators import (
    all_inputs,
    all_parameters,
    duration_only,
    never_use,
    partial_inputs_only,
    partial_parameters_only,
)
from resultant.engine.digests import digest_value
from resultant.engine.state import Cached

VALIDATORS = [
    all_inputs,
    all_parameters,
    duration_only,
    never_use,
    partial_inputs_only(["x"]),
    partial_parameters_only(["x"]),
]
NOW = dt.datetime.now(dt.UTC)
PAST, FUTURE = NOW - dt.timedelta(seconds=1), NOW + dt.timedelta(days=1)


def hashed(**inputs: Any) -> dict[str, str]:
    digests = {name: digest_value(value) for name, value in inputs.items()}
    assert None not in digests.values()
    return digests  # type: ignore[return-value]


@pytest.mark.parametrize("validator", VALIDATORS)
def test_an_expired_state_is_never_used(validator: Any) -> None:
    expired = Cached(
        result=1,
        cached_result_expiration=PAST,
        hashed_inputs=hashed(x=1),
        cached_parameters={"x": 1},
        cached_inputs={"x": Result(1)},
    )

    assert validator(expired, {"x": 1}, {"x": 1}) is False


@pytest.mark.parametrize("validator", [each for each in VALIDATORS if each is not never_use])
@pytest.mark.parametrize("expiration", [None, FUTURE])
def test_a_state_in_time_with_equal_inputs_and_parameters_is_used(validator: Any, expiration: Any) -> None:
    valid = Cached(result=1, cached_result_expiration=expiration, hashed_inputs=hashed(x=1), cached_parameters={"x": 1})

    assert validator(valid, {"x": 1}, {"x": 1}) is True


def test_never_use() -> None:
    assert never_use(Cached(), None, None) is False
    assert never_use(Cached(cached_result_expiration=FUTURE), {}, {}) is False


def test_duration_only_looks_at_nothing_else() -> None:
    assert duration_only(Cached(cached_parameters={"p": 1}, hashed_inputs=hashed(x=1)), {"y": 3}, {"p": 2}) is True
    assert duration_only(Cached(), None, None) is True


@pytest.mark.parametrize(
    ("stored", "given", "used"),
    [
        ({"x": 1}, {"x": 1}, True),
        ({"x": 1}, {"x": 2}, False),
        ({"x": 1}, {"x": "1"}, False),
        ({"x": 1}, {"x": True}, False),
        ({"x": [1]}, {"x": (1,)}, False),
        ({"x": 1}, {"x": 1, "y": 2}, False),
        ({"x": 1, "y": 2}, {"x": 1}, False),
        ({"x": {"a": [1]}}, {"x": {"a": [1]}}, True),
        ({"x": None}, {"x": None}, True),
        ({"x": np.arange(3)}, {"x": np.arange(3)}, True),
        ({"x": np.arange(3)}, {"x": np.arange(3.0)}, False),
        ({}, {}, True),
    ],
    ids=str,
)
def test_all_inputs_with_digests(stored: dict[str, Any], given: dict[str, Any], used: bool) -> None:
    assert all_inputs(Cached(hashed_inputs=hashed(**stored)), given, None) is used


@pytest.mark.parametrize(
    ("stored", "given", "used"),
    [
        ({"x": 1}, {"x": 1}, True),
        ({"x": 1}, {"x": 2}, False),
        ({"x": 1}, {"x": 1, "y": 2}, False),
        ({"x": 1, "y": 2}, {"x": 1}, False),
        ({"x": np.arange(3)}, {"x": np.arange(3)}, True),
        ({"x": np.arange(3)}, {"x": np.arange(4)}, False),
    ],
    ids=str,
)
def test_all_inputs_without_digests_compares_the_cached_values(stored: Any, given: Any, used: bool) -> None:
    state = Cached(cached_inputs={name: Result(value) for name, value in stored.items()})

    assert all_inputs(state, given, None) is used


def test_an_input_that_cannot_be_hashed_agrees_with_nothing() -> None:
    generator = (number for number in range(3))

    assert all_inputs(Cached(hashed_inputs=hashed(x=1)), {"x": generator}, None) is False


@pytest.mark.parametrize(
    ("stored", "given", "used"),
    [
        ({"p": 1}, {"p": 1}, True),
        ({"p": 1}, {"p": 2}, False),
        ({"p": 1}, {"p": 1, "q": 2}, False),
        ({"p": 1, "q": 2}, {"p": 1}, False),
        (None, {}, True),
        (None, {"p": 1}, False),
    ],
    ids=str,
)
def test_all_parameters(stored: Any, given: Any, used: bool) -> None:
    assert all_parameters(Cached(cached_parameters=stored), {"ignored": 1}, given) is used


@pytest.mark.parametrize(
    ("names", "stored", "given", "used"),
    [
        (["x"], {"x": 1, "y": 1}, {"x": 1, "y": 2}, True),
        (["x"], {"x": 1}, {"x": 2}, False),
        (["x", "y"], {"x": 1, "y": 1}, {"x": 1, "y": 2}, False),
        (["x"], {"y": 1}, {"x": 1}, False),
        (["x"], {"x": 1}, {"y": 1}, False),
        (["x"], {"y": 1}, {"y": 2}, True),
        ([], {"x": 1}, {"x": 2}, True),
        (None, {"x": 1}, {"x": 2}, True),
    ],
    ids=str,
)
def test_partial_ones(names: Any, stored: dict[str, Any], given: dict[str, Any], used: bool) -> None:
    by_digest = Cached(hashed_inputs=hashed(**stored))
    by_value = Cached(cached_inputs={name: Result(value) for name, value in stored.items()})
    by_parameter = Cached(cached_parameters=stored)

    assert partial_inputs_only(names)(by_digest, given, None) is used
    assert partial_inputs_only(names)(by_value, given, None) is used
    assert partial_parameters_only(names)(by_parameter, None, given) is used


def test_nothing_at_all_is_treated_as_empty() -> None:
    assert partial_inputs_only(["x"])(Cached(), None, None) is True
    assert partial_parameters_only(["x"])(Cached(), None, None) is True
    assert partial_inputs_only()(Cached(hashed_inputs=hashed(x=1)), None, None) is True
    assert all_inputs(Cached(), None, None) is True
    assert all_parameters(Cached(), None, None) is True


def test_names_may_be_any_iterable_and_are_asked_more_than_once() -> None:
    validator = partial_inputs_only(name for name in ("x",))

    for _ in range(2):
        assert validator(Cached(hashed_inputs=hashed(x=1)), {"x": 2}, None) is False
