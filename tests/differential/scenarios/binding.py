"""SPEC 7.3: calling, binding, piping."""

import prefect
from prefect import Flow, Parameter, Task, flatten, mapped, task, unmapped


@task
def add(x, y=1):
    return x + y


@task
def first(x):
    return x[0]


class Adder(Task):
    def run(self, x, y=1):
        return x + y


def copies_when_called(record):
    with Flow("f") as flow:
        a = add(1)
        b = add(a, y=a)
    record("copies", [a is add, a is b, len(flow.tasks), add in flow.tasks])
    record.flow(flow, flow.run())


def outside_a_flow(record):
    with record.error("function", ValueError, "Could not infer an active Flow context while creating edge to"):
        add(1)
    with record.error("advice", ValueError, "`add.run(...)`"):
        add(1)
    with record.error("class advice", ValueError, "`Adder(...).run(...)`"):
        Adder()(1)
    flow = Flow("f")
    add(1, flow=flow)
    record("given", len(flow.tasks))


def wrong_arguments(record):
    with Flow("f"):
        with record.error("missing", TypeError):
            add()
        with record.error("unknown", TypeError):
            add(1, z=2)
        with record.error("too many", TypeError):
            add(1, 2, 3)


def upstream_tasks():
    with Flow("f") as flow:
        a = add(1)
        add(2, upstream_tasks=[a])
        add(3, upstream_tasks=[5])
    return flow


def task_args(record):
    with Flow("f") as flow, prefect.tags("block"):
        a = add(1, task_args={"name": "renamed", "tags": ["x"], "max_retries": 0})
        with record.error("unknown", AttributeError, "nothing"):
            add(1, task_args={"nothing": 1})
    record("task", [a.name, a.tags])
    record("slugs", flow.slugs[a])


def bind(record):
    made = Adder()
    with Flow("f") as flow:
        record("same", made.bind(1) is made)
    record.flow(flow, flow.run())


def spread_keywords(record):
    class Spread(Task):
        def run(self, a, **others):
            return [a, others]

    with Flow("f") as flow:
        x = add(1)
        Spread()(1, b=x, c=3)
    record("keys", sorted(str(edge.key) for edge in flow.edges))
    record.flow(flow, flow.run())


def set_upstream_and_downstream(record):
    a, b, c = (Adder(name=name) for name in "abc")
    with record.error("without a flow", ValueError, "No Flow was passed"):
        a.set_upstream(b)
    flow = Flow("f")
    flow.add_task(a).bind(1, flow=flow)
    record("returns", a.set_downstream(b, key="x", flow=flow) is a)
    c.set_upstream(b, key="x", flow=flow)
    record("edges", sorted([e.upstream_task.name, e.downstream_task.name, e.key] for e in flow.edges))
    record.flow(flow, flow.run())


def set_dependencies_of_a_task(record):
    a, b, c = (Adder(name=name) for name in "abc")
    with Flow("f") as flow:
        a.set_dependencies(keyword_tasks={"x": 1}, downstream_tasks=[b])
        b.set_dependencies(keyword_tasks={"x": a, "y": 5}, upstream_tasks=[c])
        c.set_dependencies(keyword_tasks={"x": [a, 1]}) if False else c.set_dependencies(keyword_tasks={"x": 4})
    record.flow(flow, flow.run())


def pipe(record):
    with Flow("f") as flow:
        a = add(1)
        b = a.pipe(add, y=5).pipe(add)
        a.pipe(unmapped)
        first.map(a.pipe(lambda x: x) if False else [[1], [2]])
        with record.error("positional", TypeError):
            a.pipe(add, 1, 2)
        with record.error("self", ValueError):
            a.pipe(add, self=1)
    record("last", flow.slugs[b])
    record.flow(flow, flow.run())


def pipe_task_keyword():
    @task
    def keyed(x, task):
        return [x, task]

    with Flow("f") as flow:
        add(1).pipe(keyed, task=2)
    return flow


def annotations(record):
    a = Task()
    record(
        "values",
        [
            unmapped(a).value is a,
            unmapped(mapped(a)).annotations,
            mapped(unmapped(a)).annotations,
            flatten(unmapped(a)).annotations,
            flatten(flatten(a)).value is a,
        ],
    )
    record("as argument", mapped([1, 2]).value)


def missing_flow_is_the_callers(record):
    with Flow("outer") as outer:
        with Flow("inner") as inner:
            add(1)
        add(2)
        add(3)
    record("sizes", [len(outer.tasks), len(inner.tasks)])


def parameter_calls(record):
    with Flow("f") as flow:
        p = Parameter("p", default=1)
        record("same", p() is p)
        with record.error("arguments", TypeError):
            p(1)
    record("tasks", len(flow.tasks))
    with record.error("outside", ValueError, "infer an active Flow"):
        Parameter("q")()
    with record.error("copy", TypeError):
        p.copy()
    record("copied", p.copy("other").name)
