"""SPEC 8, 8.1, 8.3 to 8.5: one task run, from its first state to its last."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

import pytest

from resultant import Flow, LocalResult, Parameter, Result, Task, context, set_temporary_config, task
from resultant.engine.result import NoResult
from resultant.engine.signals import FAIL, LOOP, PAUSE, RETRY, SKIP, SUCCESS
from resultant.engine.state import (
    Cached,
    Failed,
    Finished,
    Looped,
    Mapped,
    Paused,
    Pending,
    Resume,
    Retrying,
    Running,
    Scheduled,
    Skipped,
    State,
    Success,
    TriggerFailed,
)

LATER = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)


def one_task(function: Any, **options: Any) -> tuple[Flow, Task]:
    with Flow("one") as flow:
        made = task(**options)(function)() if options else task(function)()
    return flow, made


def names(states: list[State]) -> list[str]:
    return [type(state).__name__ for state in states]


class Changes:
    """A state handler that remembers what it heard."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.states: list[State] = []

    def __call__(self, subject: Any, old: State, new: State) -> None:
        self.heard.append((type(old).__name__, type(new).__name__))
        self.states.append(new)

    @property
    def arrivals(self) -> list[str]:
        return [new for _, new in self.heard]


# The order of a run (SPEC 8)


@pytest.mark.parametrize("state", [Success(result=5), Failed("no"), Skipped(), Finished(), TriggerFailed()])
def test_a_finished_state_that_is_passed_in_comes_back_as_the_same_object(state: State) -> None:
    """SPEC 8 step 1, 18.13."""

    def never() -> None:
        raise AssertionError("it is finished")

    flow, made = one_task(never)
    assert flow.run(task_states={made: state}).result[made] is state


def test_a_cached_state_that_is_passed_in_is_asked_of_the_validator() -> None:
    """SPEC 9: a task without `cache_for` uses none."""
    calls = []
    flow, made = one_task(lambda: calls.append(1))
    flow.run(task_states={made: Cached(result=5)})
    assert calls == [1]
    flow, made = one_task(lambda: calls.append(1), cache_for=dt.timedelta(hours=1))
    assert flow.run(task_states={made: Cached(result=5)}).result[made].result == 5
    assert calls == [1]


def test_a_running_state_comes_back_as_the_same_object() -> None:
    def never() -> None:
        raise AssertionError("it runs elsewhere")

    flow, made = one_task(never)
    state = Running()

    assert flow.run(task_states={made: state}).result[made] is state


def test_a_paused_task_stays_paused() -> None:
    """SPEC 8 step 2."""

    def never() -> None:
        raise AssertionError("it is paused")

    flow, made = one_task(never)
    state = Paused()
    final = flow.run(task_states={made: state})

    assert final.is_running()
    assert final.result[made] is state


def test_a_resumed_task_runs_with_resume_in_its_context() -> None:
    flow, made = one_task(lambda: context.get("resume"))

    assert flow.run(task_states={made: Resume()}).result[made].result is True
    assert flow.run().result[made].result is None


def test_a_scheduled_task_whose_time_has_come_runs() -> None:
    flow, made = one_task(lambda: 1)
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)

    assert flow.run(task_states={made: Scheduled(start_time=past)}).result[made].result == 1


def test_a_scheduled_task_is_waited_for() -> None:
    flow, made = one_task(lambda: dt.datetime.now(dt.UTC))
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(milliseconds=60)

    assert flow.run(task_states={made: Scheduled(start_time=soon)}).result[made].result >= soon


def test_a_task_whose_upstream_is_unfinished_keeps_its_state() -> None:
    """SPEC 8 step 3."""

    @task
    def above() -> None:
        raise PAUSE("wait")

    @task
    def below(value: Any) -> None:
        raise AssertionError("what it depends on is not finished")

    with Flow("waiting") as flow:
        made = below(above())
    state = Pending("mine")
    final = flow.run(task_states={made: state})

    assert final.is_running()
    assert final.result[made] is state


