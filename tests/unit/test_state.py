"""SPEC 5: states."""

from __future__ import annotations

import datetime as dt
from typing import Any

import cloudpickle
import pytest

from resultant import LocalResult, NoResult, PrefectResult, Result, context
from resultant.engine import signals, state
from resultant.engine.result import NoResultType
from resultant.engine.state import (
    Cached,
    Cancelled,
    Cancelling,
    ClientFailed,
    Failed,
    Finished,
    Looped,
    Mapped,
    Paused,
    Pending,
    Queued,
    Resume,
    Retrying,
    Running,
    Scheduled,
    Skipped,
    State,
    Submitted,
    Success,
    TimedOut,
    TriggerFailed,
    ValidationFailed,
    _MetaState,
)

#: SPEC 5.1: class, parent, and what it says of itself.
FACTS: list[tuple[type[State], type, set[str]]] = [
    (State, object, set()),
    (Pending, State, {"pending"}),
    (Scheduled, Pending, {"pending", "scheduled"}),
    (Paused, Scheduled, {"pending", "scheduled"}),
    (Resume, Scheduled, {"pending", "scheduled"}),
    (Retrying, Scheduled, {"pending", "scheduled", "retrying"}),
    (Running, State, {"running"}),
    (Cancelling, Running, {"running"}),
    (Finished, State, {"finished"}),
    (Success, Finished, {"finished", "successful"}),
    (Cached, Success, {"finished", "successful", "cached"}),
    (Mapped, Success, {"finished", "successful", "mapped"}),
    (Skipped, Success, {"finished", "successful", "skipped"}),
    (Failed, Finished, {"finished", "failed"}),
    (TriggerFailed, Failed, {"finished", "failed"}),
    (TimedOut, Failed, {"finished", "failed"}),
    (ValidationFailed, Failed, {"finished", "failed"}),
    (Cancelled, Finished, {"finished"}),
    (Looped, Finished, {"finished", "looped"}),
    (_MetaState, State, {"meta_state"}),
    (Submitted, _MetaState, {"meta_state", "submitted"}),
    (Queued, _MetaState, {"meta_state", "queued", "scheduled"}),
    (ClientFailed, _MetaState, {"meta_state"}),
]
CLASSES = [cls for cls, _, _ in FACTS]
QUESTIONS = {
    "pending", "queued", "retrying", "running", "cached", "finished", "looped", "scheduled", "submitted", "skipped",
    "successful", "failed", "mapped", "meta_state",
}  # fmt: skip


@pytest.mark.parametrize(("cls", "parent", "answers"), FACTS, ids=lambda fact: getattr(fact, "__name__", None))
def test_what_a_state_says_of_itself(cls: type[State], parent: type, answers: set[str]) -> None:
    made = cls()

    assert cls.__bases__ == (parent,)
    assert {name for name in QUESTIONS if getattr(made, f"is_{name}")()} == answers


def test_no_other_method_begins_with_is() -> None:
    for cls in CLASSES:
        assert {name for name in dir(cls) if name.startswith("is_")} == {f"is_{name}" for name in QUESTIONS}


def test_every_class_is_exported() -> None:
    assert all(cls.__name__ in state.__all__ for cls in CLASSES)
    assert all(getattr(state, name) in CLASSES for name in state.__all__)


@pytest.mark.parametrize("cls", CLASSES)
def test_construction(cls: type[State]) -> None:
    empty = cls()
    assert empty.message is None
    assert empty.result is None
    assert empty._result == NoResult
    assert dict(empty.context) == {}
    assert empty.cached_inputs == {}

    assert cls("text").message == "text"
    error = ValueError("x")
    assert cls(error).message is error
    made = cls(message="m", result=5, context={"a": 1}, cached_inputs={"x": Result(1)})
    assert (made.message, made.result) == ("m", 5)
    assert made.context["a"] == 1
    assert made.cached_inputs == {"x": Result(1)}


@pytest.mark.parametrize("cls", CLASSES)
def test_colors(cls: type[State]) -> None:
    assert cls.color.startswith("#")
    assert len(cls.color) == 7


def test_the_colors_that_users_know() -> None:
    assert (Success.color, Failed.color, Skipped.color) == ("#28a745", "#eb0000", "#62757f")


# Results


def test_a_state_without_a_result_has_none() -> None:
    for made in (Success(), Success(result=None)):
        assert made._result == NoResult
        assert made.result is None


def test_ran_and_returned_none_is_something_else() -> None:
    made = Success(result=Result(value=None))

    assert made._result != NoResult
    assert made.result is None
    assert made != Success()


def test_assigning_a_result_keeps_it_and_anything_else_is_wrapped() -> None:
    made = Success(result=LocalResult(value=1, location="x"))
    assert type(made._result) is LocalResult

    made.result = 5
    assert made._result == Result(5)
    made.result = None
    assert made._result == Result(None)
    assert made._result != NoResult
    made.result = NoResult
    assert made._result == NoResult


@pytest.mark.parametrize("value", [{}, [], 0, "", False, ()], ids=repr)
def test_falsy_values_are_kept(value: Any) -> None:
    made = Success(result=value)

    assert made.result == value
    assert made._result == Result(value)


