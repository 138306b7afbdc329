"""What every executor must do, as tests.

Derive a class from `ExecutorTests` and give it an ``executor`` fixture::

    class TestMyExecutor(ExecutorTests):
        @pytest.fixture
        def executor(self):
            return MyExecutor(workers=2)
"""

from __future__ import annotations

import os
import pickle
import threading
import time

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from resultant.executors import Executor


class ExecutorTests:
    """The contract of `resultant.executors.Executor`. The fixture ``executor`` gives one with two workers, not started."""

    @pytest.fixture
    def executor(self) -> Executor:
        """The executor under test; to be overridden."""
        raise NotImplementedError("give the class an `executor` fixture that returns the executor to test")

    @pytest.fixture
    def started(self, executor: Executor) -> Iterator[Executor]:
        """The executor, started."""
        with executor.start():
            yield executor

    def test_submit_calls_the_function_with_its_arguments(self, started: Executor) -> None:
        future = started.submit(_all_of_them, 1, "two", three=[3])

        assert started.wait(future) == ((1, "two"), {"three": [3]})

    def test_extra_context_is_not_given_to_the_function(self, started: Executor) -> None:
        future = started.submit(_all_of_them, 1, extra_context={"task_name": "x"})

        assert started.wait(future) == ((1,), {})

    def test_arguments_may_have_any_name(self, started: Executor) -> None:
        future = started.submit(_all_of_them, self=1, fn=2, args=3, kwargs=4)

        assert started.wait(future) == ((), {"self": 1, "fn": 2, "args": 3, "kwargs": 4})

    def test_closures_and_lambdas_can_be_submitted(self, started: Executor) -> None:
        offset = 10

        assert started.wait(started.submit(lambda value: value + offset, 5)) == 15

    @pytest.mark.parametrize("value", [None, 0, "", b"", (), [], {}, 1.5, True, "é", {"a": [1, (2, 3)]}])
    def test_values_come_back_as_they_are(self, started: Executor, value: Any) -> None:
        back = started.wait(started.submit(_echo, value))

        assert back == value
        assert type(back) is type(value)

    def test_wait_keeps_the_structure(self, started: Executor) -> None:
        one = started.submit(_echo, 1)
        two = started.submit(_echo, 2)
        three = started.submit(_echo, 3)

        assert started.wait([one, two]) == [1, 2]
        assert started.wait((one, two)) == (1, 2)
        assert started.wait({"a": one, "b": three}) == {"a": 1, "b": 3}
        assert started.wait([]) == []
        assert started.wait({"x": [one, (two,)]}) == {"x": [1, (2,)]}

    def test_wait_leaves_alone_what_is_no_future(self, started: Executor) -> None:
        assert started.wait(["text", None, started.submit(_echo, 1)]) == ["text", None, 1]

    def test_results_are_in_the_order_of_submission(self, started: Executor) -> None:
        futures = [started.submit(_echo, index) for index in range(300)]

        assert started.wait(futures) == list(range(300))

    def test_an_exception_is_the_jobs_own_and_the_executor_goes_on(self, started: Executor) -> None:
        with pytest.raises(ValueError, match="broken on purpose"):
            started.wait(started.submit(_fail, ValueError("broken on purpose")))

        assert started.wait(started.submit(_echo, 1)) == 1

    def test_exceptions_outside_exception_arrive_too(self, started: Executor) -> None:
        with pytest.raises(SystemExit) as caught:
            started.wait(started.submit(_fail, SystemExit(4)))

        assert caught.value.code == 4
        assert started.wait(started.submit(_echo, 1)) == 1

    def test_the_traceback_of_a_job_is_not_lost(self, started: Executor) -> None:
        import traceback

        try:
            started.wait(started.submit(_fail, ValueError("deep down")))
        except ValueError as error:
            text = "".join(traceback.format_exception(error))

        assert "in _fail" in text

    def test_futures_call_back(self, started: Executor) -> None:
        if started.inline:
            pytest.skip("an inline executor gives values, not futures")
        called = threading.Event()
        seen: list[Any] = []

        def callback(future: Any) -> None:
            seen.append(future.result())
            called.set()

        started.submit(_echo, 7).add_done_callback(callback)

        assert called.wait(30)
        assert seen == [7]

    def test_jobs_run_side_by_side(self, started: Executor) -> None:
        if started.workers < 2:
            pytest.skip("one worker only")
        started.wait([started.submit(time.sleep, 0.2) for _ in range(2)])
        begun = time.monotonic()
        started.wait([started.submit(time.sleep, 0.5) for _ in range(2)])

        assert time.monotonic() - begun < 0.95

    def test_a_long_job_does_not_hold_up_short_ones(self, started: Executor) -> None:
        if started.workers < 2:
            pytest.skip("one worker only")
        started.wait([started.submit(_echo, index) for index in range(50)])
        long = started.submit(time.sleep, 2)
        begun = time.monotonic()
        started.wait([started.submit(_echo, index) for index in range(50)])

        assert time.monotonic() - begun < 1.8
        assert not long.done()

    def test_shared_arguments_arrive_as_themselves(self, started: Executor) -> None:
        table = started.shared({"a": 1})

        futures = [started.submit(_lookup, table, "a", more=index) for index in range(20)]
        assert started.wait(futures) == [(1, index) for index in range(20)]
        assert started.wait(started.submit(_lookup, key="a", table=started.shared({"a": 2}), more=0)) == (2, 0)

    def test_submit_outside_start_is_refused(self, executor: Executor) -> None:
        if executor.inline:
            pytest.skip("an inline executor needs no start")
        from resultant.errors import ExecutorError

        with pytest.raises(ExecutorError, match="not started"):
            executor.submit(_echo, 1)
        with executor.start():
            pass
        with pytest.raises(ExecutorError, match="not started"):
            executor.submit(_echo, 1)

    def test_start_gives_the_executor(self, executor: Executor) -> None:
        with executor.start() as entered:
            assert entered is executor

    def test_it_can_be_started_again(self, executor: Executor) -> None:
        for index in range(3):
            with executor.start():
                assert executor.wait(executor.submit(_echo, index)) == index

    def test_start_may_be_nested(self, executor: Executor) -> None:
        with executor.start():
            with executor.start():
                assert executor.wait(executor.submit(_echo, 1)) == 1
            assert executor.wait(executor.submit(_echo, 2)) == 2

    def test_two_threads_may_use_it_at_once(self, executor: Executor) -> None:
        got: dict[int, Any] = {}

        def use(number: int) -> None:
            for _ in range(3):
                with executor.start():
                    got[number] = executor.wait([executor.submit(_echo, (number, index)) for index in range(20)])

        threads = [threading.Thread(target=use, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

        assert got == {number: [(number, index) for index in range(20)] for number in range(2)}

    def test_leaving_waits_for_what_was_submitted(self, executor: Executor) -> None:
        with executor.start():
            futures = [executor.submit(_slow_echo, index) for index in range(6)]

        assert executor.wait(futures) == list(range(6))

    def test_leaving_by_an_exception_cancels_what_has_not_begun(self, executor: Executor) -> None:
        if executor.inline:
            pytest.skip("an inline executor has nothing waiting")
        futures: list[Any] = []

        def interrupted() -> None:
            with executor.start():
                futures.extend(executor.submit(time.sleep, 0.3) for _ in range(200))
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert all(future.done() for future in futures)
        assert sum(future.cancelled() for future in futures) > 100

    def test_it_can_be_pickled_also_while_started(self, executor: Executor) -> None:
        import cloudpickle

        assert pickle.loads(pickle.dumps(executor)) == executor
        with executor.start():
            copy = pickle.loads(cloudpickle.dumps(executor))
        assert copy == executor
        with copy.start():
            assert copy.wait(copy.submit(_echo, 1)) == 1

    def test_setup_runs_before_the_first_job_of_each_process(self, executor: Executor) -> None:
        if executor.in_process:
            pytest.skip("this process is set up already")
        with executor.start(setup=(_set_up, ("yes",))):
            assert set(executor.wait([executor.submit(_what_was_set_up) for _ in range(20)])) == {("yes",)}

    def test_in_process_is_true_of_executors_that_stay_here(self, started: Executor) -> None:
        same = started.wait(started.submit(os.getpid)) == os.getpid()

        assert same is started.in_process

    def test_inline_is_true_of_executors_that_call_at_once(self, started: Executor) -> None:
        if started.inline:
            assert started.in_process
            assert started.submit(threading.get_ident) == threading.get_ident()
        else:
            assert started.wait(started.submit(_place)) != _place()

    def test_repr_names_the_class(self, executor: Executor) -> None:
        assert repr(executor).startswith(type(executor).__name__ + "(")


def _all_of_them(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return args, kwargs


def _echo(value: Any) -> Any:
    return value


def _slow_echo(value: Any) -> Any:
    time.sleep(0.05)
    return value


def _fail(error: BaseException) -> None:
    raise error


def _lookup(table: dict[str, int], key: str, more: int) -> tuple[int, int]:
    return table[key], more


def _place() -> tuple[int, int]:
    return os.getpid(), threading.get_ident()


_setups: list[str] = []


def _set_up(value: str) -> None:
    _setups.append(value)


def _what_was_set_up() -> tuple[str, ...]:
    return tuple(_setups)
