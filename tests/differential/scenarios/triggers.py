"""SPEC 11: triggers."""

import cloudpickle
import prefect
from prefect import Flow, Task, task, triggers
from prefect.core.edge import Edge
from prefect.engine import signals
from prefect.engine.flow_runner import FlowRunner
from prefect.engine.state import Failed, Mapped, Resume, Skipped, Success, TriggerFailed

NAMES = [
    "all_successful",
    "all_failed",
    "any_successful",
    "any_failed",
    "all_finished",
    "always_run",
    "not_all_skipped",
]


def _edges(*states):
    return {Edge(Task(), Task()): state for state in states}


def by_hand(record):
    mixes = {
        "none": (),
        "good": (Success(), Success()),
        "mixed": (Success(), Failed()),
        "bad": (Failed(), TriggerFailed()),
        "skipped": (Skipped(), Skipped()),
        "some skipped": (Skipped(), Success()),
        "skipped and bad": (Skipped(), Failed()),
        "one": (Success(),),
    }
    for name in NAMES:
        for label, states in mixes.items():
            try:
                saw = getattr(triggers, name)(_edges(*states))
            except signals.PrefectStateSignal as signal:
                saw = [type(signal).__name__, str(signal)]
            record(f"{name} {label}", saw)


def counting(record):
    mixes = ((Success(), Failed()), (Failed(), Failed(), Failed(), Success()), (Success(), Success()), ())
    for make in (triggers.some_failed, triggers.some_successful):
        for options in (
            {},
            {"at_least": 1},
            {"at_least": 2},
            {"at_most": 1},
            {"at_least": 0.5},
            {"at_most": 0.5},
            {"at_least": 1, "at_most": 2},
            {"at_least": 0.25, "at_most": 0.75},
        ):
            for states in mixes:
                try:
                    saw = make(**options)(_edges(*states))
                except signals.TRIGGERFAIL as signal:
                    saw = ["some_" in str(signal)]
                record(f"{make.__name__} {options}", saw)


def mapped_upstream(record):
    state = Mapped(map_states=[Success(), Failed()])
    edges = {Edge(Task(), Task()): state}
    for name in NAMES[:4]:
        made = task(lambda x: 1, name="after", trigger=getattr(triggers, name))
        with Flow("f") as flow:
            up = task(lambda x: 1 / x, name="up").map([0, 1])
            made(up)
        record.flow(flow, flow.run())
    record("edges", len(edges))


def pickled(record):
    for name in NAMES:
        made = cloudpickle.loads(cloudpickle.dumps(getattr(triggers, name)))
        record(name, made(_edges(Failed() if "failed" in name else Success())))
    record("made", cloudpickle.loads(cloudpickle.dumps(triggers.some_failed(at_most=1)))(_edges(Success())))


def in_flows(record):
    for name in NAMES:
        for kinds in (("good",), ("good", "bad"), ("bad",), ("skips", "good"), ("skips",)):
            with Flow("f") as flow:
                made = []
                for kind in kinds:
                    if kind == "good":
                        made.append(task(lambda: 1, name="good")())
                    elif kind == "bad":
                        made.append(task(lambda: 1 / 0, name="bad")())
                    else:
                        made.append(_skips())
                last = Task("last", trigger=getattr(triggers, name), skip_on_upstream_skip=False)(upstream_tasks=made)
            state = flow.run().result[last]
            record(f"{name} {kinds}", [type(state).__name__, state.message])


@task(name="skips")
def _skips():
    raise signals.SKIP("no")


def manual_only(record):
    with record.error("pauses", signals.PAUSE, "manual_only"):
        triggers.manual_only(_edges(Success()))
    with record.error("without upstream", signals.PAUSE, "manual_only"):
        triggers.manual_only({})
    with prefect.context(resume=True):
        record("resumed", triggers.manual_only(_edges(Success())))


def manual_only_in_a_flow(record):
    with Flow("f") as flow:
        first = task(lambda: 1, name="first")()
        gate = task(lambda: prefect.context.get("resume"), name="gate", trigger=triggers.manual_only)(
            upstream_tasks=[first]
        )
    state = FlowRunner(flow).run(return_tasks=[first, gate])
    record(
        "paused", [type(state).__name__, type(state.result[gate]).__name__, "manual_only" in state.result[gate].message]
    )
    again = FlowRunner(flow).run(return_tasks=[first, gate], task_states={first: state.result[first], gate: Resume()})
    record.flow(flow, again)


def only_when_all_are_finished(record):
    import datetime

    calls = []

    def look(states):
        calls.append(1)
        return True

    @task(max_retries=1, retry_delay=datetime.timedelta(minutes=1))
    def bad():
        raise ValueError("x")

    with Flow("f") as flow:
        last = Task("last", trigger=look)(upstream_tasks=[bad()])
    state = FlowRunner(flow).run(return_tasks=[last])
    record("state", [type(state).__name__, type(state.result[last]).__name__, len(calls)])


def own_trigger(record):
    def at_most_one_failed(upstream_states):
        record("keys", sorted(type(edge).__name__ for edge in upstream_states))
        if sum(s.is_failed() for s in upstream_states.values()) > 1:
            raise signals.TRIGGERFAIL("too many")
        return True

    for n in (1, 2):
        with Flow("f") as flow:
            bad = [task(lambda: 1 / 0, name="bad")() for _ in range(n)]
            Task("last", trigger=at_most_one_failed)(upstream_tasks=bad)
        record.flow(flow, flow.run())


def trigger_that_skips(record):
    def skip_it(upstream_states):
        raise signals.SKIP("by the trigger")

    def succeed(upstream_states):
        raise signals.SUCCESS("by the trigger", result=3)

    for trigger in (skip_it, succeed):
        with Flow("f") as flow:
            Task("t", trigger=trigger)(upstream_tasks=[Task("up")()])
        record.flow(flow, flow.run())
