"""SPEC 12: mapping."""

import datetime

import prefect
from prefect import Flow, Parameter, Task, context, mapped, task, unmapped
from prefect.engine.results import LocalResult
from prefect.engine.signals import PAUSE, SKIP
from prefect.executors import LocalDaskExecutor
from prefect.triggers import all_finished, any_successful
from prefect.utilities.configuration import set_temporary_config


@task
def numbers():
    return [1, 2, 3]


@task
def give(x):
    return x


@task
def double(x):
    return x * 2


@task
def add(x, y=1):
    return x + y


@task
def total(xs):
    return sum(xs)


@task
def picky(x):
    if x == 2:
        raise ValueError("two")
    if x == 3:
        raise SKIP("three")
    return x


def over_a_constant():
    with Flow("f") as flow:
        double.map([1, 2, 3])
    return flow


def over_a_task():
    with Flow("f") as flow:
        double.map(numbers())
    return flow


def over_a_parameter():
    with Flow("f") as flow:
        double.map(Parameter("p", default=[4, 5]))
    return flow


def mapped_over_mapped():
    with Flow("f") as flow:
        double.map(double.map(numbers()))
    return flow


def reduce():
    with Flow("f") as flow:
        total(double.map(double.map(numbers())))
    return flow


def two_inputs():
    with Flow("f") as flow:
        add.map(numbers(), y=[10, 20, 30])
        add.map([1, 2, 3], [4, 5])
    return flow


def unmapped_inputs():
    with Flow("f") as flow:
        ten = give(10)
        add.map(numbers(), unmapped(ten))
        add.map(numbers(), y=unmapped(100))
        give.map(unmapped(numbers()), upstream_tasks=[numbers()])
    return flow


def marked_inputs():
    with Flow("f") as flow:
        add(x=mapped([1, 2]), y=10)
        add(mapped(numbers()), y=unmapped(1))
        add.map(mapped(unmapped(5)), y=unmapped(mapped([1, 2])))
    return flow


def empty():
    with Flow("f") as flow:
        total(double.map(give([])))
        double.map(double.map([]))
    return flow


def shortest(record):
    with Flow("f") as flow:
        made = add.map(give([1, 2, 3]), y=give([]))
    state = flow.run()
    record.flow(flow, state)
    record("length", len(state.result[made].map_states))


def upstream_tasks_mapped():
    with Flow("f") as flow:
        up = double.map(numbers())
        give.map(unmapped(7), upstream_tasks=[up])
        give.map([1, 2, 3], upstream_tasks=[unmapped(up)])
    return flow


def failed_children():
    with Flow("f") as flow:
        made = picky.map([1, 2])
        double.map(made)
        give(made)
    return flow


def failed_children_reduced():
    @task(trigger=all_finished)
    def show(xs):
        return [type(x).__name__ for x in xs]

    @task(trigger=any_successful)
    def some(xs):
        return len(xs)

    with Flow("f") as flow:
        made = picky.map([1, 2])
        show(made)
        some(made)
    return flow


def skipped_children():
    with Flow("f") as flow:
        made = picky.map([1, 3])
        double.map(made)
        give(made)
    return flow


def skipped_children_not_heeded():
    @task(skip_on_upstream_skip=False)
    def show(x):
        return repr(type(x).__name__)

    with Flow("f") as flow:
        made = picky.map([1, 3])
        show.map(made)
        show(made)
    return flow


def all_children_skipped():
    with Flow("f") as flow:
        made = picky.map([3, 3])
        total(made)
    return flow


def skipped_upstream():
    with Flow("f") as flow:
        double.map(picky(3))
    return flow


def failed_upstream():
    with Flow("f") as flow:
        double.map(picky(2))
        double.map(numbers(), upstream_tasks=[unmapped(picky(2))])
    return flow


def unmappable():
    with Flow("f") as flow:
        double.map(give(5))
    return flow


def one_of_two_upstreams_failed():
    with Flow("f") as flow:
        add.map(numbers(), y=picky(2))
        add.map(numbers(), y=unmapped(picky(2)))
    return flow


def wrong_arguments(record):
    with Flow("f"):
        for bad in (5, {1, 2}):
            with record.error("error", TypeError):
                double.map(bad)


