"""What executors take and say of themselves."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import pytest

import resultant.executors
from resultant.executors import Executor, LocalDaskExecutor, LocalExecutor, ProcessExecutor, ThreadExecutor


@pytest.mark.parametrize("kind", [ThreadExecutor, ProcessExecutor])
def test_workers_must_be_a_whole_number_from_one(kind: Any) -> None:
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="at least one"):
            kind(workers=wrong)
    for wrong in ("2", 1.5, True, [2]):
        with pytest.raises(TypeError, match="whole number"):
            kind(workers=wrong)
    assert kind(workers=3).workers == 3
    assert kind().workers >= 1


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("threads", "threads"),
        ("threading", "threads"),
        ("THREADS", "threads"),
        ("processes", "processes"),
        ("MultiProcessing", "processes"),
        ("sync", "synchronous"),
        ("synchronous", "synchronous"),
        ("single-threaded", "synchronous"),
    ],
)
def test_names_of_dask_schedulers(name: str, canonical: str) -> None:
    assert LocalDaskExecutor(scheduler=name).scheduler == canonical


def test_unknown_schedulers_are_refused() -> None:
    with pytest.raises(ValueError, match="Unknown scheduler 'bogus'"):
        LocalDaskExecutor("bogus")
    with pytest.raises(TypeError, match="text"):
        LocalDaskExecutor(scheduler=None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="num_workers"):
        LocalDaskExecutor(num_workers=0)


def test_the_scheduler_decides_what_the_executor_is() -> None:
    threads, processes, synchronous = (
        LocalDaskExecutor(name, num_workers=2) for name in ("threads", "processes", "sync")
    )

    assert (threads.inline, threads.in_process, threads.workers) == (False, True, 2)
    assert (processes.inline, processes.in_process, processes.workers) == (False, False, 2)
    assert (synchronous.inline, synchronous.in_process, synchronous.workers) == (True, True, 1)


def test_dask_config_is_kept() -> None:
    executor = LocalDaskExecutor("threads", num_workers=2, chunksize=7)

    assert executor.dask_config == {"chunksize": 7}
    assert pickle.loads(pickle.dumps(executor)).dask_config == {"chunksize": 7}


@pytest.mark.parametrize(
    ("executor", "text"),
    [
        (LocalExecutor(), "LocalExecutor()"),
        (ThreadExecutor(), "ThreadExecutor()"),
        (ThreadExecutor(4), "ThreadExecutor(workers=4)"),
        (ProcessExecutor(workers=2), "ProcessExecutor(workers=2)"),
        (LocalDaskExecutor("THREADS"), "LocalDaskExecutor(scheduler='threads')"),
        (LocalDaskExecutor("sync", num_workers=2), "LocalDaskExecutor(scheduler='synchronous', num_workers=2)"),
    ],
)
def test_repr_makes_an_equal_one(executor: Executor, text: str) -> None:
    assert repr(executor) == text
    assert eval(text) == executor
    assert hash(eval(text)) == hash(executor)


def test_equal_means_same_class_and_options() -> None:
    assert ThreadExecutor(2) == ThreadExecutor(2)
    assert ThreadExecutor(2) != ThreadExecutor(3)
    assert ThreadExecutor(2) != ProcessExecutor(2)
    assert LocalExecutor() != "LocalExecutor()"


def test_the_base_runs_nothing() -> None:
    with pytest.raises(NotImplementedError):
        Executor().submit(len, "abc")
    with pytest.raises(NotImplementedError):
        Executor().wait([])
    with Executor().start():
        pass


def test_wait_of_the_local_executor_returns_its_argument() -> None:
    value = [1, object()]

    assert LocalExecutor().wait(value) is value


def test_the_package_names_what_it_has() -> None:
    for name in resultant.executors.__all__:
        assert getattr(resultant.executors, name).__name__ == name
        assert name in dir(resultant.executors)
    with pytest.raises(AttributeError, match="Nonesuch"):
        resultant.executors.Nonesuch


def test_the_default_executor_costs_no_imports() -> None:
    code = "import sys; from resultant.executors import LocalExecutor; LocalExecutor().submit(len, 'abc'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert "resultant.executors.local" in loaded
    heavy = {"concurrent.futures", "cloudpickle", "subprocess", "socket", "logging", "typing", "inspect", "dataclasses"}
    # A site hook of the environment may import some of them before any program begins.
    bare = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    assert not (heavy - set(bare.stdout.split())) & set(loaded)
