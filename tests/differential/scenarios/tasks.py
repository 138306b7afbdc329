"""SPEC 7.1, 7.2: tasks and their constructor."""

import datetime
import functools
import inspect

import prefect
from prefect import Flow, Task, task
from prefect.engine.cache_validators import all_inputs, duration_only, never_use
from prefect.engine.results import LocalResult
from prefect.tasks.core.function import FunctionTask
from prefect.triggers import all_failed, all_successful


def defaults(record):
    made = Task()
    record(
        "attributes",
        [
            made.name,
            made.slug,
            made.tags,
            made.max_retries,
            made.retry_delay,
            made.timeout,
            made.skip_on_upstream_skip,
            made.cache_for,
            made.cache_key,
            made.checkpoint,
            made.state_handlers,
            made.log_stdout,
            made.result,
            made.target,
            made.task_run_name,
            made.nout,
            made.auto_generated,
        ],
    )
    record("trigger", made.trigger is all_successful)
    record("validator", made.cache_validator is never_use)
    record("duration", Task(cache_for=datetime.timedelta(1)).cache_validator is duration_only)


def names(record):
    class Mine(Task):
        pass

    @task
    def function():
        """The text."""

    record("names", [Mine().name, Mine(name="x").name, function.name, Task(name="").name])
    record("reprs", [repr(Mine()), repr(Task(name="a")), repr(function)])


def function_task(record):
    @task
    def add(x, y=2):
        """Adds."""
        return x + y

    record("class", type(add).__name__)
    record("run", [add.run(1), add.run(1, y=5)])
    record(
        "like the function", [add.__doc__, add.__wrapped__(1, 1), add.__name__ if hasattr(add, "__name__") else None]
    )
    record("call with options", task(lambda: 3, name="lambda").run())
    with record.error("missing attribute", AttributeError, "'FunctionTask' object has no attribute 'nothing'"):
        add.nothing
    with record.error("not callable", TypeError):
        FunctionTask(fn=5)


def options(record):
    made = task(
        lambda x: x,
        name="n",
        slug="s",
        tags=["a"],
        max_retries=2,
        retry_delay=datetime.timedelta(1),
        timeout=5,
        trigger=all_failed,
        skip_on_upstream_skip=False,
        cache_for=datetime.timedelta(1),
        cache_validator=all_inputs,
        cache_key="k",
        checkpoint=False,
        log_stdout=True,
        result=LocalResult(dir="store", location="x"),
        task_run_name="r",
        nout=2,
    )
    record(
        "all",
        [
            made.name,
            made.slug,
            made.tags,
            made.max_retries,
            made.retry_delay,
            made.timeout,
            made.trigger is all_failed,
            made.skip_on_upstream_skip,
            made.cache_for,
            made.cache_validator is all_inputs,
            made.cache_key,
            made.checkpoint,
            made.log_stdout,
            made.result,
            made.task_run_name,
            made.nout,
        ],
    )


def argument_errors(record):
    delay = datetime.timedelta(0)
    with record.error("retries without delay", ValueError):
        Task(max_retries=1)
    with record.error(
        "delay without retries",
        ValueError,
        "A `max_retries` argument greater than 0 must be provided if specifying a retry delay",
    ):
        Task(retry_delay=delay)
    with record.error("retry_on without retries", ValueError, "`max_retries` must be provided"):
        Task(retry_on=ValueError)
    with record.error("not an exception", TypeError, "exception type but got an instance of"):
        Task(max_retries=1, retry_delay=delay, retry_on=["x"])
    with record.error("float timeout", TypeError):
        Task(timeout=0.5)
    with record.error("text tags", TypeError):
        Task(tags="abc")
    with record.error("handlers", TypeError):
        Task(state_handlers=lambda *args: None)
    record(
        "retry_on",
        [
            sorted(c.__name__ for c in Task(max_retries=1, retry_delay=delay, retry_on=kinds).retry_on)
            for kinds in (ValueError, [ValueError, KeyError], {TypeError})
        ],
    )


def timeouts_of_all_kinds(record):
    record("timeout", [Task(timeout=5).timeout, Task(timeout=datetime.timedelta(minutes=1)).timeout])
    with record.warning("fraction"):
        record("whole", Task(timeout=datetime.timedelta(seconds=1, milliseconds=500)).timeout)