def test_an_upstream_skip() -> None:
    """SPEC 8 step 4."""

    @task
    def above() -> None:
        raise SKIP("no")

    @task
    def below(value: Any) -> None:
        raise AssertionError("skipped")

    with Flow("skip") as flow:
        made = below(above())
    state = flow.run().result[made]

    assert type(state) is Skipped
    assert "skip_on_upstream_skip" in state.message
    assert state.result is None
    assert state._result == NoResult


# Outcomes (SPEC 8.1)


def test_a_value() -> None:
    flow, made = one_task(lambda: [1])
    state = flow.run().result[made]

    assert type(state) is Success
    assert state.message == "Task run succeeded."
    assert state.result == [1]


def test_an_exception(caplog: pytest.LogCaptureFixture) -> None:
    error = ValueError("reason")

    def fails() -> None:
        raise error

    flow, made = one_task(fails)
    state = flow.run().result[made]

    assert type(state) is Failed
    assert state.message == "Error during execution of task: ValueError('reason')"
    assert state.result is error
    assert type(state._result) is Result
    assert state._result.location is None
    (record,) = [record for record in caplog.records if "Exception encountered" in record.getMessage()]
    assert record.getMessage() == "Task 'fails': Exception encountered during task execution!"
    assert record.exc_info is not None
    assert record.name == "resultant.fails"


def test_a_success_signal_keeps_its_message() -> None:
    def succeeds() -> None:
        raise SUCCESS("well done", result=5)

    flow, made = one_task(succeeds)
    state = flow.run().result[made]

    assert type(state) is Success
    assert (state.message, state.result) == ("well done", 5)


def test_starting_and_finished_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    flow, _ = one_task(lambda: 1, name="logged")
    flow.run()

    lines = [record.getMessage() for record in caplog.records if "logged" in record.getMessage()]
    assert any("Starting" in line for line in lines)
    assert any("Finished" in line for line in lines)


def test_stdout_goes_to_the_log(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.INFO)

    def prints() -> None:
        print("one")
        print("two\nthree")

    flow, _ = one_task(prints, log_stdout=True)
    flow.run()

    printed = [record.getMessage() for record in caplog.records if record.name == "resultant.prints"]
    assert [line for line in printed if line in ("one", "two", "three")] == ["one", "two", "three"]
    assert capsys.readouterr().out == ""


# Retries (SPEC 8.3)


def test_retries_until_it_succeeds() -> None:
    changes = Changes()
    counts = []

    def flaky() -> int:
        counts.append(context.task_run_count)
        if len(counts) < 3:
            raise ValueError(len(counts))
        return 7

    flow, made = one_task(flaky, max_retries=4, retry_delay=0, state_handlers=[changes])

    assert flow.run().result[made].result == 7
    assert counts == [1, 2, 3]
    assert changes.arrivals == ["Running", "Failed", "Retrying"] * 2 + ["Running", "Success"]


def test_two_retries_and_then_failure() -> None:
    changes = Changes()

    def fails() -> None:
        raise ValueError("always")

    flow, made = one_task(fails, max_retries=2, retry_delay=0, state_handlers=[changes])
    state = flow.run().result[made]

    retrying = [state for state in changes.states if isinstance(state, Retrying)]
    assert [state.run_count for state in retrying] == [1, 2]
    assert [state.message for state in retrying] == [
        "Retrying Task (after attempt 1 of 3)",
        "Retrying Task (after attempt 2 of 3)",
    ]
    assert type(state) is Failed
    assert isinstance(state.result, ValueError)


def test_a_retry_waits_for_its_delay() -> None:
    changes = Changes()
    moments = []

    def flaky() -> None:
        moments.append(dt.datetime.now(dt.UTC))
        if len(moments) == 1:
            raise ValueError

    flow, _ = one_task(flaky, max_retries=1, retry_delay=dt.timedelta(milliseconds=60), state_handlers=[changes])
    flow.run()

    assert moments[1] - moments[0] >= dt.timedelta(milliseconds=60)
    (retrying,) = [state for state in changes.states if isinstance(state, Retrying)]
    assert retrying.start_time is not None
    assert retrying.start_time - moments[0] >= dt.timedelta(milliseconds=60)


