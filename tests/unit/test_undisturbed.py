"""A resumed run takes over what is recorded without the garbage collector, which comes back in any case."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resultant import Flow, LocalResult, task
from resultant.runner.undisturbed import Undisturbed


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """The collector as it was."""
    was_on = gc.isenabled()
    gc.enable()
    yield
    if not was_on:
        gc.disable()


def test_it_is_off_until_the_last_one_ends() -> None:
    one, other = Undisturbed(), Undisturbed()
    assert not gc.isenabled()
    one.end()
    one.end()
    assert not gc.isenabled()
    other.end()
    assert gc.isenabled()


def test_it_stays_off_for_those_who_switched_it_off_themselves() -> None:
    gc.disable()
    with Undisturbed():
        pass
    assert not gc.isenabled()


def test_what_others_froze_stays_frozen() -> None:
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with Undisturbed():
            pass
        # Some of them may have come to their end meanwhile.
        assert gc.get_freeze_count() > frozen // 2 > 0
    finally:
        gc.unfreeze()


def test_many_threads_leave_it_on() -> None:
    def work() -> None:
        for _ in range(200):
            with Undisturbed():
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert gc.isenabled()


@pytest.mark.parametrize("mapped", [False, True])
def test_tasks_of_a_resumed_run_have_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mapped: bool) -> None:
    monkeypatch.setenv("RESULTANT__FLOWS__CHECKPOINTING", "true")
    from resultant import settings

    settings.reload()
    seen: list[bool] = []
    fails = [True]

    @task
    def one(x: int) -> int:
        return x

    @task
    def last(x: Any) -> None:
        seen.append(gc.isenabled())
        if fails[0]:
            raise ValueError("not yet")

    with Flow("collected", result=LocalResult(dir=str(tmp_path))) as flow:
        last.map(one.map([1, 2])) if mapped else last(one(1))
    assert flow.run(flow_run_id="r").is_failed()
    fails[0] = False
    assert flow.run(resume_run="r").is_successful()
    # Nothing is left to run: it comes back all the same.
    assert flow.run(resume_run="r").is_successful()
    assert gc.isenabled()
    assert seen == [True] * (4 if mapped else 2)
