"""SPEC 2.4 to 2.6: results that need no storage."""

from __future__ import annotations

import datetime as dt
from typing import Any

import cloudpickle
import pytest

import resultant.engine.results as results
from resultant import (
    ConstantResult,
    DateTimeSerializer,
    Flow,
    InlineResult,
    JSONSerializer,
    LocalResult,
    Parameter,
    PickleSerializer,
    PrefectResult,
    SecretResult,
    Task,
    config,
    task,
    unmapped,
)
from resultant.errors import CorruptResultError, StorageFullError, UnreadableResultError


def test_both_names_are_one_class() -> None:
    assert PrefectResult is InlineResult
    assert results.PrefectResult is PrefectResult


def test_its_serializer_is_json() -> None:
    assert PrefectResult().serializer == JSONSerializer()
    assert PrefectResult(serializer=DateTimeSerializer()).serializer == DateTimeSerializer()


def test_another_serializer_is_a_type_error_then_and_later() -> None:
    with pytest.raises(TypeError, match="PickleSerializer"):
        PrefectResult(serializer=PickleSerializer())
    result = PrefectResult()
    with pytest.raises(TypeError):
        result.serializer = PickleSerializer()
    assert result.serializer == JSONSerializer()
    result.serializer = DateTimeSerializer()


@pytest.mark.parametrize(
    ("value", "text"),
    [(99, "99"), ("x", '"x"'), ({"a": [1, None]}, '{"a": [1, null]}'), (None, "null"), (True, "true")],
)
def test_the_location_is_the_text_of_the_value(value: Any, text: str) -> None:
    result = PrefectResult(location="{not} a template")
    written = result.write(value, any="thing")

    assert written.location == text
    assert written.value == value
    assert type(written) is PrefectResult
    assert (result.value, result.location) == (None, "{not} a template")
    read = result.read(text)
    assert (read.value, read.location) == (value, text)


def test_a_fresh_one_has_no_location() -> None:
    assert PrefectResult(value=5).location is None


def test_dates() -> None:
    moment = dt.datetime(2020, 1, 2, 3, tzinfo=dt.UTC)
    written = PrefectResult(serializer=DateTimeSerializer()).write(moment)

    assert "2020-01-02" in str(written.location)
    assert written.read(str(written.location)).value == moment


@pytest.mark.parametrize("value", [{1, 2}, object(), b"bytes", {"a": {1}}])
def test_what_json_cannot_take_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError):
        PrefectResult().write(value)


def test_a_value_of_more_than_64_kib_is_refused() -> None:
    assert PrefectResult().write("x" * 65_000).location

    with pytest.raises(StorageFullError, match="LocalResult"):
        PrefectResult().write("x" * 66_000)


def test_exists_when_the_text_parses() -> None:
    result = PrefectResult()

    assert result.exists("42") is True
    assert result.exists('{"a": 1}', any="thing") is True
    assert result.exists("{not json}") is False
    assert result.exists("") is False
    assert result.exists(42) is False  # type: ignore[arg-type]
    assert result.exists(None) is False  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "{", '{"a":', "[1, 2"])
def test_reading_half_a_text(text: str) -> None:
    with pytest.raises((CorruptResultError, UnreadableResultError)):
        PrefectResult().read(text)


def test_it_survives_cloudpickle() -> None:
    written = PrefectResult().write({"a": 1})

    assert cloudpickle.loads(cloudpickle.dumps(written)) == written


@pytest.mark.parametrize(("target", "value"), [("42", 42), ('{"a": [1]}', {"a": [1]}), ('"text"', "text")])
def test_a_target_is_the_text_itself(target: str, value: Any) -> None:
    """SPEC 2.4 (E): it always exists, and reads as the value."""

    @task(target=target, result=PrefectResult())
    def never() -> None:
        raise AssertionError("its target exists")

    with Flow("inline") as flow:
        made = never()
    state = flow.run().result[made]

    assert state.is_cached()
    assert state.result == value


def test_parameters_use_one() -> None:
    """SPEC 8.2 and 14."""
    config.flows.checkpointing = True
    with Flow("parameters") as flow:
        parameter = Parameter("x", default=[1, 2])
        flow.add_task(parameter)
    state = flow.run().result[parameter]

    assert type(state._result) is PrefectResult
    assert state._result.location == "[1, 2]"
    assert state.result == [1, 2]


# Constants


@pytest.mark.parametrize("serializer", [None, JSONSerializer()])
def test_a_constant_takes_no_serializer(serializer: Any) -> None:
    with pytest.raises(ValueError, match=r"^Can't pass a serializer"):
        ConstantResult(serializer=serializer)


def test_a_constant_reads_as_itself_cannot_be_written_and_always_exists() -> None:
    constant = ConstantResult(value=5)

    assert constant.read("anything") is constant
    assert constant.exists("anything", any="thing") is True
    with pytest.raises(ValueError, match="cannot be written"):
        constant.write(6)
    assert constant.value == 5
    assert cloudpickle.loads(cloudpickle.dumps(constant)) == constant


def test_constants_of_a_flow_are_not_written(tmp_path: Any) -> None:
    config.flows.checkpointing = True

    @task(result=LocalResult(dir=tmp_path / "own", location="{map_index}"))
    def child(value: int, more: list[int]) -> int:
        return value

    with Flow("constants", result=LocalResult(dir=tmp_path / "flow")) as flow:
        child.map([1, 2], more=unmapped([7, 8]))
    assert flow.run().is_successful()

    assert sorted(path.name for path in (tmp_path / "own").iterdir()) == ["0", "1"]
    assert not (tmp_path / "flow").exists()


# Secrets


class FetchSecret(Task):
    def run(self, name: str | None = None) -> str:
        return f"secret of {name}"


def test_a_secret_is_fetched_again_and_never_written() -> None:
    fetch = FetchSecret(name="fetcher")
    result = SecretResult(fetch)

    assert result.secret_task is fetch
    assert result.location == "fetcher"
    read = result.read("KEY")
    assert (read.value, read.location) == ("secret of KEY", "KEY")
    assert result.value is None
    with pytest.raises(ValueError, match="never stored"):
        result.write("x")
    with pytest.raises(ValueError, match=r"^Can't pass a serializer"):
        SecretResult(fetch, serializer=JSONSerializer())
    assert SecretResult(fetch, location="other").location == "other"
