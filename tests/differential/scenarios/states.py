"""SPEC 5: states."""

import datetime
import threading

import cloudpickle
import prefect
from prefect.engine import state as states
from prefect.engine.result import NoResult, Result
from prefect.engine.results import LocalResult, PrefectResult
from prefect.engine.state import (
    Cached,
    ClientFailed,
    Failed,
    Looped,
    Mapped,
    Paused,
    Pending,
    Queued,
    Retrying,
    Scheduled,
    Skipped,
    State,
    Submitted,
    Success,
    TriggerFailed,
    _MetaState,
)

NAMES = [
    "State",
    "Pending",
    "Scheduled",
    "Paused",
    "Resume",
    "Retrying",
    "Running",
    "Cancelling",
    "Finished",
    "Success",
    "Cached",
    "Mapped",
    "Skipped",
    "Failed",
    "TriggerFailed",
    "TimedOut",
    "ValidationFailed",
    "Cancelled",
    "Looped",
    "_MetaState",
    "Submitted",
    "Queued",
    "ClientFailed",
]
QUESTIONS = [
    "pending",
    "queued",
    "retrying",
    "running",
    "cached",
    "finished",
    "looped",
    "scheduled",
    "submitted",
    "skipped",
    "successful",
    "failed",
    "mapped",
    "meta_state",
]


def classes(record):
    for name in NAMES:
        made = getattr(states, name)("m")
        record(name, [question for question in QUESTIONS if getattr(made, "is_" + question)()])
        record(name + " bases", [base.__name__ for base in type(made).__mro__[:-1]])
        record(name + " public", sorted(n for n in dir(made) if n.startswith("is_")))


def colors(record):
    for name in NAMES:
        record(name, getattr(states, name).color.startswith("#"))
    record("used", [Success.color, Failed.color, Skipped.color])


def construction(record):
    for name in NAMES:
        made = getattr(states, name)
        record.state(name, made("by position"))
        record.state(name, made())
        record.state(name, made(message="m", result=1, context={"a": 1}, cached_inputs={"x": Result(1)}))
    error = ValueError("kept")
    record("exception as message", Failed(error).message is error)


def results_of_states(record):
    record("none", [State().result, State()._result == NoResult, State(result=None)._result == NoResult])
    kept = State(result=Result(value=None))
    record("result of none", [kept._result == NoResult, kept.result])
    state = State(result=3)
    state.result = None
    record("assigned none", [state._result == NoResult, type(state._result)])
    state.result = LocalResult(value=4)
    record("assigned a result", [state.result, type(state._result)])
    state.result = {}
    record("falsy", [state.result, type(state._result)])
    record("falsy at first", [State(result={}).result, State(result=0).result])


def contexts(record):
    with prefect.context(task_tags={"b", "a"}):
        record("tags", sorted(State().context["tags"]))
        record("given tags", State(context={"tags": ["mine"]}).context["tags"])
    record("none", [State().context, State().cached_inputs])
    with prefect.context(task_run_count=4, task_loop_count=6):
        record("retrying", [Retrying().run_count, Retrying(run_count=2).run_count, Retrying().context])
        record("scheduled", [Scheduled().context, Failed().context, Paused().context])
        record("looped", [Looped().loop_count, Looped(loop_count=1).loop_count])
    record("without", [Retrying().run_count, Looped().loop_count])


def times(record):
    naive = datetime.datetime(2020, 1, 1, 12)
    aware = datetime.datetime(2020, 1, 1, 12, tzinfo=datetime.UTC)
    record("scheduled", [Scheduled().start_time, Scheduled(start_time=naive).start_time])
    record("equal", Scheduled(start_time=naive).start_time == aware)
    record("paused", [Paused().start_time, Paused(start_time=None).start_time, Paused(start_time=aware).start_time])
    record("queued", [Queued().start_time, Queued(start_time=aware).start_time])
    record(
        "cached", [Cached().cached_result_expiration, Cached(cached_result_expiration=naive).cached_result_expiration]
    )
    record("who has one", [name for name in NAMES if hasattr(getattr(states, name)(), "start_time")])
    record("class", type(Scheduled(start_time=naive).start_time).__name__)


def mapped(record):
    record("n", [Mapped().n_map_states, Mapped(map_states=[1, 2]).n_map_states, Mapped(n_map_states=5).n_map_states])
    record("states", [Mapped().map_states, Mapped(map_states=[Success(result=1)]).map_states])


