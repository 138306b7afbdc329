"""The checklist of easy mistakes, each as one test (SPEC 18)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from resultant import Flow, LocalResult, NoResult, Parameter, Result, task
from resultant.engine import signals
from resultant.engine.serializers import JSONSerializer
from resultant.engine.state import Cached, Failed, Finished, Mapped, Pending, Running, Skipped, Success
from resultant.settings import set_temporary_config


@pytest.fixture(autouse=True)
def checkpointing():
    with set_temporary_config({"flows.checkpointing": True}):
        yield


@task
def give(x):
    return x


def run(made, *args, **options):
    with Flow("f") as flow:
        called = made(*args)
    return flow.run(**options).result[called]


def test_01_writing_does_not_leak_a_location(tmp_path):
    shared = LocalResult(dir=tmp_path, location="{task_name}-{x}.pkl")
    made = task(give.run, name="a", result=shared)
    assert run(made, 1)._result.location == str(tmp_path / "a-1.pkl")
    assert run(task(give.run, name="b", result=shared), 2)._result.location == str(tmp_path / "b-2.pkl")
    assert shared.location == made.result.location == "{task_name}-{x}.pkl"
    assert shared.write(3, task_name="c", x=3).location == str(tmp_path / "c-3.pkl")
    assert (shared.location, shared.value) == ("{task_name}-{x}.pkl", None)


@pytest.mark.parametrize("value", [0, "", [], {}, False])
def test_02_falsy_values_are_written_and_none_is_not(tmp_path, value):
    stored = task(give.run, name="g", result=LocalResult(dir=tmp_path))
    assert LocalResult(dir=tmp_path).read(run(stored, value)._result.location).value == value
    assert run(stored, None)._result.location is None
    assert len(list(tmp_path.iterdir())) == 1
    own = task(give.run, name="g", result=LocalResult(dir=tmp_path, location="own"))
    assert run(own, None)._result.location == str(tmp_path / "own")


@pytest.mark.parametrize(("checkpoint", "written"), [(None, True), (True, True), (False, False)])
def test_03_only_false_switches_checkpointing_off(tmp_path, checkpoint, written):
    state = run(task(give.run, name="g", result=LocalResult(dir=tmp_path), checkpoint=checkpoint), 1)
    assert (state._result.location is not None) is written
    assert type(state._result) is LocalResult


def test_04_cached_states(tmp_path):
    made = task(give.run, name="g", result=LocalResult(dir=tmp_path), target="t")
    run(made, 1)
    state = run(made, 2)
    assert (type(state), state.result, state.cached_result_expiration) == (Cached, 1, None)
    assert state.is_successful()
    assert state._result.location == "t"
    first = run(task(give.run, name="h", cache_for=timedelta(hours=1)), 1, context={"caches": {}})
    assert type(first) is Cached


def test_05_inputs_beat_context_beats_parameters(tmp_path):
    store = LocalResult(dir=tmp_path, location="{x}-{y}-{z}")
    with Flow("f") as flow:
        for name in "xyz":
            Parameter(name, default="p")()
        made = task(give.run, name="g", result=store)("i")
    state = flow.run(context={"x": "c", "y": "c"}).result[made]
    assert state._result.location == str(tmp_path / "i-c-p")


def test_06_a_tasks_result_beats_the_flows(tmp_path):
    with Flow("f", result=LocalResult(dir=tmp_path)) as flow:
        own, other = task(give.run, name="own", result=Result())(1), give(1)
    state = flow.run()
    assert (type(state.result[own]._result), state.result[own]._result.location) == (Result, None)
    assert state.result[other]._result.location is not None


def test_07_the_result_of_a_failure_is_the_exception():
    error = ValueError("mine")

    def fails():
        raise error

    state = run(task(fails))
    assert state.result is error
    assert type(state._result) is Result


def test_08_values_of_skips():
    @task
    def skips():
        raise signals.SKIP("no")

    with Flow("f") as flow:
        raised = skips()
        inherited = give(raised)
    state = flow.run()
    assert state.result[raised].is_successful()
    assert isinstance(state.result[raised].result, signals.SKIP)
    assert state.result[inherited].result is None
    assert state.result[inherited]._result == NoResult
    assert type(state.result[inherited]) is Skipped


def test_09_an_unfinished_terminal_task_means_running():
    @task
    def pauses():
        raise signals.PAUSE

    with Flow("f") as flow:
        bad = task(lambda: 1 / 0, name="bad")()
        pauses()
    flow.set_reference_tasks([bad])
    assert type(flow.run()) is Running


def test_10_mapped_has_no_location_and_its_children_do(tmp_path):
    with Flow("f", result=LocalResult(dir=tmp_path)) as flow:
        made = give.map([1, 2])
    state = flow.run().result[made]
    assert (type(state), state._result.location) == (Mapped, None)
    assert len({child._result.location for child in state.map_states} - {None}) == 2


def test_11_equality_of_results():
    assert Result(1, location=lambda **names: "a") == Result(1, location=lambda **names: "b")
    assert Result(1, serializer=JSONSerializer()) != Result(1)
    assert Result(1, location="a") != Result(1, location="b")


def test_12_handlers_fire_once_per_change():
    seen = []

    def handler(obj, old, new):
        seen.append((type(old), type(new)))

    made = task(give.run, name="g", state_handlers=[handler])
    run(made, 1)
    assert seen == [(Pending, Running), (Running, Success)]
    seen.clear()
    with Flow("f") as flow:
        called = made(1)
    flow.run(task_states={called: Success(result=1)})
    assert seen == []


@pytest.mark.parametrize("given", [Success(result=1), Failed("m"), Skipped(), Finished()])
def test_13_a_finished_state_comes_back_as_the_same_object(given):
    with Flow("f") as flow:
        made = give(2)
    assert flow.run(task_states={made: given}).result[made] is given


def test_14_exists_formats_with_its_keywords_and_read_does_not(tmp_path):
    result = LocalResult(dir=tmp_path)
    LocalResult(dir=tmp_path, location="a.pkl").write(1)
    assert result.exists("{x}.pkl", x="a")
    with pytest.raises(KeyError):
        result.exists("{x}.pkl")
    (tmp_path / "{x}.pkl").write_bytes((tmp_path / "a.pkl").read_bytes())
    assert result.read("{x}.pkl").value == 1


def test_15_locations_after_read_and_write(tmp_path):
    result = LocalResult(dir=tmp_path, location="a.pkl")
    assert result.write(1).location == str(tmp_path / "a.pkl")
    assert result.read("a.pkl").location == "a.pkl"
    assert result.read(str(tmp_path / "a.pkl")).location == str(tmp_path / "a.pkl")