def texts_and_tuples():
    with Flow("f") as flow:
        give.map("abc")
        give.map((1, 2))
    return flow


def children_with_task_args(record):
    with Flow("f") as flow:
        made = double.map([1, 2], task_args={"name": "renamed", "tags": ["t"]})
    record("name", made.name)
    record.flow(flow, flow.run())


def constants_tasks(record):
    with Flow("f") as flow:
        add.map([1, 2], y=unmapped(5))
    record("tasks", sorted(t.name for t in flow.tasks))
    record("constants", list(flow.constants.values()))
    record("edges", sorted([e.upstream_task.name, str(e.key), e.mapped] for e in flow.edges))


def list_with_tasks():
    with Flow("f") as flow:
        a = give(1)
        double.map([a, 2, a])
    return flow


def mapped_class(record):
    class Keep(Task):
        def __init__(self, **kwargs):
            self.seen = []
            super().__init__(**kwargs)

        def run(self, x):
            return [x, context.map_index, context.task_full_name]

    with Flow("f") as flow:
        Keep(name="keep").map(["a", "b"])
    record.flow(flow, flow.run())


def mapped_methods(record):
    with Flow("f") as flow:
        made = numbers.map(upstream_tasks=[[1, 2]])
        record("nout", task(lambda x: (x, x), nout=2, name="pair").map([1, 2]).nout)
        total.map(made)
    record.flow(flow, flow.run())


def retries_and_results(record):
    @task(max_retries=1, retry_delay=datetime.timedelta(0), result=LocalResult(dir="store", location="{map_index}.pkl"))
    def flaky(x):
        record("ran", [x, context.task_run_count])
        if context.task_run_count == 1 and x == 1:
            raise ValueError("not yet")
        return x

    with Flow("f") as flow:
        flaky.map([0, 1, 2])
    with set_temporary_config({"flows.checkpointing": True}):
        record.flow(flow, flow.run())
    record.files()


def children_that_pause(record):
    from prefect.engine.flow_runner import FlowRunner
    from prefect.engine.state import Resume

    @task
    def gate(x):
        if x == 2 and not context.get("resume"):
            raise PAUSE("wait")
        return x

    with Flow("f") as flow:
        made = gate.map([1, 2])
        after = total(made)
    state = FlowRunner(flow).run(return_tasks=[made, after])
    record.flow(flow, state)
    given = state.result[made]
    given.map_states[1] = Resume()
    record.flow(flow, FlowRunner(flow).run(return_tasks=[made, after], task_states={made: given}))


def threads_give_the_same(record):
    with Flow("f") as flow:
        total(double.map(double.map(numbers())))
        give(picky.map([1, 2, 3]))
    record.flow(flow, flow.run(executor=LocalDaskExecutor(scheduler="threads", num_workers=3)))


def same_upstream_twice():
    with Flow("f") as flow:
        made = numbers()
        add.map(made, y=made)
        add.map(made, y=total(made)[0] if False else unmapped(total(made)))
    return flow


def mapped_index_of_a_result():
    @task
    def pair(x):
        return x, x * 10

    with Flow("f") as flow:
        made = pair.map([1, 2])
        give(made[0])
        give(made[1][0])
    return flow


def run_inside_children(record):
    @task
    def look(x):
        return [context.get("outer"), context.parameters, sorted(context.task_tags)]

    with Flow("f") as flow, prefect.tags("t"):
        Parameter("p", default=1)()
        look.map([1, 2])
    record.flow(flow, flow.run(context={"outer": 5}))


def triggers_of_children():
    @task(trigger=all_finished)
    def show(x):
        return type(x).__name__

    with Flow("f") as flow:
        show.map(picky.map([1, 2]))
    return flow


def mapped_and_skipped_dependency():
    with Flow("f") as flow:
        double.map(numbers(), upstream_tasks=[unmapped(picky(3))])
    return flow


def scheduled_parent(record):
    from prefect.engine.flow_runner import FlowRunner
    from prefect.engine.state import Scheduled

    with Flow("f") as flow:
        made = double.map([1, 2])
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=5)
    record.flow(flow, FlowRunner(flow).run(task_states={made: Scheduled(start_time=later)}, return_tasks=[made]))
