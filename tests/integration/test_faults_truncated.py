"""Stored bytes that are cut, emptied, swapped or undecodable: never a value, and never destroyed."""

from __future__ import annotations

import logging
import pickle
import sys
import types
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest

from resultant import (
    CompressedSerializer,
    DateTimeSerializer,
    Flow,
    JSONSerializer,
    LocalResult,
    PandasSerializer,
    PickleSerializer,
    Serializer,
    ThreadExecutor,
    config,
    task,
)
from resultant.engine.stored import StoredResult
from resultant.errors import CorruptResultError, MissingResultError, ReadError, UnreadableResultError
from resultant.stores import FileStore

pytestmark = pytest.mark.usefixtures("checkpointing")


class Model:
    """A class of this module, pickled by reference or by value."""

    def __init__(self) -> None:
        self.weights = [0.5, 1.5]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and self.weights == other.weights


VALUES: dict[str, Any] = {
    "none": None,
    "small int": 3,
    "two bytes": 300,
    "large int": 1 << 70,
    "float": 1.5,
    "true": True,
    "empty text": "",
    "text": "a text of some length, é",
    "bytes": b"\x80\x05N." * 20,
    "empty list": [],
    "empty tuple": (),
    "nested": {"a": [1, (2, {3: "x"})], "b": None},
    "shared": [[1] * 3] * 40,
    "many": list(range(300)),
    "object": Model(),
    "function": lambda x: x + 1,
    "array": np.arange(64.0),
    "frame": pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
    # Beyond one frame of the pickle: several frames, and what is written beside them.
    "frames": ["x" * 3000 + str(number) for number in range(60)],
}


def replace(path: Path, data: bytes) -> None:
    """Put other bytes there; truncating a file in place makes some file systems wait for the disk."""
    path.unlink()
    path.write_bytes(data)


