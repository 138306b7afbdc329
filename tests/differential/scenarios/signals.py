"""SPEC 6: signals, made by hand and raised by tasks."""

import datetime

import prefect
from prefect import Flow, task
from prefect.engine import signals
from prefect.engine.state import Failed, Looped, Paused, Retrying, Running, Skipped, Success, TriggerFailed
from prefect.utilities.tasks import pause_task

ALL = ["FAIL", "TRIGGERFAIL", "VALIDATIONFAIL", "SUCCESS", "RETRY", "SKIP", "PAUSE", "LOOP"]


def by_hand(record):
    for name in ALL:
        signal = getattr(signals, name)("text")
        record.state(name, signal.state)
        record(
            name + " is",
            [
                isinstance(signal, signals.PrefectStateSignal),
                isinstance(signal, Exception),
                signal.state.result is signal,
                str(signal),
            ],
        )
        given = getattr(signals, name)("text", result=5)
        record(name + " given", given.state.result)
        empty = getattr(signals, name)()
        record(name + " empty", [empty.state.message, str(empty)])


def families(record):
    record("fail", [issubclass(signals.TRIGGERFAIL, signals.FAIL), issubclass(signals.VALIDATIONFAIL, signals.FAIL)])
    with record.error("unknown keyword", TypeError):
        signals.FAIL("m", nothing=1)
    text = repr(signals.FAIL("the text"))
    record("repr", ["FAIL" in text, "the text" in text])


def from_state(record):
    for made in (Success(), Failed(), Skipped(), Paused(), Retrying(), Looped(), TriggerFailed()):
        record(type(made).__name__, signals.signal_from_state(made).__name__)
    with record.error("none", ValueError):
        signals.signal_from_state(Running())


def arguments(record):
    moment = datetime.datetime(2020, 1, 1)
    record.state("retry", signals.RETRY("m", start_time=moment, run_count=3).state)
    record.state("pause", signals.PAUSE("m", start_time=moment).state)
    record.state("loop", signals.LOOP("m", loop_count=3, result=1).state)
    with prefect.context(task_run_count=7):
        record("from context", signals.RETRY().state.run_count)


def _raising(signal):
    @task(name="raiser")
    def raiser():
        raise signal

    @task(name="after")
    def after(x):
        return x

    with Flow("f") as flow:
        after(raiser())
    return flow


def fail():
    return _raising(signals.FAIL("no"))


def fail_with_result():
    return _raising(signals.FAIL("no", result=[1]))


def trigger_fail():
    return _raising(signals.TRIGGERFAIL("no"))


def validation_fail():
    return _raising(signals.VALIDATIONFAIL("no"))


def success():
    return _raising(signals.SUCCESS("early"))


def success_with_result():
    return _raising(signals.SUCCESS("early", result=5))


def skip():
    return _raising(signals.SKIP("not today"))


def skip_with_result():
    return _raising(signals.SKIP("not today", result=5))


def not_caught_by_except_exception():
    @task(name="catches")
    def catches():
        try:
            raise signals.SUCCESS("through", result=1)
        except Exception:
            return "caught"

    with Flow("f") as flow:
        catches()
    return flow


def endrun(record):
    @task(name="ends", max_retries=2, retry_delay=datetime.timedelta(0))
    def ends():
        record("ran", True)
        raise signals.ENDRUN(Failed("the end", result=3))

    with Flow("f") as flow:
        ends()
    record.flow(flow, flow.run())


def pause_without_runner(record):
    with record.error("paused", signals.PAUSE, "Pause signal raised during task execution."):
        pause_task()
    with prefect.context(resume=True):
        record("resumed", pause_task())
    try:
        pause_task("m", duration=datetime.timedelta(minutes=1))
    except signals.PAUSE as signal:
        record.state("state", signal.state)


def paused_task(record):
    from prefect.engine.flow_runner import FlowRunner

    @task(name="pauses")
    def pauses():
        pause_task("wait")
        return 1

    @task(name="after")
    def after(x):
        return x

    with Flow("f") as flow:
        paused = pauses()
        later = after(paused)
    state = FlowRunner(flow).run(return_tasks=[paused, later])
    record.flow(flow, state)


def paused_task_answered(record):
    import sys
    from io import StringIO

    @task(name="pauses")
    def pauses():
        pause_task("wait")
        return prefect.context.get("resume")

    with Flow("f") as flow:
        pauses()

    class Terminal(StringIO):
        def isatty(self):
            return True

    before, sys.stdin = sys.stdin, Terminal("y\n")
    try:
        record.flow(flow, flow.run())
    finally:
        sys.stdin = before
