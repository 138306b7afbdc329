"""SPEC 10.1 to 10.4: building flows and asking them."""

import json

import cloudpickle
import prefect
from prefect import Flow, Parameter, Task, task
from prefect.engine.results import LocalResult
from prefect.utilities.configuration import set_temporary_config


@task
def add(x, y=1):
    return x + y


def _shape(flow):
    return sorted(
        [flow.slugs[e.upstream_task], flow.slugs[e.downstream_task], str(e.key), e.mapped, e.flattened]
        for e in flow.edges
    )


def names(record):
    with record.error("missing", TypeError):
        Flow()
    for name in ("", None, False):
        with record.error("falsy", ValueError):
            Flow(name)
    record("repr", repr(Flow("a b")))
    result = LocalResult(dir="store")
    record("result", Flow("f", result=result).result is result)


def current_flow(record):
    record("outside", prefect.context.get("flow"))
    with Flow("a") as a:
        record("inside", prefect.context.flow is a)
        with Flow("b") as b:
            record("nested", prefect.context.flow is b)
        record("back", prefect.context.flow is a)
    record("after", prefect.context.get("flow"))


def forgotten_tasks(record):
    with record.warning("created", "Tasks were created but not added to the flow"), Flow("f"):
        Task()
    with record.warning("added", "Tasks were created but not added to the flow"), Flow("f"):
        Task()()
    with record.warning("defined and called", "Tasks were created but not added to the flow"), Flow("f"):

        @task
        def inner():
            return 1

        inner()
    with record.warning("copied", "Tasks were created but not added to the flow"), Flow("f"):
        add(1).copy(slug="other")


def run_inside_the_block(record):
    with Flow("f") as flow:
        add(1)
        with record.error("error", RuntimeError, "`flow.run()` from within a `Flow` context manager"):
            flow.run()


def add_task(record):
    flow, made = Flow("f"), Task(name="a")
    record("returns", flow.add_task(made) is made)
    flow.add_task(made)
    record("once", len(flow.tasks))
    with record.error("not a task", TypeError):
        flow.add_task(5)
    flow.add_task(Task(slug="s"))
    with record.error("slug", ValueError, 'A task with the slug "s" already exists in this flow.'):
        flow.add_task(Task(slug="s"))


def add_edge(record):
    flow, a, b = Flow("f"), Task(name="a"), add.copy(name="b")
    edge = flow.add_edge(a, b, key="x")
    record("edge", [edge.upstream_task is a, edge.key, edge.mapped, edge.flattened, len(flow.tasks)])
    with record.error("parameter", ValueError, "can not have upstream dependencies"):
        flow.add_edge(a, Parameter("p"))
    with record.error("twice", ValueError, "already been assigned"):
        flow.add_edge(Task(), b, key="x", validate=True)
    with record.error("unknown key", TypeError):
        flow.add_edge(Task(), b, key="nothing", validate=True)
    with record.error("itself", ValueError):
        flow.add_edge(a, a)


def constants_by_edge(record):
    from prefect.tasks.core.constants import Constant

    flow, b = Flow("f"), add.copy(name="b")
    flow.add_edge(Constant(3), b, key="x")
    record("constants", list(flow.constants.values()))
    record("tasks", len(flow.tasks))
    flow.add_edge(Constant(3), b)
    record("upstream", len(flow.tasks))


def chain(record):
    a, b, c = (Task(name=name) for name in "abc")
    flow = Flow("f")
    edges = flow.chain(a, b, c)
    record("edges", [[e.upstream_task.name, e.downstream_task.name] for e in edges])
    with Flow("g") as other:
        made = [add(i) for i in range(3)]
        other.chain(*made)
    record("shape", _shape(other))
    record.flow(other, other.run())


def slugs(record):
    with Flow("f") as flow:
        made = [
            Task("a")(),
            Task("b")(),
            Task("b")(),
            Task("a", tags=["z", "c"])(),
            Task("x", slug="mine")(),
            Task("a")(),
        ]
        add.map([1])
    record("slugs", [flow.slugs[t] for t in made])
    made[0].name = "renamed"
    record("fixed", flow.slugs[made[0]])
    with Flow("g") as other:
        Task("t", slug="t-1")()
        last = Task("t")()
    record("taken", other.slugs[last])


