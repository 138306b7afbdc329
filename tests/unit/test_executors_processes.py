"""The process executor where nothing goes wrong, and single calls in processes."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import FIRST_EXCEPTION, as_completed, wait
from pathlib import Path
from typing import Any

import pytest

from resultant.errors import UnpicklableError, WorkerDiedError
from resultant.executors import ProcessExecutor, pool, run_in_subprocess

pytestmark = pytest.mark.timeout(60)


def test_the_futures_are_those_of_the_standard_library() -> None:
    executor = ProcessExecutor(2)
    with executor.start():
        futures = [executor.submit(abs, -index) for index in range(10)]
        assert sorted(future.result() for future in as_completed(futures)) == list(range(10))
        futures = [executor.submit(time.sleep, 1.0), executor.submit(int, "x")]
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        assert futures[1] in done
        assert isinstance(futures[1].exception(), ValueError)
        assert futures[0].result() is None
        with pytest.raises(TimeoutError):
            executor.submit(time.sleep, 0.5).result(timeout=0.01)


def test_a_result_is_unpickled_once_by_the_thread_that_asks() -> None:
    executor = ProcessExecutor(1)
    with executor.start():
        future = executor.submit(_Tells)
        wait([future])
        assert future.result() is future.result()
        assert future.result().thread == threading.get_ident()


class _Tells:
    thread = 0

    def __setstate__(self, state: Any) -> None:
        self.thread = threading.get_ident()

    def __getstate__(self) -> Any:
        return {"some": "state"}


def test_a_waiting_job_can_be_cancelled() -> None:
    executor = ProcessExecutor(1)
    with executor.start():
        busy = executor.submit(time.sleep, 0.3)
        waiting = [executor.submit(abs, -1) for _ in range(3)]
        assert waiting[1].cancel()
        assert executor.wait([busy, waiting[0], waiting[2]]) == [None, 1, 1]
        assert waiting[1].cancelled()


def test_quick_jobs_do_not_wait_behind_a_long_one_they_were_sent_with() -> None:
    executor = ProcessExecutor(2)
    with executor.start():
        executor.wait([executor.submit(abs, -1) for _ in range(100)])
        held = executor.submit(time.sleep, 0.1), executor.submit(time.sleep, 0.1)
        before = [executor.submit(abs, -1) for _ in range(100)]
        long = executor.submit(time.sleep, 4)
        after = [executor.submit(abs, -1) for _ in range(100)]
        executor.wait([held, before, after])
        assert not long.done()


def test_two_jobs_that_wait_for_one_another_do_not_hang(tmp_path: Path) -> None:
    executor = ProcessExecutor(2)
    with executor.start():
        executor.wait([executor.submit(abs, -1) for _ in range(100)])
        held = executor.submit(time.sleep, 0.1), executor.submit(time.sleep, 0.1)
        quick = [executor.submit(abs, -1) for _ in range(100)]
        pair = [executor.submit(_meet, tmp_path, index, index ^ 1) for index in range(2)]
        more = [executor.submit(abs, -1) for _ in range(100)]
        executor.wait([held, quick, pair, more])


def _meet(folder: Path, me: int, other: int) -> None:
    (folder / str(me)).touch()
    deadline = time.monotonic() + 20
    while not (folder / str(other)).exists():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_job_that_dies_among_quick_ones_is_the_only_one() -> None:
    executor = ProcessExecutor(2)
    with executor.start():
        executor.wait([executor.submit(abs, -1) for _ in range(100)])
        deadly = set(range(0, 600, 150))
        futures = [executor.submit(os._exit, 7) if n in deadly else executor.submit(abs, -n) for n in range(600)]
        wait(futures)
        assert {n for n, future in enumerate(futures) if isinstance(future.exception(), WorkerDiedError)} == deadly
        assert all(future.result() == n for n, future in enumerate(futures) if n not in deadly)


def test_no_more_workers_are_started_than_there_is_work_for() -> None:
    executor = ProcessExecutor(8)
    with executor.start():
        assert len({executor.wait(executor.submit(os.getpid)) for _ in range(10)}) == 1


def test_a_worker_keeps_a_bounded_number_of_shared_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_MOST_SHARED", 4)
    executor = ProcessExecutor(1)
    with executor.start():
        handles = [executor.shared([index]) for index in range(10)]
        for _ in range(2):
            assert executor.wait([executor.submit(sum, handle) for handle in handles]) == list(range(10))
        assert executor.wait(executor.submit(_how_many_shared)) <= 5
        assert executor.wait(executor.submit(_sum_all, *handles)) == 45


def _how_many_shared() -> int:
    from resultant.executors import shared

    return len(shared._received)


def _sum_all(*lists: list[int]) -> int:
    return sum(map(sum, lists))


def test_a_second_setup_runs_in_workers_that_are_there() -> None:
    executor = ProcessExecutor(1)
    with executor.start(setup=(os.putenv, ("A", "1"))):
        executor.wait(executor.submit(abs, 1))
        with executor.start(setup=(_setenv, ("SECOND", "2"))):
            assert executor.wait(executor.submit(os.getenv, "SECOND")) == "2"


def _setenv(name: str, value: str) -> None:
    os.environ[name] = value


def test_a_new_start_brings_workers_to_where_the_driver_is_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executor = ProcessExecutor(1)
    with executor.start():
        before = os.getcwd()
        assert executor.wait(executor.submit(os.getcwd)) == before
        monkeypatch.chdir(tmp_path)
        with executor.start():
            assert executor.wait(executor.submit(os.getcwd)) == os.getcwd() != before


def test_a_setup_that_cannot_be_pickled_is_refused_at_once() -> None:
    with pytest.raises(UnpicklableError, match="setup"):
        ProcessExecutor(1).start(setup=(print, (threading.Lock(),))).__enter__()


def test_a_single_call() -> None:
    assert run_in_subprocess(int, "ff", 16, timeout=30) == 255
    assert run_in_subprocess(_kind, timeout=30, setup=(_setenv, ("X", "set"))) == ("set", True)
    with pytest.raises(ValueError, match="invalid literal") as caught:
        run_in_subprocess(int, "x", timeout=30)
    assert caught.value.__cause__ is not None
    assert run_in_subprocess(len, b"x" * 3_000_000, timeout=None) == 3_000_000


def _kind() -> tuple[str | None, bool]:
    return os.environ.get("X"), threading.current_thread() is threading.main_thread()


def test_a_single_call_that_takes_too_long_is_ended() -> None:
    begun = time.monotonic()
    with pytest.raises(TimeoutError, match=r"time.sleep took longer than 0.2 seconds"):
        run_in_subprocess(time.sleep, 60, timeout=0.2)
    assert time.monotonic() - begun < 20


def test_a_single_call_that_ends_its_process() -> None:
    with pytest.raises(WorkerDiedError, match=r"exit code 5 while it ran posix\._exit"):
        run_in_subprocess(os._exit, 5, timeout=30)


def test_a_single_call_in_a_thread() -> None:
    got: list[Any] = []
    thread = threading.Thread(target=lambda: got.append(run_in_subprocess(abs, -3, timeout=30)))
    thread.start()
    thread.join(30)

    assert got == [3]
