"""What a task may throw at the engine: exits, interruptions, odd exceptions, odd values."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from resultant import Flow, LocalResult, ThreadExecutor, task
from resultant.engine.state import Failed, State
from resultant.errors import WriteError

pytestmark = pytest.mark.usefixtures("checkpointing")


def run_raising(raises: Any, **options: Any) -> tuple[State, list[int]]:
    """Run a flow of one task that raises."""
    calls: list[int] = []

    @task(**options)
    def fails() -> None:
        calls.append(1)
        raise raises

    with Flow("raising") as flow:
        made = fails()
    state: State = flow.run().result[made]
    return state, calls


class OddError(Exception):
    """An exception that nobody can look at."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr today")

    __str__ = __repr__


class NotEqual(Exception):
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("do not compare")

    __hash__ = None  # type: ignore[assignment]


class TwoArguments(Exception):
    """Cannot be rebuilt from its arguments, as pickle would."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


@pytest.mark.parametrize("code", [0, 1, None, "a reason"])
def test_an_exit_in_a_task_fails_the_task_and_not_the_process(code: Any) -> None:
    state, _ = run_raising(SystemExit(code))

    assert state.is_failed()
    assert isinstance(state.result, SystemExit)
    assert state.result.code == code
    assert "SystemExit" in state.message


def test_sys_exit_is_retried_like_any_failure() -> None:
    calls = []

    @task(max_retries=1, retry_delay=0)
    def exits() -> int:
        calls.append(1)
        if len(calls) == 1:
            sys.exit(3)
        return 5

    with Flow("exiting") as flow:
        made = exits()

    assert flow.run().result[made].result == 5


def test_ctrl_c_ends_the_run_and_keeps_what_is_finished(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    @task
    def finished() -> int:
        return 1

    @task
    def interrupted(value: int) -> int:
        raise KeyboardInterrupt

    @task
    def never(value: int) -> int:
        raise AssertionError("the run is over")

    with Flow("interrupted", result=LocalResult(dir=tmp_path, location="{task_name}")) as flow:
        never(interrupted(finished()))

    with pytest.raises(KeyboardInterrupt):
        flow.run()

    assert [path.name for path in tmp_path.iterdir()] == ["finished"]
    assert "1 finished task run" in caplog.text
    assert "kept" in caplog.text


def test_ctrl_c_among_mapped_children_keeps_the_first_ones(tmp_path: Path) -> None:
    @task(target="child-{map_index}")
    def child(number: int) -> int:
        if number == 5 and not again:
            raise KeyboardInterrupt
        calls.append(number)
        return number

    calls: list[int] = []
    again: list[int] = []
    with Flow("interrupted", result=LocalResult(dir=tmp_path)) as flow:
        made = child.map(list(range(8)))
    with pytest.raises(KeyboardInterrupt):
        flow.run()
    assert calls == [0, 1, 2, 3, 4]
    calls.clear()
    again.append(1)

    assert flow.run().result[made].result == list(range(8))
    assert calls == [5, 6, 7]


def test_ctrl_c_in_a_thread_ends_the_run_too(tmp_path: Path) -> None:
    @task
    def interrupted() -> int:
        raise KeyboardInterrupt

    with Flow("interrupted") as flow:
        interrupted()

    with pytest.raises(KeyboardInterrupt):
        flow.run(executor=ThreadExecutor(workers=2))


def test_the_context_is_clean_after_an_interruption() -> None:
    from resultant import context

    def outside() -> list[str]:
        return sorted(key for key in context.to_dict() if key != "caches")

    before = outside()

    @task
    def interrupted() -> None:
        raise KeyboardInterrupt

    with Flow("interrupted") as flow:
        interrupted()
    with pytest.raises(KeyboardInterrupt):
        flow.run()

    assert outside() == before


def test_another_base_exception_comes_out_of_the_run() -> None:
    class Unusual(BaseException):
        pass

    with pytest.raises(Unusual):
        run_raising(Unusual("not an error"))


def test_generator_exit_is_no_error_of_the_engine() -> None:
    with pytest.raises(GeneratorExit):
        run_raising(GeneratorExit())


@pytest.mark.parametrize("executor", [None, ThreadExecutor(workers=1)], ids=["local", "threads"])
def test_an_exception_without_a_repr(executor: Any) -> None:
    calls = []

    @task(max_retries=1, retry_delay=0)
    def fails() -> None:
        calls.append(1)
        raise OddError

    with Flow("odd") as flow:
        made = fails()
    state = flow.run(executor=executor).result[made]

    assert state.is_failed()
    assert isinstance(state.result, OddError)
    assert "OddError" in state.message
    assert len(calls) == 2


def test_an_exception_that_cannot_be_compared_or_hashed() -> None:
    state, calls = run_raising(NotEqual("x"), max_retries=2, retry_delay=0, retry_on=NotEqual)

    assert state.is_failed()
    assert isinstance(state.result, NotEqual)
    assert len(calls) == 3


def test_a_failed_state_whose_exception_cannot_be_pickled_still_travels() -> None:
    error = ValueError("x")
    error.held = (number for number in range(3))  # type: ignore[attr-defined]
    state = Failed("failed", result=error)

    copy = cloudpickle.loads(cloudpickle.dumps(state))

    assert copy.message == "failed"
    assert isinstance(copy.result, str)
    assert "The following exception could not be pickled" in copy.result
    assert "ValueError('x')" in copy.result
    assert state.result is error


def test_a_failed_state_whose_exception_cannot_be_rebuilt_still_travels() -> None:
    copy = cloudpickle.loads(cloudpickle.dumps(Failed("failed", result=TwoArguments(1, 2))))

    assert copy.message == "failed"
    assert "1 and 2" in str(copy.result)


def test_an_exception_group_and_a_chained_one() -> None:
    group, _ = run_raising(ExceptionGroup("several", [ValueError(1), KeyError(2)]))
    assert isinstance(group.result, ExceptionGroup)

    @task
    def chained() -> None:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise ValueError("outer") from inner

    with Flow("chained") as flow:
        made = chained()
    state = flow.run().result[made]
    assert isinstance(state.result.__cause__, KeyError)


def test_stop_iteration_from_a_task() -> None:
    state, _ = run_raising(StopIteration(5))

    assert state.is_failed()
    assert isinstance(state.result, StopIteration)


def test_recursion_without_end() -> None:
    def deeper(number: int) -> int:
        return deeper(number + 1) + 1

    @task
    def recursive() -> int:
        return deeper(0)

    @task
    def other() -> int:
        return 1

    with Flow("deep") as flow:
        made, sibling = recursive(), other()
    states = flow.run().result

    assert isinstance(states[made].result, RecursionError)
    assert states[sibling].is_successful()


def test_running_out_of_memory_is_a_failure_of_the_task() -> None:
    state, _ = run_raising(MemoryError())

    assert state.is_failed()
    assert isinstance(state.result, MemoryError)


class Huge:
    """A value whose repr is expensive: nobody but the user may ask for it."""

    asked = 0

    def __repr__(self) -> str:
        type(self).asked += 1
        return "x" * 10_000_000

    def __reduce__(self) -> Any:
        return Huge, ()


def test_nobody_looks_at_a_value(tmp_path: Path) -> None:
    Huge.asked = 0

    @task(target="huge")
    def make() -> Huge:
        return Huge()

    @task
    def use(value: Huge) -> str:
        return "used"

    with Flow("huge", result=LocalResult(dir=tmp_path)) as flow:
        made = use(make())
    assert flow.run().result[made].is_successful()
    assert flow.run().result[made].is_successful()

    assert Huge.asked == 0


def test_nobody_compares_or_asks_a_value_whether_it_is_true(tmp_path: Path) -> None:
    class Touchy:
        def __bool__(self) -> bool:
            raise RuntimeError("asked whether it is true")

        def __eq__(self, other: object) -> bool:
            raise RuntimeError("compared")

        def __len__(self) -> int:
            raise RuntimeError("measured")

        __hash__ = None  # type: ignore[assignment]

    @task(target="touchy-{map_index}")
    def make(number: int) -> Touchy:
        return Touchy()

    @task
    def use(value: list[Touchy]) -> int:
        return len(value)

    with Flow("touchy", result=LocalResult(dir=tmp_path)) as flow:
        made = use(make.map([1, 2]))

    assert flow.run().result[made].result == 2
    assert flow.run().result[made].result == 2


def test_a_message_with_a_huge_repr_is_the_users_own() -> None:
    state, _ = run_raising(ValueError("x" * 1_000_000))

    assert state.is_failed()
    assert len(state.message) >= 1_000_000


def test_a_generator_as_a_value() -> None:
    """In memory it is a value like any other; it cannot be stored."""

    @task(checkpoint=False)
    def make() -> Iterator[int]:
        return (number * 2 for number in range(3))

    @task
    def consume(values: Iterator[int]) -> list[int]:
        return list(values)

    with Flow("generator") as flow:
        made = consume(make())

    assert flow.run().result[made].result == [0, 2, 4]


def test_a_generator_that_would_have_to_be_stored(tmp_path: Path) -> None:
    @task
    def make() -> Iterator[int]:
        yield 1

    with Flow("generator", result=LocalResult(dir=tmp_path)) as flow:
        made = make()
    state = flow.run().result[made]

    assert isinstance(state.result, WriteError)
    assert "generator" in state.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [0, "", [], {}, False, b"", (), 0.0, frozenset()], ids=repr)
def test_falsy_values_are_values(tmp_path: Path, value: Any) -> None:
    """SPEC 18.2."""

    @task
    def make() -> Any:
        return value

    with Flow("falsy", result=LocalResult(dir=tmp_path, location="{task_name}")) as flow:
        made = make()
    state = flow.run().result[made]

    assert state.result == value
    assert LocalResult(dir=tmp_path).read("make").value == value


@pytest.mark.parametrize("value", [ValueError("returned"), KeyError, Failed("returned")], ids=repr)
def test_an_exception_or_state_that_is_returned_is_a_value(tmp_path: Path, value: Any) -> None:
    @task
    def make() -> Any:
        return value

    with Flow("returned", result=LocalResult(dir=tmp_path)) as flow:
        made = make()
    state = flow.run().result[made]

    assert state.is_successful()
    assert state.result is value
