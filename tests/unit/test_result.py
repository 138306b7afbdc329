"""SPEC 2.1 and 2.2: `Result` and `NoResult`."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest

from resultant import JSONSerializer, NoResult, PickleSerializer, Result, config, context
from resultant.engine.result import NoResultType
from resultant.errors import LocationError, ResultNotImplementedError


def test_a_class_with_a_destructor_is_not_made_for_nothing() -> None:
    ended = []

    class Own(Result):
        def __del__(self) -> None:
            ended.append(self)

    assert not ended
    del Own


def test_its_three_attributes_and_their_defaults() -> None:
    result = Result()

    assert result.value is None
    assert result.location is None
    assert result.serializer == PickleSerializer()
    assert Result(3).value == 3
    assert Result(value=3, location="x", serializer=JSONSerializer()).serializer == JSONSerializer()


def test_each_result_has_a_serializer_of_its_own() -> None:
    one = Result()

    assert one.serializer is one.serializer
    assert one.serializer is not Result().serializer


def test_a_text_location_is_kept_and_a_callable_is_kept_privately() -> None:
    assert Result(location="{date:%A}/x").location == "{date:%A}/x"
    assert Result(location=lambda **names: "x").location is None


@pytest.mark.parametrize("call", [lambda r: r.read("x"), lambda r: r.write(1, a=2), lambda r: r.exists("x", a=2)])
def test_the_base_class_cannot_store(call: Any) -> None:
    with pytest.raises(ResultNotImplementedError, match="LocalResult") as caught:
        call(Result())

    assert isinstance(caught.value, NotImplementedError)


def test_delete_and_stat_cannot_either() -> None:
    with pytest.raises(NotImplementedError):
        Result(location="x").delete()
    with pytest.raises(NotImplementedError):
        Result(location="x").stat()


def test_a_copy_is_shallow() -> None:
    value = [1]
    one = Result(value, location="x", serializer=JSONSerializer())
    copy = one.copy()

    assert copy is not one
    assert copy == one
    assert copy.value is value
    assert copy.serializer is one.serializer
    copy.location = "y"
    assert one.location == "x"


def test_from_value_gives_a_copy_without_location() -> None:
    one = Result(1, location="x", serializer=JSONSerializer())
    other = one.from_value(2)

    assert (other.value, other.location) == (2, None)
    assert other.serializer == JSONSerializer()
    assert (one.value, one.location) == (1, "x")


def test_from_value_keeps_a_callable_location() -> None:
    one = Result(location=lambda **names: "made")

    assert one.from_value(1).format().location == "made"


def test_format_returns_a_copy_and_keeps_the_template() -> None:
    one = Result(1, location="{a}-{b:03d}")
    other = one.format(a="x", b=7, unused=None)

    assert other.location == "x-007"
    assert other.value == 1
    assert one.location == "{a}-{b:03d}"


def test_format_follows_pythons_rules() -> None:
    moment = dt.datetime(2024, 2, 5, 3, 4, tzinfo=dt.UTC)
    result = Result(location="{date:%A}/{date:%H-%M}/{data[key]}/{items[1]}/{date.year}/{name!r}/{n:>{width}}/{{x}}")

    made = result.format(date=moment, data={"key": "v"}, items=[1, 2], name="n", n=5, width=3)

    assert made.location == "Monday/03-04/v/2/2024/'n'/  5/{x}"


def test_format_reads_the_configuration_it_is_given() -> None:
    assert Result(location="{config.logging.level}").format(config=config).location == "WARNING"


def test_a_missing_key_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Result(location="{missing}").format(present=1)
    with pytest.raises(LocationError, match=r"\{missing\}.*present"):
        Result(location="{missing}").format(present=1)


def test_a_callable_location_is_used_as_is() -> None:
    seen = {}

    def locate(**names: Any) -> str:
        seen.update(names)
        return "{not} formatted"

    result = Result(location=locate)

    assert result.format(a=1, b=2).location == "{not} formatted"
    assert seen == {"a": 1, "b": 2}
    assert result.location is None


def test_without_a_location_format_takes_the_default_one() -> None:
    one = Result().format()
    other = Result().format(any="thing")

    assert one.location
    assert one.location != other.location


def test_default_locations_are_new_at_each_access_and_carry_the_time() -> None:
    result = Result()
    made = [result.default_location for _ in range(1000)]

    assert len(set(made)) == 1000
    now = dt.datetime.now(dt.UTC)
    assert re.match(rf"resultant-result-{now.year}-\d\d-\d\dt\d\d-\d\d-\d\d-\d{{6}}-00-00-[0-9a-f]+$", made[0])


def test_reprs() -> None:
    assert repr(Result(2)) == "<Result: 2>"
    assert repr(Result("a")) == "<Result: 'a'>"
    assert repr(Result()) == "<Result: None>"
    assert repr(NoResult) == "<NoResultType: None>"


class Tagged(Result):
    def __init__(self, tag: str, **options: Any) -> None:
        super().__init__(**options)
        self.tag = tag
        self._private = object()


def test_equality_takes_class_and_public_attributes() -> None:
    assert Result(1) == Result(1)
    assert Result(1) != Result(2)
    assert Result(1, location="x") != Result(1, location="y")
    assert Result(1) != Result(1, serializer=JSONSerializer())
    assert Result(1, location=lambda **n: "a") == Result(1, location=lambda **n: "b")
    assert Tagged("a") == Tagged("a")
    assert Tagged("a") != Tagged("b")
    assert Tagged("a") != Result()
    assert Result(1) != 1


def test_equality_of_values_that_answer_with_arrays() -> None:
    assert Result(np.arange(3)) == Result(np.arange(3))
    assert Result(np.arange(3)) != Result(np.arange(3) + 1)
    frame = pd.DataFrame({"a": [1, 2]})
    assert Result(frame) == Result(frame.copy())
    assert Result(frame) != Result(frame + 1)


@pytest.mark.parametrize("location", [None, "x/{y}", lambda **names: "made"], ids=["none", "text", "callable"])
def test_it_survives_cloudpickle_and_compares_equal(location: Any) -> None:
    one = Result({"a": [1]}, location=location, serializer=JSONSerializer())
    other = cloudpickle.loads(cloudpickle.dumps(one))

    assert other == one
    if location is not None:
        assert other.format(y=1).location == one.format(y=1).location


def test_it_can_be_pickled_inside_a_run() -> None:
    with context(parameters={"x": 1}):
        assert cloudpickle.loads(cloudpickle.dumps(Result(1))) == Result(1)


# NoResult


def test_no_result_is_a_result_of_its_own_type() -> None:
    assert isinstance(NoResult, NoResultType)
    assert isinstance(NoResult, Result)
    assert NoResult.value is None


def test_no_results_are_equal_to_each_other_and_to_nothing_else() -> None:
    assert NoResultType() == NoResult
    assert NoResult != Result()
    assert Result() != NoResult


def test_a_pickled_no_result_is_another_one_that_compares_equal() -> None:
    other = cloudpickle.loads(cloudpickle.dumps(NoResult))

    assert other == NoResult
    assert other is not NoResult


def test_no_result_is_truthy() -> None:
    assert bool(NoResult)