def cycles(record):
    a, b, c = (Task(name=name) for name in "abc")
    flow = Flow("f")
    flow.add_edge(a, b)
    flow.add_edge(b, c)
    flow.add_edge(c, a)
    for call in (flow.validate, flow.sorted_tasks):
        with record.error("late", ValueError, "Cycle found"):
            call()
    other = Flow("g")
    other.add_edge(a, b)
    with record.error("at once", ValueError, "Cycle found"):
        other.add_edge(b, a, validate=True)
    eager = Flow("h")
    eager.add_edge(a, b)
    with set_temporary_config({"flows.eager_edge_validation": True}), record.error("eager", ValueError, "Cycle found"):
        eager.add_edge(b, a)


def validation(record):
    a, b = Task(name="a"), Task(name="b")
    flow = Flow("f")
    flow.add_edge(a, b)
    flow.validate()
    with record.error("reference tasks", ValueError, "must be part of the flow"):
        flow.set_reference_tasks([Task()])


def update(record):
    with Flow("f") as flow:
        add(Parameter("p", default=1))
    with Flow("g") as other:
        add(Parameter("q", default=2), y=5)
        add.map([1, 2])
    flow.update(other)
    record("tasks", len(flow.tasks))
    record("shape", _shape(flow))
    record("constants", sorted(map(str, flow.constants.values())))
    record.flow(flow, flow.run())


def update_with_parameters(record):
    with Flow("f") as flow:
        add(Parameter("p", default=1))
    with Flow("g") as other:
        add.copy(name="other")(Parameter("p", default=2))
    with record.error("twice", ValueError):
        flow.copy().update(Flow("h", tasks=[Parameter("p")]))
    flow.update(other, merge_parameters=True)
    record("parameters", sorted(p.name for p in flow.parameters()))
    record.flow(flow, flow.run())


def update_with_reference_tasks(record):
    with Flow("f") as flow:
        a = add(1)
        add(a)
        flow.set_reference_tasks([a])
    with Flow("g") as other:
        b = add.copy(name="b")(1)
        add(b)
        other.set_reference_tasks([b])
    flow.update(other, merge_reference_tasks=True)
    record("reference", sorted(flow.slugs[t] for t in flow.reference_tasks()))


def replace(record):
    with Flow("f") as flow:
        a = add(1)
        b = add(a)
        flow.set_reference_tasks([a])
    new = task(lambda: 10, name="new")
    flow.replace(a, new)
    record("tasks", sorted(t.name for t in flow.tasks))
    record("reference", [t.name for t in flow.reference_tasks()])
    record("shape", _shape(flow))
    with record.error("unknown", ValueError):
        flow.replace(Task(), new)
    record.flow(flow, flow.run())
    record("b", b in flow.tasks)


def replace_by_a_value(record):
    with Flow("f") as flow:
        p = Parameter("p")
        add(p)
    flow.replace(p, 41)
    record("shape", [_shape(flow), list(map(str, flow.constants.values()))])
    record.flow(flow, flow.run())


def copy(record):
    with Flow("f") as flow:
        a = add(1)
    other = flow.copy()
    record("same", [other == flow, other is flow, a in other.tasks])
    other.add_task(Task())
    record("containers", [len(flow.tasks), len(other.tasks), other == flow])
    with other:
        add(a)
    record("edges", [len(flow.edges), len(other.edges)])


def equality(record):
    a, b = Task(), Task()
    first, second = Flow("f", tasks=[a, b]), Flow("f", tasks=[a, b])
    record("same", first == second)
    second.add_edge(a, b)
    record("edges", first == second)
    record("name", Flow("f") == Flow("g"))
    third = Flow("f", tasks=[a, b])
    third.set_reference_tasks([a])
    record("reference", first == third)
    record("other", first == 1)


def constructor(record):
    from prefect.core.edge import Edge

    a, b = Task("a"), Task("b")
    flow = Flow("f", tasks=[a], edges=[Edge(a, b)], reference_tasks=[a])
    record("tasks", sorted(t.name for t in flow.tasks))
    record("shape", _shape(flow))
    record("reference", [t.name for t in flow.reference_tasks()])


