"""What can go wrong with worker processes, each as a real program in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(90)

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Path]:
    """Write a program."""

    def write(text: str) -> Path:
        path = tmp_path / "program.py"
        path.write_text("import os, sys, time, signal\nfrom resultant.executors import *\n" + textwrap.dedent(text))
        return path

    return write


@pytest.fixture
def run(script: Callable[[str], Path]) -> Run:
    """Run a program to its end."""

    def go(text: str, timeout: float = 40) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, str(script(text))]
        return subprocess.run(program, capture_output=True, text=True, timeout=timeout, check=False)

    return go


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_gone(pids: list[int], seconds: float) -> list[int]:
    deadline = time.monotonic() + seconds
    while (left := [pid for pid in pids if alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


DEATHS = {
    "exit": ("os._exit(3)", "ended with exit code 3"),
    "kill": ("os.kill(os.getpid(), signal.SIGKILL)", r"was ended by SIGKILL \(signal 9\)"),
    "segfault": ("__import__('ctypes').string_at(0)", r"was ended by SIGSEGV \(signal 11\)"),
}


@pytest.mark.parametrize("death", DEATHS)
def test_a_worker_that_dies_costs_exactly_its_job(run: Run, death: str) -> None:
    code, said = DEATHS[death]
    done = run(f"""
        import resource
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        def work(index):
            if index == 7:
                {code}
            return index
        ex = ProcessExecutor(2)
        with ex.start():
            futures = [ex.submit(work, index) for index in range(40)]
            for index, future in enumerate(futures):
                try:
                    assert future.result() == index
                except Exception as error:
                    print(index, type(error).__name__, error)
    """)

    assert done.returncode == 0, done.stderr
    assert re.fullmatch(rf"7 WorkerDiedError Worker process \d+ {said}.* while it ran __main__\.work\n", done.stdout)


def test_the_task_is_named_where_its_name_is_known(run: Run) -> None:
    done = run("""
        ex = ProcessExecutor(1)
        with ex.start():
            print(ex.submit(os._exit, 3, extra_context={"task_name": "train"}).exception())
    """)

    assert done.stdout.endswith("while it ran task 'train'\n")


def test_jobs_that_all_kill_their_worker_all_end(run: Run) -> None:
    done = run("""
        ex = ProcessExecutor(2)
        with ex.start():
            futures = [ex.submit(os._exit, 1) for _ in range(12)]
            print({type(future.exception()).__name__ for future in futures})
            print(ex.wait(ex.submit(len, "still here")))
    """)

    assert done.stdout == "{'WorkerDiedError'}\n10\n", done.stderr


def test_an_idle_worker_that_dies_is_replaced_unnoticed(run: Run) -> None:
    done = run("""
        ex = ProcessExecutor(1)
        with ex.start():
            for _ in range(5):
                os.kill(ex.wait(ex.submit(os.getpid)), signal.SIGKILL)
                time.sleep(0.2)
            print(ex.wait(ex.submit(len, "fine")))
    """)

    assert done.stdout == "4\n", done.stderr


def test_workers_that_cannot_start_are_given_up(run: Run, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "cloudpickle.py").write_text("import os; os._exit(9)")
    done = run("""
        import cloudpickle
        sys.path.insert(0, os.path.dirname(__file__) + "/broken")
        ex = ProcessExecutor(2)
        with ex.start():
            futures = [ex.submit(len, "x") for _ in range(5)]
            print({(type(future.exception()).__name__, "exit code 9" in str(future.exception())) for future in futures})
            try:
                ex.submit(len, "x")
            except Exception as error:
                print(type(error).__name__)
    """)

    assert done.stdout == "{('ExecutorError', True)}\nExecutorError\n", done.stderr


def test_a_setup_that_fails_fails_each_job(run: Run) -> None:
    done = run("""
        def setup():
            raise OSError("no licence")
        ex = ProcessExecutor(2)
        with ex.start(setup=(setup, ())):
            for _ in range(3):
                error = ex.submit(len, "x").exception()
                print(type(error).__name__, "OSError: no licence" in str(error), "in setup" in str(error.__cause__))
    """)

    assert done.stdout == "ExecutorError True True\n" * 3, done.stderr


def test_a_replaced_worker_is_set_up_too(run: Run) -> None:
    done = run("""
        def setup(value):
            os.environ["SET_UP"] = value
        ex = ProcessExecutor(1)
        with ex.start(setup=(setup, ("yes",))):
            print(ex.wait(ex.submit(os.getenv, "SET_UP")))
            print(type(ex.submit(os._exit, 1).exception()).__name__)
            print(ex.wait(ex.submit(os.getenv, "SET_UP")))
    """)

    assert done.stdout == "yes\nWorkerDiedError\nyes\n", done.stderr


def test_what_cannot_be_pickled_fails_its_own_job_only(run: Run) -> None:
    done = run("""
        import re, threading
        class NoPickle(Exception):
            def __init__(self): self.lock = threading.Lock()
        class NoUnpickle(Exception):
            def __init__(self, a, b): super().__init__("text")
        class NoLoad:
            def __reduce__(self): return int, ("x",)
        def raises(kind, *args):
            raise kind(*args)
        ex = ProcessExecutor(1)
        with ex.start():
            pid = ex.wait(ex.submit(os.getpid))
            for job in (
                (len, threading.Lock()),
                (threading.Lock,),
                (raises, NoPickle),
                (raises, NoUnpickle, 1, 2),
                (NoLoad,),
                (len, NoLoad()),
            ):
                error = ex.submit(*job).exception()
                print(type(error).__name__, re.split(": | from its|;", str(error))[0], "|", type(error.__cause__).__name__)
            print(pid == ex.wait(ex.submit(os.getpid)))
    """)

    assert done.stdout.splitlines() == [
        "UnpicklableError builtins.len cannot be sent to a worker process | TypeError",
        "UnpicklableError _thread.allocate_lock has run, but what it returned cannot be sent back | RemoteTraceback",
        "ExecutorError __main__.raises raised NoPickle | RemoteTraceback",
        "ExecutorError __main__.raises raised NoUnpickle | RemoteTraceback",
        "ExecutorError The result of __main__.NoLoad came back | ValueError",
        "ExecutorError builtins.len was not run | RemoteTraceback",
        "True",
    ], done.stderr


def test_what_main_defines_travels_both_ways_without_a_guard(run: Run) -> None:
    done = run("""
        from dataclasses import dataclass
        from enum import Enum
        print("once")
        @dataclass
        class Point:
            x: int
            def moved(self): return Point(self.x + 1)
        class Colour(Enum):
            RED = 1
        FACTOR = 3
        def helper(x): return x * FACTOR
        def work(point, colour):
            assert isinstance(point, Point) and colour is Colour.RED
            return point.moved(), colour, helper(point.x)
        class Mine(Exception): pass
        def fails(): raise Mine("why")
        ex = ProcessExecutor(2)
        with ex.start():
            for _ in range(3):
                point, colour, number = ex.wait(ex.submit(work, Point(1), Colour.RED))
                print(isinstance(point, Point), point == Point(2), colour is Colour.RED, number)
            print(type(ex.submit(fails).exception()) is Mine)
    """)

    assert done.stdout == "once\n" + "True True True 3\n" * 3 + "True\n", done.stderr


def test_workers_stand_where_the_driver_stands(run: Run, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "helpers_of_mine.py").write_text("def double(x): return 2 * x\n")
    done = run("""
        here = os.path.dirname(__file__)
        os.chdir(here)
        sys.path.insert(0, "elsewhere")
        import helpers_of_mine
        ex = ProcessExecutor(1)
        with ex.start():
            print(ex.wait(ex.submit(os.getcwd)) == os.path.realpath(here), ex.wait(ex.submit(helpers_of_mine.double, 4)))
    """)

    assert done.stdout == "True 8\n", done.stderr


def test_jobs_run_on_the_main_thread_where_alarms_work(run: Run) -> None:
    done = run("""
        def alarmed():
            def ring(*_): raise TimeoutError("rang")
            signal.signal(signal.SIGALRM, ring)
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            time.sleep(10)
        ex = ProcessExecutor(1)
        with ex.start():
            print(repr(ex.submit(alarmed).exception()))
    """)

    assert done.stdout == "TimeoutError('rang')\n", done.stderr


def test_large_values_travel_in_bounded_memory(run: Run) -> None:
    pytest.importorskip("numpy")
    done = run(
        """
        import resource
        import numpy as np
        def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        def make():
            return np.ones(25_000_000)
        def total(array):
            return float(array.sum()), peak()
        ex = ProcessExecutor(1)
        with ex.start():
            before = peak()
            array = ex.wait(ex.submit(make))
            sum_, worker = ex.wait(ex.submit(total, array))
            array[0] = 2
            print(sum_, peak() - before < 260, worker < 600)
            print(len(ex.wait(ex.submit(bytes, 100_000_000))), len(ex.wait(ex.submit(list, range(500_000)))))
    """,
    )

    assert done.stdout == "25000000.0 True True\n100000000 500000\n", done.stderr


@pytest.mark.parametrize("busy", ["time.sleep(60)", "sum(range(10**10))", "[0 for _ in iter(int, 1)]"])
def test_no_worker_outlives_a_killed_driver(script: Callable[[str], Path], busy: str) -> None:
    program = script(f"""
        def work(path):
            os.write(1, b"%d\\n" % os.getpid())
            {busy}
        ex = ProcessExecutor(2)
        with ex.start():
            ex.wait([ex.submit(work, index) for index in range(4)])
    """)
    driver = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert driver.stdout is not None
    pids = [int(driver.stdout.readline()) for _ in range(2)]
    assert all(alive(pid) for pid in pids)
    time.sleep(0.2)
    driver.kill()
    driver.wait()
    try:
        assert wait_gone(pids, 2.0) == []
        assert driver.communicate()[1] == b""
    finally:
        for pid in pids:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)


def test_a_program_that_the_driver_forked_does_not_keep_workers_alive(script: Callable[[str], Path]) -> None:
    program = script("""
        ex = ProcessExecutor(1)
        with ex.start():
            pid = ex.wait(ex.submit(os.getpid))
            child = os.fork()
            if child == 0:
                time.sleep(20)
                os._exit(0)
            print(pid, child, flush=True)
            ex.wait(ex.submit(time.sleep, 60))
    """)
    driver = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert driver.stdout is not None
    worker, child = (int(word) for word in driver.stdout.readline().split())
    driver.stdout.close()
    driver.kill()
    driver.wait()
    try:
        assert wait_gone([worker], 2.5) == []
    finally:
        os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("moment", [0.0, 0.02, 0.05, 0.1, 0.4])
def test_ctrl_c_ends_everything_without_noise(script: Callable[[str], Path], moment: float) -> None:
    program = script("""
        ex = ProcessExecutor(2)
        begun = time.monotonic()
        print("go", os.getpid(), flush=True)
        try:
            with ex.start():
                ex.wait([ex.submit(time.sleep, 30) for index in range(40)])
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """)
    driver = subprocess.Popen(
        [sys.executable, str(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert driver.stdout is not None
    driver.stdout.readline()
    time.sleep(0.1 + moment)
    os.killpg(driver.pid, signal.SIGINT)
    out, err = driver.communicate(timeout=10)

    assert (out, err, driver.returncode) == ("interrupted\n", "", 0)
    assert _group(driver.pid) == []


def _group(group: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[2]) == group and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def test_ctrl_c_reaches_programs_that_jobs_run(script: Callable[[str], Path]) -> None:
    program = script("""
        import subprocess
        print("go", flush=True)
        ex = ProcessExecutor(1)
        try:
            with ex.start():
                ex.wait(ex.submit(subprocess.run, ["sleep", "30"]))
        except KeyboardInterrupt:
            pass
    """)
    driver = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, start_new_session=True)
    assert driver.stdout is not None
    driver.stdout.readline()
    deadline = time.monotonic() + 20
    while len(_group(driver.pid)) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(driver.pid, signal.SIGINT)
    driver.communicate(timeout=10)

    time.sleep(0.1)
    assert _group(driver.pid) == []


@pytest.mark.parametrize("kind", ["ProcessExecutor(2)", "ThreadExecutor(2)"])
def test_a_program_that_never_stops_its_executor_ends(run: Run, kind: str) -> None:
    done = run(
        f"""
        ex = {kind}
        ex.start().__enter__()
        print(ex.wait(ex.submit(len, "abc")))
        futures = [ex.submit(time.sleep, 0.5) for _ in range(100)]
    """,
        timeout=15,
    )

    assert (done.stdout, done.stderr, done.returncode) == ("3\n", "", 0)


def test_what_workers_print_arrives_with_their_results(run: Run) -> None:
    done = run("""
        ex = ProcessExecutor(1)
        with ex.start():
            for index in range(3):
                ex.wait(ex.submit(print, "job", index))
                print("driver", index, flush=True)
    """)

    assert done.stdout == "".join(f"job {index}\ndriver {index}\n" for index in range(3))


def test_workers_run_what_was_registered_for_their_exit(run: Run) -> None:
    done = run("""
        import atexit
        ex = ProcessExecutor(1)
        with ex.start():
            ex.wait(ex.submit(atexit.register, print, "goodbye"))
    """)

    assert done.stdout == "goodbye\n", done.stderr


def test_a_job_that_forks_has_one_answer(run: Run) -> None:
    done = run("""
        def forks():
            return "child" if os.fork() == 0 else "parent"
        ex = ProcessExecutor(1)
        with ex.start():
            print(ex.wait([ex.submit(forks) for _ in range(3)]))
    """)

    assert done.stdout == "['parent', 'parent', 'parent']\n", done.stderr


def test_a_worker_whose_children_hold_its_socket_is_missed_all_the_same(run: Run) -> None:
    done = run("""
        def dies():
            if os.fork() == 0:
                os.closerange(0, 3)
                time.sleep(15)
                os._exit(0)
            os._exit(5)
        ex = ProcessExecutor(1)
        with ex.start():
            print("exit code 5" in str(ex.submit(dies).exception(timeout=10)), flush=True)
        os._exit(0)
    """)

    assert done.stdout == "True\n", done.stderr


def test_a_worker_that_closes_its_connection_is_ended(run: Run) -> None:
    done = run("""
        def closes():
            os.closerange(3, 100)
            time.sleep(30)
        ex = ProcessExecutor(1)
        with ex.start():
            print(ex.submit(closes).exception(timeout=20))
            print(ex.wait(ex.submit(len, "abc")))
    """)

    assert re.fullmatch(r"Worker process \d+ .* while it ran __main__.closes\n3\n", done.stdout), done.stderr


def test_a_module_that_runs_jobs_while_it_is_imported_does_not_hang(run: Run, tmp_path: Path) -> None:
    (tmp_path / "imported_flow.py").write_text(
        textwrap.dedent("""
        from resultant.executors import ProcessExecutor
        class Value:
            pass
        def make():
            return Value()
        ex = ProcessExecutor(1)
        if not __import__("os").environ.get("IN_WORKER"):
            __import__("os").environ["IN_WORKER"] = "1"
            with ex.start():
                print(type(ex.wait(ex.submit(make))) is Value)
        """)
    )
    done = run("import imported_flow\n", timeout=20)

    assert done.stdout == "True\n", done.stderr


@pytest.mark.parametrize("kind", ["ProcessExecutor(1)", "ThreadExecutor(1)"])
def test_an_executor_started_before_a_fork_says_so_after_it(run: Run, kind: str) -> None:
    done = run(f"""
        ex = {kind}
        with ex.start():
            ex.wait(ex.submit(len, "abc"))
            child = os.fork()
            if child == 0:
                try:
                    ex.submit(len, "abc")
                except RuntimeError as error:
                    print("fork" in str(error), flush=True)
                os._exit(0)
            os.waitpid(child, 0)
            print(ex.wait(ex.submit(len, "abc")))
    """)

    assert done.stdout == "True\n3\n", done.stderr


def test_a_job_may_use_an_executor_of_its_own(run: Run) -> None:
    done = run("""
        def outer():
            inner = ProcessExecutor(1)
            with inner.start():
                return inner.wait(inner.submit(len, "abc"))
        ex = ProcessExecutor(1)
        with ex.start():
            print(ex.wait(ex.submit(outer)))
    """)

    assert done.stdout == "3\n", done.stderr
