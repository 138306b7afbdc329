"""SPEC 10.5: flow.run."""

import datetime

import prefect
from prefect import Flow, Parameter, Task, context, task
from prefect.core.parameter import DateTimeParameter
from prefect.engine.signals import SKIP
from prefect.engine.state import Failed, Mapped, Scheduled, Success


@task
def one():
    return 1


@task
def add(x, y=1):
    return x + y


def messages(record):
    for result in (1, ValueError("x"), SKIP("s")):

        @task(name="t")
        def run_it(result=result):
            if isinstance(result, BaseException):
                raise result
            return result

        with Flow("f") as flow:
            run_it()
        record.flow(flow, flow.run())


def empty(record):
    flow = Flow("f")
    state = flow.run()
    record("state", [type(state).__name__, state.message, state.result])


def every_task_is_there(record):
    with Flow("f") as flow:
        made = [add(add(i)) for i in range(3)]
    state = flow.run()
    record("tasks", [set(state.result) == flow.tasks, len(made)])


def parameters(record):
    with Flow("f") as flow:
        add(Parameter("p"), Parameter("q", default=3))
    record.flow(flow, flow.run(parameters={"p": 1}))
    record.flow(flow, flow.run(parameters={"p": 1, "q": 1}))
    record.flow(flow, flow.run(parameters={"p": 2.5}))


def parameters_by_name(record):
    with Flow("f") as flow:
        add(Parameter("p"))
    record.flow(flow, flow.run(p=2))


def parameter_errors(record):
    with Flow("f") as flow:
        add(Parameter("p"), Parameter("q"))
    with record.error("missing", ValueError, "Flow.run did not receive the following required parameters: "):
        flow.run()
    with record.error("unknown", ValueError):
        flow.run(parameters={"p": 1, "q": 1, "r": 2})
    with record.error("unknown keyword", TypeError):
        flow.run(parameters={"p": 1, "q": 2}, nothing=1)
    with record.error("return_tasks", ValueError, "`return_tasks` keyword cannot be provided"):
        flow.run(parameters={"p": 1, "q": 2}, return_tasks=[])


def odd_parameter_values(record):
    with Flow("f") as flow:
        task(lambda x: type(x).__name__, name="kind")(Parameter("p"))
    record.flow(flow, flow.run(p={1, 2}))
    record.flow(flow, flow.run(p=int))


def falsy_defaults(record):
    with Flow("f") as flow:
        made = [
            task(lambda x: repr(x), name="show")(Parameter(name, default=value))
            for name, value in (("a", None), ("b", 0), ("c", ""), ("d", []))
        ]
    record("required", [p.required for p in sorted(flow.parameters(), key=lambda p: p.name)])
    record.flow(flow, flow.run())
    record("made", len(made))


def parameter_attributes(record):
    p, q = Parameter("p"), Parameter("q", default=None, tags=["t"])
    for made in (p, q):
        record(
            "attributes",
            [
                made.name,
                made.slug,
                made.required,
                made.default if made is q else None,
                made.tags,
                type(made.result).__name__,
                made.checkpoint,
                repr(made),
            ],
        )
    record("required", [Parameter("r", required=False).required, Parameter("s", default=1, required=True).required])
    with Flow("f") as flow:
        p()
        with record.error("twice", ValueError):
            Parameter("p")()
    record("slug", flow.slugs[p])


def date_parameters(record):
    with Flow("f") as flow:
        made = DateTimeParameter("when", required=False)
        task(lambda x: [type(x).__name__, x], name="show")(made)
    record("serializer", type(made.result.serializer))
    record.flow(flow, flow.run(parameters={"when": "2020-02-03T04:05:06+00:00"}))
    record.flow(flow, flow.run(parameters={"when": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)}))
    record.flow(flow, flow.run())


def task_states(record):
    with Flow("f") as flow:
        a = one()
        b = add(a)
        c = add(b)
    given = {a: Success("given", result=10), b: Failed("given")}
    record.flow(flow, flow.run(task_states=given))
    record("unchanged", sorted(type(s).__name__ for s in given.values()))
    record.flow(flow, flow.run(task_states={b: Success(result=5)}))
    record("c", flow.slugs[c])


def given_state(record):
    with Flow("f") as flow:
        one()
    state = flow.run(state=Success("mine", result={}))
    record("state", [type(state).__name__, state.message])


def scheduled_task_waits(record):
    with Flow("f") as flow:
        made = one()
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=0.5)
    record.flow(flow, flow.run(task_states={made: Scheduled(start_time=soon)}))


def names_and_ids(record):
    @task
    def look():
        return [context.flow_run_name, context.flow_run_id]

    with Flow("f") as flow:
        look()
    record.flow(flow, flow.run(flow_run_id="my-id", flow_run_name="my-name"))
    record.flow(flow, flow.run())


def task_contexts(record):
    @task
    def look():
        return context.get("x")

    with Flow("f") as flow:
        first, second = look(), look()
    record.flow(flow, flow.run(context={"x": 0}, task_contexts={first: {"x": 1}}))
    record("second", flow.slugs[second])


def context_is_restored(record):
    with Flow("f") as flow:
        one()
    before = set(context.to_dict())
    flow.run(context={"mine": 1})
    record("left", sorted(set(context.to_dict()) - before))
    record("tasks", context.get("task_name"))


def runs_do_not_share_state(record):
    with Flow("f") as flow:
        made = one()
    first, second = flow.run(), flow.run()
    record("apart", [first is second, first.result[made] is second.result[made]])


def flow_run_inside_a_task(record):
    with Flow("inner") as inner:
        value = one()

    @task
    def outer():
        state = inner.run()
        return [state.result[value].result, context.flow_name, context.task_name]

    with Flow("outer") as flow:
        outer()
    record.flow(flow, flow.run())


def mapped_state_given(record):
    with Flow("f") as flow:
        made = add.map([1, 2, 3])
    record.flow(flow, flow.run(task_states={made: Mapped(map_states=[Success(result=100), None, None])}))
    record.flow(flow, flow.run(task_states={made: Mapped(n_map_states=3)}))


def schedule_ignored(record):
    with Flow("f") as flow:
        one()
    record.flow(flow, flow.run(run_on_schedule=False))


def logs(record):
    with Flow("f") as flow:
        one()
    for words in (
        "Beginning Flow run for 'f'",
        "Task 'one': Starting task run...",
        "Task 'one': Finished task run for task with final state: 'Success'",
        "Flow run SUCCESS: ",
    ):
        with record.logs(words, contains=words):
            flow.run()


def failure_logs(record):
    with Flow("f") as flow:
        task(lambda: 1 / 0, name="bad")()
    with record.logs("end", contains="Flow run FAILED: "):
        flow.run()


def bare_tasks_do_nothing(record):
    with Flow("f") as flow:
        Task("bare")()
    record.flow(flow, flow.run())
    record("flow in context", prefect.context.get("flow"))
