"""Mapped children that would write to one place: an error before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resultant import Flow, LocalResult, ProcessExecutor, ThreadExecutor, flatten, mapped, task, unmapped
from resultant.engine.state import State
from resultant.errors import LocationCollisionError, LocationError

pytestmark = pytest.mark.usefixtures("checkpointing")

COUNT = 1000


def everything_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture(params=["local", "threads"])
def executor(request: pytest.FixtureRequest) -> Any:
    return ThreadExecutor(workers=2) if request.param == "threads" else None


def constant(**names: Any) -> str:
    return "constant"


#: What every child has in common, however it is written.
PLACES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "constant location": lambda folder: {"result": LocalResult(dir=folder, location="constant")},
    "constant target": lambda folder: {"result": LocalResult(dir=folder), "target": "constant"},
    "callable location": lambda folder: {"result": LocalResult(dir=folder, location=constant)},
    "callable target": lambda folder: {"result": LocalResult(dir=folder), "target": constant},
    "template without the input": lambda folder: {
        "result": LocalResult(dir=folder, location="{task_name}/{flow_name}")
    },
    "template over a repeating input": lambda folder: {"result": LocalResult(dir=folder, location="{group}")},
    "target over a repeating input": lambda folder: {"result": LocalResult(dir=folder), "target": "{group}"},
    "absolute target": lambda folder: {"result": LocalResult(dir=folder), "target": f"{folder}/constant"},
}


def mapped_flow(calls: list[Any], values: list[Any], **options: Any) -> tuple[Flow, Any]:
    @task(max_retries=1, retry_delay=0, **options)
    def child(number: Any, group: str) -> Any:
        calls.append(number)
        return number

    with Flow("colliding") as flow:
        made = child.map(values, unmapped("group"))
    return flow, made


def collision(state: State) -> LocationCollisionError:
    assert state.is_failed(), state
    assert isinstance(state.result, LocationCollisionError)
    assert isinstance(state.result, LocationError)
    return state.result


@pytest.mark.parametrize("place", PLACES)
def test_a_thousand_children_with_one_place(tmp_path: Path, place: str, executor: Any) -> None:
    calls: list[Any] = []
    flow, made = mapped_flow(calls, list(range(COUNT)), **PLACES[place](tmp_path))

    state = flow.run(executor=executor)

    assert state.is_failed()
    message = str(collision(state.result[made]))
    assert "'child'" in message
    assert "{map_index}" in message
    assert ("target" if "target" in place else "location") in message
    assert calls == []
    assert everything_below(tmp_path) == []


@pytest.mark.parametrize("place", PLACES)
def test_children_whose_inputs_are_equal_may_share(tmp_path: Path, place: str, executor: Any) -> None:
    calls: list[Any] = []
    flow, made = mapped_flow(calls, [["same", 1.5]] * 20, **PLACES[place](tmp_path))

    state = flow.run(executor=executor)

    assert state.is_successful()
    assert state.result[made].result == [["same", 1.5]] * 20
    assert len(everything_below(tmp_path)) == 1


@pytest.mark.parametrize("place", PLACES)
def test_a_single_child_may_have_a_constant_place(tmp_path: Path, place: str, executor: Any) -> None:
    flow, made = mapped_flow([], [7], **PLACES[place](tmp_path))

    assert flow.run(executor=executor).result[made].result == [7]
    assert len(everything_below(tmp_path)) == 1


@pytest.mark.parametrize(
    "values",
    [
        [1, True],
        [1, 1.0],
        ["1", 1],
        [0.0, -0.0],
        [[1], (1,)],
        [np.arange(4), np.arange(4).reshape(2, 2)],
        [np.array([1], dtype="i4"), np.array([1], dtype="i8")],
        [{"a": 1}, {"a": 2}],
    ],
    ids=str,
)
def test_inputs_that_only_look_equal_do_not_share(tmp_path: Path, values: list[Any]) -> None:
    calls: list[Any] = []
    flow, made = mapped_flow(calls, values, result=LocalResult(dir=tmp_path), target="constant")

    collision(flow.run().result[made])
    assert calls == []


def test_inputs_that_cannot_be_compared_do_not_share(tmp_path: Path) -> None:
    class Opaque:
        def __reduce__(self) -> Any:
            raise TypeError("not to be pickled")

    @task(result=LocalResult(dir=tmp_path), target="constant")
    def child(value: Any) -> int:
        return 1

    with Flow("opaque") as flow:
        made = child.map([Opaque(), Opaque()])

    collision(flow.run().result[made])
    assert everything_below(tmp_path) == []


@pytest.mark.parametrize(
    "location",
    ["{map_index}", "{task_full_name}", "{number}", "a/{map_index:05d}", lambda **names: f"c{names['map_index']}"],
)
def test_the_cures_work(tmp_path: Path, location: Any, executor: Any) -> None:
    flow, made = mapped_flow([], list(range(50)), result=LocalResult(dir=tmp_path, location=location))

    state = flow.run(executor=executor).result[made]

    assert state.result == list(range(50))
    assert len(everything_below(tmp_path)) == 50
    assert len({child._result.location for child in state.map_states}) == 50


def test_a_template_on_an_input_that_repeats_once_among_many(tmp_path: Path, executor: Any) -> None:
    calls: list[Any] = []

    @task(result=LocalResult(dir=tmp_path, location="{name}"))
    def child(name: str, number: int) -> int:
        calls.append(number)
        return number

    names = [str(number) for number in range(COUNT)]
    names[-1] = "3"
    with Flow("repeating") as flow:
        made = child.map(names, list(range(COUNT)))

    message = str(collision(flow.run(executor=executor).result[made]))

    assert "3 and 999" in message
    assert repr(str(tmp_path / "3")) in message or "'3'" in message
    assert calls == []
    assert everything_below(tmp_path) == []


def test_two_ways_to_write_one_path_are_one_place(tmp_path: Path) -> None:
    calls: list[Any] = []

    @task(result=LocalResult(dir=tmp_path, location="{name}"))
    def child(name: str) -> str:
        calls.append(name)
        return name

    with Flow("spelled") as flow:
        made = child.map(["a/b", "a//b", "./a/b", "a/./b"])

    collision(flow.run().result[made])
    assert calls == []


def test_the_flow_s_own_location_counts_as_well(tmp_path: Path, executor: Any) -> None:
    @task
    def child(number: int) -> int:
        return number

    with Flow("colliding", result=LocalResult(dir=tmp_path, location="{task_name}")) as flow:
        made = child.map(list(range(3)))

    collision(flow.run(executor=executor).result[made])
    assert everything_below(tmp_path) == []


def test_default_locations_never_collide(tmp_path: Path, executor: Any) -> None:
    flow, made = mapped_flow([], list(range(300)), result=LocalResult(dir=tmp_path))

    state = flow.run(executor=executor).result[made]

    assert len({child._result.location for child in state.map_states}) == 300
    assert len(everything_below(tmp_path)) == 300


def test_nothing_is_said_where_nothing_is_written(tmp_path: Path) -> None:
    for options in ({"checkpoint": False}, {}):
        flow, made = mapped_flow([], [1, 2], result=LocalResult(dir=tmp_path, location="constant"), **options)
        with_context = {} if options else {"checkpointing": False}
        assert flow.run(context=with_context).result[made].result == [1, 2]
    assert everything_below(tmp_path) == []


def test_a_constant_target_collides_even_if_it_exists_already(tmp_path: Path) -> None:
    """Otherwise all children would silently be given the value that is there."""
    LocalResult(dir=tmp_path, location="constant").write("of another run")
    calls: list[Any] = []
    flow, made = mapped_flow(calls, [1, 2], result=LocalResult(dir=tmp_path), target="constant")

    collision(flow.run().result[made])
    assert calls == []


def test_a_constant_target_collides_without_checkpointing_if_it_exists(tmp_path: Path) -> None:
    LocalResult(dir=tmp_path, location="constant").write("of another run")
    flow, made = mapped_flow([], [1, 2], result=LocalResult(dir=tmp_path), target="constant")

    state = flow.run(context={"checkpointing": False}).result[made]

    assert state.is_failed()


# Mapped over mapped


def chained_flow(folder: Path, calls: list[Any], values: list[Any], place: dict[str, Any]) -> tuple[Flow, Any]:
    @task(result=LocalResult(dir=folder, location="first-{map_index}"))
    def first(number: Any) -> Any:
        return number

    @task(**place)
    def second(number: Any) -> Any:
        calls.append(number)
        return number

    with Flow("chained") as flow:
        made = second.map(first.map(values))
    return flow, made


@pytest.mark.parametrize("place", ["constant location", "constant target", "callable location"])
def test_mapped_over_mapped_with_one_place(tmp_path: Path, place: str, executor: Any) -> None:
    calls: list[Any] = []
    flow, made = chained_flow(tmp_path, calls, list(range(20)), PLACES[place](tmp_path))

    state = flow.run(executor=executor).result[made]

    failed = (
        [state] if not isinstance(state.result, list) else [child for child in state.map_states if child.is_failed()]
    )
    assert failed
    for one in failed:
        assert "{map_index}" in str(collision(one))
    # Whoever came first may have been written; no two values ever went to one place.
    assert len(calls) <= 1
    assert len([name for name in everything_below(tmp_path) if name == "constant"]) == len(calls)
    if calls:
        assert LocalResult(dir=tmp_path).read("constant").value == calls[0]


def test_mapped_over_mapped_with_equal_inputs_may_share(tmp_path: Path, executor: Any) -> None:
    flow, made = chained_flow(tmp_path, [], [5] * 10, PLACES["constant location"](tmp_path))

    assert flow.run(executor=executor).result[made].result == [5] * 10


def test_mapped_over_mapped_with_places_of_their_own(tmp_path: Path, executor: Any) -> None:
    flow, made = chained_flow(
        tmp_path, [], list(range(20)), {"result": LocalResult(dir=tmp_path, location="{number}-second")}
    )

    assert flow.run(executor=executor).result[made].result == list(range(20))
    assert len(everything_below(tmp_path)) == 40


def test_flattened_children_with_one_place(tmp_path: Path, executor: Any) -> None:
    @task
    def nested() -> list[list[int]]:
        return [[1, 2], [3]]

    @task(result=LocalResult(dir=tmp_path, location="constant"))
    def child(number: int) -> int:
        return number

    with Flow("flattened") as flow:
        made = child(mapped(flatten(nested())))

    collision(flow.run(executor=executor).result[made])
    assert everything_below(tmp_path) == []


def test_in_processes_too(tmp_path: Path) -> None:
    @task(result=LocalResult(dir=tmp_path, location="constant"))
    def child(number: int) -> int:
        return number

    with Flow("processes") as flow:
        made = child.map(list(range(10)))

    collision(flow.run(executor=ProcessExecutor(workers=1)).result[made])
    assert everything_below(tmp_path) == []


def test_a_class_of_the_users_own_is_held_to_it_too(tmp_path: Path) -> None:
    written = {}

    class Own(LocalResult):
        def write(self, value_: Any, **kwargs: Any) -> Any:
            written[self.format(**kwargs).location] = value_
            return super().write(value_, **kwargs)

    flow, made = mapped_flow([], [1, 2, 3], result=Own(dir=tmp_path, location="constant"))

    collision(flow.run().result[made])
    assert written == {}
