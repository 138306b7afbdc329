"""SPEC 4.1, 4.2: the context."""

import datetime
import threading

import cloudpickle
import pendulum
import prefect
from prefect import Flow, Parameter, context, task
from prefect.utilities.context import Context


def blocks(record):
    with context(a=1):
        record("keyword", context.a)
        with context({"b": 2}, c=3):
            record("nested", [context["a"], context.b, context.get("c")])
            context.d = 4
            context.update(e=5)
            record("inside", [context.get("d"), "e" in context])
        record("after", [context.get(key) for key in "abcde"])
    record("end", context.get("a"))


def missing_keys(record):
    with record.error("attribute", AttributeError):
        context.not_there
    with record.error("key", KeyError):
        context["not_there"]
    record("get", [context.get("not_there"), context.get("not_there", 3)])


def dictionary_methods(record):
    with context(a=1):
        record("setdefault", [context.setdefault("a", 2), context.setdefault("b", 3)])
        record("pop", context.pop("b"))
        record("in", ["a" in context, "b" in context])
        del context["a"]
        record("deleted", context.get("a"))
        context["x"] = {"y": 1}
        record("plain dict", [type(context["x"]).__name__, context.to_dict()["x"]])
        copied = context.copy()
        copied["x2"] = 1
        record("copy", "x2" in context)


def config_is_merged(record):
    with context(config={"logging": {"level": "MARK"}}):
        record("inside", context.config.logging.level)
        record("others stay", context.config.flows.checkpointing)
    record("configuration", prefect.config.logging.level)


def threads_do_not_share(record):
    seen = []
    with context(a=1):
        thread = threading.Thread(target=lambda: seen.append(context.get("a")))
        thread.start()
        thread.join()
    record("seen", seen)


def refuses_pickling(record):
    with record.error("error", TypeError):
        cloudpickle.dumps(context)


def class_of_its_own(record):
    own = Context(a=1)
    record("values", [own.a, own["a"], own.get("b")])
    with own(b=2):
        record("block", [own.a, own.b])
    record("after", own.get("b"))


def keys_during_a_task(record):
    @task(name="look", tags=["t1", "t2"])
    def look():
        for key in (
            "date",
            "today",
            "yesterday",
            "tomorrow_nodash",
            "flow_name",
            "task_name",
            "task_slug",
            "task_full_name",
            "map_index",
            "task_run_count",
            "task_tags",
            "task_loop_count",
            "task_loop_result",
            "task_run_name",
            "parameters",
            "scheduled_start_time",
            "flow_run_id",
            "task_run_id",
            "flow_run_name",
            "flow_id",
            "task_id",
            "checkpointing",
            "resume",
        ):
            value = context.get(key, "<absent>")
            record(key, "<text>" if key.startswith(("today", "yesterday", "tomorrow")) else value)
        record(
            "lengths", [len(context.today), len(context.today_nodash), len(context.yesterday), len(context.tomorrow)]
        )
        record("date class", type(context.date).__name__)
        record("logger", context.logger.name)
        record("config", context.config.flows.checkpointing)
        record("caches", context.caches)

    with Flow("a flow") as flow:
        Parameter("p", default=3)()
        look()
    state = flow.run(context={"mine": 1}, flow_run_name="named")
    record("state", type(state).__name__)
    record("outside", context.get("scheduled_start_time", "<absent>"))


def mapped_children(record):
    @task(name="child")
    def child(x):
        return [context.map_index, context.task_full_name, context.task_name, context.task_slug]

    with Flow("f") as flow:
        child.map([10, 20])
    record.flow(flow, flow.run())


def date_given(record):
    @task
    def look():
        return [
            str(context.date)[:10],
            context.today,
            context.yesterday,
            context.tomorrow,
            context.today_nodash,
            context.yesterday_nodash,
            context.tomorrow_nodash,
        ]

    with Flow("f") as flow:
        look()
    record.flow(flow, flow.run(context={"date": "1986-09-20"}))
    with prefect.context(date=pendulum.datetime(2020, 3, 1)):
        record.flow(flow, flow.run())
    record.flow(flow, flow.run(context={"date": "1986-09-20", "today": "mine"}))


def date_given_as_a_plain_datetime(record):
    @task
    def look():
        return [str(context.date)[:10], context.today]

    with Flow("f") as flow:
        look()
    record.flow(flow, flow.run(context={"date": datetime.datetime(2020, 12, 31)}))


def date_that_cannot_be_parsed(record):
    @task
    def look():
        return [context.date, context.today == str(datetime.datetime.now(datetime.UTC).date())]

    with Flow("f") as flow:
        look()
    with record.logs("log", contains="could not be parsed into a pendulum `DateTime` object"):
        record.flow(flow, flow.run(context={"date": "no date at all"}))


def surroundings_reach_tasks(record):
    @task
    def look():
        return context.get("outer")

    with Flow("f") as flow:
        look()
    with context(outer="here"):
        record.flow(flow, flow.run())
        record.flow(flow, flow.run(context={"outer": "argument"}))


def changes_inside_a_task_stay_there(record):
    @task
    def change():
        context.left = 1

    @task
    def look():
        return context.get("left")

    with Flow("f") as flow:
        look(upstream_tasks=[change()])
    record.flow(flow, flow.run())
    record("after", context.get("left"))


def secrets_of_the_context(record):
    from prefect.tasks.secrets import PrefectSecret

    with Flow("f") as flow:
        PrefectSecret("Key")()
    with context(secrets={"Key": "value"}):
        state = flow.run()
    record("state", type(state).__name__)
    record("values", [s.result for s in state.result.values()])


def parameters_given_in_the_context(record):
    @task
    def same(x):
        return x

    with Flow("f") as flow:
        same(Parameter("x", default=1))
    with context(parameters={"x": 2}):
        record.flow(flow, flow.run())
        record.flow(flow, flow.run(parameters={"x": 3}))