def questions(record):
    with Flow("f") as flow:
        p = Parameter("p", default=1)
        a = add(p, task_args={"name": "a"})
        b = add(a, task_args={"name": "b"})
        c = add(a, y=b, task_args={"name": "c"})

    def named(tasks):
        return sorted(t.name for t in tasks)

    record("terminal", named(flow.terminal_tasks()))
    record("root", named(flow.root_tasks()))
    record("parameters", named(flow.parameters()))
    record("upstream", named(flow.upstream_tasks(c)))
    record("downstream", named(flow.downstream_tasks(a)))
    record("edges", [len(flow.edges_to(c)), len(flow.edges_from(a))])
    record(
        "all",
        [
            {t.name: len(e) for t, e in sorted(found().items(), key=lambda i: i[0].name)}
            for found in (flow.all_upstream_edges, flow.all_downstream_edges)
        ],
    )
    record("sorted", [t.name for t in flow.sorted_tasks()])
    record("sorted from", [t.name for t in flow.sorted_tasks(root_tasks=[b])])
    record("iteration", sorted(t.name for t in flow) == named(flow.tasks))
    for question in (flow.upstream_tasks, flow.downstream_tasks, flow.edges_to, flow.edges_from):
        with record.error("unknown", ValueError, "was not found in Flow"):
            question(Task())


def get_tasks(record):
    with Flow("f") as flow:
        Task("a", tags=["x", "y"])()
        Task("a", slug="mine")()
        Parameter("p", default=1)()

    def found(**options):
        return sorted(flow.slugs[t] for t in flow.get_tasks(**options))

    record("all", found())
    record("name", found(name="a"))
    record("slug", found(slug="mine"))
    record("tags", [found(tags=["x"]), found(tags=["x", "y"]), found(tags=["x", "z"])])
    record("type", found(task_type=Parameter))
    record("several", found(name="a", tags=["y"]))
    record("list", type(flow.get_tasks()).__name__)


def reference_tasks(record):
    @task
    def bad():
        raise ValueError("x")

    with Flow("f") as flow:
        good, failing = add(1), bad()
    record("default", len(flow.reference_tasks()))
    record.flow(flow, flow.run())
    flow.set_reference_tasks([good])
    record.flow(flow, flow.run())
    flow.set_reference_tasks([])
    record("reset", len(flow.reference_tasks()))
    record("failing", failing in flow.reference_tasks())


def reference_task_that_fails_in_the_middle(record):
    from prefect.triggers import all_finished

    with Flow("f") as flow:
        middle = task(lambda: 1 / 0, name="middle")()
        Task("last", trigger=all_finished)(upstream_tasks=[middle])
    record.flow(flow, flow.run())
    flow.set_reference_tasks([middle])
    record.flow(flow, flow.run())


def serialized(record):
    with Flow("f") as flow:
        add(add(Parameter("p", default=1)))
    document = flow.serialize()
    json.dumps(document)
    record("tasks", len(document["tasks"]))
    record("slugs", sorted(t["slug"] for t in document["tasks"]))


def save_and_load(record):
    with Flow("My Flow") as flow:
        add(Parameter("p", default=1))
    place = flow.save(str(record.dir / "here.prefect"))
    record("path", str(place))
    record.flow(flow, Flow.load(str(record.dir / "here.prefect")).run(p=4) if False else flow.run())
    flow.save()
    for name in ("My Flow", "my-flow"):
        again = Flow.load(name)
        record("loaded", [again.name, sorted(again.slugs.values())])
        record.flow(again, again.run(parameters={"p": 10}))


def pickled_flow(record):
    with Flow("f", result=LocalResult(dir="store")) as flow:
        add.map([1, 2], y=Parameter("p", default=1) * 2)
    again = cloudpickle.loads(cloudpickle.dumps(flow))
    record("shape", _shape(again) == _shape(flow))
    record.flow(again, again.run())


def set_dependencies(record):
    a, b, c = Task("a"), Task("b"), add.copy(name="c")
    flow = Flow("f")
    flow.set_dependencies(c, upstream_tasks=[a, 5], downstream_tasks=[b], keyword_tasks={"x": 1, "y": [a, 2]})
    record("shape", _shape(flow))
    record("constants", list(flow.constants.values()))


def ignored_options(record):
    flow = Flow("f", schedule=None, storage=None, run_config=None)
    record("made", flow.name)
    from prefect.executors import LocalDaskExecutor

    executor = LocalDaskExecutor()
    record("executor", Flow("f", executor=executor).executor is executor)


def tags_block():
    with Flow("f") as flow, prefect.tags("a", "b"):
        add(1)
        add.map([1, 2])
    return flow
