"""Resuming when something is not as it was: bytes, parameters, code, constants, or who is at work."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import resultant
from resultant import Flow, LocalResult, Parameter, ThreadExecutor, case, config, context, flatten, task, unmapped
from resultant.cli.forgetting import forget_results
from resultant.engine import signals
from resultant.engine.result import Result
from resultant.errors import MissingResultError, RunHeldError, UnknownRunError
from resultant.executors import ProcessExecutor
from resultant.runner.recorded_runs import database
from resultant.tasks.control_flow import merge
from resultant.triggers import all_finished, manual_only

pytestmark = pytest.mark.usefixtures("checkpointing")

#: Task runs whose code was called, and what decides how they end.
called: list[Any] = []
broken: set[Any] = set()
values: dict[Any, Any] = {}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    called.clear()
    broken.clear()
    values.clear()


def step(name: Any, value: Any) -> Any:
    called.append(name)
    if name in broken:
        raise ValueError(f"{name} is broken")
    return values.get(name, value)


def again(flow: Flow, **options: Any) -> Any:
    """Resume the last run of a flow; `called` is about this attempt alone."""
    called.clear()
    broken.clear()
    return flow.run(resume_run=database().flow_runs(flow=flow.name)[0].id, **options)


def chain(folder: Path, **options: Any) -> Flow:
    @task
    def a() -> int:
        return int(step("a", 1))

    @task
    def b(x: int) -> int:
        return int(step("b", x * 10))

    @task
    def c(x: int) -> int:
        return int(step("c", x + 1))

    @task
    def d(x: int, y: int) -> int:
        return int(step("d", x + y))

    with Flow("chain", result=LocalResult(dir=str(folder), location="{task_name}"), **options) as flow:
        first = a()
        d(c(b(first)), first)
    return flow


def mapping(folder: Path, count: int = 4, **options: Any) -> Flow:
    @task
    def part(x: int) -> int:
        return int(step(("part", x), x * 10))

    @task
    def more(x: int) -> int:
        return int(step(("more", x), x + 1))

    @task
    def total(parts: list[int]) -> int:
        return int(step("total", sum(parts)))

    with Flow("mapping", result=LocalResult(dir=str(folder), location="{task_name}-{map_index}"), **options) as flow:
        total(more.map(part.map(list(range(count)))))
    return flow


def results(state: Any) -> dict[str, Any]:
    return {task.name: end.result for task, end in state.result.items() if not getattr(task, "is_constant", False)}


def total_of(state: Any) -> Any:
    return next(end.result for task, end in state.result.items() if task.name == "total")


# ------------------------------------------------------------------------------------------------------------- bytes


def delete(path: Path) -> None:
    path.unlink()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES = [delete, truncate, empty, flip]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_value_that_is_needed_and_cannot_be_read_is_made_again(
    damage: Callable[[Path], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    flow = chain(tmp_path)
    broken.add("d")
    flow.run()
    damage(tmp_path / "c")

    state = again(flow)

    assert results(state) == {"a": 1, "b": 10, "c": 11, "d": 12}
    assert called == ["c", "d"]
    (warning,) = [record.message for record in caplog.records if record.name == "resultant.resume"]
    assert warning.startswith("Task 'c' is done again, because its recorded result cannot be used: ")
    assert str(tmp_path / "c") in warning or "bytes" in warning


@pytest.mark.parametrize("damage", DAMAGES)
def test_several_lost_values_in_a_row_are_made_again_once(damage: Callable[[Path], None], tmp_path: Path) -> None:
    flow = chain(tmp_path)
    broken.add("d")
    flow.run()
    for name in "abc":
        damage(tmp_path / name)

    assert results(again(flow)) == {"a": 1, "b": 10, "c": 11, "d": 12}
    assert called == ["a", "b", "c", "d"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_lost_value_that_nothing_needs_is_left_alone(damage: Callable[[Path], None], tmp_path: Path) -> None:
    flow = chain(tmp_path)
    broken.add("d")
    flow.run()
    damage(tmp_path / "b")

    state = again(flow)

    assert called == ["d"]
    assert state.is_successful()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_lost_final_result_is_made_again(damage: Callable[[Path], None], tmp_path: Path) -> None:
    flow = chain(tmp_path)
    assert flow.run().is_successful()
    damage(tmp_path / "d")

    assert results(again(flow))["d"] == 12
    assert called == ["d"]


@pytest.mark.parametrize("damage", [delete, truncate])
@pytest.mark.parametrize("mapped", [False, True])
def test_a_run_that_had_ended_well_makes_again_whatever_is_gone(
    mapped: bool, damage: Callable[[Path], None], tmp_path: Path
) -> None:
    flow = mapping(tmp_path) if mapped else chain(tmp_path)
    assert flow.run().is_successful()
    name = "part-2" if mapped else "b"
    before = (tmp_path / name).read_bytes()
    damage(tmp_path / name)

    assert again(flow).is_successful()

    assert called == [("part", 2) if mapped else "b"]
    assert (tmp_path / name).read_bytes() == before
    assert again(flow).is_successful()
    assert called == []


def test_what_fsck_found_gone_is_made_again_and_what_gc_released_is_not(tmp_path: Path) -> None:
    flow = chain(tmp_path)
    assert flow.run().is_successful()
    (run,) = resultant.runs()
    delete(tmp_path / "b")
    forget_results(database(), [run["b"].row], missed=True)
    with pytest.raises(MissingResultError, match=f"`resultant resume {run.id}` makes it again"):
        _ = run["b"].value
    assert again(flow).is_successful()
    assert called == ["b"]
    assert run["b"].value == 10

    assert flow.run().is_successful()
    delete(tmp_path / "b")
    forget_results(database(), [resultant.runs()[0]["b"].row])
    assert again(flow).is_successful()
    assert called == []


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("executor", [None, ThreadExecutor(workers=2)])
def test_lost_children_are_made_again(executor: Any, damage: Callable[[Path], None], tmp_path: Path) -> None:
    flow = mapping(tmp_path, executor=executor)
    broken.update([("more", 20), "total"])
    flow.run()
    damage(tmp_path / "part-2")
    damage(tmp_path / "part-0")
    damage(tmp_path / "more-1")

    state = again(flow)

    assert total_of(state) == 64
    assert sorted(called, key=str) == sorted([("part", 2), ("more", 20), ("more", 10), "total"], key=str)


@pytest.mark.parametrize("damage", DAMAGES)
def test_lost_final_children_are_made_again(damage: Callable[[Path], None], tmp_path: Path) -> None:
    @task
    def part(x: int) -> int:
        return int(step(x, x))

    with Flow("final children", result=LocalResult(dir=str(tmp_path), location="{map_index}")) as flow:
        parts = part.map([5, 6, 7])
    assert flow.run().is_successful()
    damage(tmp_path / "1")

    assert again(flow).result[parts].result == [5, 6, 7]
    assert called == [6]


def test_a_value_that_comes_out_otherwise_reopens_what_depends_on_it(tmp_path: Path) -> None:
    flow = chain(tmp_path)
    broken.add("d")
    flow.run()
    flip(tmp_path / "a")
    values["a"] = 2

    # `b` and `c` were taken over before anybody looked at the bytes of `a`.
    assert results(again(flow)) == {"a": 2, "b": 20, "c": 21, "d": 23}
    assert called == ["a", "b", "c", "d"]


def test_a_value_that_comes_out_otherwise_reopens_children(tmp_path: Path) -> None:
    flow = mapping(tmp_path)
    broken.add(("more", 20))
    flow.run()
    flip(tmp_path / "part-2")
    flip(tmp_path / "more-1")
    values[("part", 2)] = 21

    assert total_of(again(flow)) == 1 + 11 + 22 + 31
    assert called == [("part", 2), ("more", 21), ("more", 10), "total"] or called == [
        ("part", 2),
        ("more", 10),
        ("more", 21),
        "total",
    ]


def test_what_was_made_before_a_second_death_counts(tmp_path: Path) -> None:
    """`a` comes out otherwise, and the run dies again before `b` has heard of it."""
    flow = chain(tmp_path)
    broken.add("d")
    flow.run()
    flip(tmp_path / "a")
    values["a"] = 2
    run_id = database().flow_runs()[0].id
    called.clear()
    broken.clear()
    broken.add("b")
    assert flow.run(resume_run=run_id).is_failed()
    assert called == ["a", "b"]

    assert results(again(flow)) == {"a": 2, "b": 20, "c": 21, "d": 23}
    assert called == ["b", "c", "d"]


def test_a_value_in_memory_is_made_again_where_it_is_needed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    @task(checkpoint=False)
    def loose(x: int) -> int:
        return int(step(("loose", x), x + 100))

    @task
    def use(x: int) -> int:
        return int(step(("use", x), x + 1))

    with Flow("loose", result=LocalResult(dir=str(tmp_path))) as flow:
        one, two = loose(1), loose(2)
        first, second = use(one), use(two)
    broken.add(("use", 102))
    flow.run()
    assert "what these tasks returned is in memory alone" in caplog.text
    assert "loose" in caplog.text

    state = again(flow)

    assert called == [("loose", 2), ("use", 102)]
    assert (state.result[first].result, state.result[second].result) == (102, 103)
    with pytest.raises(MissingResultError, match="was in the memory of the process"):
        _ = state.result[one].result


def test_a_lost_value_that_cannot_be_made_again_fails_what_needs_it_and_keeps_its_reason(tmp_path: Path) -> None:
    flow = chain(tmp_path)
    broken.add("d")
    flow.run()
    delete(tmp_path / "c")
    run_id = database().flow_runs()[0].id
    broken.clear()
    broken.add("c")

    state = flow.run(resume_run=run_id)

    assert {task.name: type(end).__name__ for task, end in state.result.items()} == {
        "a": "Success",
        "b": "Success",
        "c": "Failed",
        "d": "TriggerFailed",
    }
    assert results(again(flow))["d"] == 12


class Unsteady(Result):
    """Keeps values in a dictionary, and fails as it likes when they are read."""

    kept: dict[str, Any] = {}

    def write(self, value_: Any, **kwargs: Any) -> Any:
        new = self.format(**kwargs)
        new.value = self.kept[new.location] = value_
        return new

    def read(self, location: str) -> Any:
        new = self.copy()
        new.value = self.kept[location]
        new.location = location
        return new


def test_values_that_a_class_of_the_users_own_cannot_read_are_made_again() -> None:
    @task
    def a() -> int:
        return int(step("a", 1))

    @task
    def b(x: int) -> int:
        return int(step("b", x + 1))

    with Flow("unsteady", result=Unsteady(location="{task_name}")) as flow:
        b(a())
    broken.add("b")
    flow.run()
    Unsteady.kept.clear()

    assert results(again(flow)) == {"a": 1, "b": 2}
    assert called == ["a", "b"]


def test_large_values_are_checked_as_they_are_read(tmp_path: Path) -> None:
    @task
    def large() -> bytes:
        return bytes(step("large", bytes(3_000_000)))

    @task
    def size(data: bytes) -> int:
        return int(step("size", len(data)))

    with Flow("large", result=LocalResult(dir=str(tmp_path), location="{task_name}")) as flow:
        size(large())
    broken.add("size")
    flow.run()
    flip(tmp_path / "large")

    assert results(again(flow))["size"] == 3_000_000
    assert called == ["large", "size"]


# ----------------------------------------------------------------------------------------- parameters and constants


def test_parameters_are_those_of_the_run_unless_they_are_given_anew(tmp_path: Path) -> None:
    @task
    def use(x: Any) -> Any:
        return step("use", x)

    @task
    def other(y: Any) -> Any:
        return step("other", y)

    @task
    def last(x: Any, y: Any) -> Any:
        return step("last", [x, y])

    with Flow("parameters", result=LocalResult(dir=str(tmp_path))) as flow:
        x, y = Parameter("x"), Parameter("y", default=5)
        end = last(use(x), other(y))
    broken.add("last")
    flow.run(x=(1, {2}), y=datetime(2020, 1, 1, tzinfo=UTC))

    state = again(flow)
    assert state.result[end].result == [(1, {2}), datetime(2020, 1, 1, tzinfo=UTC)]
    assert called == ["last"]

    # Only what is given the parameter is done again; and from now on it is the run's.
    state = again(flow, parameters={"x": 3})
    assert called == ["use", "last"]
    state = again(flow)
    assert called == []
    assert state.result[end].result == [3, datetime(2020, 1, 1, tzinfo=UTC)]


def test_a_parameter_that_json_cannot_carry_is_asked_for(tmp_path: Path) -> None:
    @task
    def use(x: Any) -> str:
        return str(step("use", type(x).__name__))

    default = object()
    with Flow("asks", result=LocalResult(dir=str(tmp_path))) as flow:
        use(Parameter("x"))
        use(Parameter("y", default=default))
    flow.run(x=len)
    run_id = database().flow_runs()[0].id

    with pytest.raises(ValueError, match=f"The parameter 'x' of run {run_id} is not on record.*pass it again"):
        flow.run(resume_run=run_id)

    assert flow.run(resume_run=run_id, x=len).is_successful()


def test_a_changed_list_of_constants_runs_the_changed_children_alone(tmp_path: Path) -> None:
    def make(numbers: list[int], factor: int = 1) -> Flow:
        @task
        def part(x: int, factor: int) -> int:
            return int(step((x, factor), x * factor))

        @task
        def total(parts: list[int]) -> int:
            return int(step("total", sum(parts)))

        with Flow("constants", result=LocalResult(dir=str(tmp_path))) as flow:
            total(part.map(numbers, factor=unmapped(factor)))
        return flow

    make([1, 2, 3]).run()

    assert total_of(again(make([1, 2, 3]))) == 6
    assert called == []
    assert total_of(again(make([1, 5, 3]))) == 9
    assert called == [(5, 1), "total"]
    assert total_of(again(make([1, 5]))) == 6
    assert called == ["total"]
    assert total_of(again(make([1, 5, 4, 6]))) == 16
    assert called == [(4, 1), (6, 1), "total"]
    assert results(again(make([1, 5, 4, 6], factor=2)))["total"] == 32
    assert called == [(1, 2), (5, 2), (4, 2), (6, 2), "total"]
    assert results(again(make([1, 5, 4, 6], factor=2)))["total"] == 32
    assert called == []


def test_a_changed_constant_reopens_the_task_that_is_given_it(tmp_path: Path) -> None:
    def make(number: int) -> Flow:
        @task
        def a(x: int) -> int:
            return int(step("a", x))

        @task
        def b(x: int, y: int) -> int:
            return int(step("b", x + y))

        with Flow("constant", result=LocalResult(dir=str(tmp_path))) as flow:
            b(a(1), number)
        return flow

    make(1).run()

    assert results(again(make(2)))["b"] == 3
    assert called == ["b"]


def test_flattened_children_stand_by_what_they_are_given(tmp_path: Path) -> None:
    @task
    def lists() -> list[list[int]]:
        return list(step("lists", [[1, 2], [3]]))

    @task
    def part(x: int) -> int:
        return int(step(x, x * 2))

    with Flow("flattened", result=LocalResult(dir=str(tmp_path), location="{task_name}-{map_index}")) as flow:
        parts = part.map(flatten(lists()))
    broken.add(3)
    flow.run()
    flip(tmp_path / "lists-None")
    values["lists"] = [[1, 4], [3]]

    assert again(flow).result[parts].result == [2, 8, 6]
    assert called == ["lists", 4, 3]


# -------------------------------------------------------------------------------------------------------------- code


def test_changed_code_is_stated_in_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def make(version: int) -> Flow:
        @task
        def same() -> int:
            return int(step("same", 1))

        if version == 1:

            @task
            def changed(x: int) -> int:
                return int(step("changed", x + 1))

            @task
            def gone() -> int:
                return 1
        else:

            @task
            def changed(x: int) -> int:
                return int(step("changed", x + 2))

            @task
            def added() -> int:
                return 1

        @task
        def last(x: int) -> int:
            return int(step("last", x))

        with Flow("code", result=LocalResult(dir=str(tmp_path))) as flow:
            last(changed(same()))
            gone() if version == 1 else added()
        return flow

    broken.add("last")
    make(1).run()
    caplog.clear()
    state = again(make(1))
    assert not [record for record in caplog.records if record.name == "resultant.resume"]
    broken.add("last")
    caplog.clear()

    state = again(make(2))

    (warning,) = [record.message for record in caplog.records if record.name == "resultant.resume"]
    assert warning.startswith(
        "The code of flow 'code' is not that of the attempt before (changed: changed-1; new: added-1; gone: gone-1)."
    )
    assert results(state)["last"] == 2


def test_the_code_on_record_is_that_which_a_task_ran_with(tmp_path: Path) -> None:
    def make(factor: int) -> Flow:
        @task
        def a() -> int:
            return int(step("a", factor * 10))

        @task
        def b(x: int) -> int:
            return int(step("b", x + factor))

        @task
        def c(x: int) -> int:
            return int(step("c", x + factor))

        with Flow("factors", result=LocalResult(dir=str(tmp_path), location="{task_name}")) as flow:
            c(b(a()))
        return flow

    def code() -> dict[str, str]:
        found: dict[str, str] = json.loads(database().flow_runs(limit=1)[0].code or "{}")
        return {slug: digest for slug, digest in found.items() if slug in ("a-1", "b-1", "c-1")}

    assert make(5).run().is_successful()
    five = code()
    broken.add("c")
    make(3).run()
    three = code()
    assert not set(five.items()) & set(three.items())

    assert again(make(5)).is_successful()
    assert called == ["c"]
    assert code() == {**three, "c-1": five["c-1"]}

    # What stood when the attempt began, and was needed and damaged, has run with the code as it is now.
    broken.update("c")
    make(3).run()
    flip(tmp_path / "b")
    assert again(make(5)).is_successful()
    assert called == ["b", "c"]
    assert code() == {**five, "a-1": three["a-1"]}


def test_children_that_are_no_more_are_not_looked_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def make(count: int) -> Flow:
        return mapping(tmp_path, count)

    broken.add("total")
    make(4).run()
    assert again(make(2)).is_successful()
    assert called == ["total"]
    delete(tmp_path / "part-3")
    caplog.clear()
    assert again(make(2)).is_successful()
    assert called == []
    assert not [record for record in caplog.records if record.name == "resultant.resume"]


# ------------------------------------------------------------------------------------------------- attempts and runs


def test_a_resume_may_fail_and_be_resumed(tmp_path: Path) -> None:
    flow = chain(tmp_path)
    seen = []
    for name in "abcd":
        called.clear()
        broken.clear()
        broken.add(name)
        options = {} if name == "a" else {"resume_run": database().flow_runs()[0].id}
        assert flow.run(**options).is_failed()
        seen.append(list(called))

    assert results(again(flow)) == {"a": 1, "b": 10, "c": 11, "d": 12}
    assert [*seen, called] == [["a"], ["a", "b"], ["b", "c"], ["c", "d"], ["d"]]
    assert database().flow_runs()[0].attempt == 5
    assert {row.slug: row.attempt for row in database().task_runs(database().flow_runs()[0].id)} == {
        "a-1": 2,
        "b-1": 3,
        "c-1": 4,
        "d-1": 5,
    }


def test_a_run_is_named_by_its_id_the_beginning_of_that_or_its_name(tmp_path: Path) -> None:
    flow = chain(tmp_path)
    flow.run(flow_run_id="0123456789", flow_run_name="of the day")

    for text in ("0123456789", "0123", "of the day"):
        assert flow.run(resume_run=text).is_successful()
    assert [row.attempt for row in database().flow_runs()] == [4]


def test_an_unknown_run_and_one_of_another_flow_are_refused(tmp_path: Path) -> None:
    flow = chain(tmp_path)
    flow.run(flow_run_id="0123")
    with Flow("another") as another:
        pass

    with pytest.raises(UnknownRunError, match="There is no run in this database whose id starts with 'abc'"):
        flow.run(resume_run="abc")
    with pytest.raises(ValueError, match=r"^Run 0123 is one of the flow 'chain', not of 'another'\.$"):
        another.run(resume_run="0123")


def test_an_id_is_used_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    flow = chain(tmp_path)
    flow.run(flow_run_id="0123")

    state = flow.run(flow_run_id="0123")

    assert "A run with the id '0123' is on record already. Resume it" in str(state.message)


def test_a_run_that_is_at_work_is_refused_in_one_line(tmp_path: Path) -> None:
    flow = chain(tmp_path)
    flow.run(flow_run_id="0123")

    with database().hold("0123"), pytest.raises(RunHeldError, match=f"process {os.getpid()}") as caught:
        flow.run(resume_run="0123")

    assert "\n" not in str(caught.value)
    assert flow.run(resume_run="0123").is_successful()


SLEEPER = """
import sys, time
from resultant import Flow, LocalResult, config, task
config.flows.checkpointing = True

