"""`flow.run`: its arguments and what it returns (SPEC 10.5)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from resultant.core.flow import Flow
from resultant.core.function_task import task
from resultant.core.parameter import Parameter
from resultant.engine import signals
from resultant.engine.state import Failed, Success
from resultant.runtime import context


@task
def inc(x):
    return x + 1


@task
def fail():
    raise RuntimeError("on purpose")


def with_parameters() -> Flow:
    with Flow("f") as flow:
        inc(Parameter("a"))
        inc(Parameter("b"))
        inc(Parameter("c", default=1))
    return flow


class TestArguments:
    def test_missing_parameters(self) -> None:
        flow = with_parameters()
        with pytest.raises(ValueError, match=r"^Flow\.run did not receive the following required parameters: a, b$"):
            flow.run()
        with pytest.raises(ValueError, match=r"required parameters: b$"):
            flow.run(parameters={"a": 1})

    def test_unknown_parameters(self) -> None:
        with pytest.raises(ValueError, match="unexpected parameters: z"):
            with_parameters().run(a=1, b=1, parameters={"z": 1})

    def test_unknown_keyword(self) -> None:
        with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
            with_parameters().run(a=1, b=1, z=1)

    def test_return_tasks(self) -> None:
        with pytest.raises(ValueError, match="`return_tasks` keyword cannot be provided"):
            with_parameters().run(a=1, b=1, return_tasks=[])

    def test_mapping_and_keywords_add_up(self) -> None:
        given = {"a": 1}
        flow = with_parameters()
        state = flow.run(parameters=given, b=2, run_on_schedule=False)
        assert sorted(state.result[each].result for each in flow.get_tasks(name="inc")) == [2, 2, 3]
        assert given == {"a": 1}

    def test_values_need_not_be_serializable(self) -> None:
        with Flow("f") as flow:
            called = task(lambda x: x)(Parameter("x"))
        unusual = (each for each in [1])
        assert flow.run(x=unusual).result[called].result is unusual

    def test_runner_cls(self) -> None:
        class Runner:
            def __init__(self, flow):
                self.flow = flow

            def run(self, **kwargs):
                return Success(result=kwargs)

        flow = with_parameters()
        state = flow.run(a=1, b=2, runner_cls=Runner, context={"k": 1})
        assert {name: value for name, value in state.result.items() if value is not None} == {
            "parameters": {"a": 1, "b": 2},
            "return_tasks": list(flow.slugs),
            "context": {"k": 1},
        }


class Judged(Success):
    """A success that its value decides about."""

    def is_failed(self) -> bool:
        return bool(self.result < 0)

    def is_successful(self) -> bool:
        return not self.is_failed()


class TestOutcome:
    @pytest.mark.parametrize("values", [[-1, 2, 3], [2, -1, 3], [2, 3, -1]])
    def test_each_state_of_a_class_of_ones_own_is_asked(self, values: list[int]) -> None:
        def judge(owner, old, new):
            return Judged(result=new.result) if new.is_finished() else new

        @task(state_handlers=[judge])
        def same(x):
            return x

        with Flow("judged") as flow:
            for value in values:
                same(value)
        assert flow.run().is_failed()

    def test_result_has_every_task(self) -> None:
        with Flow("f") as flow:
            failed = fail()
            last = inc(failed)
            other = inc(1)
        state = flow.run()
        assert state.is_failed()
        assert state.message == "Some reference tasks failed."
        assert set(state.result) == {failed, last, other} == flow.tasks
        assert str(state.result[failed].result) == "on purpose"
        assert type(state.result[last]).__name__ == "TriggerFailed"
        assert state.result[other].result == 2

    def test_success(self) -> None:
        with Flow("f") as flow:
            inc(1)
        assert flow.run().message == "All reference tasks succeeded."

    def test_reference_tasks_decide(self) -> None:
        with Flow("f") as flow:
            fail()
            good = inc(1)
        flow.set_reference_tasks([good])
        assert flow.run().is_successful()

    def test_raise_on_failure(self) -> None:
        with Flow("f") as flow:
            inc(fail())
        with pytest.raises(RuntimeError, match="on purpose"):
            flow.run(raise_on_failure=True)

    def test_finished_state_is_returned_at_once(self) -> None:
        with Flow("f") as flow:
            inc(1)
        given = Failed("before")
        assert flow.run(state=given) is given

    def test_task_states(self) -> None:
        with Flow("f") as flow:
            failed = fail()
            last = inc(failed)
        given = {failed: Success(result=4)}
        state = flow.run(task_states=given)
        assert state.result[failed] is given[failed]
        assert state.result[last].result == 5
        assert set(given) == {failed}

    def test_retries_until_it_is_finished(self) -> None:
        calls = []

        @task(max_retries=2, retry_delay=timedelta(0))
        def flaky():
            calls.append(context.task_run_count)
            if len(calls) < 3:
                raise OSError
            return "done"

        with Flow("f") as flow:
            called = flaky()
        assert flow.run().result[called].result == "done"
        assert calls == [1, 2, 3]

    def test_context_and_names(self) -> None:
        @task
        def seen():
            return context.get("k"), context.flow_run_name, context.flow_run_id

        with Flow("f") as flow:
            called = seen()
        state = flow.run(context={"k": 1}, flow_run_name="name", flow_run_id="id")
        assert state.result[called].result == (1, "name", "id")

    def test_task_contexts(self) -> None:
        with Flow("f") as flow:
            called = task(lambda: context.get("k"))()
            other = task(lambda: context.get("k"))()
        state = flow.run(task_contexts={called: {"k": 3}})
        assert (state.result[called].result, state.result[other].result) == (3, None)

    def test_on_failure(self) -> None:
        seen = []
        with Flow("f", on_failure=lambda flow, state: seen.append((flow, state))) as flow:
            fail()
        state = flow.run()
        assert seen == [(flow, state)]

    def test_terminal_state_handler(self) -> None:
        def turn(flow, state, reference_states):
            assert all(each.is_failed() for each in reference_states)
            return Success("turned")

        with Flow("f", terminal_state_handler=turn) as flow:
            fail()
        assert flow.run().message == "turned"

    def test_an_error_inside_the_runner(self) -> None:
        flow = Flow("f")
        first, second = inc.copy(), inc.copy()
        flow.add_edge(first, second, "x")
        flow.add_edge(second, first, "x")
        state = flow.run()
        assert state.is_failed()
        assert "Cycle found" in str(state.result)

    def test_skips(self) -> None:
        @task
        def skipped():
            raise signals.SKIP("no")

        with Flow("f") as flow:
            last = inc(skipped())
        state = flow.run()
        assert state.is_successful()
        assert state.result[last].is_skipped()
        assert state.result[last].result is None