def lengths(size: int) -> list[int]:
    """Every length below `size`, or for large ones every length near the ends and a sample between."""
    if size <= 4000:
        return list(range(size))
    return sorted({*range(200), *range(size - 200, size), *range(0, size, size // 300)})


@pytest.mark.parametrize("name", VALUES)
def test_a_pickle_cut_at_any_length_is_corrupt(tmp_path: Path, name: str) -> None:
    result = LocalResult(dir=tmp_path, location="value")
    result.write(VALUES[name])
    path = tmp_path / "value"
    data = path.read_bytes()

    for length in lengths(len(data)):
        replace(path, data[:length])
        with pytest.raises(CorruptResultError) as caught:
            result.read("value")
        assert "'value'" in str(caught.value)


def test_a_large_pickle_cut_anywhere_is_corrupt(tmp_path: Path) -> None:
    """Large values are read as a stream, in another way than small ones."""
    result = LocalResult(dir=tmp_path, location="value")
    result.write({"array": np.arange(400_000.0), "after": "x"})
    path = tmp_path / "value"
    data = path.read_bytes()
    assert len(data) > 3_000_000

    for length in (
        1,
        100,
        65_535,
        65_536,
        65_537,
        (1 << 20) - 1,
        1 << 20,
        (1 << 20) + 1,
        len(data) - 20,
        len(data) - 1,
    ):
        replace(path, data[:length])
        with pytest.raises(CorruptResultError):
            result.read("value")
    path.write_bytes(data + b"N.")
    with pytest.raises(CorruptResultError, match="followed by further bytes"):
        result.read("value")


SERIALIZERS: dict[str, tuple[Serializer, Any]] = {
    "json object": (JSONSerializer(), {"a": [1, 2, {"b": "text"}], "c": None}),
    "json text": (JSONSerializer(), "a text"),
    "gzip": (CompressedSerializer(PickleSerializer(), format="gzip"), list(range(200))),
    "bz2": (CompressedSerializer(PickleSerializer(), format="bz2"), list(range(200))),
    "lzma": (CompressedSerializer(PickleSerializer(), format="lzma"), list(range(200))),
    "zlib": (CompressedSerializer(PickleSerializer(), format="zlib"), list(range(200))),
}


@pytest.mark.parametrize("name", SERIALIZERS)
def test_other_formats_cut_at_any_length_are_corrupt(tmp_path: Path, name: str) -> None:
    serializer, value = SERIALIZERS[name]
    result = LocalResult(dir=tmp_path, location="value", serializer=serializer)
    result.write(value)
    assert result.read("value").value == value
    path = tmp_path / "value"
    data = path.read_bytes()

    for length in range(len(data)):
        replace(path, data[:length])
        with pytest.raises(CorruptResultError):
            result.read("value")


@pytest.mark.parametrize(
    "serializer", [DateTimeSerializer(), PandasSerializer("csv"), PandasSerializer("json")], ids=repr
)
def test_an_empty_file_is_corrupt_whatever_the_format(tmp_path: Path, serializer: Serializer) -> None:
    (tmp_path / "value").write_bytes(b"")

    with pytest.raises(CorruptResultError, match="empty"):
        LocalResult(dir=tmp_path, serializer=serializer).read("value")


def make_flow(folder: Path, calls: list[Any], serializer: Serializer | None = None, **options: Any) -> tuple[Flow, Any]:
    @task(target="value", result=LocalResult(dir=folder, serializer=serializer), **options)
    def value() -> dict[str, list[int]]:
        calls.append(1)
        return {"values": [1, 2, 3]}

    with Flow("truncated") as flow:
        made = value()
    return flow, made


def test_a_target_cut_at_any_length_is_a_miss_and_its_bytes_are_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[Any] = []
    flow, made = make_flow(tmp_path, calls)
    flow.run()
    path = tmp_path / "value"
    whole = path.read_bytes()
    caplog.set_level(logging.WARNING)

    for length in range(len(whole)):
        calls.clear()
        caplog.clear()
        replace(path, whole[:length])

        state = flow.run().result[made]

        assert calls == [1]
        assert state.is_successful()
        assert not state.is_cached()
        assert path.read_bytes() == whole
        (aside,) = [other for other in tmp_path.iterdir() if other != path]
        assert aside.read_bytes() == whole[:length]
        (record,) = caplog.records
        assert "the task runs again" in record.getMessage()
        assert str(aside) in record.getMessage()
        aside.unlink()


def test_damaged_bytes_never_replace_damaged_bytes_of_before(tmp_path: Path) -> None:
    flow, _ = make_flow(tmp_path, [])
    kept = []
    for number in range(4):
        kept.append(pickle.dumps(list(range(number, 50)))[:-3])
        (tmp_path / "value").write_bytes(kept[-1])
        assert flow.run().is_successful()

    asides = sorted(path for path in tmp_path.iterdir() if path.name != "value")

    assert [path.read_bytes() for path in asides] == kept


def test_a_damaged_target_of_one_mapped_child_reruns_that_child_alone(tmp_path: Path) -> None:
    calls: list[int] = []

    @task(target="part-{map_index}", result=LocalResult(dir=tmp_path))
    def part(number: int) -> list[int]:
        calls.append(number)
        return [number] * 10

    with Flow("truncated") as flow:
        parts = part.map(list(range(20)))
    flow.run()
    calls.clear()
    for number in (3, 17):
        path = tmp_path / f"part-{number}"
        path.write_bytes(path.read_bytes()[:-1])

    for executor in (None, ThreadExecutor(workers=3)):
        state = flow.run(executor=executor)
        assert state.result[parts].result == [[number] * 10 for number in range(20)]

    assert sorted(calls) == [3, 17]


def test_damage_that_another_process_set_aside_first_is_a_miss_as_well(tmp_path: Path) -> None:
    class Raced(FileStore):
        def set_aside(self, key: str) -> str:
            super().set_aside(key)  # somebody else, at the same moment
            return super().set_aside(key)

    class RacedResult(StoredResult):
        @property
        def store(self) -> Any:
            return Raced(str(tmp_path))

    @task(target="value", result=RacedResult())
    def value() -> int:
        return 5

    (tmp_path / "value").write_bytes(b"")
    with Flow("raced") as flow:
        made = value()

    assert flow.run().result[made].result == 5
    assert LocalResult(dir=tmp_path).read("value").value == 5
    assert (tmp_path / "value.damaged-1").read_bytes() == b""


def test_a_damaged_target_without_checkpointing_is_a_miss_as_well(tmp_path: Path) -> None:
    flow, made = make_flow(tmp_path, [])
    flow.run()
    whole = (tmp_path / "value").read_bytes()
    (tmp_path / "value").write_bytes(whole[:5])
    config.flows.checkpointing = False

    state = flow.run().result[made]

    assert state.is_successful()
    assert state.result == {"values": [1, 2, 3]}
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [whole[:5]]


# Whole, but not to be decoded here


def assert_left_alone(flow: Flow, made: Any, path: Path, calls: list[Any]) -> Any:
    """Run a flow whose target cannot be decoded; it fails, runs nothing, and destroys nothing."""
    before = path.read_bytes()
    calls.clear()
    state = flow.run().result[made]
    assert state.is_failed()
    assert isinstance(state.result, UnreadableResultError)
    assert calls == []
    assert path.read_bytes() == before
    assert [other.name for other in path.parent.iterdir()] == [path.name]
    assert "value" in str(state.result)
    return state.result


def test_a_target_that_needs_a_missing_module_fails_the_task(tmp_path: Path) -> None:
    module = types.ModuleType("a_module_that_goes")
    exec("class Thing: pass", module.__dict__)
    sys.modules["a_module_that_goes"] = module
    try:
        data = pickle.dumps(module.Thing())
    finally:
        del sys.modules["a_module_that_goes"]
    (tmp_path / "value").write_bytes(data)
    calls: list[Any] = []
    flow, made = make_flow(tmp_path, calls, max_retries=2, retry_delay=0)

    error = assert_left_alone(flow, made, tmp_path / "value", calls)

    assert "a_module_that_goes" in str(error)
    assert "Install" in str(error)
    assert isinstance(error.__cause__, ModuleNotFoundError)


def test_a_target_that_needs_a_renamed_class_fails_the_task(tmp_path: Path) -> None:
    module = types.ModuleType("a_module_that_stays")
    exec("class Old: pass", module.__dict__)
    sys.modules["a_module_that_stays"] = module
    try:
        (tmp_path / "value").write_bytes(pickle.dumps(module.Old()))
        del module.Old
        calls: list[Any] = []
        flow, made = make_flow(tmp_path, calls)

        error = assert_left_alone(flow, made, tmp_path / "value", calls)
    finally:
        del sys.modules["a_module_that_stays"]

    assert "Old" in str(error)
    assert "renamed" in str(error)


@pytest.mark.parametrize(
    ("wrote", "reads"),
    [
        (JSONSerializer(), PickleSerializer()),
        (PickleSerializer(), JSONSerializer()),
        (CompressedSerializer(PickleSerializer(), format="gzip"), PickleSerializer()),
        (PickleSerializer(), CompressedSerializer(PickleSerializer(), format="gzip")),
    ],
    ids=lambda serializer: type(serializer).__name__,
)
def test_a_target_of_another_serializer_fails_the_task(tmp_path: Path, wrote: Serializer, reads: Serializer) -> None:
    LocalResult(dir=tmp_path, location="value", serializer=wrote).write({"values": [1, 2, 3]})
    calls: list[Any] = []
    flow, made = make_flow(tmp_path, calls, serializer=reads)

    assert_left_alone(flow, made, tmp_path / "value", calls)


def test_a_value_whose_own_code_fails_while_it_is_read_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "value").write_bytes(cloudpickle.dumps(Failing()))
    calls: list[Any] = []
    flow, made = make_flow(tmp_path, calls)

    error = assert_left_alone(flow, made, tmp_path / "value", calls)

    assert "division" in str(error)


class Failing:
    def __reduce__(self) -> Any:
        return divmod, (1, 0)


def test_reading_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MissingResultError) as caught:
        LocalResult(dir=tmp_path).read("nothing")

    assert isinstance(caught.value, FileNotFoundError)
    assert isinstance(caught.value, ReadError)
    assert str(tmp_path / "nothing") in str(caught.value)
    assert caught.value.filename == str(tmp_path / "nothing")
