"""Values of other libraries, and messages about small mistakes."""

from __future__ import annotations

import os
import threading

import numpy as np
import pandas as pd
import pytest

from resultant import Flow, JSONSerializer, LocalResult, Parameter, Result, Task, ThreadExecutor, config, task
from resultant.core.operators import Add
from resultant.errors import StoreError


@task
def two():
    return 2


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (pd.NA, 1, False),
        (pd.NA, pd.NA, True),
        ([pd.NA, 1], [pd.NA, 1], True),
        ([pd.NA], [1], False),
        (pd.array([1, None]), pd.array([1, 2]), False),
        (pd.array([1, 3]), pd.array([1, 2]), False),
        (pd.array([1, 2]), pd.array([1, 2]), True),
        (np.ma.array([1, 2], mask=[False, True]), np.ma.array([1, 2], mask=[False, False]), False),
        (np.int64(1), np.int64(1), True),
        (pd.Series([1, None], dtype="Int64"), pd.Series([1, None], dtype="Int64"), True),
        (pd.DataFrame({"a": pd.array([1, None])}), pd.DataFrame({"a": pd.array([1, 2])}), False),
        (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 2]}), True),
        (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 3]}), False),
        (np.array([1, 2]), np.array([1, 2]), True),
        (np.array([1, 2]), [1, 2], False),
    ],
)
def test_results_with_missing_values_compare(one, other, equal):
    assert (Result(one) == Result(other)) is equal


@pytest.mark.parametrize(
    "value", [np.arange(3), np.float64(1.5), pd.Series([1, 2]), pd.DataFrame({"a": [1, 2]}), pd.Index([1, 2])]
)
def test_an_array_and_a_task_make_one_task(value):
    with Flow("f") as flow:
        after = value + two()
        before = two() + value
    assert isinstance(after, Add)
    assert len(flow.tasks) == 4
    state = flow.run()
    for made in (after, before):
        assert np.array_equal(state.result[made].result, value + 2)


def test_parameters_that_are_no_mapping_are_refused_with_the_way_to_give_them():
    with Flow("f") as flow:
        flow.add_task(Parameter("day"))
    with pytest.raises(TypeError, match=r"by name, as `flow\.run\(name=value\)`.*got 'monday'"):
        flow.run("monday")


@pytest.mark.parametrize("where", ["location", "target", "task_run_name"])
def test_a_callable_that_does_not_take_every_name_is_told_so(where, tmp_path):
    config.flows.checkpointing = True

    def place(x):
        return f"{x}"

    options = {"result": LocalResult(dir=tmp_path, location=place)} if where == "location" else {where: place}
    if where == "target":
        options["result"] = LocalResult(dir=tmp_path)

    @task(**options)
    def keeps(x):
        return x

    with Flow("f") as flow:
        kept = keeps(1)
    state = flow.run().result[kept]
    assert state.is_failed()
    assert "let it take `**names`" in str(state.message)


def test_what_a_task_with_a_limit_in_a_thread_cannot_return_is_told_with_its_name():
    @task(timeout=20)
    def locks():
        return threading.Lock()

    with Flow("f") as flow:
        made = locks()
    message = flow.run(executor=ThreadExecutor(1)).result[made].message
    assert "task 'locks' has run" in message
    assert "with a timeout, a LocalExecutor" in message


@pytest.mark.parametrize(
    "make",
    [
        lambda: LocalResult(serializer=JSONSerializer),
        lambda: Flow("f", result=LocalResult),
        lambda: Flow("f", executor=ThreadExecutor),
        lambda: Flow("f", executor="threads"),
        lambda: Task(result=LocalResult),
        lambda: Task(result="results"),
        lambda: Flow("f", tasks=[Task()]).run(executor=ThreadExecutor),
    ],
)
def test_a_class_or_a_name_in_the_place_of_an_object_is_told_at_once(make):
    with pytest.raises(TypeError, match="it takes an object: "):
        make()


def test_a_trigger_by_its_name_is_told_at_once():
    with pytest.raises(TypeError, match=r"trigger='all_finished' cannot be called; take one of `resultant\.triggers`"):
        Task(trigger="all_finished")


def test_a_handler_that_returns_no_state_is_told_so():
    def answers(task, old, new):
        return "fine"

    with Flow("f") as flow:
        made = task(lambda: 1, name="one", state_handlers=[answers])()
    message = flow.run().result[made].message
    assert "the state handler answers returned 'fine'; it returns a state, or nothing" in message


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a file system where no folder can be made")
def test_a_folder_that_cannot_be_made_is_told_with_the_cure():
    with pytest.raises(StoreError, match="choose another one with `dir=`"):
        LocalResult(dir="/proc/nowhere", validate_dir=False).write(1)