# Context


def test_tags_of_the_run_in_force_are_noted() -> None:
    with context(task_tags={"a", "b"}):
        assert sorted(Success().context["tags"]) == ["a", "b"]
        assert Success(context={"tags": ["own"]}).context["tags"] == ["own"]
    assert "tags" not in Success().context


def test_the_run_count_in_force_is_noted_by_scheduled_states_alone() -> None:
    with context(task_run_count=3):
        for cls in (Scheduled, Paused, Resume, Retrying):
            assert cls().context["task_run_count"] == 3
        for cls in (Pending, Running, Success, Failed, Queued):
            assert "task_run_count" not in cls().context


def test_a_given_context_is_not_changed() -> None:
    given: dict[str, Any] = {"a": 1}
    with context(task_tags={"a"}):
        Success(context=given)

    assert given == {"a": 1}


# Times


@pytest.mark.parametrize("cls", [Scheduled, Resume, Retrying, Queued])
def test_a_start_time_is_now_unless_given(cls: Any) -> None:
    before = dt.datetime.now(dt.UTC)
    made = cls()

    assert before <= made.start_time <= dt.datetime.now(dt.UTC)
    assert made.start_time.utcoffset() == dt.timedelta(0)


def test_a_paused_state_waits_for_ever_unless_told() -> None:
    assert Paused().start_time is None
    assert Paused(start_time=None).start_time is None
    moment = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    assert Paused(start_time=moment).start_time == moment


@pytest.mark.parametrize("cls", [Scheduled, Paused, Resume, Retrying, Queued])
def test_naive_times_count_as_utc(cls: Any) -> None:
    assert cls(start_time=dt.datetime(2020, 1, 1, 12)).start_time == dt.datetime(2020, 1, 1, 12, tzinfo=dt.UTC)
    east = dt.timezone(dt.timedelta(hours=2))
    made = cls(start_time=dt.datetime(2020, 1, 1, 12, tzinfo=east))
    assert made.start_time == dt.datetime(2020, 1, 1, 10, tzinfo=dt.UTC)


def test_an_expiration_is_aware_too() -> None:
    made = Cached(cached_result_expiration=dt.datetime(2020, 1, 1))

    assert made.cached_result_expiration == dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    assert Cached().cached_result_expiration is None


def test_only_scheduled_and_queued_states_have_a_start_time() -> None:
    for cls in CLASSES:
        assert hasattr(cls(), "start_time") == (issubclass(cls, (Scheduled, Queued)))


# Particular ones


def test_the_run_count_of_a_retry() -> None:
    assert Retrying().run_count == 1
    assert Retrying(run_count=4).run_count == 4
    with context(task_run_count=3):
        assert Retrying().run_count == 3
        assert Retrying(run_count=4).run_count == 4


def test_the_loop_count_of_a_looped_state() -> None:
    assert Looped().loop_count == 1
    with context(task_loop_count=3):
        assert Looped().loop_count == 3
        assert Looped(loop_count=4).loop_count == 4


def test_a_cached_state_keeps_what_it_was_made_for() -> None:
    made = Cached(cached_parameters={"p": 1}, hashed_inputs={"x": "abc"})

    assert made.cached_parameters == {"p": 1}
    assert made.hashed_inputs == {"x": "abc"}
    assert Cached().cached_parameters is None
    assert Cached().hashed_inputs is None


def test_a_mapped_state_counts_its_children() -> None:
    assert Mapped().map_states == []
    assert Mapped().n_map_states == 0
    assert Mapped(map_states=[Success(), None]).n_map_states == 2
    assert Mapped(n_map_states=7).n_map_states == 7
    assert Mapped().map_states is not Mapped().map_states


def test_a_meta_state_wraps_an_ordinary_one() -> None:
    inner = Retrying("inner")

    assert Submitted(state=inner).state is inner
    assert Queued(state=Submitted(state=ClientFailed(state=inner))).state is inner
    outer = Submitted()
    assert outer.state is None
    outer.state = Queued(state=inner)
    assert outer.state is inner


# Repr, equality, hashes


def test_reprs() -> None:
    assert repr(Success()) == "<Success>"
    assert repr(Success("well done")) == '<Success: "well done">'
    assert repr(Retrying("again")) == '<Retrying: "again">'


def test_equality() -> None:
    assert Success("a", result=1, context={"x": 1}) == Success("b", result=1)
    assert Success(result=1) != Success(result=2)
    assert Success(result=1) != Cached(result=1)
    assert Success() != Failed()
    assert Success(result=Result(1, location="x")) != Success(result=1)
    assert Success(cached_inputs={"x": Result(1)}) != Success()
    moment = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    assert Scheduled(start_time=moment) == Scheduled("x", start_time=moment)
    assert Scheduled(start_time=moment) != Scheduled(start_time=moment + dt.timedelta(1))
    assert Retrying(start_time=moment, run_count=1) != Retrying(start_time=moment, run_count=2)
    assert Mapped(map_states=[Success(result=1)]) == Mapped(map_states=[Success(result=1)])
    assert Mapped(map_states=[Success(result=1)]) != Mapped(map_states=[Success(result=2)])
    assert Cached(hashed_inputs={"a": "1"}) != Cached(hashed_inputs={"a": "2"})
    assert Success() != "Success"


