"""SPEC 9: output caching."""

import datetime

import prefect
from prefect import Flow, Parameter, task
from prefect.engine import cache_validators as validators
from prefect.engine.result import Result
from prefect.engine.signals import SKIP
from prefect.engine.state import Cached

HOUR = datetime.timedelta(hours=1)


def _past():
    return datetime.datetime.now(datetime.UTC) - HOUR


def _ahead():
    return datetime.datetime.now(datetime.UTC) + HOUR


def cached_at_once(record):
    calls = []

    @task(cache_for=HOUR)
    def counted():
        calls.append(1)
        return len(calls)

    with Flow("f") as flow:
        Parameter("p", default=1)()
        counted()
    record.flow(flow, flow.run())
    record.flow(flow, flow.run())
    record("calls", len(calls))
    record("kept", sorted(key for key, states in prefect.context.caches.items() if states))


def by_inputs(record):
    @task(cache_for=HOUR, cache_validator=validators.all_inputs)
    def counted(x):
        record("ran", x)
        return x * 2

    with Flow("f") as flow:
        counted(Parameter("p"))
    for value in (1, 1, 2, 1):
        record.flow(flow, flow.run(parameters={"p": value}))


def by_parameters(record):
    @task(cache_for=HOUR, cache_validator=validators.all_parameters)
    def counted():
        record("ran", True)
        return 1

    with Flow("f") as flow:
        counted()
        Parameter("p")()
    for value in (1, 1, 2):
        record.flow(flow, flow.run(parameters={"p": value}))


def by_some(record):
    @task(cache_for=HOUR, cache_validator=validators.partial_inputs_only(validate_on=["x"]))
    def inputs(x, y):
        record("inputs ran", [x, y])

    @task(cache_for=HOUR, cache_validator=validators.partial_parameters_only(validate_on=["p"]))
    def parameters(x, y):
        record("parameters ran", [x, y])
        return x

    with Flow("f") as flow:
        p, q = Parameter("p"), Parameter("q")
        inputs(p, q)
        parameters(p, q)
    for values in ((1, 1), (1, 2), (2, 2)):
        record.flow(flow, flow.run(parameters=dict(zip("pq", values))))


def shared_key(record):
    @task(cache_for=HOUR, cache_key="shared")
    def one():
        record("one ran", True)
        return 1

    @task(cache_for=HOUR, cache_key="shared")
    def two():
        record("two ran", True)
        return 2

    for made in (one, two):
        with Flow("f") as flow:
            made()
        record.flow(flow, flow.run())


def validator_of_ones_own(record):
    def check(state, inputs, parameters):
        record("called", [state.result, inputs, parameters, prefect.context.get("task_name")])
        return inputs["x"] == 1

    @task(cache_for=HOUR, cache_validator=check)
    def counted(x):
        record("ran", x)
        return x

    with Flow("f") as flow:
        counted(Parameter("p"))
    for value in (1, 2):
        record.flow(flow, flow.run(parameters={"p": value}))


def skipped_and_failed_are_not_kept(record):
    @task(cache_for=HOUR)
    def skips():
        raise SKIP("no")

    @task(cache_for=HOUR)
    def bad():
        raise ValueError("x")

    with Flow("f") as flow:
        skips()
        bad()
    record.flow(flow, flow.run())
    record("kept", prefect.context.caches)


def expired(record):
    @task(cache_for=datetime.timedelta(seconds=-1))
    def counted():
        record("ran", True)
        return 1

    with Flow("f") as flow:
        counted()
    flow.run()
    flow.run()


def mapped(record):
    @task(cache_for=HOUR, cache_validator=validators.all_inputs)
    def counted(x):
        record("ran", x)
        return x * 2

    with Flow("f") as flow:
        counted.map([1, 2])
    for _ in range(2):
        record.flow(flow, flow.run())
    record("kept", sorted(key for key, states in prefect.context.caches.items() if states))


def given_cached_state(record):
    @task(cache_for=HOUR, cache_validator=validators.all_inputs)
    def counted(x):
        record("ran", x)
        return x * 2

    with Flow("f") as flow:
        made = counted(3)
    good = Cached(cached_inputs={"x": Result(3)}, result=99, cached_result_expiration=_ahead())
    bad = Cached(cached_inputs={"x": Result(4)}, result=99, cached_result_expiration=_ahead())
    late = Cached(cached_inputs={"x": Result(3)}, result=99, cached_result_expiration=_past())
    for state in (good, bad, late):
        prefect.context.caches.clear()
        record.flow(flow, flow.run(task_states={made: state}))


def validators_by_hand(record):
    late, ahead = _past(), _ahead()
    state = Cached(
        cached_inputs={"x": Result(1), "y": Result(2)},
        cached_parameters={"p": 1, "q": 2},
        cached_result_expiration=ahead,
    )
    old = Cached(cached_inputs={"x": Result(1)}, cached_parameters={"p": 1}, cached_result_expiration=late)
    forever = Cached(cached_parameters={"p": 1})
    names = ["never_use", "duration_only", "all_inputs", "all_parameters"]
    checks = [getattr(validators, name) for name in names] + [
        validators.partial_inputs_only(),
        validators.partial_inputs_only(["x"]),
        validators.partial_inputs_only(["z"]),
        validators.partial_parameters_only(),
        validators.partial_parameters_only(["p"]),
        validators.partial_parameters_only(["z"]),
    ]
    for inputs, parameters in (
        ({"x": 1, "y": 2}, {"p": 1, "q": 2}),
        ({"x": 1, "y": 3}, {"p": 1, "q": 3}),
        ({"x": 1, "y": 2, "z": 3}, {"p": 1, "q": 2, "z": 3}),
        ({"x": 1}, {"p": 1}),
        ({}, {}),
    ):
        for kept in (state, old, forever):
            record("answers", [check(kept, inputs, parameters) for check in checks])


def validators_and_none(record):
    state = Cached(cached_result_expiration=_ahead())
    for check in (
        validators.partial_inputs_only(["x"]),
        validators.partial_parameters_only(["x"]),
        validators.partial_inputs_only(),
        validators.partial_parameters_only(),
    ):
        record("none", check(state, None, None))


def cache_and_retries(record):
    @task(cache_for=HOUR, max_retries=1, retry_delay=datetime.timedelta(0))
    def flaky():
        record("ran", prefect.context.task_run_count)
        if prefect.context.task_run_count == 1:
            raise ValueError("not yet")
        return 5

    with Flow("f") as flow:
        flaky()
    for _ in range(2):
        record.flow(flow, flow.run())


def cache_of_a_stored_result(record):
    from prefect.engine.results import LocalResult
    from prefect.utilities.configuration import set_temporary_config

    @task(cache_for=HOUR, result=LocalResult(dir="store", location="x.pkl"), state_handlers=[record.handler()])
    def counted():
        record("ran", True)
        return 1

    with Flow("f") as flow:
        counted()
    with set_temporary_config({"flows.checkpointing": True}):
        for _ in range(2):
            record.flow(flow, flow.run())
    record.files()