def test_the_count_comes_from_the_state_that_is_passed_in() -> None:
    def fails() -> int:
        raise ValueError(context.task_run_count)

    flow, made = one_task(fails, max_retries=2, retry_delay=0)
    state = flow.run(task_states={made: Retrying(run_count=2)}).result[made]

    assert type(state) is Failed
    assert state.result.args == (3,)


@pytest.mark.parametrize(("error", "tries"), [(KeyError, 3), (IndexError, 3), (ValueError, 1)])
def test_retry_on_names_the_errors(error: type[Exception], tries: int) -> None:
    calls = []

    def fails() -> None:
        calls.append(1)
        raise error

    flow, made = one_task(fails, max_retries=2, retry_delay=0, retry_on=(LookupError,))

    assert flow.run().result[made].is_failed()
    assert len(calls) == tries


def test_a_fail_signal_is_retried() -> None:
    calls = []

    def fails() -> None:
        calls.append(1)
        raise FAIL("no")

    flow, made = one_task(fails, max_retries=2, retry_delay=0)

    assert type(flow.run().result[made]) is Failed
    assert len(calls) == 3


def test_a_handler_that_raises_retry() -> None:
    calls = []

    def again(subject: Any, old: State, new: State) -> None:
        if new.is_failed() and len(calls) < 3:
            raise RETRY("once more")

    def fails() -> int:
        calls.append(1)
        if len(calls) < 3:
            raise ValueError
        return 5

    flow, made = one_task(fails, state_handlers=[again])

    assert flow.run().result[made].result == 5
    assert len(calls) == 3


def test_a_retrying_state_carries_its_inputs_tied_to_the_results_that_made_them(tmp_path: Any) -> None:
    """SPEC section 0 and 18: `cached_inputs` maps input names to the upstream's Result."""
    changes = Changes()
    calls = []

    @task(result=LocalResult(dir=tmp_path, location="above"))
    def above() -> int:
        return 5

    @task(max_retries=1, retry_delay=0, state_handlers=[changes], checkpoint=False)
    def flaky(value: int, constant: int) -> int:
        calls.append(value)
        if len(calls) == 1:
            raise ValueError
        return value

    with Flow("inputs") as flow:
        made = flaky(above(), 3)
    state = flow.run(context={"checkpointing": True}).result[made]

    assert state.result == 5
    (retrying,) = [state for state in changes.states if isinstance(state, Retrying)]
    inputs = retrying.cached_inputs
    assert type(inputs["value"]) is LocalResult
    assert inputs["value"].location == str(tmp_path / "above")
    assert inputs["value"].value == 5


def test_only_the_children_that_failed_run_again() -> None:
    calls: list[int] = []

    @task(max_retries=2, retry_delay=0)
    def child(number: int) -> int:
        calls.append(number)
        if calls.count(number) == 1 and number % 2:
            raise ValueError
        return number

    with Flow("children") as flow:
        made = child.map([0, 1, 2, 3])

    assert flow.run().result[made].result == [0, 1, 2, 3]
    assert sorted(calls) == [0, 1, 1, 2, 3, 3]


# Looping (SPEC 8.4)


def test_a_loop() -> None:
    changes = Changes()
    seen = []

    def loops() -> int:
        count, last = context.get("task_loop_count", 1), context.get("task_loop_result", 0)
        seen.append((count, last))
        if count < 4:
            raise LOOP(f"pass {count}", result=last + count)
        return int(last)

    flow, made = one_task(loops, state_handlers=[changes])
    state = flow.run().result[made]

    assert state.result == 6
    assert seen == [(1, 0), (2, 1), (3, 3), (4, 6)]
    assert changes.arrivals == ["Running", "Looped"] * 3 + ["Running", "Success"]
    looped = [state for state in changes.states if isinstance(state, Looped)]
    assert [state.loop_count for state in looped] == [1, 2, 3]
    assert looped[0].message == "pass 1"


def test_a_loop_without_message_says_that_it_loops() -> None:
    changes = Changes()

    def loops() -> None:
        if context.get("task_loop_count", 1) < 2:
            raise LOOP(result=1)

    flow, _ = one_task(loops, state_handlers=[changes])
    flow.run()

    (looped,) = [state for state in changes.states if isinstance(state, Looped)]
    assert "looping" in looped.message


