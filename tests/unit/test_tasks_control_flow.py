"""Branches, merging and filtering (SPEC 13)."""

from __future__ import annotations

import logging

import pytest

from resultant.core.edge import Edge
from resultant.core.flow import Flow
from resultant.core.function_task import task
from resultant.core.parameter import Parameter
from resultant.core.task import Task
from resultant.engine import signals
from resultant.runtime import context
from resultant.tasks.control_flow import FilterTask, case, ifelse, merge, switch
from resultant.tasks.control_flow.conditional import CompareValue, Merge
from resultant.triggers import all_finished, all_successful, not_all_skipped


@task
def give(x):
    return x


@task
def inc(x):
    return x + 1


@task
def nothing():
    return None


class TestCase:
    def test_only_the_matching_block_runs(self) -> None:
        with Flow("f") as flow:
            condition = Parameter("p")
            with case(condition, "a"):
                a = give("in a")
                more = give(a)
            with case(condition, "b"):
                b = give("in b")
        state = flow.run(p="a")
        assert (state.result[more].result, state.result[b].is_skipped()) == ("in a", True)
        state = flow.run(p="b")
        assert (state.result[more].is_skipped(), state.result[b].result) == (True, "in b")
        state = flow.run(p="c")
        assert state.is_successful()
        assert all(state.result[each].is_skipped() for each in (a, more, b))

    def test_one_comparison_per_block_upstream_of_the_first_tasks(self) -> None:
        with Flow("f") as flow:
            condition = give(1)
            with case(condition, 1):
                first = give(1)
                second = inc(first)
                third = give(5)
        (compared,) = flow.get_tasks(task_type=CompareValue)
        assert compared.name == "case(1)"
        assert flow.edges == {
            Edge(condition, compared, "value"),
            Edge(compared, first),
            Edge(compared, third),
            Edge(first, second, "x"),
        }

    def test_an_empty_block_adds_nothing(self) -> None:
        with Flow("f") as flow:
            condition = give(1)
            with case(condition, 1):
                pass
            with case(condition, 1):
                Parameter("p")()
        assert len(flow.tasks) == 2
        assert flow.edges == set()

    def test_blocks_nest(self) -> None:
        with Flow("f") as flow:
            outer, inner = Parameter("outer"), Parameter("inner")
            with case(outer, 1):
                a = give("a")
                with case(inner, 1):
                    b = give("b")
        results = {
            (x, y): [not flow.run(outer=x, inner=y).result[each].is_skipped() for each in (a, b)]
            for x in (0, 1)
            for y in (0, 1)
        }
        assert results == {(0, 0): [False] * 2, (0, 1): [False] * 2, (1, 0): [True, False], (1, 1): [True, True]}

    def test_parameters_and_constants_are_not_conditional(self) -> None:
        with Flow("f") as flow:
            condition = give(1)
            with case(condition, 2):
                parameter = Parameter("p", default=1)
                inside = give([parameter, 5], upstream_tasks=[6])
            outside = give(parameter)
        state = flow.run()
        assert state.result[inside].is_skipped()
        assert state.result[outside].result == 1
        assert state.result[parameter].result == 1
        assert flow.upstream_tasks(parameter) == set()

    def test_a_task_as_value(self) -> None:
        with pytest.raises(TypeError, match="`value` cannot be a task"):
            case(give, give)

    def test_two_flows(self) -> None:
        first, second = Flow("a"), Flow("b")
        with case(give, 1) as block:
            block.add_task(give.copy(), first)
            with pytest.raises(ValueError, match="Multiple flows"):
                second.add_task(give.copy())
            block._tasks.clear()

    def test_the_open_block_is_in_the_context(self) -> None:
        with case(give, 1) as block:
            assert context.case is block
        assert context.get("case") is None

    def test_an_error_in_the_block_comes_out(self) -> None:
        with Flow("f") as flow:
            condition = give(1)
            with pytest.raises(KeyError), case(condition, 1):
                give(2)
                raise KeyError
        assert flow.get_tasks(task_type=CompareValue) == []

    def test_imperative_building(self) -> None:
        flow = Flow("f")
        condition, inside = give.copy(), nothing.copy()
        condition.bind(1, flow=flow)
        with case(condition, 2):
            flow.add_task(inside)
        assert flow.run().result[inside].is_skipped()


