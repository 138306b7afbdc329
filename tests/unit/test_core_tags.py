"""Tags (SPEC 7.6)."""

from __future__ import annotations

from resultant.core.flow import Flow
from resultant.core.function_task import task
from resultant.core.parameter import Parameter
from resultant.core.tags import tags
from resultant.core.task import Task


@task
def step():
    pass


def test_created_copied_and_bound_tasks_get_them() -> None:
    early = Task()
    with Flow("f") as flow, tags("a", "b"):
        created = Task(tags=["own"])
        copied = step()
        early.bind()
        created.bind()
        parameter = Parameter("p", tags=["q"])
        parameter()
    assert created.tags == {"own", "a", "b"}
    assert copied.tags == early.tags == {"a", "b"}
    assert parameter.tags == {"q", "a", "b"}
    assert step.tags == set()
    assert len(flow.tasks) == 4


def test_blocks_nest_and_end() -> None:
    block = tags("a")
    with block, tags("b"):
        inner = Task()
    with block:
        outer = Task()
    assert inner.tags == {"a", "b"}
    assert outer.tags == {"a"}
    assert Task().tags == set()


def test_states_carry_them() -> None:
    with Flow("f") as flow, tags("a"):
        called = step()
    assert flow.run().result[called].context["tags"] == ["a"]