def test_the_first_pass_has_no_loop_keys_in_its_context() -> None:
    """SPEC 4.2: present from the second pass on."""
    flow, made = one_task(lambda: ("task_loop_count" in context, "task_loop_result" in context))

    assert flow.run().result[made].result == (False, False)


def test_a_retry_in_a_loop_resumes_at_the_same_pass() -> None:
    seen = []

    def loops() -> int:
        count, last = context.get("task_loop_count", 1), context.get("task_loop_result")
        seen.append((count, last, context.task_run_count))
        if count == 2 and len(seen) == 2:
            raise ValueError("in the second pass")
        if count < 3:
            raise LOOP(result=count * 10)
        return int(last)

    flow, made = one_task(loops, max_retries=1, retry_delay=0)

    assert flow.run().result[made].result == 20
    assert seen == [(1, None, 1), (2, 10, 1), (2, 10, 2), (3, 20, 1)]


def test_a_loop_may_start_later() -> None:
    flow, made = one_task(lambda: context.get("task_loop_count"))

    assert flow.run(context={"task_loop_count": 20}).result[made].result == 20


def test_mapped_children_loop_singly() -> None:
    @task
    def child(number: int) -> int:
        last = context.get("task_loop_result", 0)
        if context.get("task_loop_count", 1) <= number:
            raise LOOP(result=last + 1)
        return int(last)

    with Flow("children") as flow:
        made = child.map([0, 1, 2, 3])

    assert flow.run().result[made].result == [0, 1, 2, 3]


# Handlers (SPEC 8.5)


def test_handlers_hear_each_change_in_order() -> None:
    changes = Changes()
    flow, _ = one_task(lambda: 1, state_handlers=[changes])
    flow.run()

    assert changes.heard == [("Pending", "Running"), ("Running", "Success")]
    assert changes.states[0].message == "Starting task run."


def test_a_task_that_fails() -> None:
    changes = Changes()

    def fails() -> None:
        raise ValueError

    flow, _ = one_task(fails, state_handlers=[changes])
    flow.run()

    assert changes.heard == [("Pending", "Running"), ("Running", "Failed")]


def test_each_handler_gets_the_true_old_state_and_the_new_one_of_the_handler_before() -> None:
    heard = []

    def first(subject: Any, old: State, new: State) -> State | None:
        heard.append(("first", type(old).__name__, new.message))
        return Success("replaced", result=9) if new.is_successful() else None

    def second(subject: Any, old: State, new: State) -> None:
        heard.append(("second", type(old).__name__, new.message))

    flow, made = one_task(lambda: 1, state_handlers=[first, second])
    state = flow.run().result[made]

    assert heard == [
        ("first", "Pending", "Starting task run."),
        ("second", "Pending", "Starting task run."),
        ("first", "Running", "Task run succeeded."),
        ("second", "Running", "replaced"),
    ]
    assert (state.message, state.result) == ("replaced", 9)


def test_a_handler_is_given_the_task() -> None:
    seen = []
    flow, made = one_task(lambda: 1, state_handlers=[lambda subject, old, new: seen.append(subject)])
    flow.run()

    assert seen == [made, made]


def test_a_handler_may_turn_success_into_failure_and_back() -> None:
    def strict(subject: Any, old: State, new: State) -> State | None:
        return Failed("not good enough", result=new.result) if new.is_successful() else None

    def lenient(subject: Any, old: State, new: State) -> State | None:
        return Success("good enough", result=0) if new.is_failed() else None

    def fails() -> None:
        raise ValueError

    flow, made = one_task(lambda: 1, state_handlers=[strict])
    assert flow.run().result[made].message == "not good enough"
    flow, made = one_task(fails, state_handlers=[lenient])
    assert flow.run().result[made].result == 0


def test_a_signal_in_a_handler_decides_the_state() -> None:
    def skips(subject: Any, old: State, new: State) -> None:
        if new.is_successful():
            raise SKIP("on second thoughts")

    flow, made = one_task(lambda: 1, state_handlers=[skips])
    state = flow.run().result[made]

    assert type(state) is Skipped
    assert state.message == "on second thoughts"


