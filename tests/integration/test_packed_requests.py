"""What wide maps cost an object store, counted in the log of the server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from faulty_proxy import FaultyProxy

from resultant import Flow, ThreadExecutor, URLResult, open_run, task
from resultant.runner.recorded_runs import database

pytestmark = [pytest.mark.usefixtures("checkpointing"), pytest.mark.timeout(120)]


@pytest.fixture
def count(moto: Any, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Any:
    """Counts the requests of this test that the server has answered."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
    log = Path(moto.folder) / "log"
    name = re.escape(request.node.name.partition("[")[0])

    def counted() -> int:
        return len(re.findall(rf'"[A-Z]+ [^"\n]*{name}[^"\n]* HTTP/1', log.read_text(errors="replace")))

    return counted


@task
def small(x: int) -> str:
    return f"value {x}"


def flow_of(count: int, result: Any) -> Flow:
    with Flow("wide", result=result) as flow:
        small.map(list(range(count)))
    return flow


@pytest.mark.parametrize("threads", [False, True])
def test_many_small_results_cost_a_handful_of_requests(
    moto: Any, count: Any, request: pytest.FixtureRequest, threads: bool
) -> None:
    def result(**options: Any) -> URLResult:
        url = f"{moto.bucket.url}/{request.node.name.partition('[')[0]}/{threads}"
        return URLResult(url, options=moto.bucket.options, **options)

    executor = ThreadExecutor(workers=8) if threads else None
    begun = count()
    assert flow_of(100, result()).run(executor=executor).is_successful()
    single = (count() - begun) / 100
    assert single >= 1
    begun = count()
    assert flow_of(10_000, result(pack=True)).run(executor=executor).is_successful()

    assert count() - begun <= 10_000 * single / 50


def test_reading_a_wide_map_does_not_ask_for_each_child(moto: Any, count: Any, request: pytest.FixtureRequest) -> None:
    url = f"{moto.bucket.url}/{request.node.name}"
    flow = flow_of(2_000, URLResult(url, options=moto.bucket.options, pack=True))
    assert flow.run().is_successful()
    run = open_run(database().flow_runs()[0].id)
    begun = count()

    assert run["small"][1_234].value == "value 1234"
    assert count() - begun <= 2
    assert run["small"].value == [f"value {x}" for x in range(2_000)]
    assert count() - begun <= 40
    assert flow.run(resume_run=run.id).is_successful()
    assert count() - begun <= 80


@pytest.mark.parametrize(("rate", "patience"), [(0.3, 12), (0.8, 1)])
def test_behind_a_network_that_breaks_every_value_is_right_or_its_child_failed(
    rate: float, patience: int, moto: Any, count: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resultant.runner.together.MEMBERS", 20)
    retries = {"backoff": {"init_backoff": 0.005, "max_backoff": 0.1}, "max_retries": patience}
    with FaultyProxy(moto.port, rate=rate, seed=3) as proxy:
        bucket = moto.bucket.at(proxy.port)
        url = f"{bucket.url}/{request.node.name.partition('[')[0]}/{patience}"
        result = URLResult(url, options={**bucket.options, "retry_config": retries}, pack=True)
        flow = flow_of(1_000, result)

        state = flow.run(executor=ThreadExecutor(workers=4))

        proxy.rate = 0.0
        children = state.result[flow.get_tasks(name="small")[0]].map_states
        good = [(index, child) for index, child in enumerate(children) if child.is_successful()]
        assert all(result.read(child._result.location).value == f"value {index}" for index, child in good)
        bad = [child for child in children if child.is_failed()]
        assert {type(child.result).__name__ for child in bad} <= {"WriteError"}, bad[0].message
        assert len(good) == 1_000 if patience > 1 else 0 < len(good) < 1_000
        # What failed to be written is made again, and nothing else.
        assert flow.run(resume_run=database().flow_runs()[0].id).is_successful()
        run = open_run(database().flow_runs()[0].id)
        assert run["small"].value == [f"value {x}" for x in range(1_000)]