class TestMerge:
    def test_the_first_value_in_argument_order(self) -> None:
        with Flow("f") as flow:
            called = merge(nothing(), give(0), give(1))
            none = merge(nothing(), nothing())
        state = flow.run()
        assert state.result[called].result == 0
        assert state.result[none].result is None
        assert state.result[none].is_successful()

    def test_ten_and_more_are_ordered_as_given(self) -> None:
        """Departures: 1.4.1 orders by text, so that the tenth comes before the second."""
        with Flow("f") as flow:
            called = merge(nothing(), give("second"), *[nothing() for _ in range(7)], give("tenth"))
        assert flow.run().result[called].result == "second"

    def test_skipped_when_all_upstreams_are(self) -> None:
        with Flow("f") as flow:
            condition = give(0)
            with case(condition, 1):
                a = give(1)
            with case(condition, 2):
                b = give(2)
            called = merge(a, b)
        assert flow.run().result[called].is_skipped()

    def test_a_skipped_branch_has_no_value(self) -> None:
        @task
        def skips():
            raise signals.SKIP("not me")

        with Flow("f") as flow:
            called = merge(inc(skips()), give(2))
        assert flow.run().result[called].result == 2

    def test_options(self) -> None:
        with Flow("f"):
            called = merge(give(1), name="n", checkpoint=False)
        assert (called.name, called.checkpoint, called.skip_on_upstream_skip) == ("n", False, False)
        assert called.trigger is not_all_skipped
        assert Merge(trigger=all_successful).trigger is all_successful

    def test_skip_on_upstream_skip(self) -> None:
        with pytest.raises(ValueError, match="skip_on_upstream_skip"):
            merge(give, skip_on_upstream_skip=True, flow=Flow("f"))

    def test_flow_can_be_given(self) -> None:
        flow = Flow("f")
        called = merge(give.copy().bind(1, flow=flow), flow=flow)
        assert flow.run().result[called].result == 1


class TestSwitch:
    def test_one_branch_runs(self) -> None:
        with Flow("f") as flow:
            a, b = give("a"), give("b")
            switch(Parameter("p"), {1: a, "two": b})
            called = merge(a, b)
        assert flow.run(p=1).result[called].result == "a"
        assert flow.run(p="two").result[called].result == "b"
        assert flow.run(p=3).result[called].is_skipped()

    def test_names_and_tags(self) -> None:
        with Flow("f") as flow:
            switch(give(1), {"a": give(1)})
        (compared,) = flow.get_tasks(task_type=CompareValue)
        assert (compared.name, compared.tags) == ('CompareValue: "a"', {"switch"})

    def test_outside_a_flow(self) -> None:
        with pytest.raises(ValueError, match="No Flow was passed"):
            switch(give, {1: give})


class TestIfElse:
    @pytest.mark.parametrize(("value", "branch"), [(True, "yes"), ([1], "yes"), (0, "no"), ("", "no"), (None, "no")])
    def test_truthiness_decides(self, value: object, branch: str) -> None:
        with Flow("f") as flow:
            yes, no = give("yes"), give("no")
            ifelse(Parameter("p"), yes, no)
            called = merge(yes, no)
        assert flow.run(p=value).result[called].result == branch

    def test_a_branch_of_none_is_left_out(self) -> None:
        with Flow("f") as flow:
            yes = give("yes")
            ifelse(Parameter("p"), yes, None)
        assert len(flow.get_tasks(task_type=CompareValue)) == 1
        assert flow.run(p=False).result[yes].is_skipped()
        assert flow.run(p=True).result[yes].result == "yes"


class TestFilterTask:
    def test_defaults(self) -> None:
        made = FilterTask()
        assert (made.name, made.skip_on_upstream_skip, made.trigger) == ("FilterTask", False, all_finished)
        own = FilterTask(trigger=all_successful, skip_on_upstream_skip=True, name="n")
        assert (own.name, own.skip_on_upstream_skip, own.trigger) == ("n", True, all_successful)

    def test_it_drops_none_and_exceptions(self) -> None:
        kept = FilterTask().run([0, "", None, ValueError("x"), signals.FAIL("x"), False, []])
        assert kept == [0, "", False, []]

    def test_own_function(self) -> None:
        assert FilterTask(filter_func=lambda item: item > 1).run([1, 2, 3]) == [2, 3]

    def test_after_a_mapped_task(self) -> None:
        with Flow("f") as flow:
            called = FilterTask()(task(lambda x: 1 / x).map([1, 0, 2]))
            last = give(called)
        flow.set_reference_tasks([last])
        state = flow.run()
        assert state.result[last].result == [1, 0.5]

    def test_log(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        made = FilterTask(log_func=lambda kept: f"kept {kept}")
        made.run([1, None])
        assert [(record.levelname, record.getMessage()) for record in caplog.records] == [("INFO", "kept [1]")]


def test_compare_value() -> None:
    assert CompareValue(1).run(1) is None
    with pytest.raises(signals.SKIP, match='Provided value "2" did not match "1"'):
        CompareValue(1).run(2)
    assert isinstance(CompareValue(1, name="n"), Task)
