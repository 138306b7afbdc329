"""Ctrl-C: what is finished is kept, one line says so, and nobody is left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import cloudpickle
import pytest

SCRIPT = """
import sys, time
from resultant import Flow, LocalResult, task
from resultant.executors import LocalExecutor, ProcessExecutor, ThreadExecutor

@task
def numbers():
    return list(range(1000))

@task
def work(x):
    print("begun", x, flush=True)
    time.sleep(0.05)
    return bytes([x % 256]) * {size}

with Flow("long", result=LocalResult(dir="results"), state_handlers=[{handlers}]) as flow:
    work.map(numbers())
flow.run(executor={executor})
print("not reached")
"""

EXECUTORS = ["LocalExecutor()", "ThreadExecutor(2)", "ProcessExecutor(2)"]


class Run:
    """A script in a session, and so a process group, of its own."""

    def __init__(self, folder: Path, source: str, **settings: str) -> None:
        (folder / "script.py").write_text(textwrap.dedent(source))
        environment = {**os.environ, "RESULTANT__FLOWS__CHECKPOINTING": "true", **settings}
        self.results = folder / "results"
        self.process = subprocess.Popen(
            [sys.executable, "script.py"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait_for_lines(self, count: int) -> None:
        assert self.process.stdout is not None
        for _ in range(count):
            assert self.process.stdout.readline()

    def interrupt(self, seconds: float = 20) -> str:
        """Press Ctrl-C; return what was written to standard error."""
        os.killpg(self.process.pid, signal.SIGINT)
        _, self.errors = self.process.communicate(timeout=seconds)
        return self.errors

    def left_behind(self) -> list[str]:
        """Return the processes of the session that still run."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[3]) == self.process.pid and fields[0] != "Z":
                found.append(stat.parent.name)
        return found

    def gone(self) -> bool:
        end = time.monotonic() + 5
        while self.left_behind() and time.monotonic() < end:
            time.sleep(0.05)
        return not self.left_behind()


def run(folder: Path, executor: str, size: int = 100, handlers: str = "", **settings: str) -> Run:
    return Run(folder, SCRIPT.format(executor=executor, size=size, handlers=handlers), **settings)


@pytest.mark.parametrize("size", [100, 5_000_000], ids=["small", "large"])
@pytest.mark.parametrize("executor", EXECUTORS)
def test_finished_results_are_kept(tmp_path: Path, executor: str, size: int) -> None:
    flow = run(tmp_path, executor, size)
    flow.wait_for_lines(12)
    errors = flow.interrupt()
    assert flow.process.returncode == -signal.SIGINT
    assert flow.gone()
    said = re.findall(
        r"^Flow 'long': Interrupted after (\d+) finished task runs; their results are kept in (.+)\.$",
        errors,
        re.MULTILINE,
    )
    assert len(said) == 1, errors
    count, folder = said[0]
    assert Path(folder) == flow.results
    files = [path for path in flow.results.rglob("*") if path.is_file()]
    if "Process" in executor:
        # A worker that was writing is ended; what it leaves is not under a result's name.
        files = [path for path in files if path.suffix != ".tmp"]
    # One of those is the list of numbers; a write that was under way may have ended after it was counted.
    assert 10 <= int(count) <= len(files) <= int(count) + 2
    values = [cloudpickle.loads(path.read_bytes()) for path in files]
    assert sum(isinstance(value, list) for value in values) == 1
    assert all(len(value) == size for value in values if isinstance(value, bytes))
    assert all(path.name.startswith("resultant-result-") for path in files)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_there_is_no_noise(tmp_path: Path, executor: str) -> None:
    flow = run(tmp_path, executor)
    flow.wait_for_lines(6)
    errors = flow.interrupt()
    assert errors.count("Traceback") == 1, errors
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert errors.splitlines()[0].startswith("Flow 'long': Interrupted")
    assert "not reached" not in errors


@pytest.mark.parametrize("executor", EXECUTORS)
def test_at_any_moment(tmp_path: Path, executor: str) -> None:
    # Also while the executor starts, and while nothing has been finished.
    for number, pause in enumerate((0.0, 0.02, 0.3)):
        folder = tmp_path / str(number)
        folder.mkdir()
        flow = run(folder, executor, handlers="lambda flow, old, new: print('changed', flush=True)")
        flow.wait_for_lines(1)
        time.sleep(pause)
        errors = flow.interrupt()
        assert flow.process.returncode == -signal.SIGINT
        assert flow.gone()
        assert errors.count("Interrupted") <= 1
        # One report; an exception that was being handled at that moment is part of it.
        chained = errors.count("During handling of the above exception")
        assert errors.count("Traceback") - chained == 1, errors


@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_flow_ends_cancelled(tmp_path: Path, executor: str) -> None:
    handler = "lambda flow, old, new: print('now', type(new).__name__, flush=True)"
    flow = run(tmp_path, executor, handlers=handler)
    flow.wait_for_lines(6)
    os.killpg(flow.process.pid, signal.SIGINT)
    output, _ = flow.process.communicate(timeout=20)
    assert output.splitlines()[-1] == "now Cancelled"


def test_a_run_that_stores_nothing_says_so(tmp_path: Path) -> None:
    flow = run(tmp_path, "LocalExecutor()", RESULTANT__FLOWS__CHECKPOINTING="false")
    flow.wait_for_lines(6)
    errors = flow.interrupt()
    assert re.search(
        r"Interrupted after \d+ finished task runs; nothing was stored, because checkpointing is off", errors
    )


def test_a_program_can_go_on(tmp_path: Path) -> None:
    source = SCRIPT.format(executor="ProcessExecutor(2)", size=10, handlers="").replace(
        "flow.run(executor=ProcessExecutor(2))",
        "try:\n    flow.run(executor=ProcessExecutor(2))\nexcept KeyboardInterrupt:\n    print('caught')\n"
        "with Flow('short') as short:\n    work.map([1, 2])\n"
        "print(short.run(executor=ProcessExecutor(2)))",
    )
    flow = Run(tmp_path, source)
    flow.wait_for_lines(6)
    os.killpg(flow.process.pid, signal.SIGINT)
    output, errors = flow.process.communicate(timeout=30)
    assert flow.process.returncode == 0, errors
    assert "caught" in output
    assert '<Success: "All reference tasks succeeded.">' in output
    assert "Traceback" not in errors


def test_a_second_one_while_a_thread_is_waited_for(tmp_path: Path) -> None:
    source = SCRIPT.format(executor="ThreadExecutor(2)", size=10, handlers="").replace("sleep(0.05)", "sleep(2)")
    flow = Run(tmp_path, source)
    flow.wait_for_lines(2)
    os.killpg(flow.process.pid, signal.SIGINT)
    time.sleep(0.5)
    flow.interrupt()
    assert flow.process.returncode in (-signal.SIGINT, 1, 130)
    assert flow.gone()


def test_a_thread_that_nobody_noted_ends_as_well() -> None:
    # What Ctrl-C between the start of a thread and its entry in the crew's list leaves.
    from resultant.executors.crew import Crew

    crew = Crew(2)
    assert [crew.submit(abs, (-n,), {}).result() for n in (1, 2)] == [1, 2]
    threads = list(crew._threads)
    crew._threads.clear()
    crew.stop(cancel=True)
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