def test_a_handler_that_stops_the_run_before_it_begins() -> None:
    def never() -> None:
        raise AssertionError("a handler decided otherwise")

    def stops(subject: Any, old: State, new: State) -> State | None:
        return Failed("not today") if new.is_running() else None

    flow, made = one_task(never, state_handlers=[stops])

    assert flow.run().result[made].message == "not today"


def test_an_exception_in_a_handler_fails_the_task(caplog: pytest.LogCaptureFixture) -> None:
    def buggy(subject: Any, old: State, new: State) -> None:
        raise ZeroDivisionError("bug")

    flow, made = one_task(lambda: 1, state_handlers=[buggy])
    state = flow.run().result[made]

    assert type(state) is Failed
    assert isinstance(state.result, ZeroDivisionError)
    records = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert any(
        "state handler" in record.getMessage() and "ZeroDivisionError('bug')" in record.getMessage()
        for record in records
    )


def test_no_call_when_a_step_returns_the_same_object() -> None:
    """SPEC 18.12."""
    changes = Changes()
    flow, made = one_task(lambda: 1, state_handlers=[changes])
    flow.run(task_states={made: Success(result=1)})
    flow.run(task_states={made: Paused()})

    assert changes.heard == []


def test_handlers_of_mapped_tasks_hear_the_parent_and_each_child() -> None:
    """SPEC 12."""
    changes = Changes()

    @task(state_handlers=[changes])
    def child(number: int) -> int:
        return number

    with Flow("mapped") as flow:
        child.map([1, 2])
    flow.run()

    assert changes.heard == [("Pending", "Mapped")] + [("Pending", "Running"), ("Running", "Success")] * 2


def test_a_handler_that_replaces_the_value_has_it_stored(tmp_path: Any) -> None:
    """SPEC departures."""

    def doubles(subject: Any, old: State, new: State) -> State | None:
        return Success("doubled", result=new.result * 2) if new.is_successful() else None

    flow, made = one_task(lambda: 21, state_handlers=[doubles], result=LocalResult(dir=tmp_path, location="x"))
    state = flow.run(context={"checkpointing": True}).result[made]

    assert state.result == 42
    assert type(state._result) is LocalResult
    assert LocalResult(dir=tmp_path).read(str(state._result.location)).value == 42


def test_exceptions_come_out_of_run_in_debugging() -> None:
    """SPEC 8.6: what `raise_on_exception` does."""

    def fails() -> None:
        raise ValueError("out")

    def signals() -> None:
        raise FAIL("state")

    flow, _ = one_task(fails)
    with context(raise_on_exception=True), pytest.raises(ValueError, match="out"):
        flow.run()
    flow, made = one_task(signals)
    with context(raise_on_exception=True):
        assert flow.run().result[made].is_failed()


# Mapped parents, and names


def test_a_mapped_parent() -> None:
    @task
    def child(number: int) -> int:
        return number * 2

    with Flow("mapped") as flow:
        made = child.map([1, 2])
    state = flow.run().result[made]

    assert type(state) is Mapped
    assert state.message == "Ready to proceed with mapping."
    assert state.result == [2, 4]
    assert type(state._result) is Result
    assert state._result.location is None


@pytest.mark.parametrize(
    "name", ["{task_name}-{x}", lambda **names: f"{names['task_name']}-{names['x']}"], ids=["text", "callable"]
)
def test_the_name_of_a_task_run(name: Any) -> None:
    """SPEC 7.7 and 8 step 5."""

    @task(task_run_name=name)
    def named(x: int) -> str:
        return str(context.task_run_name)

    with Flow("named") as flow:
        made = named(Parameter("x", default=3))

    assert flow.run().result[made].result == "named-3"


def test_defaults_for_retries_come_from_the_configuration() -> None:
    calls = []

    def fails() -> None:
        calls.append(1)
        raise ValueError

    with set_temporary_config({"tasks.defaults.max_retries": 2, "tasks.defaults.retry_delay": 0}):
        flow, _ = one_task(fails)
    flow.run()

    assert len(calls) == 3
