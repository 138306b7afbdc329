"""SPEC 8.2, 4.3 and 18: which result is used, what is written, and targets."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from resultant import Flow, LocalResult, Parameter, PrefectResult, Result, config, context, set_temporary_config, task
from resultant.engine.result import NoResult
from resultant.engine.signals import LOOP, SUCCESS
from resultant.engine.state import Cached, State


@pytest.fixture
def checkpointing() -> None:
    config.flows.checkpointing = True


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def run_one(value: Any = 5, flow_result: Any = None, run: dict[str, Any] | None = None, **options: Any) -> State:
    @task(**options)
    def make() -> Any:
        return value

    with Flow("one", result=flow_result) as flow:
        made = make()
    state: State = flow.run(**(run or {})).result[made]
    return state


# The switch


def test_it_is_off_unless_somebody_switches_it_on(tmp_path: Path) -> None:
    state = run_one(result=LocalResult(dir=tmp_path, location="x"))

    assert type(state._result) is LocalResult
    assert state._result.location is None
    assert state.result == 5
    assert files(tmp_path) == []


def test_every_switch(tmp_path: Path) -> None:
    result = LocalResult(dir=tmp_path, location="x")

    def written(**run: Any) -> bool:
        (tmp_path / "x").unlink(missing_ok=True)
        state = run_one(result=result, run=run)
        assert (state._result.location is not None) == (tmp_path / "x").exists()
        return (tmp_path / "x").exists()

    assert not written()
    config.flows.checkpointing = True
    assert written()
    assert not written(context={"checkpointing": False})
    config.tasks.checkpointing = False
    assert not written()
    config.tasks.checkpointing = True
    config.flows.checkpointing = False
    assert written(context={"checkpointing": True})
    with context(checkpointing=True):
        assert written()
        assert not written(context={"checkpointing": False})
    with set_temporary_config({"flows.checkpointing": True}):
        assert written()
    assert not written()


@pytest.mark.parametrize(("checkpoint", "written"), [(None, True), (True, True), (False, False)])
def test_only_false_switches_a_task_off(tmp_path: Path, checkpointing: None, checkpoint: Any, written: bool) -> None:
    """SPEC 18.3."""
    state = run_one(result=LocalResult(dir=tmp_path, location="x"), checkpoint=checkpoint)

    assert (files(tmp_path) == ["x"]) is written
    assert type(state._result) is LocalResult
    assert state.result == 5


def test_a_result_that_waits_for_a_switch_is_worth_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Flow("warned", result=LocalResult(dir=tmp_path)) as flow:
        for number in range(5):
            task(lambda: 1, name=f"t{number}", result=LocalResult(dir=tmp_path))()
    flow.run()

    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "checkpointing is off" in record.getMessage()
    assert "RESULTANT__FLOWS__CHECKPOINTING" in record.getMessage()


def test_no_warning_where_nothing_is_configured(caplog: pytest.LogCaptureFixture) -> None:
    run_one()
    with Flow("parameters") as flow:
        task(lambda x: x)(Parameter("x", default=1))
    flow.run()

    assert caplog.records == []


# Which result


def test_a_tasks_result_beats_the_flows(tmp_path: Path, checkpointing: None) -> None:
    state = run_one(
        result=LocalResult(dir=tmp_path / "task", location="x"),
        flow_result=LocalResult(dir=tmp_path / "flow", location="x"),
    )

    assert files(tmp_path) == ["task/x"]
    assert state._result.location == str(tmp_path / "task" / "x")


def test_a_tasks_result_beats_the_flows_even_if_only_the_flows_could_store(tmp_path: Path, checkpointing: None) -> None:
    """SPEC 18.6."""
    state = run_one(result=Result(), flow_result=LocalResult(dir=tmp_path))

    assert files(tmp_path) == []
    assert type(state._result) is Result
    assert state._result.location is None


def test_the_flows_result_serves_tasks_without_one(tmp_path: Path, checkpointing: None) -> None:
    state = run_one(flow_result=LocalResult(dir=tmp_path, location="{task_name}"))

    assert type(state._result) is LocalResult
    assert files(tmp_path) == ["make"]


def test_nothing_configured_is_a_plain_result(checkpointing: None) -> None:
    state = run_one()

    assert type(state._result) is Result
    assert state._result.location is None


def test_the_default_result_of_the_settings(tmp_path: Path, checkpointing: None) -> None:
    with set_temporary_config({"flows.default_result": "LocalResult"}):
        state = run_one()

    assert type(state._result) is LocalResult
    assert str(state._result.location).startswith(config.home_dir)


def test_an_inline_result_as_the_tasks_own(checkpointing: None) -> None:
    assert run_one({"a": 1}, result=PrefectResult())._result.location == '{"a": 1}'


def test_a_failure_has_a_plain_result(tmp_path: Path, checkpointing: None) -> None:
    @task(result=LocalResult(dir=tmp_path, location="x"))
    def fails() -> None:
        raise ValueError

    with Flow("fails") as flow:
        made = fails()
    state = flow.run().result[made]

    assert type(state._result) is Result
    assert state._result.location is None
    assert files(tmp_path) == []


def test_values_of_success_signals_and_of_every_loop_pass_are_written(tmp_path: Path, checkpointing: None) -> None:
    @task(result=LocalResult(dir=tmp_path, location="success"))
    def signals() -> None:
        raise SUCCESS("yes", result=5)

    @task(result=LocalResult(dir=tmp_path, location="pass-{task_loop_count}"))
    def loops() -> int:
        count: int = context.get("task_loop_count", 1)
        if count < 3:
            raise LOOP(result=count)
        return count

    with Flow("signals") as flow:
        made = signals()
        loops()
    states = flow.run().result

    assert states[made].message == "yes"
    assert files(tmp_path) == ["pass-1", "pass-2", "pass-3", "success"]
    assert LocalResult(dir=tmp_path).read("pass-2").value == 2


# Locations


def test_one_result_serves_many_tasks_children_and_runs(tmp_path: Path, checkpointing: None) -> None:
    shared = LocalResult(dir=tmp_path, location="{flow_run_name}/{task_slug}-{map_index}")

    @task(result=shared)
    def one() -> int:
        return 1

    @task(result=shared)
    def child(number: int) -> int:
        return number

    with Flow("shared") as flow:
        one()
        child.map([5, 6])
    flow.run(flow_run_name="first")
    flow.run(flow_run_name="second")

    assert files(tmp_path) == [
        f"{run}/{name}" for run in ("first", "second") for name in ("child-1-0", "child-1-1", "one-1-None")
    ]
    assert shared.location == "{flow_run_name}/{task_slug}-{map_index}"
    assert shared.value is None


def test_inputs_beat_context_and_context_beats_parameters(tmp_path: Path, checkpointing: None) -> None:
    """SPEC 4.3, 18.5."""

    @task(result=LocalResult(dir=tmp_path, location="{x}-{y}-{z}"), task_run_name="{x}-{y}-{z}")
    def make(x: str) -> str:
        return str(context.task_run_name)

    with Flow("precedence") as flow:
        for name in ("x", "y", "z"):
            flow.add_task(Parameter(name, default=f"{name}-parameter"))
        made = make("x-input")
    state = flow.run(context={"x": "x-context", "y": "y-context"}).result[made]

    assert files(tmp_path) == ["x-input-y-context-z-parameter"]
    assert state.result == "x-input-y-context-z-parameter"


def test_what_a_template_may_use(tmp_path: Path, checkpointing: None) -> None:
    template = (
        "{flow_name}/{task_name}/{task_full_name}/{map_index}/{today}/{yesterday_nodash}/{date:%Y}/{task_run_count}/{task_loop_count}/"
        "{parameters[p]}/{task_run_name}/{config.logging.level}/{value[a]}"
    )

    @task(result=LocalResult(dir=tmp_path, location=template), task_run_name="named")
    def make(value: dict[str, str]) -> int:
        return 1

    with Flow("names") as flow:
        flow.add_task(Parameter("p", default="P"))
        make({"a": "input"})
    flow.run(context={"date": "2024-03-01T12:00:00+00:00"})

    assert files(tmp_path) == ["names/make/make/None/2024-03-01/20240229/2024/1/1/P/named/WARNING/input"]


def test_a_callable_location_is_given_the_same_names(tmp_path: Path, checkpointing: None) -> None:
    seen: dict[str, Any] = {}

    def locate(**names: Any) -> str:
        seen.update(names)
        return "here"

    @task(result=LocalResult(dir=tmp_path, location=locate))
    def make(value: int) -> int:
        return value

    with Flow("names") as flow:
        flow.add_task(Parameter("p", default="P"))
        make(3)
    flow.run()

    assert files(tmp_path) == ["here"]
    assert (seen["value"], seen["p"], seen["task_name"], seen["map_index"], seen["task_loop_count"]) == (
        3,
        "P",
        "make",
        None,
        1,
    )


# Targets


def targeted(folder: Path, calls: list[Any], target: Any = "{task_name}", **options: Any) -> tuple[Flow, Any]:
    @task(target=target, result=LocalResult(dir=folder), **options)
    def make(value: int) -> int:
        calls.append(value)
        return value * 2

    with Flow("targets") as flow:
        made = make(21)
    return flow, made


def test_a_target_is_written_and_found_again(tmp_path: Path, checkpointing: None) -> None:
    calls: list[Any] = []
    flow, made = targeted(tmp_path, calls)

    first = flow.run().result[made]
    second = flow.run().result[made]

    assert first.is_successful()
    assert not first.is_cached()
    assert first._result.location == str(tmp_path / "make")
    assert type(second) is Cached
    assert second.message == "Result found at task target make"
    assert second.result == 42
    assert type(second._result) is LocalResult
    # As the template gives it, relative to the folder.
    assert second._result.location == "make"
    assert second.cached_result_expiration is None
    assert calls == [21]


def test_another_flow_finds_it_too(tmp_path: Path, checkpointing: None) -> None:
    targeted(tmp_path, [])[0].run()
    calls: list[Any] = []
    flow, made = targeted(tmp_path, calls)

    assert flow.run().result[made].is_cached()
    assert calls == []


@pytest.mark.parametrize(
    "target", [lambda **names: "made-{value}", lambda **names: f"made-{names['value']}"], ids=["template", "finished"]
)
def test_a_callable_target_may_return_a_template_or_a_location(
    tmp_path: Path, checkpointing: None, target: Any
) -> None:
    calls: list[Any] = []
    flow, made = targeted(tmp_path, calls, target)

    flow.run()
    state = flow.run().result[made]

    assert state.is_cached()
    assert state._result.location == "made-21"
    assert files(tmp_path) == ["made-21"]
    assert calls == [21]


def test_an_existing_target_is_read_even_without_checkpointing(tmp_path: Path) -> None:
    """SPEC section 0."""
    LocalResult(dir=tmp_path, location="make").write("stored")
    for options in ({}, {"checkpoint": False}):
        flow, made = targeted(tmp_path, [], **options)
        assert flow.run().result[made].result == "stored"


def test_without_checkpointing_a_target_is_not_written(tmp_path: Path) -> None:
    calls: list[Any] = []
    flow, made = targeted(tmp_path, calls)

    assert flow.run().result[made].result == 42
    assert flow.run().result[made].result == 42
    assert calls == [21, 21]
    assert files(tmp_path) == []


def test_the_flows_result_serves_targets(tmp_path: Path, checkpointing: None) -> None:
    @task(target="t")
    def make() -> int:
        return 1

    with Flow("served", result=LocalResult(dir=tmp_path)) as flow:
        made = make()
    flow.run()

    assert flow.run().result[made].is_cached()
    assert files(tmp_path) == ["t"]


def test_handlers_hear_of_a_hit(tmp_path: Path, checkpointing: None) -> None:
    heard: list[str] = []
    flow, _ = targeted(tmp_path, [], state_handlers=[lambda subject, old, new: heard.append(type(new).__name__)])
    flow.run()
    assert heard == ["Running", "Success"]
    heard.clear()

    flow.run()

    assert heard == ["Cached"]


def test_a_hit_is_a_success_for_what_comes_below(tmp_path: Path, checkpointing: None) -> None:
    flow, made = targeted(tmp_path, [])
    with flow:
        below = task(lambda value: value + 1, name="below")(made)
    flow.run()

    assert flow.run().result[below].result == 43


def test_a_trigger_is_asked_before_the_target(tmp_path: Path, checkpointing: None) -> None:
    """SPEC departures."""
    LocalResult(dir=tmp_path, location="make").write("stored")

    @task
    def fails() -> int:
        raise ValueError

    @task(target="make", result=LocalResult(dir=tmp_path))
    def make(value: Any) -> int:
        return 1

    with Flow("trigger") as flow:
        made = make(fails())

    assert type(flow.run().result[made]).__name__ == "TriggerFailed"


def test_a_target_of_every_mapped_child(tmp_path: Path, checkpointing: None) -> None:
    calls: list[int] = []

    @task(target="{number}/{map_index}", result=LocalResult(dir=tmp_path))
    def child(number: int) -> int:
        calls.append(number)
        return number * 2

    with Flow("children") as flow:
        made = child.map([7, 8, 9])
    flow.run()
    (tmp_path / "8" / "1").unlink()
    state = flow.run().result[made]

    assert state.result == [14, 16, 18]
    assert [child.is_cached() for child in state.map_states] == [True, False, True]
    assert calls == [7, 8, 9, 8]


def test_a_skipped_state_has_no_result_and_nothing_is_written(tmp_path: Path, checkpointing: None) -> None:
    from resultant.engine.signals import SKIP

    @task
    def skips() -> None:
        raise SKIP("no")

    @task(result=LocalResult(dir=tmp_path, location="x"))
    def below(value: Any) -> int:
        return 1

    with Flow("skipped") as flow:
        made = below(skips())
    state = flow.run().result[made]

    assert state._result == NoResult
    assert files(tmp_path) == []
