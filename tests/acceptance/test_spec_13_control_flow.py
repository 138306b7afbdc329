"""Control flow as it runs, mapped too (SPEC 13)."""

from __future__ import annotations

import pytest

from resultant import Flow, LocalResult, Parameter, case, context, ifelse, merge, resource_manager, switch, task
from resultant.engine.state import Skipped, Success
from resultant.settings import set_temporary_config
from resultant.tasks.control_flow import FilterTask
from resultant.tasks.control_flow.conditional import CompareValue, Merge


@task
def give(x):
    return x


@task
def nothing():
    return None


def kinds(state):
    return [type(child).__name__ for child in state.map_states]


class TestCase:
    def test_skips_inside_and_what_follows(self):
        with Flow("f") as flow:
            condition = give("a")
            with case(condition, "b"):
                inside = give(1)
            after = give(inside)
            heedless = task(lambda x: repr(x), name="heedless", skip_on_upstream_skip=False)(inside)
        state = flow.run()
        assert state.is_successful()
        assert type(state.result[inside]) is type(state.result[after]) is Skipped
        assert "skip_on_upstream_skip" in state.result[inside].message
        assert state.result[heedless].result == "None"

    def test_equality_decides(self):
        for value, wanted in ((1, 1.0), ([1], [1]), (None, None)):
            with Flow("f") as flow:
                with case(give(value), wanted):
                    inside = give(1)
            assert flow.run().result[inside].result == 1

    def test_upstreams_outside_the_block_do_not_count(self):
        with Flow("f") as flow:
            outside, condition = give(1), give(False)
            with case(condition, True):
                first = give(outside)
                second = give(first)
        (compare,) = flow.get_tasks(task_type=CompareValue)
        assert flow.upstream_tasks(first) == {outside, compare}
        assert flow.upstream_tasks(second) == {first}
        assert type(flow.run().result[second]) is Skipped

    def test_mapped_tasks_inside(self):
        with Flow("f") as flow:
            condition = Parameter("go")
            with case(condition, True):
                inside = give.map([1, 2])
        assert flow.run(go=True).result[inside].result == [1, 2]
        assert flow.run(go=False).result[inside].is_skipped()

    def test_the_open_block_is_the_innermost(self):
        with Flow("f"):
            condition = give(1)
            with case(condition, 1) as outer:
                give(1)
                with case(condition, 2) as inner:
                    assert context.case is inner
                    give(1)
                assert context.case is outer
        assert "case" not in context

    def test_an_empty_block_outside_of_flows(self):
        with case(give, 1):
            pass


class TestMerge:
    def test_mapped(self):
        with Flow("f") as flow:
            first, second = give.map([1, None, None]), give.map([2, 3, None])
            merged = merge(first, second, mapped=True)
        assert flow.run().result[merged].result == [1, 3, None]

    def test_of_a_mapped_branch(self):
        with Flow("f") as flow:
            merged = merge(nothing(), give.map([1, 2]))
        assert flow.run().result[merged].result == [1, 2]

    def test_a_failed_branch_fails_it(self):
        with Flow("f") as flow:
            merged = merge(task(lambda: 1 / 0, name="bad")(), give(1))
        assert flow.run().result[merged].is_failed()

    def test_falsy_values_count(self):
        for value in (0, "", [], False):
            with Flow("f") as flow:
                merged = merge(nothing(), give(value), give("later"))
            assert flow.run().result[merged].result == value

    def test_constants(self):
        with Flow("f") as flow:
            merged = merge(None, 5)
        assert flow.run().result[merged].result == 5
        assert isinstance(merged, Merge)


class TestMappedBranches:
    def test_switch(self):
        with Flow("f") as flow:
            condition = give.map(["a", "b"])
            a, b = give.map(["A1", "A2"]), give.map(["B1", "B2"])
            switch(condition, {"a": a, "b": b}, mapped=True)
        state = flow.run()
        assert kinds(state.result[a]) == ["Success", "Skipped"]
        assert kinds(state.result[b]) == ["Skipped", "Success"]

    def test_ifelse(self):
        with Flow("f") as flow:
            yes, no = give.map("yy"), give.map("nn")
            ifelse(give.map([1, 0]), yes, no, mapped=True)
            merged = merge(yes, no, mapped=True)
        assert flow.run().result[merged].result == ["y", "n"]


class TestIfElse:
    @pytest.mark.parametrize("missing", [0, 1])
    def test_none_is_no_branch(self, missing):
        with Flow("f") as flow:
            branch = give(1)
            branches = [branch, branch]
            branches[missing] = None
            ifelse(Parameter("p"), *branches)
        assert type(flow.run(p=missing == 1).result[branch]) is Success
        assert type(flow.run(p=missing == 0).result[branch]) is Skipped


def test_filter_in_a_flow(caplog):
    caplog.set_level("INFO")
    with Flow("f") as flow:
        mapped = task(lambda x: 1 // x if x is not None else None, name="m").map([1, 0, None])
        kept = FilterTask(log_func=lambda items: f"kept {items}")(mapped)
        own = FilterTask(filter_func=lambda x: not isinstance(x, BaseException))(mapped)
        falsy = FilterTask()([0, "", None, False])
    flow.set_reference_tasks([kept])
    state = flow.run()
    assert state.result[kept].result == [1]
    assert state.result[own].result == [1, None]
    assert state.result[falsy].result == [0, "", False]
    assert state.is_successful()
    assert any(record.getMessage() == "kept [1]" and record.levelname == "INFO" for record in caplog.records)


class TestResources:
    def test_setup_and_cleanup_are_not_checkpointed(self, tmp_path):
        @resource_manager
        class Tool:
            def setup(self):
                return "tool"

            def cleanup(self, resource):
                return "cleaned"

        with Flow("f", result=LocalResult(dir=tmp_path)) as flow, Tool() as tool:
            used = give(tool)
        with set_temporary_config({"flows.checkpointing": True}):
            state = flow.run()
        located = {each.name for each, known in state.result.items() if known._result.location is not None}
        assert "give" in located
        assert not located & {"Tool.setup", "Tool.cleanup"}
        assert state.result[used].result == "tool"

    def test_cleanup_waits_for_everything_inside(self):
        events = []

        @resource_manager
        class Tool:
            def setup(self):
                events.append("setup")

            def cleanup(self, resource):
                events.append("cleanup")

        with Flow("f") as flow:
            with Tool():
                note = task(lambda x: events.append(x), name="note")
                note(1, upstream_tasks=[note.map([2, 3])])
            note("after", upstream_tasks=[flow.get_tasks(name="Tool.cleanup")[0]])
        assert flow.run().is_successful()
        assert events == ["setup", 2, 3, 1, "cleanup", "after"]

    def test_a_failure_inside_decides_the_flow_and_cleanup_still_runs(self):
        events = []

        @resource_manager
        class Tool:
            def cleanup(self, resource):
                events.append(resource)

        with Flow("f") as flow:
            with Tool():
                task(lambda: 1 / 0, name="bad")()
        assert flow.run().is_failed()
        assert events == [None]

    def test_arguments_may_be_tasks(self):
        @resource_manager
        class Tool:
            def __init__(self, name, *, size=1):
                self.name, self.size = name, size

            def setup(self):
                return f"{self.name}-{self.size}"

            def cleanup(self, resource):
                """Nothing."""

        with Flow("f") as flow, Tool(give("axe"), size=Parameter("size", default=3)) as tool:
            used = give(tool)
        assert flow.run().result[used].result == "axe-3"
