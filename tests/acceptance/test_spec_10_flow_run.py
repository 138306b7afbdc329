"""Flow runs: what they wait for, what they say, and what decides their state (SPEC 10.5, 10.6)."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime, timedelta

import pytest

from resultant import Flow, LocalDaskExecutor, LocalExecutor, Parameter, Task, context, resource_manager, task
from resultant.engine import signals
from resultant.engine.state import Failed, Finished, Paused, Pending, Retrying, Running, Scheduled, Success
from resultant.settings import set_temporary_config
from resultant.tasks.secrets import EnvVarSecret


@task
def one():
    return 1


@task
def plus(x, y=1):
    return x + y


@task
def fails():
    raise ValueError("on purpose")


class TestStates:
    def test_a_task_that_did_not_run_is_pending_and_says_so(self):
        @task
        def pauses():
            raise signals.PAUSE("wait")

        with Flow("f") as flow:
            above = pauses()
            below = plus(above)
        state = flow.run()
        assert type(state.result[below]) is Pending
        assert state.result[below].message == "Task not run."
        assert type(state.result[above]) is Paused
        assert isinstance(state, Running)

    def test_an_empty_flow_succeeds(self):
        state = Flow("f").run()
        assert (type(state), state.message, state.result) == (Success, "All reference tasks succeeded.", {})

    def test_the_three_messages(self):
        with Flow("f") as flow:
            made = one()
        assert flow.run().message == "All reference tasks succeeded."
        assert flow.run(task_states={made: Failed()}).message == "Some reference tasks failed."
        neither = flow.run(task_states={made: Finished()})
        assert (type(neither), neither.message) == (Success, "No reference tasks failed.")

    def test_a_failed_child_fails_the_flow(self):
        with Flow("f") as flow:
            task(lambda x: 1 / x, name="divide").map([1, 0])
        state = flow.run()
        assert (type(state), state.message) == (Failed, "Some reference tasks failed.")

    def test_skipped_reference_tasks_are_successful(self):
        @task
        def skips():
            raise signals.SKIP("no")

        with Flow("f") as flow:
            skips()
        assert flow.run().message == "All reference tasks succeeded."

    def test_an_unfinished_terminal_task_keeps_the_flow_running(self):
        @task
        def pauses():
            raise signals.PAUSE("wait")

        with Flow("f") as flow:
            first = fails()
            done = one()
            pauses()
        for reference in (first, done):
            flow.set_reference_tasks([reference])
            state = flow.run()
            assert isinstance(state, Running)
            assert set(state.result) == flow.tasks

    def test_an_error_of_the_runner_is_the_result(self):
        class Broken(LocalExecutor):
            def start(self):
                raise OSError("no room")

        with Flow("f") as flow:
            one()
        state = flow.run(executor=Broken())
        assert isinstance(state, Failed)
        assert isinstance(state.result, OSError)

    def test_finished_task_states_are_the_same_objects_and_the_dict_is_left_alone(self):
        with Flow("f") as flow:
            a = one()
            b = plus(a)
        given = {a: Success("given", result=10)}
        copied = dict(given)
        state = flow.run(task_states=given)
        assert given == copied
        assert state.result[a] is given[a]
        assert state.result[b].result == 11


class TestWaiting:
    def test_it_sleeps_until_a_retry_is_due(self):
        times = []

        @task(max_retries=1, retry_delay=timedelta(milliseconds=60))
        def flaky():
            times.append(datetime.now(UTC))
            if len(times) == 1:
                raise OSError

        with Flow("f") as flow:
            flaky()
        assert flow.run().is_successful()
        assert times[1] - times[0] >= timedelta(milliseconds=60)

    def test_it_sleeps_until_a_scheduled_start(self):
        with Flow("f") as flow:
            made = task(lambda: datetime.now(UTC), name="when")()
        due = datetime.now(UTC) + timedelta(milliseconds=60)
        assert flow.run(task_states={made: Scheduled(start_time=due)}).result[made].result >= due

    def test_the_earliest_comes_first(self):
        order = []
        with Flow("f") as flow:
            late = task(lambda: order.append("late"), name="late")()
            early = task(lambda: order.append("early"), name="early")()
        now = datetime.now(UTC)
        flow.run(
            task_states={
                late: Scheduled(start_time=now + timedelta(milliseconds=80)),
                early: Scheduled(start_time=now + timedelta(milliseconds=30)),
            }
        )
        assert order == ["early", "late"]

    def test_the_others_go_on_meanwhile(self):
        order = []
        with Flow("f") as flow:
            late = task(lambda: order.append("late"), name="late")()
            plus(task(lambda: order.append("other") or 1, name="other")())
        flow.run(task_states={late: Scheduled(start_time=datetime.now(UTC) + timedelta(milliseconds=30))})
        assert order == ["other", "late"]

    @pytest.mark.parametrize(("answer", "ended"), [("y\n", True), ("yes\n", True), ("n\n", False), ("\n", False)])
    def test_a_pause_asks_on_the_terminal(self, monkeypatch, answer, ended):
        class Terminal(io.StringIO):
            def isatty(self):
                return True

        @task
        def approved():
            if not context.get("resume"):
                raise signals.PAUSE("May I?")
            return "done"

        with Flow("f") as flow:
            made = approved()
        monkeypatch.setattr(sys, "stdin", Terminal(answer))
        state = flow.run()
        assert state.is_finished() is ended
        assert state.result[made].result == "done" if ended else isinstance(state.result[made], Paused)

    def test_without_a_terminal_the_run_ends_and_says_who_waits(self, monkeypatch, caplog):
        """Departures: `Pausing`."""
        monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
        with Flow("f") as flow:
            task(lambda: 1, name="held", trigger=lambda states: (_ for _ in ()).throw(signals.PAUSE()))()
        assert isinstance(flow.run(), Running)
        assert any("approval of: held" in record.getMessage() for record in caplog.records)


class TestParameters:
    def test_argument_over_context_over_default(self):
        with Flow("f") as flow:
            made = task(lambda a, b, c: (a, b, c), name="show")(*(Parameter(name, default="default") for name in "abc"))
        with context(parameters={"b": "context", "c": "context"}):
            state = flow.run(c="argument")
        assert state.result[made].result == ("default", "context", "argument")

    def test_the_callers_mapping_is_left_alone(self):
        with Flow("f") as flow:
            plus(Parameter("a"), Parameter("b", default=2))
        given = {"a": 1}
        assert flow.run(parameters=given).is_successful()
        assert given == {"a": 1}

    def test_their_states_hold_inline_results(self):
        with Flow("f") as flow:
            parameter = Parameter("a")
            plus(parameter)
        with set_temporary_config({"flows.checkpointing": True}):
            result = flow.run(a=[1, "x"]).result[parameter]._result
        assert (type(result).__name__, result.value, result.location) == ("InlineResult", [1, "x"], '[1, "x"]')


class TestExecutors:
    class Counting(LocalExecutor):
        def __init__(self):
            super().__init__()
            self.submitted = 0
            self.inline = False

        def submit(self, fn, *args, **kwargs):
            self.submitted += 1
            return super().submit(fn, *args, **kwargs)

    def test_argument_before_the_flows_before_the_configured(self):
        class Named(LocalExecutor):
            used: list = []

            def __init__(self, name="configured"):
                super().__init__()
                self.name = name

            def start(self):
                self.used.append(self.name)
                return super().start()

        with Flow("f", executor=Named("flow")) as flow:
            one()
        flow.run(executor=Named("argument"))
        flow.run()
        flow.executor = None
        with set_temporary_config({"engine.executor.default_class": Named}):
            flow.run()
        flow.run()
        assert Named.used == ["argument", "flow", "configured"]

    def test_constants_are_not_sent(self):
        executor = self.Counting()
        with Flow("f") as flow:
            one(upstream_tasks=[1, 2, 3])
        assert flow.run(executor=executor).is_successful()
        assert executor.submitted == 1

    @pytest.mark.parametrize("scheduler", ["threads", "processes", "synchronous"])
    def test_every_executor_gives_the_same_states(self, scheduler):
        with Flow("f") as flow:
            bad = fails()
            good = plus(one())
            below = plus(bad)
            mapped = plus.map([1, 2, "x"])
        state = flow.run(executor=LocalDaskExecutor(scheduler, num_workers=2))
        assert [type(state.result[each]).__name__ for each in (bad, good, below, mapped)] == [
            "Failed",
            "Success",
            "TriggerFailed",
            "Mapped",
        ]
        assert state.result[good].result == 2
        assert repr(state.result[bad].result) == "ValueError('on purpose')"
        assert [type(child).__name__ for child in state.result[mapped].map_states] == ["Success", "Success", "Failed"]


class TestHandlers:
    def test_of_the_flow_see_running_and_the_final_state(self):
        seen = []

        def handler(flow, old, new):
            seen.append((flow.name, type(old).__name__, type(new).__name__))

        with Flow("f", state_handlers=[handler]) as flow:
            one()
        flow.run()
        assert [(name, new) for name, _, new in seen] == [("f", "Running"), ("f", "Success")]
        assert seen[1][1] == "Running"

    @pytest.mark.parametrize("returns", [True, False])
    def test_terminal_state_handler(self, returns):
        given = []

        def handler(flow, state, reference_task_states):
            given.append((flow, type(state), reference_task_states))
            state.message = "changed"
            return Failed("mine") if returns else None

        with Flow("f", terminal_state_handler=handler) as flow:
            made = one()
        state = flow.run()
        (seen_flow, seen_type, references) = given[0]
        assert seen_flow is flow
        assert seen_type is Success
        assert [each.result for each in references] == [1]
        assert (type(state), state.message) == ((Failed, "mine") if returns else (Success, "changed"))
        if not returns:
            assert state.result[made].result == 1


class TestRestarts:
    def test_resources_and_secrets_are_run_again(self, monkeypatch):
        events = []

        @resource_manager
        class Tool:
            def setup(self):
                events.append("setup")
                return "tool"

            def cleanup(self, resource):
                events.append("cleanup")

        @task
        def use(tool, secret):
            events.append((tool, secret))
            if events.count((tool, secret)) == 1:
                raise OSError
            return secret

        monkeypatch.setenv("WORD", "first")
        with Flow("f") as flow, Tool() as tool:
            used = use(tool, EnvVarSecret("WORD"))
        before = flow.run()
        assert isinstance(before, Failed)
        monkeypatch.setenv("WORD", "second")
        states = {each: state for each, state in before.result.items() if state.is_successful()}
        after = flow.run(task_states=states)
        assert events == ["setup", ("tool", "first"), "cleanup", "setup", ("tool", "second"), "cleanup"]
        assert not after.result[used].is_successful()

    def test_a_retrying_state_that_is_given_counts_on(self):
        counts = []

        @task(max_retries=3, retry_delay=timedelta(0))
        def flaky():
            counts.append(context.task_run_count)
            raise OSError

        with Flow("f") as flow:
            made = flaky()
        flow.run(task_states={made: Retrying(start_time=datetime.now(UTC), run_count=2)})
        assert counts == [3, 4]


def test_tasks_that_are_given_but_not_in_the_flow_change_nothing():
    with Flow("f") as flow:
        made = one()
    assert flow.run(task_states={Task(): Failed()}).result[made].result == 1
