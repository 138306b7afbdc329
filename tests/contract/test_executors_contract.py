"""Every executor against the contract."""

from __future__ import annotations

import pytest

from resultant.executors import Executor, LocalDaskExecutor, LocalExecutor, ProcessExecutor, ThreadExecutor
from resultant.testing.executors import ExecutorTests

pytestmark = pytest.mark.timeout(60)


class TestLocalExecutor(ExecutorTests):
    @pytest.fixture
    def executor(self) -> Executor:
        return LocalExecutor()


class TestThreadExecutor(ExecutorTests):
    @pytest.fixture
    def executor(self) -> Executor:
        return ThreadExecutor(workers=2)


class TestProcessExecutor(ExecutorTests):
    @pytest.fixture
    def executor(self) -> Executor:
        return ProcessExecutor(workers=2)


class TestLocalDaskExecutor(ExecutorTests):
    @pytest.fixture(params=["threads", "processes", "synchronous"])
    def executor(self, request: pytest.FixtureRequest) -> Executor:
        return LocalDaskExecutor(scheduler=request.param, num_workers=2)
