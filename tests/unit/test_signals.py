"""SPEC 6: signals."""

from __future__ import annotations

import datetime as dt
from typing import Any

import cloudpickle
import pytest

from resultant import Flow, NoResult, context, task
from resultant.engine import signals, state
from resultant.engine.signals import (
    ENDRUN,
    FAIL,
    LOOP,
    PAUSE,
    RETRY,
    SKIP,
    SUCCESS,
    TRIGGERFAIL,
    VALIDATIONFAIL,
    Signal,
    signal_from_state,
)
from resultant.engine.state import State

STATES: dict[Any, type[State]] = {
    FAIL: state.Failed,
    TRIGGERFAIL: state.TriggerFailed,
    VALIDATIONFAIL: state.ValidationFailed,
    SUCCESS: state.Success,
    RETRY: state.Retrying,
    SKIP: state.Skipped,
    PAUSE: state.Paused,
    LOOP: state.Looped,
}


def run_raising(signal: Any, **options: Any) -> State:
    @task(**options)
    def raises() -> None:
        raise signal

    with Flow("signals") as flow:
        made = raises()
    final: State = flow.run().result[made]
    return final


@pytest.mark.parametrize("signal", STATES)
def test_a_signal_stands_for_a_state(signal: Any) -> None:
    raised = signal("reason")

    assert isinstance(raised, Signal)
    assert isinstance(raised, BaseException)
    assert not isinstance(raised, Exception)
    assert type(raised.state) is STATES[signal]
    assert raised.state.message == "reason"


@pytest.mark.parametrize("signal", [signal for signal in STATES if signal is not LOOP])
def test_without_a_result_the_value_is_the_signal(signal: Any) -> None:
    raised = signal("reason")

    assert raised.state.result is raised
    assert signal("reason", result=5).state.result == 5


def test_a_loop_without_a_result_has_the_signals_text() -> None:
    raised = LOOP("once more")

    assert raised.state.result == repr(raised)
    assert LOOP(result=5).state.result == 5


@pytest.mark.parametrize("signal", STATES)
def test_unknown_arguments_are_a_type_error(signal: Any) -> None:
    with pytest.raises(TypeError):
        signal("reason", nonsense=1)


@pytest.mark.parametrize("signal", STATES)
def test_reprs_show_class_and_message(signal: Any) -> None:
    assert signal.__name__ in repr(signal("reason"))
    assert "reason" in repr(signal("reason"))


@pytest.mark.parametrize("signal", STATES)
def test_signals_survive_cloudpickle(signal: Any) -> None:
    raised = cloudpickle.loads(cloudpickle.dumps(signal("reason", result=[1])))

    assert type(raised) is signal
    assert raised.state.message == "reason"
    assert raised.state.result == [1]


def test_failures_are_one_family() -> None:
    assert issubclass(TRIGGERFAIL, FAIL)
    assert issubclass(VALIDATIONFAIL, FAIL)


def test_arguments_of_the_state() -> None:
    moment = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)

    assert RETRY(start_time=moment).state.start_time == moment
    assert RETRY(run_count=5).state.run_count == 5
    with context(task_run_count=3):
        assert RETRY().state.run_count == 3
    before = dt.datetime.now(dt.UTC)
    assert RETRY().state.start_time >= before
    assert PAUSE().state.start_time is None
    assert PAUSE(start_time=moment).state.start_time == moment


@pytest.mark.parametrize("signal", STATES)
def test_a_signal_can_be_found_from_its_state(signal: Any) -> None:
    assert signal_from_state(STATES[signal]()) is signal


@pytest.mark.parametrize("cls", [state.Pending, state.Running, state.Cached, state.TimedOut, state.State])
def test_other_states_have_no_signal(cls: Any) -> None:
    with pytest.raises(ValueError, match=cls.__name__):
        signal_from_state(cls())


def test_the_exported_names() -> None:
    assert {
        "ENDRUN",
        "FAIL",
        "LOOP",
        "PAUSE",
        "RETRY",
        "SKIP",
        "SUCCESS",
        "TRIGGERFAIL",
        "VALIDATIONFAIL",
        "signal_from_state",
    } <= set(signals.__all__)


# In a run


def test_except_exception_does_not_catch_a_signal() -> None:
    @task
    def careless() -> None:
        try:
            raise SKIP("not today")
        except Exception:
            raise AssertionError("swallowed") from None

    with Flow("careless") as flow:
        made = careless()

    assert flow.run().result[made].is_skipped()


def test_outcomes() -> None:
    """SPEC 8.1: the state, message and value of a signal that `run` raises."""
    for signal, cls in STATES.items():
        if signal in (RETRY, PAUSE, LOOP):
            continue
        raised = signal("reason")
        final = run_raising(raised)
        assert type(final) is cls
        assert final.message == "reason"
        assert final.result is raised
        assert run_raising(signal("reason", result=7)).result == 7


def test_a_failure_is_retried_and_a_trigger_failure_is_not() -> None:
    for signal, tries in ((FAIL, 3), (VALIDATIONFAIL, 3), (TRIGGERFAIL, 1)):
        calls = []

        @task(max_retries=2, retry_delay=0)
        def fails() -> None:
            calls.append(1)
            raise signal("no")

        with Flow("retried") as flow:
            made = fails()
        assert flow.run().result[made].is_failed()
        assert len(calls) == tries


def test_endrun_ends_the_run_with_its_state_at_once() -> None:
    calls = []
    ended = state.Failed("over", result=3)

    @task(max_retries=5, retry_delay=0)
    def ends() -> None:
        calls.append(1)
        raise ENDRUN(ended)

    with Flow("ended") as flow:
        made = ends()
    final = flow.run().result[made]

    assert final is ended
    assert calls == [1]


def test_retry_retries_whatever_max_retries_says() -> None:
    calls = []

    @task
    def again() -> int:
        calls.append(context.task_run_count)
        if len(calls) < 4:
            raise RETRY("again")
        return 5

    with Flow("again") as flow:
        made = again()

    assert flow.run().result[made].result == 5
    assert calls == [1, 2, 3, 4]


def test_retry_waits_until_its_time() -> None:
    moments = []

    @task
    def later() -> int:
        now = dt.datetime.now(dt.UTC)
        moments.append(now)
        if len(moments) == 1:
            raise RETRY("later", start_time=now + dt.timedelta(milliseconds=80))
        return 1

    with Flow("later") as flow:
        later()
    flow.run()

    assert moments[1] - moments[0] >= dt.timedelta(milliseconds=80)


def test_a_pause_leaves_the_flow_unfinished() -> None:
    @task
    def below(value: Any) -> None:
        raise AssertionError("what it depends on waits")

    @task
    def pauses() -> None:
        raise PAUSE("wait for me")

    with Flow("paused") as flow:
        made = pauses()
        below(made)
    final = flow.run()

    assert final.is_running()
    assert type(final.result[made]) is state.Paused
    assert final.result[made].message == "wait for me"


def test_a_skip_lets_the_tasks_below_be_skipped_too() -> None:
    @task
    def skips() -> None:
        raise SKIP("not today")

    @task
    def below(value: Any) -> None:
        raise AssertionError("skipped")

    @task(skip_on_upstream_skip=False)
    def runs(value: Any) -> bool:
        return isinstance(value, SKIP)

    with Flow("skipped") as flow:
        made = skips()
        skipped, ran = below(made), runs(made)
    states = flow.run().result

    assert states[skipped].is_skipped()
    assert "skip_on_upstream_skip" in states[skipped].message
    assert states[skipped].result is None
    assert states[skipped]._result == NoResult
    assert states[ran].result is True
