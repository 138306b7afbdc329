"""Where documents and Prefect 1.4.1 disagree, and what is done here (SPEC 0)."""

from __future__ import annotations

import pytest

import resultant.engine.result
from resultant import Flow, LocalResult, PrefectResult, Result, config, set_temporary_config, task
from resultant.engine.state import Paused, Resume


@task
def one():
    return 1


@pytest.mark.parametrize("key", ["flows.checkpointing", "tasks.checkpointing"])
def test_both_switches_exist_and_either_turns_writing_off(tmp_path, key):
    with Flow("f", result=LocalResult(dir=tmp_path)) as flow:
        made = one()
    config.flows.checkpointing = True
    assert config.tasks.checkpointing is True
    assert flow.run().result[made]._result.location is not None
    with set_temporary_config({key: False}):
        result = flow.run().result[made]._result
    assert (type(result), result.location, result.value) == (LocalResult, None, 1)


@pytest.mark.parametrize("name", ["safe_value", "store_safe_value", "validate"])
def test_what_results_no_longer_have(name):
    assert not hasattr(Result(), name)
    assert not hasattr(LocalResult(), name)
    assert not hasattr(resultant.engine.result, "SafeResult")


def test_a_run_does_not_start_at_tasks_but_from_states():
    with Flow("f") as flow:
        first = one()
        held = task(lambda x: x + 1, name="held", trigger=resultant.triggers.manual_only)(first)
    assert type(flow.run().result[held]) is Paused
    with pytest.raises(TypeError, match="start_tasks"):
        flow.run(start_tasks=[held])
    assert flow.run(task_states={held: Resume()}).result[held].result == 2


def test_the_location_of_an_inline_result_is_text():
    assert PrefectResult().write(3).location == "3"
    with Flow("f") as flow:
        made = task(lambda: 3, name="three", result=PrefectResult())()
    with set_temporary_config({"flows.checkpointing": True}):
        assert flow.run().result[made]._result.location == "3"
