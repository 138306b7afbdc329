"""SPEC 8.2: checkpoints."""

import datetime

from prefect import Flow, Parameter, context, task
from prefect.engine.result import Result
from prefect.engine.results import LocalResult, PrefectResult
from prefect.engine.signals import FAIL, LOOP, SKIP, SUCCESS
from prefect.utilities.configuration import set_temporary_config

ON = {"flows.checkpointing": True}


def _run(record, flow, **options):
    with set_temporary_config(ON):
        record.flow(flow, flow.run(**options))
    record.files()


def task_over_flow(record):
    @task(result=LocalResult(dir="task", location="x.pkl"))
    def own():
        return 1

    @task
    def flows():
        return 2

    with Flow("f", result=LocalResult(dir="flow", location="{task_name}.pkl")) as flow:
        own()
        flows()
    _run(record, flow)


def switched_off_by_the_task(record):
    for value in (False, None, True):

        @task(checkpoint=value, result=LocalResult(dir="store", location=f"{value}.pkl"))
        def one():
            return 1

        with Flow("f") as flow:
            one()
        _run(record, flow)


def flow_result_and_checkpoint_false(record):
    @task(checkpoint=False)
    def one():
        return 1

    with Flow("f", result=LocalResult(dir="store")) as flow:
        one()
    _run(record, flow)


def nothing_configured(record):
    @task
    def one():
        return 1

    with Flow("f") as flow:
        one()
    _run(record, flow)


def plain_result(record):
    @task(result=Result(location="x"))
    def one():
        return 1

    with Flow("f", result=LocalResult(dir="store")) as flow:
        one()
    _run(record, flow)


def falsy_values(record):
    @task
    def give(x):
        return x

    with Flow("f", result=LocalResult(dir="store", location="{task_slug}.pkl")) as flow:
        for value in (0, "", [], {}, False):
            give(value)
    _run(record, flow)


def none(record):
    @task
    def nothing():
        return None

    with Flow("f", result=LocalResult(dir="store")) as flow:
        nothing()
    _run(record, flow)


def none_with_a_location(record):
    @task(result=LocalResult(dir="store", location="x.pkl"))
    def nothing():
        return None

    with Flow("f") as flow:
        nothing()
    _run(record, flow)


def failures_and_skips(record):
    def _make(signal):
        @task(result=LocalResult(dir="store", location="{task_name}.pkl"), name=type(signal).__name__)
        def raises():
            raise signal

        return raises

    with Flow("f") as flow:
        for signal in (ValueError("x"), FAIL("x", result=1), SKIP("x", result=1), SUCCESS("x", result=1)):
            _make(signal)()
    _run(record, flow)


def loop_passes(record):
    @task(result=LocalResult(dir="store", location="{loop_index}.pkl"))
    def loops(loop_index):
        count = context.get("task_loop_count", 1)
        if count < 3:
            raise LOOP(result=count)
        return "end"

    @task(result=LocalResult(dir="default"))
    def loops_by_default():
        count = context.get("task_loop_count", 1)
        if count < 3:
            raise LOOP(result=count)
        return "end"

    with Flow("f") as flow:
        loops(7)
        loops_by_default()
    _run(record, flow)


def templates(record):
    @task(result=LocalResult(dir="store", location="{flow_name}/{task_name}-{x}-{today_nodash[0]}{p}.pkl"))
    def one(x):
        return x

    with Flow("a flow") as flow:
        one(Parameter("p", default="P"))
        one(5)
    _run(record, flow, context={"date": "2020-02-24"})


def template_of_the_day(record):
    @task(result=LocalResult(dir="store", location="{date:%A}/{task_name}.pkl"))
    def one():
        return 1

    with Flow("f") as flow:
        one()
    _run(record, flow, context={"date": "2020-02-24"})


def precedence_of_keys(record):
    @task(result=LocalResult(dir="store", location="{a}-{b}-{c}.pkl"))
    def one(c):
        return 1

    with Flow("f") as flow:
        Parameter("a", default="parameter")()
        Parameter("b", default="parameter")()
        Parameter("c", default="parameter")()
        one("input")
    _run(record, flow, context={"b": "context", "c": "context"})


def missing_key(record):
    @task(result=LocalResult(dir="store", location="{nothing_of_that_name}.pkl"))
    def one():
        return 1

    with Flow("f") as flow:
        made = one()
    with set_temporary_config(ON):
        state = flow.run()
    record("class", type(state.result[made]).__name__)
    record("error", isinstance(state.result[made].result, KeyError))
    record.files()


def one_result_for_many_tasks(record):
    shared = LocalResult(dir="store", location="{task_slug}.pkl")

    @task(result=shared)
    def give(x):
        return x

    with Flow("f") as flow:
        give(1)
        give(2)
    _run(record, flow)
    record("untouched", shared)
    _run(record, flow)


def mapped_children(record):
    @task(result=LocalResult(dir="store", location="{task_name}-{map_index}.pkl"))
    def give(x):
        return x * 10

    with Flow("f") as flow:
        give.map([1, 2, 3])
    _run(record, flow)


def callable_location(record):
    def place(task_name, x, flow_name, **kwargs):
        return f"{flow_name}-{task_name}-{x}.pkl"

    @task(result=LocalResult(dir="store", location=place))
    def give(x):
        return x

    with Flow("f") as flow:
        give(4)
    _run(record, flow)


def class_that_cannot_store(record):
    class Half(Result):
        pass

    @task(result=Half())
    def one():
        return 1

    with Flow("f") as flow:
        one()
    _run(record, flow)


def own_class(record):
    kept = {}

    class Memory(Result):
        def read(self, location):
            new = self.copy()
            new.location, new.value = location, kept[location]
            return new

        def write(self, value_, **kwargs):
            new = self.format(**kwargs)
            new.value = kept[new.location] = value_
            return new

        def exists(self, location, **kwargs):
            return location.format(**kwargs) in kept

    @task(result=Memory(location="{task_name}"))
    def one():
        return 1

    with Flow("f") as flow:
        one()
    _run(record, flow)
    record("kept", kept)


def failing_write(record):
    class Broken(Result):
        def write(self, value_, **kwargs):
            raise RuntimeError("disk is gone")

    @task(result=Broken(), max_retries=0)
    def one():
        record("ran", True)
        return 1

    with Flow("f") as flow:
        made = one()
    with set_temporary_config(ON):
        state = flow.run()
    record("class", type(state.result[made]).__name__)
    record("says", "disk is gone" in str(state.result[made].message))


def failing_write_with_retries(record):
    class Broken(Result):
        def write(self, value_, **kwargs):
            raise RuntimeError("disk is gone")

    @task(result=Broken(), max_retries=2, retry_delay=datetime.timedelta(0))
    def one():
        record("ran", True)
        return 1

    with Flow("f") as flow:
        made = one()
    with set_temporary_config(ON):
        state = flow.run()
    record("class", type(state.result[made]).__name__)


def prefect_result_that_json_refuses(record):
    @task(result=PrefectResult())
    def one():
        return {1, 2}

    with Flow("f") as flow:
        made = one()
    with set_temporary_config(ON):
        state = flow.run()
    record("class", type(state.result[made]).__name__)
    record("error", isinstance(state.result[made].result, TypeError))


def indexing_and_results(record):
    @task(result=LocalResult(dir="store", location="{task_slug}.pkl"))
    def pair():
        return {"a": 1}

    with Flow("f") as flow:
        pair()["a"]
    _run(record, flow)
