"""SPEC 13: case, switch, ifelse, merge, filters, resources."""

from prefect import Flow, Parameter, Task, case, context, resource_manager, task
from prefect.engine.results import LocalResult
from prefect.engine.signals import SKIP
from prefect.tasks.control_flow import FilterTask, ifelse, merge, switch
from prefect.utilities.configuration import set_temporary_config


@task
def give(x):
    return x


@task
def add(x, y=1):
    return x + y


@task
def bad():
    raise ValueError("bad")


@task
def skips():
    raise SKIP("skipped")


def case_blocks(record):
    with Flow("f") as flow:
        condition = give(Parameter("p"))
        with case(condition, "a"):
            a = add(give(1))
        with case(condition, "b"):
            b = add(give(2))
        merge(a, b)
    for value in ("a", "b", "c"):
        record.flow(flow, flow.run(parameters={"p": value}))


def case_shape(record):
    with Flow("f") as flow:
        condition = give(True)
        with case(condition, True):
            add(give(1), Parameter("q", default=2))
        with case(condition, True):
            pass
    record("tasks", sorted(t.name for t in flow.tasks))
    record("edges", sorted([e.upstream_task.name, e.downstream_task.name, str(e.key)] for e in flow.edges))


def case_nested(record):
    with Flow("f") as flow:
        p, q = Parameter("p"), Parameter("q")
        with case(p, 1):
            with case(q, 1):
                inner = give("inner")
            outer = give("outer")
    for values in ((1, 1), (1, 2), (2, 1)):
        record.flow(flow, flow.run(parameters=dict(zip("pq", values))))
    record("tasks", [flow.slugs[inner], flow.slugs[outer]])


def case_errors(record):
    with Flow("f"):
        with record.error("task", TypeError, "`value` cannot be a task"), case(give(1), give(2)):
            pass
        made = give(1)
    with record.error("flows", ValueError, "Multiple flows"), Flow("g"), case(made, True):
        with Flow("h"):
            add(1)
        add(2)


def case_in_context(record):
    with Flow("f"):
        block = case(give(1), 1)
        with block:
            record("open", context.get("case") is block)
        record("closed", context.get("case"))


def case_with_constant_and_mapped():
    with Flow("f") as flow:
        with case(give(True), True):
            made = give([1, 2])
            add.map(made)
        with case(give(False), True):
            add.map([1, 2])
    return flow


def case_with_upstream_outside():
    with Flow("f") as flow:
        outside = give(1)
        with case(give(False), True):
            inside = add(outside)
        add(inside)
    return flow


def switches(record):
    with Flow("f") as flow:
        made = {key: give(key.upper()) for key in "ab"}
        switch(Parameter("p"), made)
        merge(*made.values())
    for value in ("a", "b", "z"):
        record.flow(flow, flow.run(parameters={"p": value}))


def if_else(record):
    with Flow("f") as flow:
        yes, no = give("yes"), give("no")
        ifelse(Parameter("p"), yes, no)
        merge(yes, no)
    for value in (True, False, 0, "text", None):
        record.flow(flow, flow.run(parameters={"p": value}))


def if_without_else(record):
    with Flow("f") as flow:
        ifelse(Parameter("p"), give("yes"), None)
        ifelse(Parameter("p2", default=False), None, give("no"))
    for value in (True, False):
        record.flow(flow, flow.run(parameters={"p": value}))


def merges(record):
    with Flow("f") as flow:
        merge(give(None), give(0), give(2))
        merge(give(None), give(None))
        merge(skips(), give(1))
        merge(skips(), skips())
        merge(bad(), give(1))
    record.flow(flow, flow.run())
    with record.error("skip", ValueError), Flow("g"):
        merge(give(1), skip_on_upstream_skip=True)


def merge_of_twelve():
    with Flow("f") as flow:
        merge(*[give(None if i < 1 else i) for i in range(12)])
    return flow


def merge_options(record):
    flow = Flow("f")
    made = merge(give(1, flow=flow), give(2, flow=flow), flow=flow, name="mine", checkpoint=False)
    record("made", [made.name, made.checkpoint, made.skip_on_upstream_skip])
    record.flow(flow, flow.run())


def merge_mapped():
    with Flow("f") as flow:
        a = give.map([1, None])
        b = give.map([10, 20])
        merge(a, b, mapped=True)
    return flow


