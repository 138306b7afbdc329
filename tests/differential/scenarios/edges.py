"""SPEC 15: edges and annotations."""

from prefect import Flow, Task, flatten, mapped, task, unmapped
from prefect.core.edge import Edge
from prefect.utilities.edges import EdgeAnnotation


@task
def give(x):
    return x


def attributes(record):
    a, b = Task(), Task()
    edge = Edge(a, b)
    record("defaults", [edge.key, edge.mapped, edge.flattened, edge.upstream_task is a, edge.downstream_task is b])
    record("tasks", edge.tasks == {a, b})
    made = Edge(a, b, key="k", mapped=True, flattened=True)
    record("given", [made.key, made.mapped, made.flattened])


def keys(record):
    for key in ("a b", "1a", "class", "a-b", ""):
        with record.error("bad", ValueError):
            Edge(Task(), Task(), key=key)
    record("good", Edge(Task(), Task(), key="a_1").key)
    same = Task()
    with record.error("itself", ValueError, "Edges can not connect a task to itself"):
        Edge(same, same)


def equality(record):
    a, b = Task(), Task()
    record("equal", [Edge(a, b) == Edge(a, b), hash(Edge(a, b)) == hash(Edge(a, b))])
    for options in ({"key": "k"}, {"mapped": True}, {"flattened": True}):
        record("other", [Edge(a, b) == Edge(a, b, **options), len({Edge(a, b), Edge(a, b, **options)})])
    record("direction", Edge(a, b) == Edge(b, a))
    record("type", Edge(a, b) == 1)


def values_become_tasks(record):
    with Flow("f") as flow:
        edge = Edge(1, Task("t"), flow=flow)
    record("upstream", [type(edge.upstream_task).__name__, edge.upstream_task.name])


def annotations(record):
    a, b = Task(), Task()
    for made in (mapped(a), unmapped(a), flatten(a), mapped(flatten(a)), flatten(unmapped(a))):
        edge = Edge(made, b, mapped=False, flattened=False)
        record("edge", [edge.mapped, edge.flattened, edge.upstream_task is a])
    record("over arguments", [Edge(unmapped(a), b, mapped=True).mapped, Edge(mapped(a), b).mapped])


def annotation_values(record):
    record("values", [mapped(5).value, unmapped([1]).value, flatten(mapped(3)).value])
    for made in (
        mapped(1),
        unmapped(1),
        flatten(1),
        mapped(unmapped(1)),
        unmapped(mapped(1)),
        flatten(mapped(1)),
        mapped(flatten(unmapped(1))),
    ):
        record("annotations", [type(made).__name__, made.annotations, isinstance(made, EdgeAnnotation)])


def edges_in_a_flow(record):
    flow = Flow("f")
    a, b = task(lambda: [[1], [2]], name="a"), give.copy(name="b")
    flow.add_edge(a, b, key="x", mapped=True, flattened=True)
    record.flow(flow, flow.run())
    other = Flow("g")
    edge = other.add_edge(flatten(a), b, key="x")
    record("edge", [edge.mapped, edge.flattened])
    record.flow(other, other.run())