def argument_warnings(record):
    with record.warning("validator", "Task will not be cached"):
        Task(cache_validator=all_inputs)

    class Holder(Task):
        def __init__(self, inner, **kwargs):
            self.inner = inner
            super().__init__(**kwargs)

    with record.warning("task argument", "A Task was passed as an argument to Holder"):
        Holder(Task())
    with record.warning("task keyword", "A Task was passed as an argument to Holder"):
        Holder(inner=Task())

    class Early(Task):
        def __init__(self):
            self.name = "early"
            super().__init__()

    with record.warning("early", "`Early` sets a `name` attribute"):
        Early()


def signature_rules(record):
    with record.error("star args", ValueError):
        task(lambda *args: 1)
    for name in ("upstream_tasks", "mapped", "task_args", "flow"):
        with record.error(name, ValueError):
            exec(f"@task\ndef f({name}): pass", {"task": task})
    with record.error("builtin", ValueError, "This function can not be inspected"):
        task(zip)

    def starred():
        class Bad(Task):
            def run(self, *args):
                pass

    with record.error("class", ValueError):
        starred()
    with record.error("positional only", TypeError):
        exec("@task\ndef f(x, /): pass", {"task": task})


def signatures(record):
    @task
    def add(x, y: int = 2) -> int:
        return x + y

    def shape(thing):
        signature = inspect.signature(thing)
        return [[str(p.name), str(p.kind)] for p in signature.parameters.values()], str(signature.return_annotation)

    record("task", shape(add))

    class Mine(Task):
        def __init__(self, a):
            super().__init__()

        def run(self, b):
            pass

    record("class", str(inspect.signature(Mine)))
    record("instance", shape(Mine(1)))


def decorated_functions(record):
    def twice(fn):
        @functools.wraps(fn)
        def inner(*args, **kwargs):
            return fn(*args, **kwargs) * 2

        return inner

    @task
    @twice
    def number(x):
        return x

    with Flow("f") as flow:
        number(3)
    record.flow(flow, flow.run())


def inputs_and_outputs(record):
    @task
    def typed(x: int, y: str = "a", z=None) -> float:
        return 1.0

    for name, about in typed.inputs().items():
        record(name, [str(about["type"]), about["default"], about["required"]])
    record("outputs", str(typed.outputs()))
    record("none", str(task(lambda: 1).outputs()))


def target_and_result(record):
    made = Task(result=LocalResult(dir="store"), target="x")
    record("result", made.result)
    with record.warning("both"):
        original = LocalResult(dir="store", location="a")
        record("other", Task(result=original, target="b").result)
    record("original", original)
    record("alone", [Task(target="b").result, Task(target="b").target])
    record("copied", made.copy(target="y").result)


def copy(record):
    original = Task(name="a", slug="s", tags=["t"])
    again = original.copy()
    record("slug", [again.slug, again.name, again is original])
    again.tags.add("u")
    record("tags", [original.tags, again.tags])
    record("given", [original.copy(slug="other").slug, original.copy(name="b").name])
    with record.error("unknown", AttributeError):
        original.copy(nothing=1)


def copy_with_edges(record):
    @task
    def one():
        return 1

    with Flow("f"):
        used = one()
        with record.warning("copy", "You are making a copy"):
            used.copy()
        used.set_upstream(Task())
        with record.warning("copy with edges", "You are making a copy"):
            used.copy()


def tags(record):
    with prefect.tags("a"):
        first = Task(tags=["own"])
        with prefect.tags("b", "c"):
            second = Task()
    record("tags", [first.tags, second.tags, Task().tags])


def tags_in_states():
    @task(tags=["own"])
    def one():
        return 1

    with Flow("f") as flow, prefect.tags("block"):
        one()
        one.copy(slug="other")
        one.map([1, 2]) if False else None
    return flow


def iteration(record):

    def counted(annotation):
        def run():
            pass

        run.__annotations__["return"] = annotation
        return task(run).nout

    record("annotations", [counted(a) for a in (tuple[int, int], tuple[()], tuple, tuple[int, ...], int, tuple)])
    with record.error("not iterable", TypeError, "Task is not iterable"):
        list(task(lambda: 1))


def several_values():
    @task(nout=2)
    def pair():
        return 1, "two"

    @task
    def show(x):
        return x

    with Flow("f") as flow:
        a, b = pair()
        show(a)
        show(b)
    return flow
