"""Resuming when what a task is given is not what it was given: through maps of maps, resources, targets and other edges."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import Shell

import resultant
from resultant import (
    Flow,
    JSONSerializer,
    LocalResult,
    Parameter,
    ThreadExecutor,
    flatten,
    resource_manager,
    task,
    unmapped,
)
from resultant.engine import signals
from resultant.executors import LocalExecutor, ProcessExecutor
from resultant.runner.recorded_runs import database
from resultant.tasks.secrets import PrefectSecret
from resultant.triggers import all_finished

pytestmark = pytest.mark.usefixtures("checkpointing")

called: list[Any] = []
attempt = 1


@pytest.fixture(autouse=True)
def _fresh() -> None:
    global attempt
    called.clear()
    attempt = 1


def again(flow: Flow, **options: Any) -> Any:
    """Resume the last run of a flow; `called` is about this attempt alone."""
    global attempt
    attempt += 1
    called.clear()
    state = flow.run(resume_run=database().flow_runs(flow=flow.name)[0].id, **options)
    assert state.is_successful(), state
    return state


@task
def fails_first(value: Any = None) -> Any:
    if attempt == 1:
        raise ValueError("not yet")
    return value


# -------------------------------------------------------------------------------------------------------- maps of maps


@pytest.mark.parametrize("executor", [LocalExecutor, ThreadExecutor])
@pytest.mark.parametrize("retries", [0, 1])
@pytest.mark.parametrize("count", [1, 3])
def test_a_changed_parameter_reaches_the_last_of_several_maps(
    executor: Callable[[], Any], retries: int, count: int, tmp_path: Path
) -> None:
    tries: list[int] = []

    @task
    def source(n: int) -> list[int]:
        return [n * 10 + i for i in range(count)]

    @task(max_retries=retries, retry_delay=timedelta(0) if retries else None)
    def a(x: int) -> int:
        tries.append(x)
        if retries and attempt > 1 and tries.count(x) == 1:
            raise ValueError("once more")
        return x + 1

    @task
    def b(x: int) -> int:
        return x * 2

    @task
    def c(x: int) -> int:
        return x + 100

    @task
    def d(x: int) -> int:
        return -x

    with Flow("maps", result=LocalResult(dir=str(tmp_path))) as flow:
        n = Parameter("n", default=1)
        made = d.map(c.map(b.map(a.map(source(n)))))
        end = fails_first(made)
    assert flow.run().is_failed()

    state = again(flow, n=5, executor=executor())

    assert state.result[end].result == [-(100 + 2 * (51 + i)) for i in range(count)]
    assert state.result[made].result == state.result[end].result


def test_a_lost_value_that_comes_out_otherwise_reaches_the_last_of_several_maps(tmp_path: Path) -> None:
    @task(result=LocalResult(dir=str(tmp_path), location="a-{map_index}"))
    def a(x: int) -> int:
        return x + 100 * attempt

    @task
    def b(x: int) -> int:
        return x * 2

    @task
    def c(x: int) -> int:
        called.append(x)
        return x + 1

    with Flow("lost", result=LocalResult(dir=str(tmp_path))) as flow:
        made = c.map(b.map(a.map([1, 2, 3])))
        end = fails_first(made)
    assert flow.run().is_failed()
    # Of the values that `b` has made, those that are gone need the one above.
    (tmp_path / "a-1").unlink()
    for row in database().task_runs(database().flow_runs()[0].id, "b-1"):
        if row.index == 1 and row.location is not None:
            os.unlink(row.location)
    for row in database().task_runs(database().flow_runs()[0].id, "c-1"):
        if row.index == 1 and row.location is not None:
            os.unlink(row.location)

    state = again(flow, executor=ThreadExecutor())

    assert state.result[end].result == [203, 2 * 202 + 1, 207]
    assert called == [404]


# ----------------------------------------------------------------------------------------------- made anew every time


def test_another_argument_of_a_resource_manager_reopens_what_used_it(tmp_path: Path) -> None:
    @resource_manager
    class Database:
        def __init__(self, url: str) -> None:
            self.url = url

        def setup(self) -> str:
            return f"connection to {self.url}"

        def cleanup(self, connection: str) -> None:
            called.append("cleanup")

    @task
    def query(connection: str) -> str:
        called.append("query")
        return f"rows from {connection}"

    with Flow("resource", result=LocalResult(dir=str(tmp_path))) as flow:
        url = Parameter("url", default="one")
        with Database(url) as connection:
            rows = query(connection)
        fails_first(rows)
    assert flow.run().is_failed()

    state = again(flow)
    assert "query" not in called
    assert state.result[rows].result == "rows from connection to one"
    state = again(flow, url="another")
    assert "query" in called
    assert state.result[rows].result == "rows from connection to another"


def test_another_name_of_a_secret_reopens_what_used_it(tmp_path: Path) -> None:
    @task
    def use(secret: str) -> int:
        called.append("use")
        return len(secret)

    with Flow("secret", result=LocalResult(dir=str(tmp_path))) as flow:
        name = Parameter("name", default="A")
        used = use(PrefectSecret()(name))
        fails_first(used)
    secrets = {"secrets": {"A": "aaa", "B": "bbbbbb"}}
    assert flow.run(context=secrets).is_failed()

    assert again(flow, context=secrets).result[used].result == 3
    assert called == []
    assert again(flow, context=secrets, name="B").result[used].result == 6


# -------------------------------------------------------------------------------------------------------------- edges


@task
def pairs() -> list[list[int]]:
    return [[1, 2], [3, 4]]


@task
def numbers() -> list[int]:
    return [10, 20]


@task
def both(x: Any, y: Any = None) -> list[Any]:
    return [x, y]


SHAPES: dict[str, tuple[Callable[[], Any], Callable[[], Any], Any]] = {
    "flattened map": (
        lambda: both.map(pairs()),
        lambda: both.map(flatten(pairs())),
        [[1, None], [2, None], [3, None], [4, None]],
    ),
    "flattened reduce": (lambda: both(pairs()), lambda: both(flatten(pairs())), [[1, 2, 3, 4], None]),
    "unmapped": (
        lambda: both.map(numbers(), numbers()),
        lambda: both.map(numbers(), unmapped(numbers())),
        [[10, [10, 20]], [20, [10, 20]]],
    ),
    "the other one mapped": (
        lambda: both.map(numbers(), unmapped(pairs())),
        lambda: both.map(unmapped(numbers()), pairs()),
        [[[10, 20], [1, 2]], [[10, 20], [3, 4]]],
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_an_edge_of_another_kind_reopens_what_it_leads_to(shape: str, tmp_path: Path) -> None:
    before, after, expected = SHAPES[shape]

    def make(build: Callable[[], Any]) -> tuple[Flow, Any]:
        with Flow("edges", result=LocalResult(dir=str(tmp_path))) as flow:
            made = build()
            fails_first(made)
        return flow, made

    assert make(before)[0].run().is_failed()
    flow, made = make(after)

    assert again(flow).result[made].result == expected


# ------------------------------------------------------------------------------------------------------------- targets


def test_a_target_of_other_inputs_is_no_target_any_more(tmp_path: Path) -> None:
    @task
    def fetch() -> int:
        if attempt == 1:
            raise ValueError("network down")
        return 5

    @task(
        trigger=all_finished, target="report.json", result=LocalResult(dir=str(tmp_path), serializer=JSONSerializer())
    )
    def report(x: Any) -> str:
        return f"fetched {x!r}"

    with Flow("target", result=LocalResult(dir=str(tmp_path))) as flow:
        made = report(fetch())
    flow.set_reference_tasks(flow.tasks)
    assert flow.run().is_failed()

    assert again(flow).result[made].result == "fetched 5"
    assert (tmp_path / "report.json").read_text() == '"fetched 5"'
    assert (tmp_path / "report.json.damaged-1").read_text() == "\"fetched ValueError('network down')\""
    # What stands is left where it is.
    assert again(flow).result[made].result == "fetched 5"
    assert len(list(tmp_path.glob("report.json*"))) == 2


@pytest.mark.parametrize("executor", [LocalExecutor, lambda: ProcessExecutor(1)], ids=["local", "processes"])
@pytest.mark.parametrize("mapped", [False, True])
def test_a_damaged_target_is_made_again_and_not_believed(
    mapped: bool, executor: Callable[[], Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    @task(target="{map_index}.json", result=LocalResult(dir=str(tmp_path), serializer=JSONSerializer()))
    def number(x: int) -> int:
        return x + 1230

    with Flow("damage", result=LocalResult(dir=str(tmp_path))) as flow:
        end = fails_first(number.map([4, 5]) if mapped else number(4))
    assert flow.run().is_failed()
    file = tmp_path / ("0.json" if mapped else "None.json")
    file.write_text("9934\n")

    state = again(flow, executor=executor())

    assert state.result[end].result == ([1234, 1235] if mapped else 1234)
    assert file.read_text() == "1234"
    assert (tmp_path / f"{file.name}.damaged-1").read_text() == "9934\n"
    assert "is no target any more" in caplog.text


def with_shared_target(folder: Path) -> tuple[Flow, Any]:
    """Return a flow whose target is the same for every run, and the task that is given it and fails at first."""

    @task(target="shared.json", result=LocalResult(dir=str(folder), serializer=JSONSerializer()))
    def shared(x: int) -> int:
        return x

    with Flow("shared", result=LocalResult(dir=str(folder))) as flow:
        end = fails_first(shared(Parameter("x", default=1)))
    return flow, end


def test_a_target_that_another_run_wrote_since_is_that_run_s(tmp_path: Path) -> None:
    flow, end = with_shared_target(tmp_path)
    assert flow.run(flow_run_name="first").is_failed()
    (tmp_path / "shared.json").unlink()
    global attempt
    attempt = 2
    assert flow.run(flow_run_name="second", x=222).is_successful()

    state = flow.run(resume_run="first")

    assert state.result[end].result == 222
    assert [path.name for path in tmp_path.glob("shared.json*")] == ["shared.json"]


@pytest.mark.parametrize("mapped", [False, True])
def test_a_target_under_another_name_is_in_nobodys_way(mapped: bool, tmp_path: Path) -> None:
    @task(target="{day}/{source}.json", result=LocalResult(dir=str(tmp_path), serializer=JSONSerializer()))
    def download(source: str, day: str) -> str:
        return f"{source} of {day}"

    with Flow("days", result=LocalResult(dir=str(tmp_path))) as flow:
        day = Parameter("day", default="monday")
        end = fails_first(download.map(["a", "b"], unmapped(day)) if mapped else download("a", day))
    assert flow.run(flow_run_id="first").is_failed()
    before = {path: path.read_text() for path in tmp_path.glob("monday/*")}
    assert len(before) == 1 + mapped
    global attempt
    attempt = 2

    state = flow.run(resume_run="first", day="tuesday")

    assert state.result[end].result == (["a of tuesday", "b of tuesday"] if mapped else "a of tuesday")
    assert {path: path.read_text() for path in tmp_path.glob("monday/*")} == before


def test_a_target_that_another_run_relies_on_is_left_to_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    flow, end = with_shared_target(tmp_path)
    assert flow.run(flow_run_id="first").is_failed()
    global attempt
    attempt = 2
    assert flow.run(flow_run_id="second").is_successful()

    state = flow.run(resume_run="first", x=222)

    # As in any run that finds its target, whatever it is given.
    assert state.result[end].result == 1
    assert resultant.open_run("second")["shared"].value == 1
    assert "is relied on by run second as well" in caplog.text


# ------------------------------------------------------------------------------------------------------------- skipped


def test_what_a_skipped_task_raised_can_be_looked_at(tmp_path: Path) -> None:
    @task
    def odd(x: int) -> int:
        if x % 2 == 0:
            raise signals.SKIP("even")
        return x

    @task
    def same(x: int) -> int:
        return x

    with Flow("skipped", result=LocalResult(dir=str(tmp_path))) as flow:
        some = odd.map([1, 2, 3])
        more = same.map(some)
        fails_first()
    assert flow.run().is_failed()

    state = again(flow)

    first, second, third = state.result[some].result
    assert (first, third) == (1, 3)
    assert isinstance(second, signals.SKIP)
    assert state.result[more].result == [1, None, 3]


def test_below_a_skipped_task_nothing_runs_again_for_a_parameter(tmp_path: Path) -> None:
    @task
    def skips() -> None:
        called.append("skips")
        raise signals.SKIP("no")

    @task(skip_on_upstream_skip=False)
    def runs(x: int) -> int:
        called.append("runs")
        return x

    with Flow("below", result=LocalResult(dir=str(tmp_path))) as flow:
        p = Parameter("p", default=1)
        made = runs(p, upstream_tasks=[skips()])
        fails_first()
    assert flow.run().is_failed()

    again(flow)
    assert called == []
    assert again(flow, p=2).result[made].result == 2
    assert called == ["runs"]


# --------------------------------------------------------------------------------------------------------- statements

BEFORE = """
import functools, os, sys
from resultant import Flow, LocalResult, Task, task

