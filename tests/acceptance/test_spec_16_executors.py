"""Every executor gives the same states, values and handler calls (SPEC 16)."""

from __future__ import annotations

import pickle
from datetime import timedelta

import cloudpickle
import pytest

from resultant import Executor, Flow, LocalDaskExecutor, LocalExecutor, Parameter, ProcessExecutor, ThreadExecutor, task
from resultant.engine import signals

EXECUTORS = {
    "local": LocalExecutor,
    "threads": lambda: ThreadExecutor(workers=2),
    "processes": lambda: ProcessExecutor(workers=1),
    "dask threads": lambda: LocalDaskExecutor("threads", num_workers=2),
    "dask processes": lambda: LocalDaskExecutor("processes", num_workers=1),
    "dask synchronous": lambda: LocalDaskExecutor("synchronous"),
}


@pytest.fixture(params=list(EXECUTORS))
def executor(request):
    return EXECUTORS[request.param]()


@task
def double(x):
    if x == 3:
        raise ValueError("three")
    return x * 2


@task(max_retries=2, retry_delay=timedelta(0))
def flaky():
    from resultant import context

    if context.task_run_count < 3:
        raise OSError("not yet")
    return context.task_run_count


@task
def look(x):
    from resultant import context

    return context.flow_name, context.map_index, context.parameters, context.mine, context.task_full_name


@task
def skips():
    raise signals.SKIP("skipped", result="beside")


@task
def loops():
    from resultant import context

    count = context.get("task_loop_count", 1)
    if count < 3:
        raise signals.LOOP(result=count)
    return count, context.task_loop_result


def noted(obj, old, new):
    """Leave a trace in the state itself, which comes back from wherever the task ran."""
    new.context["seen"] = [*old.context.get("seen", ()), type(new).__name__]


class TestSameStates:
    def test_everything_at_once(self, executor):
        with Flow("f") as flow:
            mapped = double.map([1, 2, 3])
            nested = double.map(mapped)
            reduced = task(lambda values: sum(values), name="sum")(double.map([1, 2]))
            retried = flaky()
            looked = look(Parameter("p", default=5))
            looked_at = look.map([1, 2])
            skipped = skips()
            below = double(skipped)
            looped = loops()
            handled = task(lambda: 1, name="handled", state_handlers=[noted])()
        state = flow.run(executor=executor, context={"mine": "m"})
        result = state.result

        def kinds(made):
            return [type(child).__name__ for child in result[made].map_states]

        assert kinds(mapped) == ["Success", "Success", "Failed"]
        assert kinds(nested) == ["Success", "Success", "TriggerFailed"]
        assert repr(result[mapped].map_states[2].result) == "ValueError('three')"
        assert [each.result for each in result[nested].map_states[:2]] == [4, 8]
        assert result[reduced].result == 6
        assert result[retried].result == 3
        assert result[looked].result == ("f", None, {"p": 5}, "m", "look")
        assert [each[1] for each in result[looked_at].result] == [0, 1]
        assert [each[4] for each in result[looked_at].result] == ["look[0]", "look[1]"]
        assert type(result[skipped]).__name__ == type(result[below]).__name__ == "Skipped"
        assert result[skipped].result == "beside"
        assert result[looped].result == (3, 2)
        assert result[handled].context["seen"][-1] == "Success"
        assert state.is_failed()

    def test_failures_carry_the_exception(self, executor):
        with Flow("f") as flow:
            bad = double(3)
            failed = task(lambda: (_ for _ in ()).throw(signals.FAIL("mine")), name="failed")()
        result = flow.run(executor=executor).result
        assert isinstance(result[bad].result, ValueError)
        assert result[bad].message == "Error during execution of task: ValueError('three')"
        assert isinstance(result[failed].result, signals.FAIL)
        assert result[failed].message == "mine"


class TestBase:
    def test_it_runs_nothing(self):
        with Executor().start():
            for call in (lambda: Executor().submit(len, []), lambda: Executor().wait([])):
                with pytest.raises(NotImplementedError):
                    call()

    def test_local_calls_at_once_and_waits_for_nothing(self):
        local = LocalExecutor()
        with local.start():
            assert local.submit(lambda a, b: a + b, 1, b=2) == 3
            given = [1, {"a": 2}]
            assert local.wait(given) is given

    def test_pickling_also_while_started(self, executor):
        for module in (pickle, cloudpickle):
            assert type(module.loads(module.dumps(executor))) is type(executor)
        with executor.start():
            again = cloudpickle.loads(cloudpickle.dumps(executor))
        with Flow("f") as flow:
            made = double(2)
        assert flow.run(executor=again).result[made].result == 4

    @pytest.mark.parametrize(
        ("given", "canonical"),
        [
            ("threads", "threads"),
            ("THREADING", "threads"),
            ("Processes", "processes"),
            ("multiprocessing", "processes"),
            ("synchronous", "synchronous"),
            ("Sync", "synchronous"),
            ("single-threaded", "synchronous"),
        ],
    )
    def test_schedulers_by_their_names(self, given, canonical):
        assert LocalDaskExecutor(given).scheduler == canonical

    def test_an_unknown_scheduler(self):
        with pytest.raises(ValueError, match="scheduler"):
            LocalDaskExecutor("nothing")

    def test_submit_and_wait(self, executor):
        with executor.start():
            future = executor.submit(pow, 2, 3)
            assert executor.wait([future, {"a": future}]) == [8, {"a": 8}]

    def test_an_executor_can_be_used_again(self, executor):
        with Flow("f") as flow:
            made = double(2)
        for _ in range(2):
            assert flow.run(executor=executor).result[made].result == 4
