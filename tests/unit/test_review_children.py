"""Children of mapped tasks: long chains of them, and many at once."""

from __future__ import annotations

from datetime import timedelta
from threading import Event

import pytest

from resultant import Flow, LocalExecutor, ThreadExecutor, task


@task
def more(x):
    return x + 1


@pytest.mark.parametrize("executor", [LocalExecutor(), ThreadExecutor(2)], ids=repr)
def test_a_chain_of_mapped_tasks_may_be_long_when_its_head_is_retried(executor):
    tried = set()

    @task(max_retries=1, retry_delay=timedelta(0))
    def fails_once(x):
        if x not in tried:
            tried.add(x)
            raise ValueError(x)
        return x

    with Flow("chain") as flow:
        values = fails_once.map([0, 10])
        for _ in range(400):
            values = more.map(values)
    state = flow.run(executor=executor)
    assert state.is_successful()
    assert state.result[values].result == [400, 410]


def test_children_are_handed_over_as_others_come_back():
    class Counting(ThreadExecutor):
        out = peak = 0

        def submit(self, fn, /, *args, **kwargs):
            self.out += 1
            self.peak = max(self.peak, self.out)
            if self.out > 1024:
                too_many.set()
            future = super().submit(fn, *args, **kwargs)
            future.add_done_callback(self.back)
            return future

        def back(self, _):
            self.out -= 1

    too_many = Event()

    @task
    def holds_up(x):
        if x == 0:
            too_many.wait(0.2)
        return x

    with Flow("many") as flow:
        values = holds_up.map(list(range(3000)))
    executor = Counting(1)
    state = flow.run(executor=executor)
    assert state.result[values].result == list(range(3000))
    assert executor.peak <= 1024
