"""Classes of the user's own that implement read, write and exists, and nothing more; and what becomes of ``None``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from resultant import Flow, LocalResult, Result, ThreadExecutor, config, task
from resultant.engine.result import NoResult
from resultant.engine.state import Cached, State
from resultant.errors import ResultNotImplementedError, WriteError

pytestmark = pytest.mark.usefixtures("checkpointing")


class Shelf(Result):
    """Keeps values in a dictionary; the smallest class that stores."""

    def __init__(self, items: dict[str, Any], **options: Any) -> None:
        super().__init__(**options)
        self.items = items

    def read(self, location: str) -> Result:
        new = self.copy()
        new.value = self.items[location]
        new.location = location
        return new

    def write(self, value_: Any, **kwargs: Any) -> Result:
        new = self.format(**kwargs)
        new.value = value_
        self.items[new.location] = value_
        return new

    def exists(self, location: str, **kwargs: Any) -> bool:
        probe = self.copy()
        probe.location = location
        return probe.format(**kwargs).location in self.items


class Plain(Result):
    """Takes the value by position under a name of its own, and no name at all for templates."""

    def __init__(self, items: dict[str, Any]) -> None:
        super().__init__()
        self.items = items

    def read(self, where: str) -> Result:  # type: ignore[override]
        new = self.from_value(self.items[where])
        new.location = where
        return new

    def write(self, thing: Any, **_: Any) -> Result:  # type: ignore[override]
        self.items["the one"] = thing
        new = self.from_value(thing)
        new.location = "the one"
        return new

    def exists(self, where: str, **_: Any) -> bool:  # type: ignore[override]
        return where in self.items


def run_one(value: Any, result: Result | None, executor: Any = None, **options: Any) -> State:
    @task(result=result, **options)
    def make(value: Any) -> Any:
        return value

    with Flow("own") as flow:
        made = make(value)
    state: State = flow.run(executor=executor).result[made]
    return state


@pytest.mark.parametrize("executor", [None, ThreadExecutor(workers=2)], ids=["local", "threads"])
def test_a_class_with_three_methods_stores(executor: Any) -> None:
    items: dict[str, Any] = {}

    state = run_one(5, Shelf(items, location="{task_name}-{value}"), executor)

    assert items == {"make-5": 5}
    assert type(state._result) is Shelf
    assert state._result.location == "make-5"
    assert state._result.value == 5


def test_a_class_of_its_own_keeps_its_options_and_is_not_changed_by_writing() -> None:
    items: dict[str, Any] = {}
    shelf = Shelf(items, location="{task_name}")

    state = run_one(5, shelf)

    assert shelf.value is None
    assert shelf.location == "{task_name}"
    assert state._result.items is items  # type: ignore[attr-defined]


def test_a_class_with_names_of_its_own() -> None:
    items: dict[str, Any] = {}

    assert run_one(5, Plain(items))._result.location == "the one"
    assert items == {"the one": 5}


def test_an_input_named_like_the_parameters_of_write_can_be_used_in_a_template() -> None:
    """SPEC 2.1: the parameter of write is named `value_`."""
    items: dict[str, Any] = {}

    @task(result=Shelf(items, location="{value}-{location}-{serializer}"))
    def make(value: int, location: str, serializer: str) -> int:
        return value

    with Flow("names") as flow:
        make(1, "here", "pickle")

    assert flow.run().is_successful()
    assert items == {"1-here-pickle": 1}


def test_a_target_on_a_class_of_its_own() -> None:
    items: dict[str, Any] = {}
    calls = []

    @task(target="t/{number}", result=Shelf(items))
    def make(number: int) -> int:
        calls.append(number)
        return number * 2

    with Flow("targets") as flow:
        made = make(3)
    first = flow.run().result[made]
    second = flow.run().result[made]

    assert items == {"t/3": 6}
    assert first._result.location == "t/3"
    assert type(second) is Cached
    assert second.result == 6
    assert type(second._result) is Shelf
    assert calls == [3]


def test_a_target_whose_value_has_braces() -> None:
    items: dict[str, Any] = {}
    state = run_one("{odd}", Shelf(items), target="t/{value}")

    assert state.is_successful(), state.message
    assert items == {"t/{odd}": "{odd}"}


def test_mapped_children_on_a_class_of_its_own() -> None:
    items: dict[str, Any] = {}

    @task(result=Shelf(items, location="{map_index}"))
    def child(number: int) -> int:
        return number

    with Flow("mapped") as flow:
        made = child.map([5, 6, 7])
    state = flow.run().result[made]

    assert items == {"0": 5, "1": 6, "2": 7}
    assert [child._result.location for child in state.map_states] == ["0", "1", "2"]


def test_a_flows_result_may_be_of_its_own_class() -> None:
    items: dict[str, Any] = {}

    @task
    def make() -> int:
        return 1

    with Flow("shelf", result=Shelf(items, location="{flow_name}/{task_name}")) as flow:
        make()
    flow.run()

    assert items == {"shelf/make": 1}


def test_a_class_that_cannot_write_keeps_values_in_memory() -> None:
    """SPEC 2.1: ResultNotImplementedError while checkpointing means this class cannot store."""

    class Reader(Result):
        def read(self, location: str) -> Result:
            return self.from_value(f"read {location}")

    state = run_one(5, Reader())

    assert state.is_successful()
    assert type(state._result) is Reader
    assert state.result == 5
    assert state._result.location is None


def test_a_target_without_any_storage_fails_the_task() -> None:
    """SPEC 8.2."""
    state = run_one(5, None, target="here")

    assert state.is_failed()
    assert isinstance(state.result, ResultNotImplementedError)
    assert isinstance(state.result, NotImplementedError)
    assert "LocalResult" in str(state.result)


def test_another_error_of_its_write_fails_the_task_without_running_it_again() -> None:
    calls = []

    class Broken(Shelf):
        def write(self, value_: Any, **kwargs: Any) -> Result:
            calls.append(1)
            raise RuntimeError("my own store is broken")

    state = run_one(5, Broken({}, location="x"), max_retries=2, retry_delay=0)

    assert isinstance(state.result, WriteError)
    assert "RuntimeError: my own store is broken" in state.message
    assert calls == [1]


def test_an_error_of_its_exists_fails_the_task() -> None:
    class Broken(Shelf):
        def exists(self, location: str, **kwargs: Any) -> bool:
            raise ConnectionError("who knows")

    state = run_one(5, Broken({}), target="x")

    assert state.is_failed()
    assert isinstance(state.result, ConnectionError)


def test_a_subclass_of_a_stored_class_that_changes_one_method_is_heard(tmp_path: Path) -> None:
    written = []

    class Counting(LocalResult):
        def write(self, value_: Any, **kwargs: Any) -> Any:
            written.append((value_, kwargs["task_name"]))
            return super().write(value_, **kwargs)

    state = run_one(5, Counting(dir=tmp_path, location="{task_name}"))

    assert written == [(5, "make")]
    assert type(state._result) is Counting
    assert state._result.location == str(tmp_path / "make")


def test_a_subclass_that_reads_in_its_own_way_is_heard(tmp_path: Path) -> None:
    class Reading(LocalResult):
        def read(self, location: str) -> Any:
            return super().read(location).from_value("read in my own way")

    LocalResult(dir=tmp_path, location="here").write("stored")

    assert run_one(5, Reading(dir=tmp_path), target="here").result == "read in my own way"


def test_a_subclass_with_default_locations_of_its_own(tmp_path: Path) -> None:
    class Named(LocalResult):
        @property
        def default_location(self) -> str:
            return "my-own-default"

    assert run_one(5, Named(dir=tmp_path))._result.location == str(tmp_path / "my-own-default")


# None (SPEC departures, 8.2, 18.2)


def test_none_is_not_written_where_nobody_names_a_place(tmp_path: Path) -> None:
    state = run_one(None, LocalResult(dir=tmp_path))

    assert state.is_successful()
    assert type(state._result) is LocalResult
    assert state._result != NoResult
    assert state._result.location is None
    assert list(tmp_path.iterdir()) == []


def test_none_is_not_written_to_the_flows_location(tmp_path: Path) -> None:
    @task
    def nothing() -> None:
        return None

    with Flow("none", result=LocalResult(dir=tmp_path, location="{task_name}")) as flow:
        made = nothing()
    state = flow.run().result[made]

    assert state.result is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("location", ["{task_name}", lambda **names: "make"], ids=["template", "callable"])
def test_none_is_written_to_a_location_of_the_tasks_own(tmp_path: Path, location: Any) -> None:
    state = run_one(None, LocalResult(dir=tmp_path, location=location))

    assert state._result.location == str(tmp_path / "make")
    assert LocalResult(dir=tmp_path).read("make").value is None


def test_none_is_written_to_a_target_and_found_again(tmp_path: Path) -> None:
    calls = []

    @task(target="nothing")
    def nothing() -> None:
        calls.append(1)

    @task
    def below(value: None) -> str:
        assert value is None
        return "ran"

    with Flow("none", result=LocalResult(dir=tmp_path)) as flow:
        made = nothing()
        after = below(made)
    flow.run()
    state = flow.run()

    assert calls == [1]
    assert state.result[made].is_cached()
    assert state.result[made].result is None
    assert state.result[after].result == "ran"


def test_none_with_checkpointing_off_or_checkpoint_false(tmp_path: Path) -> None:
    result = LocalResult(dir=tmp_path, location="here")

    assert run_one(None, result, checkpoint=False)._result.location is None
    config.flows.checkpointing = False
    assert run_one(None, result)._result.location is None
    assert list(tmp_path.iterdir()) == []


def test_mapped_nones_at_targets_of_their_own(tmp_path: Path) -> None:
    calls: list[int] = []

    @task(target="{map_index}")
    def nothing(number: int) -> None:
        calls.append(number)

    with Flow("nones", result=LocalResult(dir=tmp_path)) as flow:
        made = nothing.map([1, 2, 3])
    flow.run()

    assert flow.run().result[made].result == [None] * 3
    assert calls == [1, 2, 3]


def test_a_skip_and_a_failure_are_never_written(tmp_path: Path) -> None:
    from resultant.engine.signals import FAIL, SKIP

    for signal in (SKIP, FAIL):

        @task(result=LocalResult(dir=tmp_path, location="here"))
        def signals() -> None:
            raise signal("no value", result=5)

        with Flow("signals") as flow:
            made = signals()
        assert flow.run().result[made].result == 5
    assert list(tmp_path.iterdir()) == []
