"""SPEC 17: small public helpers."""

import json
import logging

import cloudpickle
import prefect
from prefect import Flow, Task, task
from prefect.utilities.collections import DotDict, as_nested_dict, merge_dicts
from prefect.utilities.logging import get_logger
from prefect.utilities.tasks import defaults_from_attrs


def dot_dict(record):
    made = DotDict(a=1, b={"c": 2})
    record("access", [made.a, made["a"], made.get("z"), "a" in made, len(made)])
    made.x = 5
    made["y"] = 6
    record("set", [made["x"], made.y])
    del made.x
    record("keys", sorted(made.keys()))
    with record.error("attribute", AttributeError):
        made.nothing
    with record.error("key", KeyError):
        made["nothing"]
    record("repr", repr(DotDict({"b": 1, "a": 2, 1: 3})))
    record("equal", [DotDict(a=1) == {"a": 1}, DotDict(a=1) == DotDict(a=2)])
    record("splat", dict(**DotDict(a=1)))
    with record.error("json", TypeError):
        json.dumps(DotDict(a=1))
    record("copy", type(made.copy()).__name__)
    record("pickled", cloudpickle.loads(cloudpickle.dumps(made)) == made)


def dot_dict_to_dict(record):
    made = DotDict(a=DotDict(b=[DotDict(c=1)]))
    plain = made.to_dict()
    record("kinds", [type(plain).__name__, type(plain["a"]).__name__, type(plain["a"]["b"][0]).__name__])
    record("plain", plain)


def dot_dict_updates(record):
    made = DotDict()
    made.update({"a": 1}, b=2)
    record("updated", made.to_dict())
    made.clear()
    record("cleared", len(made))


def nested_dicts(record):
    made = as_nested_dict({"a": {"b": [{"c": 1}]}})
    record("access", [made.a.b[0].c, type(made.a).__name__])
    record("plain", as_nested_dict(made, dct_class=dict))
    merged = merge_dicts({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 5}, "e": 6})
    record("merged", merged)
    record("kind", type(merge_dicts(DotDict(a=1), DotDict(b=2))).__name__)


def defaults_of_attributes(record):
    class Adder(Task):
        def __init__(self, x=None, y=None, **kwargs):
            self.x, self.y = x, y
            super().__init__(**kwargs)

        @defaults_from_attrs("x", "y")
        def run(self, x=None, y=None):
            """Adds."""
            return [x, y]

    made = Adder(x=1)
    record("runs", [made.run(), made.run(y=5), made.run(x=None, y=2)])
    record("doc", Adder.run.__doc__)
    with Flow("f") as flow:
        made(y=4)
        Adder(5, 6)()
    record.flow(flow, flow.run())

    class Forgot(Task):
        @defaults_from_attrs("z")
        def run(self, z=None):
            return z

    with record.error("never set", AttributeError):
        Forgot().run()


def loggers(record):
    record("names", [get_logger().name, get_logger("a").name, get_logger("a.b").name])
    record("parent", get_logger("a").parent.name if get_logger("a").parent else None)
    record("task", [Task(name="mine").logger.name, Flow("mine").logger.name])
    record("same", get_logger("a") is get_logger("a"))


def records_reach_the_root_logger(record):
    with record.logs("log", level=logging.WARNING):
        get_logger("mine").warning("the words")


def tags_nest(record):
    with prefect.tags("a"), prefect.tags("b"):
        record("context", sorted(prefect.context.tags))
    record("after", sorted(prefect.context.get("tags", [])))


def task_helpers(record):
    from prefect.utilities.tasks import apply_map, as_task, pause_task, tags
    from prefect.utilities.tasks import task as decorator

    record("same", [decorator is task, tags is prefect.tags, apply_map is prefect.apply_map])
    with Flow("f"):
        record("constant", as_task(5).run())
    record("pause", callable(pause_task))


def exceptions(record):
    from prefect.exceptions import PrefectException, PrefectSignal, TaskTimeoutSignal

    record(
        "bases",
        [
            issubclass(PrefectSignal, BaseException),
            issubclass(PrefectSignal, Exception),
            issubclass(TaskTimeoutSignal, PrefectSignal),
            issubclass(PrefectException, Exception),
        ],
    )
    record(
        "signals",
        [
            issubclass(prefect.engine.signals.PrefectStateSignal, PrefectSignal),
            issubclass(prefect.engine.signals.ENDRUN, PrefectSignal),
        ],
    )


def context_class(record):
    from prefect.utilities.context import Context

    made = Context(a=1, b={"c": 2})
    record("access", [made.a, made.b, made.get("x")])
    with record.error("missing", AttributeError):
        made.nothing
    with record.error("pickle", TypeError):
        cloudpickle.dumps(made)


def timeouts_signal(record):
    import time

    from prefect.exceptions import TaskTimeoutSignal

    @task(timeout=1)
    def slow():
        time.sleep(4)

    with Flow("f") as flow:
        made = slow()
    state = flow.run()
    record("kind", isinstance(state.result[made].result, TaskTimeoutSignal))