def if_else_mapped():
    with Flow("f") as flow:
        yes, no = give.map([1, 2]), give.map([10, 20])
        ifelse(give([True, False]), yes, no, mapped=True)
        merge(yes, no, mapped=True)
    return flow


def switch_mapped():
    with Flow("f") as flow:
        a, b = give.map([1, 2]), give.map([10, 20])
        switch(give(["a", "b"]), {"a": a, "b": b}, mapped=True)
        merge(a, b, mapped=True)
    return flow


def filters(record):
    @task
    def picky(x):
        if x == 2:
            raise ValueError("two")
        return None if x == 3 else x

    with Flow("f") as flow:
        made = picky.map([0, 1, 2, 3])
        add.map(FilterTask()(made))
        FilterTask(filter_func=lambda x: isinstance(x, Exception), name="errors")(made)
        FilterTask()(give(["", None, 1, ValueError("x")]))
    record.flow(flow, flow.run())


def filter_options(record):
    from prefect.triggers import all_successful

    record("defaults", [FilterTask().name, FilterTask().skip_on_upstream_skip, FilterTask().trigger.__name__])
    made = FilterTask(trigger=all_successful, skip_on_upstream_skip=True, name="mine")
    record("given", [made.name, made.skip_on_upstream_skip, made.trigger.__name__])


def filter_logs(record):
    with Flow("f") as flow:
        FilterTask(log_func=lambda xs: f"filtered {len(xs)}")(give([1, None, None]))
    with record.logs("log", contains="filtered"):
        record.flow(flow, flow.run())


def _manager(record, where=()):
    @resource_manager
    class Manager:
        def __init__(self, name):
            record("event", f"init {name}")
            if "init" in where:
                raise ValueError("init")
            self.name = name

        def setup(self):
            record("event", "setup")
            if "setup" in where:
                raise ValueError("setup")
            return self.name.upper()

        def cleanup(self, resource):
            record("event", f"cleanup {resource}")
            if "cleanup" in where:
                raise ValueError("cleanup")

    return Manager


def resources(record):
    @task
    def use(resource):
        record("event", f"use {resource}")
        return resource

    with Flow("f") as flow:
        with _manager(record)("name") as resource:
            use(use(resource))
            give(3)
        give(4)
    record("tasks", sorted(t.name for t in flow.tasks))
    record("edges", sorted([e.upstream_task.name, e.downstream_task.name, str(e.key)] for e in flow.edges))
    record("reference", sorted(t.name for t in flow.reference_tasks()))
    record.flow(flow, flow.run())


def resources_that_fail(record):
    for where in (("init",), ("setup",), ("cleanup",), ()):
        with Flow("f") as flow, _manager(record, where)("name") as resource:
            give(resource)
            if not where:
                bad(upstream_tasks=[resource])
        record.classes(flow, flow.run())


def resource_without_setup(record):
    @resource_manager
    class Manager:
        def cleanup(self, resource):
            record("event", ["cleanup", resource])

    with Flow("f") as flow, Manager() as resource:
        give(resource)
    record.flow(flow, flow.run())


def resource_skipped(record):
    with Flow("f") as flow, case(give(False), True), _manager(record)("name") as resource:
        give(resource)
    record.classes(flow, flow.run())


def resource_options(record):
    from prefect.tasks.core.resource_manager import ResourceManager

    class Plain:
        def setup(self):
            return 1

        def cleanup(self, resource):
            pass

    made = resource_manager(Plain, name="mine", setup_task_kwargs={"name": "s"}, cleanup_task_kwargs={"name": "c"})
    record("class", isinstance(made, ResourceManager))
    with Flow("f") as flow, made() as resource:
        give(resource)
    record("tasks", sorted(t.name for t in flow.tasks))
    record("checkpoint", sorted([t.name, str(t.checkpoint)] for t in flow.tasks))


def resources_are_not_checkpointed(record):
    with Flow("f", result=LocalResult(dir="store", location="{task_name}.pkl")) as flow, _manager(record)("name") as r:
        give(r)
    with set_temporary_config({"flows.checkpointing": True}):
        record.flow(flow, flow.run())
    record.files()


def compare_value(record):
    from prefect.tasks.control_flow.conditional import CompareValue

    made = CompareValue(5)
    record("name", made.name)
    record("equal", made.run(5))
    with record.error("other", SKIP):
        made.run(6)
    record("class", isinstance(made, Task))
