"""Resource managers (SPEC 13)."""

from __future__ import annotations

from typing import Any

import pytest

from resultant.core.edge import Edge
from resultant.core.flow import Flow
from resultant.core.function_task import task
from resultant.core.parameter import Parameter
from resultant.tasks.resource_manager import ResourceManager, resource_manager

events: list[Any] = []


@pytest.fixture(autouse=True)
def no_events() -> None:
    events.clear()


@resource_manager
class Tool:
    def __init__(self, name, fail=()):
        self.name, self.fail = name, fail
        self._do("init")

    def _do(self, what):
        events.append(what)
        if what in self.fail:
            raise RuntimeError(what)

    def setup(self):
        self._do("setup")
        return f"{self.name}, sharpened"

    def cleanup(self, resource):
        self._do(("cleanup", resource))


@resource_manager(name="plain", init_task_kwargs={"tags": ["t"]}, cleanup_task_kwargs={"name": "away"})
class Plain:
    def cleanup(self, resource):
        events.append(("cleanup", resource))


@task
def use(x):
    events.append("use")
    return x


@task
def breaks(x):
    raise ValueError(x)


class TestBuilding:
    def test_three_tasks(self) -> None:
        with Flow("f") as flow, Tool("axe", fail=()) as tool:
            assert tool.name == "Tool.setup"
            used = use(tool)
        init, setup, cleanup = (flow.get_tasks(name=name)[0] for name in ("Tool", "Tool.setup", "Tool.cleanup"))
        assert setup is tool
        assert flow.constants[init] == {"name": "axe", "fail": ()}
        assert flow.edges == {
            Edge(init, setup, "mgr"),
            Edge(init, cleanup, "mgr"),
            Edge(setup, cleanup, "resource"),
            Edge(setup, used, "x"),
            Edge(used, cleanup),
        }
        assert (setup.checkpoint, cleanup.checkpoint) == (False, False)
        assert all(each.rerun_always for each in (init, setup, cleanup))

    def test_tasks_without_the_resource_run_inside_as_well(self) -> None:
        with Flow("f") as flow, Tool("axe") as tool:
            first = use(1)
            second = use(first)
        (cleanup,) = flow.get_tasks(name="Tool.cleanup")
        assert flow.upstream_tasks(first) == {tool}
        assert flow.upstream_tasks(second) == {first}
        assert Edge(second, cleanup) in flow.edges
        assert Edge(first, cleanup) not in flow.edges

    def test_without_setup(self) -> None:
        with Flow("f") as flow, Plain() as nothing:
            assert nothing is None
            used = use(1)
        assert [each.name for each in flow.slugs] == ["plain", "away", "use"]
        assert flow.get_tasks(name="plain")[0].tags == {"t"}
        assert flow.upstream_tasks(used) == set()

    def test_cleanup_is_no_reference_task(self) -> None:
        with Flow("f") as flow:
            with Tool("axe") as tool:
                used = use(tool)
            after = use(2)
        assert flow.reference_tasks() == {used, after}
        assert flow.terminal_tasks() == {after, flow.get_tasks(name="Tool.cleanup")[0]}

    def test_nested(self) -> None:
        with Flow("f") as flow, Tool("outer") as outer, Tool("inner") as inner:
            used = use([outer, inner])
        outer_cleanup, inner_cleanup = flow.get_tasks(name="Tool.cleanup")
        assert Edge(inner_cleanup, outer_cleanup) in flow.edges
        assert flow.reference_tasks() == {used}

    def test_arguments_are_checked(self) -> None:
        with pytest.raises(TypeError, match="missing a required argument: 'name'"):
            Tool(flow=Flow("f"))

    def test_outside_a_flow(self) -> None:
        with pytest.raises(ValueError, match="Could not infer an active Flow context"):
            Tool("axe")

    def test_without_the_decorator(self) -> None:
        manager = ResourceManager(Tool.resource_class, name="X")
        flow = Flow("f")
        manager("axe", flow=flow)
        assert [each.name for each in flow.slugs] == ["X", "X.setup", "X.cleanup"]


class TestRunning:
    def test_order(self) -> None:
        with Flow("f") as flow, Tool(Parameter("name")) as tool:
            used = use(tool)
            use(used)
            use("apart")
        state = flow.run(name="axe")
        assert state.is_successful()
        assert events == ["init", "setup", "use", "use", "use", ("cleanup", "axe, sharpened")]
        assert state.result[used].result == "axe, sharpened"

    def test_cleanup_runs_after_failures(self) -> None:
        with Flow("f") as flow, Tool("axe") as tool:
            use(breaks(tool))
        state = flow.run()
        assert state.is_failed()
        assert events == ["init", "setup", ("cleanup", "axe, sharpened")]

    @pytest.mark.parametrize("fails", ["init", "setup"])
    def test_cleanup_is_skipped_when_there_is_nothing_to_clean(self, fails: str) -> None:
        with Flow("f") as flow, Tool("axe", fail=(fails,)) as tool:
            use(tool)
        state = flow.run()
        assert state.is_failed()
        assert state.result[flow.get_tasks(name="Tool.cleanup")[0]].is_skipped()
        assert events == ["init", "setup"][: 1 + (fails == "setup")]

    def test_cleanup_is_skipped_when_the_manager_was(self) -> None:
        from resultant.tasks.control_flow import case

        with Flow("f") as flow:
            with case(Parameter("go"), True), Tool("axe") as tool:
                use(tool)
        state = flow.run(go=False)
        assert all(
            state.result[each].is_skipped() for each in flow.tasks if each.name != "go" and "case" not in each.name
        )
        assert events == []
        assert flow.run(go=True).is_successful()
        assert events[-1] == ("cleanup", "axe, sharpened")

    def test_failing_cleanup_does_not_fail_the_flow(self) -> None:
        with Flow("f") as flow, Tool("axe", fail=[("cleanup", "axe, sharpened")]) as tool:
            use(tool)
        state = flow.run()
        assert state.is_successful()
        assert state.result[flow.get_tasks(name="Tool.cleanup")[0]].is_failed()

    def test_without_setup(self) -> None:
        with Flow("f") as flow, Plain():
            use(1)
        assert flow.run().is_successful()
        assert events == ["use", ("cleanup", None)]