def meta_states(record):
    inner = Success("in", result=1)
    outer = Submitted(state=Queued(state=inner))
    record("unwrapped", outer.state is inner)
    record("none", Submitted().state)
    record("kinds", [isinstance(outer, _MetaState), ClientFailed(state=inner).state is inner])
    queued = Queued()
    queued.state = Submitted(state=inner)
    record("assigned", queued.state is inner)


def representation(record):
    record("repr", [repr(Success()), repr(Success("text")), repr(Failed(message="a")), repr(Mapped())])


def equality(record):
    record("message", Success("a") == Success("b"))
    record("context", Success(context={"a": 1}) == Success())
    record("class", Success() == Skipped())
    record("result", [Success(result=1) == Success(result=1), Success(result=1) == Success(result=2)])
    record(
        "attributes",
        [
            Retrying(run_count=1, start_time=datetime.datetime(2020, 1, 1))
            == Retrying(run_count=2, start_time=datetime.datetime(2020, 1, 1)),
            Looped(loop_count=1) == Looped(loop_count=1),
        ],
    )
    record("mapped", Mapped(map_states=[Success()]) == Mapped(map_states=[Failed()]))
    record("inputs", Success(cached_inputs={"x": Result(1)}) == Success(cached_inputs={"x": Result(2)}))
    record("hashable", len({Success(result=[1]), Success(result=[1])}))


def families(record):
    record("children", sorted(c.__name__ for c in Pending.children()))
    record("names", sorted(Pending.children(include_self=True, names_only=True)))
    record("parents", sorted(Cached.parents(names_only=True)))
    record("with self", sorted(c.__name__ for c in TriggerFailed.parents(include_self=True)))
    record("meta", sorted(State.children(names_only=True)))


def load_result(record):
    written = LocalResult(dir="store", location="x").write([5])
    state = Success(result=LocalResult(dir="store", location="x"))
    record("same object", state.load_result() is state)
    record("loaded", state.result)
    other = Success(result=Result(location=written.location))
    record("by another", other.load_result(LocalResult(dir="store")).result)
    full = Success(result=Result(3, location="nowhere"))
    record("has a value", full.load_result(LocalResult(dir="store")).result)
    record("no location", Success(result=None).load_result(LocalResult(dir="store")).result)


def load_mapped_result(record):
    children = [Success(result=PrefectResult(location=text)) for text in ("1", "2")]
    state = Mapped(map_states=[*children, None], result=PrefectResult(location="99"))
    record("loaded", state.load_result(PrefectResult()).result)
    record("children", [child.result for child in children])


def load_cached_results(record):
    state = Pending(cached_inputs={"x": PrefectResult(location="3"), "y": PrefectResult(location="[4]")})
    state.load_cached_results({"x": PrefectResult(), "y": PrefectResult()})
    record("inputs", state.cached_inputs)
    other = Pending(cached_inputs={"z": Result()})
    other.load_cached_results({"z": PrefectResult(location="5")})
    record("reader's location", other.cached_inputs)


def pickling(record):
    for state in (
        Success("m", result=[1]),
        Retrying(run_count=3),
        Mapped(map_states=[Failed("x")]),
        Cached(result=1),
        Submitted(state=Success(result=1)),
    ):
        again = cloudpickle.loads(cloudpickle.dumps(state))
        record("equal", again == state)
        record.state("again", again)


def pickling_of_errors(record):
    class Bad(Exception):
        def __init__(self, a, b):
            super().__init__("text")

        def __reduce__(self):
            raise ValueError("this one cannot")

    again = cloudpickle.loads(cloudpickle.dumps(Failed("m", result=Bad(1, 2))))
    text = str(again.result)
    record(
        "replaced",
        [
            "The following exception could not be pickled" in text,
            "this one cannot" in text,
            "Bad" in text,
            again.message,
        ],
    )
    with record.error("other values", TypeError):
        cloudpickle.dumps(Success(result=threading.Lock()))


def pickled_signals(record):
    from prefect.engine import signals

    state = Failed(result=signals.FAIL("text", result=None))
    again = cloudpickle.loads(cloudpickle.dumps(state))
    record("class", type(again.result).__name__)
    record("text", str(again.result))
