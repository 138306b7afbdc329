"""Smaller facts of a task run: what is logged, what handlers may return (SPEC 8.1, 8.4, 8.5)."""

from __future__ import annotations

import logging

import pytest

from resultant import Flow, LocalResult, context, set_temporary_config, task
from resultant.engine import signals
from resultant.engine.result import NoResult
from resultant.engine.state import Failed, Mapped, Pending, Running, Skipped, Success


def run(made, *args, **options):
    with Flow("f") as flow:
        called = made(*args)
    return flow.run(**options).result[called]


def test_a_loop_begins_and_finishes_once_in_the_log(caplog):
    caplog.set_level(logging.INFO)

    @task
    def loops():
        count = context.get("task_loop_count", 1)
        if count < 4:
            raise signals.LOOP(result=count)

    run(loops)
    lines = [record.getMessage() for record in caplog.records if record.name == "resultant.loops"]
    assert len([line for line in lines if "Starting" in line]) == 1
    assert len([line for line in lines if "Finished" in line]) == 1


@pytest.mark.parametrize("nonsense", [5, "text", object()])
def test_a_handler_that_returns_nonsense_fails_its_task(nonsense):
    def handler(obj, old, new):
        return nonsense if new.is_successful() else None

    state = run(task(lambda: 1, name="one", state_handlers=[handler]))
    assert state.is_failed()


def test_none_keeps_the_state():
    assert run(task(lambda: 1, name="one", state_handlers=[lambda *args: None])).result == 1


@pytest.mark.parametrize(
    ("signal", "kind"), [(signals.FAIL, Failed), (signals.SKIP, Skipped), (signals.SUCCESS, Success)]
)
def test_a_signal_in_a_handler_before_the_run(signal, kind):
    calls = []

    def handler(obj, old, new):
        if new.is_running():
            raise signal("not now")

    state = run(task(lambda: calls.append(1), name="one", state_handlers=[handler]))
    assert (type(state), state.message, calls) == (kind, "not now", [])


def test_handlers_of_children_may_fail_them_one_by_one():
    def handler(obj, old, new):
        return Failed("mine") if new.is_successful() and not new.is_mapped() and new.result == 2 else None

    with Flow("f") as flow:
        made = task(lambda x: x, name="child", state_handlers=[handler]).map([1, 2])
    state = flow.run().result[made]
    assert isinstance(state, Mapped)
    assert [type(child) for child in state.map_states] == [Success, Failed]


def test_a_handler_of_the_parent_may_stop_the_children():
    calls = []

    def handler(obj, old, new):
        return Failed("mine") if new.is_mapped() else None

    with Flow("f") as flow:
        made = task(lambda x: calls.append(x), name="child", state_handlers=[handler]).map([1, 2])
    assert flow.run().result[made].message == "mine"
    assert calls == []


def test_states_of_the_same_run_do_not_share_results(tmp_path):
    with Flow("f", result=LocalResult(dir=tmp_path, location="{task_slug}-{map_index}")) as flow:
        made = task(lambda x: x, name="child").map([1, 2])
        skipped = task(lambda: (_ for _ in ()).throw(signals.SKIP("no")), name="skips")()
        below = task(lambda x: x, name="below")(skipped)
    with set_temporary_config({"flows.checkpointing": True}):
        result = flow.run().result
    first, second = (child._result for child in result[made].map_states)
    assert first is not second
    assert first.location != second.location
    assert result[below]._result == NoResult


def test_inputs_are_the_values_above_by_edge_key():
    @task
    def many(a, b=2, **others):
        return a, b, others

    with Flow("f") as flow:
        one = task(lambda: "one", name="one")()
        called = many(one, c=one, upstream_tasks=[task(lambda: "not used", name="two")()])
    assert flow.run().result[called].result == ("one", 2, {"c": "one"})


def test_a_state_that_is_returned_or_an_exception_is_a_value():
    for value in (Failed("mine"), ValueError("x"), signals.FAIL("x")):
        state = run(task(lambda value=value: value, name="gives"))
        assert type(state) is Success
        assert state.result is value


def test_a_running_state_is_left_alone_and_the_flow_keeps_running():
    calls = []
    with Flow("f") as flow:
        made = task(lambda: calls.append(1), name="one")()
        below = task(lambda x: x, name="below")(made)
    given = Running()
    state = flow.run(task_states={made: given})
    assert state.result[made] is given
    assert type(state.result[below]) is Pending
    assert isinstance(state, Running)
    assert calls == []