@task
def a():
    return 1

@task
def b(x):
    if len(sys.argv) == 2:
        print("sleeping", flush=True)
        time.sleep(60)
    return x + 1

with Flow("sleeper", result=LocalResult(dir=sys.argv[1])) as flow:
    end = b(a())
if __name__ == "__main__":
    if len(sys.argv) == 2:
        flow.run(flow_run_id="sleeper")
    else:
        print(flow.run(resume_run="sleeper").result[end].result)
"""


def test_a_live_process_keeps_its_run_and_a_dead_one_does_not(tmp_path: Path) -> None:
    script = tmp_path / "sleeper.py"
    script.write_text(SLEEPER)
    environment = {**os.environ, "RESULTANT__HOME_DIR": str(tmp_path / "home")}
    command = [sys.executable, str(script), str(tmp_path / "results")]
    sleeper = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert sleeper.stdout is not None
        assert sleeper.stdout.readline() == "sleeping\n"
        refused = subprocess.run(
            [*command, "resume"], env=environment, capture_output=True, text=True, timeout=30, check=False
        )
        assert refused.returncode == 1
        assert f"RunHeldError: Run sleeper is at work in process {sleeper.pid}" in refused.stderr.splitlines()[-1]
        sleeper.send_signal(signal.SIGKILL)
        sleeper.wait(timeout=10)
    finally:
        sleeper.kill()
        sleeper.wait(timeout=10)
        if sleeper.stdout is not None:
            sleeper.stdout.close()

    done = subprocess.run(
        [*command, "resume"], env=environment, capture_output=True, text=True, timeout=30, check=False
    )

    assert (done.stdout, done.returncode) == ("2\n", 0), done.stderr


# --------------------------------------------------------------------------------------------- what else is restored


def test_context_date_and_names_are_restored_and_secrets_are_not(tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []

    @task
    def look() -> None:
        seen.append({key: context.get(key) for key in ("a", "date", "flow_run_name", "flow_run_id", "secrets", "odd")})
        step("look", None)

    with Flow("context", result=LocalResult(dir=str(tmp_path))) as flow:
        look()
    broken.add("look")
    flow.run(context={"a": (1, 2), "odd": object(), "secrets": {"key": "s3cr3t"}}, flow_run_name="named")

    again(flow)

    first, second = seen
    assert {**first, "secrets": None, "odd": None} == {**second, "secrets": None}
    assert second["a"] == (1, 2)
    assert not second["secrets"]


def test_a_run_is_recorded_when_it_is_resumed_whatever_is_switched_on_now(tmp_path: Path) -> None:
    flow = chain(tmp_path)
    broken.add("c")
    flow.run()
    config.flows.checkpointing = False
    config.record.runs = False

    assert again(flow).is_successful()

    assert called == ["c", "d"]
    assert database().flow_runs()[0].state == "Success"
    assert (tmp_path / "d").exists()


def test_tries_and_due_times_are_restored(tmp_path: Path) -> None:
    seen: list[tuple[int, datetime]] = []

    @task(max_retries=3, retry_delay=timedelta(seconds=0.3))
    def unsteady() -> int:
        seen.append((context.task_run_count, datetime.now(UTC)))
        if len(seen) == 1:
            raise ValueError("the first time")
        if len(seen) == 2:
            # Dies in its second try.
            raise KeyboardInterrupt
        return context.task_run_count

    with Flow("tries", result=LocalResult(dir=str(tmp_path))) as flow:
        end = unsteady()
    with pytest.raises(KeyboardInterrupt):
        flow.run()
    (row,) = database().task_runs(database().flow_runs()[0].id)
    assert (row.state, row.count) == ("Retrying", 1)

    state = again(flow)

    assert state.result[end].result == 2
    assert [count for count, _ in seen] == [1, 2, 2]


def test_a_retry_that_is_not_due_yet_is_waited_for(tmp_path: Path) -> None:
    seen: list[tuple[int, datetime]] = []

    @task(max_retries=3, retry_delay=timedelta(seconds=1))
    def unsteady(x: int) -> int:
        seen.append((context.task_run_count, datetime.now(UTC)))
        if context.task_run_count == 1:
            raise ValueError("the first time")
        return x

    @task
    def stop() -> None:
        if not called:
            called.append("stop")
            raise KeyboardInterrupt

    with Flow("due", result=LocalResult(dir=str(tmp_path))) as flow:
        ends = unsteady.map([5, 6])
        alone = unsteady(7)
        stop()
    with pytest.raises(KeyboardInterrupt):
        flow.run()
    run_id = database().flow_runs()[0].id
    due = [row.due or 0 for row in database().task_runs(run_id) if row.state == "Retrying"]
    assert len(due) == len(seen) == 3

    state = flow.run(resume_run=run_id)

    assert (state.result[ends].result, state.result[alone].result) == ([5, 6], 7)
    assert [count for count, _ in seen] == [1, 1, 1, 2, 2, 2]
    assert all(moment.timestamp() >= min(due) for count, moment in seen if count == 2)


def test_a_loop_goes_on_with_the_pass_that_was_to_be_tried_again(tmp_path: Path) -> None:
    @task(max_retries=1, retry_delay=timedelta(0))
    def loop() -> int:
        count, value = context.get("task_loop_count", 1), context.get("task_loop_result", 1)
        called.append((count, context.task_run_count))
        if count == 3:
            if context.task_run_count == 1:
                raise ValueError("once")
            if broken:
                raise KeyboardInterrupt
            return int(value)
        raise signals.LOOP(result=value * 10)

    with Flow("loop", result=LocalResult(dir=str(tmp_path))) as flow:
        end = loop()
    broken.add("loop")
    with pytest.raises(KeyboardInterrupt):
        flow.run()
    assert called == [(1, 1), (2, 1), (3, 1), (3, 2)]

    state = again(flow)

    assert state.result[end].result == 100
    assert called == [(3, 2)]


def test_a_task_that_waits_for_approval_goes_on_when_it_is_given(tmp_path: Path) -> None:
    @task(trigger=manual_only)
    def gate(x: int) -> int:
        return int(step("gate", x))

    @task
    def first() -> int:
        return int(step("first", 1))

    with Flow("approval", result=LocalResult(dir=str(tmp_path))) as flow:
        end = gate(first())
    assert not flow.run().is_finished()
    assert not again(flow).is_finished()
    assert called == []

    with pytest.raises(ValueError, match="has no task to approve that is called gates"):
        run_id = database().flow_runs()[0].id
        flow.run(resume_run=run_id, approve=["gates"], raise_on_failure=True)
    state = again(flow, approve=["gate"])

    assert state.result[end].result == 1
    assert called == ["gate"]


def test_what_ctrl_c_interrupts_is_not_lost(tmp_path: Path) -> None:
    @task
    def part(x: int) -> int:
        step(x, x)
        if x == 3 and "stop" in broken:
            raise KeyboardInterrupt
        return x

    with Flow("interrupted", result=LocalResult(dir=str(tmp_path))) as flow:
        parts = part.map(list(range(6)))
    broken.add("stop")
    with pytest.raises(KeyboardInterrupt):
        flow.run()
    assert database().flow_runs()[0].state == "Cancelled"

    assert again(flow).result[parts].result == list(range(6))
    assert called == [3, 4, 5]


def test_a_run_inside_of_a_task_is_a_run_of_its_own(tmp_path: Path) -> None:
    @task
    def inner(x: int) -> int:
        return x + 1

    def nested() -> Any:
        with Flow("inner", result=LocalResult(dir=str(tmp_path))) as flow:
            end = inner(1)
        state = flow.run()
        assert state.is_successful(), state.message
        return state.result[end].result

    @task
    def outer() -> int:
        return int(nested())

    with Flow("outer", result=LocalResult(dir=str(tmp_path))) as flow:
        outer()

    assert flow.run().is_successful()
    assert {(row.flow, row.state) for row in database().flow_runs()} == {("inner", "Success"), ("outer", "Success")}
    assert len({row.id for row in database().flow_runs()}) == 2


def test_tasks_that_run_whatever_happened_run_again_when_that_changed(tmp_path: Path) -> None:
    @task
    def maybe() -> int:
        return int(step("maybe", 1))

    @task(trigger=all_finished)
    def report(x: Any) -> str:
        return str(step("report", repr(x)))

    with Flow("report", result=LocalResult(dir=str(tmp_path))) as flow:
        end = report(maybe())
    broken.add("maybe")
    state = flow.run()
    assert state.result[end].result == "ValueError('maybe is broken')"

    assert again(flow).result[end].result == "1"
    assert called == ["maybe", "report"]


def test_worker_processes_read_what_was_taken_over(tmp_path: Path) -> None:
    flow = mapping(tmp_path, executor=ProcessExecutor(workers=2))
    # `called` belongs to this process: workers have lists of their own.
    assert total_of(flow.run()) == 64
    for name in ("total-None", "more-1", "part-0", "part-1"):
        delete(tmp_path / name)

    state = again(flow)

    assert total_of(state) == 64
    rows = {(row.slug, row.index): row.attempt for row in database().task_runs(database().flow_runs()[0].id)}
    # Nothing needs the value of `part[0]`, but nothing else is left to be done in a run that had come to its end.
    done = {key for key, attempt in rows.items() if attempt == 2 and key[1] >= 0} | {("total-1", -1)}
    assert done == {("part-1", 0), ("part-1", 1), ("more-1", 1), ("total-1", -1)}
    assert (tmp_path / "part-0").exists()


def test_everything_that_was_lost_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    flow = mapping(tmp_path, count=50)
    broken.add("total")
    flow.run()
    caplog.clear()
    for index in range(50):
        flip(tmp_path / f"more-{index}")
        flip(tmp_path / f"part-{index}")

    assert total_of(again(flow)) == sum(range(0, 500, 10)) + 50

    warnings = [record.message for record in caplog.records if record.name == "resultant.resume"]
    assert len(warnings) == len(set(warnings)) == 100
    assert len(called) == 101


def test_a_task_that_is_mapped_now_and_was_not_before_runs(tmp_path: Path) -> None:
    def make(mapped: bool) -> Flow:
        @task
        def some() -> list[int]:
            return list(step("some", [1, 2]))

        @task
        def use(x: Any) -> Any:
            return step("use", x * 2)

        with Flow("mapped now", result=LocalResult(dir=str(tmp_path))) as flow:
            use.map(some()) if mapped else use(some())
        return flow

    def value(state: Any) -> Any:
        return next(end.result for task, end in state.result.items() if task.name == "use")

    assert value(make(False).run()) == [1, 2, 1, 2]
    assert value(again(make(True))) == [2, 4]
    assert called == ["use", "use"]
    assert value(again(make(False))) == [1, 2, 1, 2]
    assert called == ["use"]


def test_a_case_that_goes_the_other_way_runs_what_was_skipped(tmp_path: Path) -> None:
    @task
    def left() -> str:
        return str(step("left", "left"))

    @task
    def right() -> str:
        return str(step("right", "right"))

    with Flow("the other way", result=LocalResult(dir=str(tmp_path))) as flow:
        way = Parameter("way")
        with case(way, "left"):
            one = left()
        with case(way, "right"):
            two = right()
        end = merge(one, two)
    assert flow.run(way="left").result[end].result == "left"

    assert again(flow).result[end].result == "left"
    assert called == []
    assert again(flow, parameters={"way": "right"}).result[end].result == "right"
    assert called == ["right"]
    assert again(flow).result[end].result == "right"
    assert called == []
