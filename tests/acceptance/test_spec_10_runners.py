"""`FlowRunner` and `TaskRunner`, the names that the alias has for the one runner (SPEC 8.6, 10.6)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from resultant import Flow, LocalDaskExecutor, LocalResult, Parameter, Task, context, task
from resultant.compat.debug import raise_on_exception
from resultant.compat.flow_runner import FlowRunner
from resultant.compat.task_runner import TaskRunner
from resultant.core.edge import Edge
from resultant.engine import signals
from resultant.engine.state import Failed, Mapped, Pending, Retrying, Running, Success, TriggerFailed
from resultant.settings import set_temporary_config


@task
def one():
    return 1


@task
def plus(x, y=1):
    return x + y


@task
def fails():
    raise ZeroDivisionError("on purpose")


class TestFlowRunner:
    def test_the_result_holds_the_tasks_asked_for(self):
        with Flow("f") as flow:
            a = one()
            b = plus(a)
        assert FlowRunner(flow).run().result == {}
        assert {each: state.result for each, state in FlowRunner(flow).run(return_tasks=[b]).result.items()} == {b: 2}
        assert set(FlowRunner(flow).run(return_tasks=[a, b]).result) == {a, b}

    def test_an_unknown_return_task_fails(self):
        state = FlowRunner(Flow("f")).run(return_tasks=[Task()])
        assert isinstance(state, Failed)

    def test_one_pass_only(self):
        counts = []

        @task(max_retries=3, retry_delay=timedelta(0))
        def flaky():
            counts.append(context.task_run_count)
            raise OSError

        with Flow("f") as flow:
            made = flaky()
        state = FlowRunner(flow).run(return_tasks=[made])
        assert isinstance(state, Running)
        assert isinstance(state.result[made], Retrying)
        FlowRunner(flow).run(state=state, task_states=state.result, return_tasks=[made])
        assert counts == [1, 2]

    @pytest.mark.parametrize("ready", [one, fails])
    def test_an_unfinished_terminal_task_keeps_it_running(self, ready):
        @task(max_retries=1, retry_delay=timedelta(minutes=1))
        def flaky():
            raise OSError

        with Flow("f") as flow:
            done = ready()
            flaky()
        flow.set_reference_tasks([done])
        assert isinstance(FlowRunner(flow).run(), Running)

    def test_a_finished_state_is_returned_with_its_result(self):
        with Flow("f") as flow:
            made = fails()
        given = Success("mine", result={"x": 1})
        assert FlowRunner(flow).run(state=given, return_tasks=[made]) is given
        assert given.result == {"x": 1}

    def test_parameters(self):
        with Flow("f") as flow:
            parameter = Parameter("p")
            made = plus(parameter, Parameter("q", default=5))
        run = FlowRunner(flow).run
        assert run(parameters={"p": 1}, return_tasks=[made]).result[made].result == 6
        both = {"parameters": {"p": 2, "q": 3}}
        assert run(context=both, return_tasks=[made]).result[made].result == 5
        assert run(context=both, parameters={"p": 4}, return_tasks=[made]).result[made].result == 7
        state = run(return_tasks=[parameter, made])
        assert state.is_failed()
        assert "required but not provided" in str(state.result[parameter].message)
        assert isinstance(state.result[made], TriggerFailed)

    def test_handlers_of_the_runner_follow_those_of_the_flow(self):
        seen = []

        def handler(thing, old, new):
            seen.append((thing, type(new)))

        with Flow("f", state_handlers=[handler]) as flow:
            one()
        runner = FlowRunner(flow, state_handlers=[handler])
        runner.run()
        assert seen == [(flow, Running), (runner, Running), (flow, Success), (runner, Success)]

    def test_handlers_for_its_task_runners(self):
        seen = []
        with Flow("f") as flow:
            made = one()
        FlowRunner(flow).run(task_runner_state_handlers=[lambda thing, old, new: seen.append((thing.task, type(new)))])
        assert seen == [(made, Running), (made, Success)]

    def test_contexts_and_executor(self):
        with Flow("f") as flow:
            first, second = (task(lambda: (context.a, context.get("b")), name="look")() for _ in range(2))
        state = FlowRunner(flow).run(
            context={"a": 1},
            task_contexts={second: {"b": 2}},
            executor=LocalDaskExecutor("threads", num_workers=2),
            return_tasks=[first, second],
        )
        assert [state.result[each].result for each in (first, second)] == [(1, None), (1, 2)]

    def test_handlers_must_be_a_sequence(self):
        for runner in (lambda: FlowRunner(Flow("f"), state_handlers=print), lambda: TaskRunner(one, state_handlers=1)):
            with pytest.raises(TypeError, match="state_handlers"):
                runner()


class TestTaskRunner:
    def test_inputs_are_named_by_the_keys_of_edges(self):
        above = {
            Edge(one, plus, key="x"): Success(result=4),
            Edge(Task(), plus, key="y"): Success(result=10),
            Edge(Task(), plus): Success(result="not used"),
        }
        state = TaskRunner(plus).run(upstream_states=above)
        assert (type(state), state.result) == (Success, 14)

    def test_a_missing_input_fails_the_task(self):
        state = TaskRunner(plus).run()
        assert isinstance(state, Failed)
        assert isinstance(state.result, TypeError)

    def test_a_failed_upstream(self):
        state = TaskRunner(plus).run(upstream_states={Edge(one, plus, key="x"): Failed("m")})
        assert isinstance(state, TriggerFailed)
        assert state.message == 'Trigger was "all_successful" but some of the upstream tasks failed.'
        assert isinstance(state.result, signals.TRIGGERFAIL)

    def test_an_unfinished_upstream_leaves_the_state_alone(self):
        given = Pending("given")
        for unfinished in (Running(), Pending(), Retrying()):
            assert TaskRunner(plus).run(given, upstream_states={Edge(one, plus, key="x"): unfinished}) is given

    def test_each_child_counts_above_an_unmapped_edge(self):
        given = Pending("given")
        for child, runs in ((Success(result=1), True), (Running(), False)):
            above = Mapped(map_states=[Success(result=1), child], result=[1, 1])
            state = TaskRunner(plus).run(
                given, upstream_states={Edge(one, plus): above, Edge(Task(), plus, "x"): Success(result=1)}
            )
            assert (state is not given) is runs

    def test_context(self):
        with context(outer=1):
            runner = TaskRunner(task(lambda: (context.get("mine"), context.task_name), name="look"))
            assert runner.context["outer"] == 1
            assert isinstance(runner.context, dict)
        assert runner.run(context={"mine": 2}).result == (2, "look")

    def test_the_flows_result_serves_a_task_without_one(self, tmp_path):
        with set_temporary_config({"flows.checkpointing": True}):
            state = TaskRunner(one, flow_result=LocalResult(dir=tmp_path, location="x")).run()
        assert state._result.location == str(tmp_path / "x")
        state = TaskRunner(one, flow_result=LocalResult(dir=tmp_path, location="y")).run(
            context={"checkpointing": True}
        )
        assert state._result.location == str(tmp_path / "y")

    def test_a_mapped_parent(self):
        above = {Edge(one, plus, key="x", mapped=True): Success(result=[1, 2])}
        state = TaskRunner(plus).run(upstream_states=above, is_mapped_parent=True)
        assert (type(state), state.message) == (Mapped, "Ready to proceed with mapping.")

    def test_handlers_of_the_task_come_first(self):
        seen = []
        own = task(lambda: 1, name="own", state_handlers=[lambda *args: seen.append("task")])
        TaskRunner(own, state_handlers=[lambda *args: seen.append("runner")]).run()
        assert seen == ["task", "runner"] * 2

    def test_endrun_ends_with_its_state(self):
        from resultant.engine.signals import ENDRUN

        given = Failed("mine")

        def end():
            raise ENDRUN(given)

        assert TaskRunner(task(end, max_retries=3, retry_delay=timedelta(0))).run() is given


class TestRaising:
    def test_errors_of_tasks_handlers_and_triggers_come_out(self):
        def broken(*args):
            raise ZeroDivisionError

        for made in (
            fails,
            task(lambda: 1, name="handled", state_handlers=[broken]),
            task(lambda: 1, name="triggered", trigger=broken),
        ):
            with pytest.raises(ZeroDivisionError), raise_on_exception():
                TaskRunner(made).run()
            assert TaskRunner(made).run().is_failed()

    @pytest.mark.parametrize("signal", [signals.FAIL, signals.SKIP, signals.SUCCESS])
    def test_signals_of_tasks_still_become_states(self, signal):
        def raises():
            raise signal("s")

        with Flow("f") as flow:
            made = task(raises)()
        with raise_on_exception():
            assert flow.run().result[made].message == "s"
