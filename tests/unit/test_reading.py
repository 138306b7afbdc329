"""Runs on record, read from Python."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import resultant
from resultant import Flow, LocalResult, Parameter, PickleSerializer, Result, Serializer, config, task
from resultant.errors import (
    CorruptResultError,
    MissingResultError,
    StoreError,
    SupersededResultError,
    UnknownRunError,
    UnreadableResultError,
)


@pytest.fixture(autouse=True)
def recorded(tmp_path: Path) -> None:
    config.flows.checkpointing = True
    config.flows.default_result = str(tmp_path / "results")


@task
def double(x: int) -> int:
    return 2 * x


@task
def nothing() -> None:
    return None


@task
def fails() -> None:
    raise ValueError("what went wrong")


def run(flow: Flow, **options: Any) -> str:
    state = flow.run(flow_run_id=(name := os.urandom(8).hex()), **options)
    assert state.is_finished()
    return name


def simple() -> Flow:
    with Flow("simple") as flow:
        x = Parameter("x", default=4)
        double(x)
        double.map([1, 2, 3])
        nothing()
        fails()
    return flow


def test_runs_are_found_the_newest_first() -> None:
    assert resultant.runs() == []
    one, two = run(simple()), run(simple(), x=5)
    assert [each.id for each in resultant.runs()] == [two, one]
    assert [each.id for each in resultant.runs(limit=1)] == [two]
    assert resultant.runs("other") == []
    assert len(resultant.runs("simple", state="Failed")) == 2
    assert resultant.runs(since=datetime.now(UTC) + timedelta(hours=1)) == []
    found = resultant.open_run(two[:10])
    assert (found.id, found.flow, found.state) == (two, "simple", "Failed")
    assert found.parameters == {"x": 5}
    assert found.started <= found.ended
    assert found.slugs() == ["x", "double-1", "double-2", "nothing-1", "fails-1"]
    with pytest.raises(UnknownRunError):
        resultant.open_run("nothing")


def test_values_are_read() -> None:
    found = resultant.open_run(run(simple()))
    assert found["double-1"].value == 8
    assert found["nothing"].value is None
    assert found["x"].value == 4
    mapped = found["double-2"]
    assert len(mapped) == 3
    assert mapped.value == [2, 4, 6]
    assert mapped[1].value == 4
    assert mapped[-1].value == 6
    assert [child.value for child in mapped] == [2, 4, 6]
    assert [each.slug for each in found] == found.slugs()
    with pytest.raises(IndexError, match="no record of a child 3"):
        mapped[3]
    with pytest.raises(TypeError, match="not mapped"):
        len(found["nothing"])
    with pytest.raises(KeyError, match="several tasks named 'double'"):
        found["double"]
    with pytest.raises(KeyError, match="no record of a task 'absent'"):
        found["absent"]


def test_a_failure_has_a_text_and_no_value() -> None:
    failed = resultant.open_run(run(simple()))["fails"]
    assert failed.state == "Failed"
    assert failed.error.startswith("ValueError at ")
    assert "what went wrong" in failed.failure
    with pytest.raises(MissingResultError, match="its state is Failed"):
        _ = failed.value


def test_another_process_reads_without_the_flow(tmp_path: Path) -> None:
    found = resultant.open_run(run(simple()))
    code = f"import resultant; print(resultant.open_run({found.id!r})['double-2'].value)"
    environment = dict(os.environ)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd="/", env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "[2, 4, 6]\n", done.stderr


def test_bytes_are_checked() -> None:
    found = resultant.open_run(run(simple()))
    place = Path(found["double-1"].location)
    data = place.read_bytes()
    place.write_bytes(data[:-2] + b"\x09" + data[-1:])
    with pytest.raises(CorruptResultError):
        _ = found["double-1"].value
    with pytest.raises(CorruptResultError):
        found["double-1"].verify()
    place.write_bytes(data[:-1])
    with pytest.raises(CorruptResultError):
        _ = found["double-1"].value
    place.unlink()
    with pytest.raises(MissingResultError):
        _ = found["double-1"].value
    with pytest.raises(FileNotFoundError):
        found["double-1"].verify()


@pytest.mark.parametrize("number", [10, 1 << 16, 3 << 20])
def test_sizes_on_both_sides_of_the_two_hashes(number: int) -> None:
    @task
    def filled() -> bytes:
        return b"x" * number

    with Flow("large") as flow:
        filled()
    found = resultant.open_run(run(flow))["filled"]
    assert len(found.value) == number
    assert found.verify() > number
    with open(found.location, "r+b") as file:
        file.seek(number // 2)
        file.write(b"y")
    for read in (found.verify, lambda: found.value):
        with pytest.raises(CorruptResultError):
            read()


def named(text: str) -> Flow:
    with Flow("named") as flow:
        double.copy(result=LocalResult(location=text))(Parameter("x"))
    return flow


def test_a_newer_run_supersedes() -> None:
    one, two = run(named("place"), x=1), run(named("place"), x=2)
    with pytest.raises(SupersededResultError, match=two) as caught:
        _ = resultant.open_run(one)["double"].value
    assert caught.value.run == two
    assert isinstance(caught.value, LookupError)
    assert resultant.open_run(two)["double"].value == 4
    newer = resultant.open_run(one)["double"].superseded_by()
    assert newer is not None
    assert newer.run == two


def test_the_same_bytes_supersede_nothing() -> None:
    one, two = run(named("place"), x=1), run(named("place"), x=1)
    assert [resultant.open_run(each)["double"].value for each in (one, two)] == [2, 2]


def test_what_was_found_at_a_target_is_superseded_by_who_wrote_it_anew() -> None:
    with Flow("target") as flow:
        double.copy(target="place")(Parameter("x"))
    one, two = run(flow, x=1), run(flow, x=1)
    found = resultant.open_run(two)["double"]
    assert found.state == "Cached"
    assert found.value == 2
    assert resultant.open_run(one)["double"].value == 2, "a look supersedes nothing"
    (Path(resultant.open_run(one)["double"].location)).unlink()
    three = run(flow, x=7)
    for each in (one, two):
        with pytest.raises(SupersededResultError, match=three):
            _ = resultant.open_run(each)["double"].value


class Reversed(Serializer):
    """A serializer that no row can name."""

    def serialize(self, value: Any) -> bytes:
        return PickleSerializer().serialize(value)[::-1]

    def deserialize(self, value: bytes) -> Any:
        return PickleSerializer().deserialize(value[::-1])


class Registered(Reversed):
    name = "registered-reversed"


def test_own_serializers_need_the_flow_or_the_class() -> None:
    with Flow("own") as flow:
        double.copy(name="unnamed", result=LocalResult(serializer=Reversed()))(1)
        double.copy(name="named", result=LocalResult(serializer=Registered()))(2)
    found = run(flow)
    for name in ("unnamed", "named"):
        with pytest.raises(UnreadableResultError):
            _ = resultant.open_run(found)[name].value
    assert resultant.open_run(found, types=[Registered])["named"].value == 4
    with_flow = resultant.open_run(found, flow=flow)
    assert (with_flow["unnamed"].value, with_flow["named"].value) == (2, 4)


def test_a_value_that_was_kept_in_memory_is_missing() -> None:
    with Flow("memory") as flow:
        double.copy(checkpoint=False)(1)
        double.copy(name="plain", result=Result())(1)
    found = resultant.open_run(run(flow))
    for each in found:
        if each.state == "Success" and each.slug != "constant":
            with pytest.raises(MissingResultError, match="kept in memory"):
                _ = each.value


def test_a_folder_that_cannot_be_written_to_is_no_obstacle(tmp_path: Path) -> None:
    found = resultant.open_run(run(simple()))
    (tmp_path / "results").rename(tmp_path / "elsewhere")
    (tmp_path / "results").write_text("no folder at all")
    with pytest.raises(StoreError):
        _ = found["double-1"].value


def test_pins_are_set_and_taken_off() -> None:
    found = resultant.open_run(run(simple()))
    db = found.db
    found["double-2"][1].pin(timedelta(days=1))
    found["double-1"].pin()
    assert {each[1:3] for each in db.pins(found.id)} == {("double-2", 1), ("double-1", -1)}
    found["double-1"].unpin()
    assert {each[1:3] for each in db.pins(found.id)} == {("double-2", 1)}
    found.pin()
    assert resultant.open_run(found.id).row.pinned
    found.unpin()
    assert not resultant.open_run(found.id).row.pinned


def test_a_mapped_task_is_verified_by_its_children(tmp_path: Path) -> None:
    with Flow("mapped", result=LocalResult(dir=str(tmp_path / "children"), location="{map_index}")) as flow:
        double.map([1, 2, 3])
    opened = resultant.open_run(run(flow))
    assert opened["double"].verify() == sum(path.stat().st_size for path in (tmp_path / "children").iterdir())
    with pytest.raises(
        MissingResultError, match=r"is mapped: its children have bytes of their own, double-1\[0\] for one"
    ):
        opened["double"].save(str(tmp_path / "bytes"))
    (tmp_path / "children" / "1").unlink()
    with pytest.raises(MissingResultError):
        opened["double"].verify()
    assert "double" in opened
    assert "double-1" in opened
    assert "double-2" not in opened
    assert 1 not in opened
