"""The faces of the one runner, and the small helpers of the alias."""

from __future__ import annotations

import pickle

import pytest

from resultant import Flow, task
from resultant.compat.classes import get_default_executor_class, get_default_task_runner_class
from resultant.compat.debug import is_serializable, raise_on_exception
from resultant.compat.dot_dict import DotDict, as_nested_dict, merge_dicts
from resultant.compat.flow_runner import FlowRunner
from resultant.compat.task_runner import TaskRunner
from resultant.core.edge import Edge
from resultant.engine.state import Failed, Running, Success
from resultant.errors import UnsupportedError
from resultant.executors import LocalExecutor
from resultant.settings import set_temporary_config


@task
def plus(x, y=1):
    return x + y


def test_task_runner_takes_inputs_from_the_states_above():
    above = task(lambda: 0, name="above")
    state = TaskRunner(plus).run(upstream_states={Edge(above, plus, key="x"): Success(result=41)})
    assert (type(state), state.message, state.result) == (Success, "Task run succeeded.", 42)


def test_handlers_of_a_runner_are_told_of_the_runner():
    seen = []
    runner = TaskRunner(task(lambda: 1, name="one"), state_handlers=[lambda thing, old, new: seen.append(thing)])
    runner.run()
    assert seen == [runner, runner]


def test_flow_runner_makes_one_pass():
    runs = []

    @task(max_retries=1, retry_delay=0)
    def flaky():
        runs.append(1)
        raise ValueError("not yet")

    with Flow("f") as flow:
        made = flaky()
    state = FlowRunner(flow).run(return_tasks=[made])
    assert isinstance(state, Running)
    assert len(runs) == 1
    again = FlowRunner(flow).run(state=state, task_states=state.result, return_tasks=[made])
    assert isinstance(again, Failed)
    assert len(runs) == 2


def test_a_runner_that_replaces_steps_is_refused():
    with pytest.raises(UnsupportedError, match="Mine replaces get_flow_run_state, which nothing would call"):

        class Mine(FlowRunner):
            def get_flow_run_state(self):
                """Never called."""

    with pytest.raises(UnsupportedError, match="Other replaces check_target"):

        class Other(TaskRunner):
            def check_target(self):
                """Never called."""

    class Third(TaskRunner):
        def run(self, *args, **kwargs):
            return super().run(*args, **kwargs)

    with pytest.raises(UnsupportedError, match="there is one runner"):
        FlowRunner(Flow("f"), task_runner_cls=Third)


def test_raise_on_exception_lets_errors_out():
    with Flow("f") as flow:
        task(lambda: 1 / 0, name="bad")()
    with pytest.raises(ZeroDivisionError), raise_on_exception():
        flow.run()
    assert flow.run().is_failed()


def test_default_classes():
    assert get_default_executor_class() is LocalExecutor
    assert get_default_task_runner_class() is TaskRunner
    with (
        set_temporary_config({"engine.executor.default_class": "not.there.Class"}),
        pytest.warns(UserWarning, match=r"'not\.there\.Class' cannot be imported"),
    ):
        assert get_default_executor_class() is LocalExecutor


def test_is_serializable():
    assert is_serializable(lambda: 1)
    assert not is_serializable(_generator())
    with pytest.raises(TypeError):
        is_serializable(_generator(), raise_on_error=True)


def _generator():
    yield 1


def test_dot_dict():
    made = DotDict(b=1, a={"c": [DotDict(d=2)]})
    made.e = 3
    assert (made.b, made["e"], made.get("z")) == (1, 3, None)
    assert repr(DotDict({"b": 1, "a": 2, 1: 3})) == "<DotDict: 'a', 'b', 1>"
    assert made == {"b": 1, "a": {"c": [{"d": 2}]}, "e": 3}
    assert type(made.to_dict()["a"]["c"][0]) is dict
    assert pickle.loads(pickle.dumps(made)) == made
    with pytest.raises(AttributeError):
        made.nothing
    with pytest.raises(KeyError):
        made["nothing"]


def test_nested_and_merged_dicts():
    nested = as_nested_dict({"a": {"b": [{"c": 1}]}})
    assert nested.a.b[0].c == 1
    below, above = {"a": {"b": 1, "c": 2}}, {"a": {"b": 3}, "d": 4}
    assert merge_dicts(below, above) == {"a": {"b": 3, "c": 2}, "d": 4}
    assert below == {"a": {"b": 1, "c": 2}}