RATE = 1

def helper(x):
    return x

def decorated(function):
    @functools.wraps(function)
    def inner(x):
        return function(x)
    return inner

def closing(n):
    @task(name="closes")
    def closes(x):
        return x + n
    return closes

class Scaled(Task):
    factor = 1
    def run(self, x):
        return x * self.factor

class Adds(Task):
    def __init__(self, n, **options):
        self.n = n
        super().__init__(**options)
    def run(self, x):
        return x + self.n

@task
def helped(x):
    return helper(x)

@task
def rated(x):
    return x * RATE

@task
def default(x, *, k=1):
    return x * k

@task
@decorated
def wrapped(x):
    return x

@task
def same(x):
    return x

@task
def fails(x):
    if not os.path.exists("mended"):
        raise ValueError
    return x

with Flow("stated", result=LocalResult(dir="results")) as flow:
    for made in (helped, rated, default, wrapped, same, closing(1), Scaled(name="scaled"), Adds(1, name="adds"), fails):
        made(1)
"""

CHANGES = {
    "helped": ("def helper(x):\n    return x\n", "def helper(x):\n    return -x\n"),
    "rated": ("RATE = 1", "RATE = 2"),
    "default": ("k=1", "k=2"),
    "wrapped": ("def wrapped(x):\n    return x\n", "def wrapped(x):\n    return -x\n"),
    "closes": ("closing(1)", "closing(2)"),
    "scaled": ("factor = 1", "factor = 2"),
    "adds": ("Adds(1", "Adds(2"),
}


def test_every_change_of_code_is_stated(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell.write("stated.py", BEFORE)
    run = shell.run("stated.py", status=1)
    calm = shell("resume", run)
    assert "is not that of the attempt before" not in calm.err
    for name, (old, new) in CHANGES.items():
        assert old in BEFORE
        shell.write("stated.py", BEFORE.replace(old, new, 1))

        answer = shell("resume", run)

        assert f"(changed: {name}-1)" in answer.err, name
        # What stands has run with the code that it had, whatever there was in between.
        shell.write("stated.py", BEFORE)
        assert "is not that of the attempt before" not in shell("resume", run).err