def test_states_can_be_hashed_also_with_lists_in_them() -> None:
    one, other = Mapped(result=[1], map_states=[Success()]), Success(result=[1])

    assert len({one, other, one}) == 2


def test_children_and_parents() -> None:
    assert set(Failed.children()) >= {TriggerFailed, TimedOut, ValidationFailed}
    assert Failed not in Failed.children()
    assert Failed.children(include_self=True)[0] is Failed
    assert set(Failed.children(names_only=True)) >= {"TriggerFailed", "TimedOut", "ValidationFailed"}
    assert TimedOut.parents() == [Failed, Finished, State]
    assert TimedOut.parents(include_self=True, names_only=True) == ["TimedOut", "Failed", "Finished", "State"]
    assert "_MetaState" not in State.children(names_only=True)
    assert {"Submitted", "Queued", "ClientFailed"} <= set(State.children(names_only=True))
    assert "_MetaState" not in Queued.parents(names_only=True)


# Loading (SPEC 5.3)


def test_load_result_reads_what_has_a_location_and_no_value(tmp_path: Any) -> None:
    stored = LocalResult(dir=tmp_path, location="x").write(5)
    made = Success(result=LocalResult(dir=tmp_path, location=stored.location))

    assert made.load_result() is made
    assert made.result == 5
    assert made._result.location == stored.location


def test_load_result_leaves_alone_what_has_a_value_or_no_location(tmp_path: Any) -> None:
    assert Success(result=PrefectResult(value=1, location="2")).load_result().result == 1
    assert Success(result=LocalResult(dir=tmp_path)).load_result().result is None
    assert Success().load_result(PrefectResult(location="3")).result is None


def test_load_result_through_a_reader() -> None:
    made = Success(result=Result(location="3"))

    assert made.load_result(PrefectResult()).result == 3
    assert type(made._result) is PrefectResult


def test_load_result_of_a_mapped_state_loads_its_children() -> None:
    class Never(Result):
        def read(self, location: str) -> Result:
            raise AssertionError("the parent's own result is never read")

    made = Mapped(
        result=Never(location="x"),
        map_states=[Success(result=PrefectResult(location="1")), None, Success(result=PrefectResult(location="3"))],
    )

    assert made.load_result(PrefectResult()).result == [1, None, 3]


def test_load_cached_results() -> None:
    made = Success(cached_inputs={"a": PrefectResult(location="1"), "b": Result(5)})

    assert (
        made.load_cached_results(
            {"a": PrefectResult(), "b": PrefectResult(location="7"), "c": PrefectResult(location="9")}
        )
        is made
    )
    assert made.cached_inputs["a"].value == 1
    assert made.cached_inputs["b"].value == 5
    assert made.cached_inputs["c"].value == 9


# Pickling (SPEC 5.3)


@pytest.mark.parametrize("cls", CLASSES)
def test_states_survive_cloudpickle(cls: type[State]) -> None:
    made = cls("message", result=[1, 2], context={"a": 1}, cached_inputs={"x": Result(1)})
    other = cloudpickle.loads(cloudpickle.dumps(made))

    assert other == made
    assert type(other) is cls
    assert other.message == "message"
    assert other.context == made.context
    if hasattr(made, "start_time"):
        assert other.start_time == made.start_time


def test_no_result_is_still_one_after_pickling() -> None:
    other = cloudpickle.loads(cloudpickle.dumps(Success()))

    assert other._result == NoResult
    assert isinstance(other._result, NoResultType)


def test_an_exception_travels_as_it_is_when_it_can() -> None:
    other = cloudpickle.loads(cloudpickle.dumps(Failed(result=ValueError("x"))))

    assert isinstance(other.result, ValueError)
    assert other.result.args == ("x",)


def test_an_exception_that_cannot_be_pickled_is_told_as_text_in_the_copy_alone() -> None:
    error = ValueError("x")
    error.generator = (number for number in range(1))  # type: ignore[attr-defined]
    made = Failed(result=error)

    other = cloudpickle.loads(cloudpickle.dumps(made))

    assert "The following exception could not be pickled" in other.result
    assert "cannot pickle 'generator' object" in other.result
    assert "ValueError('x')" in other.result
    assert made.result is error


def test_any_other_value_that_cannot_be_pickled_raises_its_own_error() -> None:
    with pytest.raises(TypeError, match="generator"):
        cloudpickle.dumps(Success(result=(number for number in range(1))))


def test_signals_as_values_survive_cloudpickle() -> None:
    signal = signals.FAIL("reason", result=5)
    other = cloudpickle.loads(cloudpickle.dumps(Failed(result=signal)))

    assert isinstance(other.result, signals.FAIL)
    assert other.result.state.message == "reason"
    assert other.result.state.result == 5
    own = cloudpickle.loads(cloudpickle.dumps(signals.RETRY("again", start_time=dt.datetime(2030, 1, 1)))).state
    assert own.start_time == dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
