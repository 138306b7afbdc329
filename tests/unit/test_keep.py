"""Results that are kept for a time: what is pinned when a recorded run ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from resultant import Flow, LocalResult, context, open_run, task
from resultant.runner.recorded_runs import database
from resultant.settings import set_temporary_config

MONTH = timedelta(days=30)


@pytest.fixture(autouse=True, params=["sqlite", "memory"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A home of its own, checkpointing on."""
    given = {"home_dir": str(tmp_path), "flows.checkpointing": True}
    if request.param == "memory":
        given["database.url"] = "memory://"
    with set_temporary_config(given):
        yield tmp_path


@task
def one() -> int:
    return 1


@task
def double(x: int) -> int:
    return 2 * x


@task
def fails() -> None:
    raise ValueError("no")


def build(folder: Path, keep: timedelta | None) -> Flow:
    with Flow("kept", result=LocalResult(dir=folder / "results")) as flow:
        double.map([1, 2], task_args={"result": LocalResult(dir=folder / "kept", keep=keep)})
        one()
        fails(task_args={"result": LocalResult(dir=folder / "kept", keep=keep)})
    return flow


def run(flow: Flow) -> str:
    seen: list[str] = []
    flow.state_handlers.append(lambda flow, old, new: seen.append(context.flow_run_id))
    flow.run()
    return seen[0]


def test_it_is_for_as_long_as_the_result_says(home: Path) -> None:
    found = run(build(home, MONTH))
    ends = {(slug, index): until for _, slug, index, until in database().pins(found)}
    assert set(ends) == {("double-1", 0), ("double-1", 1)}
    for index in (0, 1):
        row = open_run(found)["double"][index].row
        assert row.ended is not None
        assert ends["double-1", index] == row.ended + MONTH.total_seconds()


def test_the_children_of_a_map_are_pinned_at_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db, calls = database(), []
    pin = db.pin_until
    monkeypatch.setattr(db, "pin_until", lambda run, ends: calls.append(len(ends)) or pin(run, ends))
    found = run(build(home, MONTH))
    assert calls == [2]
    assert len(db.pins(found)) == 2


def test_nothing_is_pinned_where_nobody_asks(home: Path) -> None:
    assert database().pins(run(build(home, None))) == []


def test_a_pin_that_lasts_longer_stays(home: Path) -> None:
    flow = build(home, MONTH)
    found = run(flow)
    database().set_pinned(found, "double-1", 1)
    flow.run(resume_run=found)
    ends = {(slug, index): until for _, slug, index, until in database().pins(found)}
    assert ends["double-1", 1] is None
    assert ends["double-1", 0] is not None


def test_a_flow_s_result_counts_for_all_its_tasks(home: Path) -> None:
    with Flow("kept", result=LocalResult(dir=home / "results", keep=MONTH)) as flow:
        double(one())
    assert {slug for _, slug, _, _ in database().pins(run(flow))} == {"one-1", "double-1"}


def test_the_pin_can_be_taken_off(home: Path) -> None:
    found = run(build(home, MONTH))
    open_run(found)["double"][0].unpin()
    assert [index for _, _, index, _ in database().pins(found)] == [1]


def test_it_takes_a_timedelta() -> None:
    with pytest.raises(TypeError, match="timedelta"):
        LocalResult(keep=30)


def test_it_is_no_part_of_what_a_row_says() -> None:
    assert LocalResult(keep=MONTH).describe().options.keys() == {"dir"}
    assert LocalResult(keep=MONTH).from_value(1).keep == MONTH
