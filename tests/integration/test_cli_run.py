"""`resultant run` and `resultant resume`, as processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import COMMAND, Shell

FLOW = """
import os
from resultant import Flow, Parameter, task

@task
def numbers(n):
    with open("log", "a") as log:
        log.write("numbers\\n")
    return list(range(n))

@task
def double(x):
    if x == 3 and not os.path.exists("mended"):
        raise ValueError("three is bad")
    with open("log", "a") as log:
        log.write(f"double {x}\\n")
    return 2 * x

@task
def total(xs):
    print("the total is", sum(xs))
    return sum(xs)

with Flow("sums") as flow:
    n = Parameter("n", default=3)
    t = total(double.map(numbers(n)))
"""


def test_a_run_is_kept_and_recorded(shell: Shell) -> None:
    shell.write("sums.py", FLOW)
    answer = shell("run", "sums.py", "--json")
    assert answer.status == 0, answer
    told = answer.json
    assert told["state"] == "Success"
    assert told["flow"] == "sums"
    assert told["recorded"] is True
    assert told["counts"] == {"Success": 6}
    assert "the total is 6" in answer.err, "what tasks print must not spoil the document"
    shown = shell("runs", "show", told["id"], "--json").json
    assert shown["file"] == str(shell.folder / "sums.py")
    assert shown["attribute"] == "flow"
    assert shown["cwd"] == str(shell.folder)
    assert shown["alias"] is False
    assert shown["parameters"] == {"n": 3}
    assert shell("results", "read", told["id"], "total").out == "6\n"


def test_text_says_how_it_ended(shell: Shell) -> None:
    shell.write("sums.py", FLOW)
    answer = shell("run", "sums.py")
    assert answer.status == 0
    assert answer.out.startswith("the total is 6\nSuccess: flow 'sums', run ")


@pytest.mark.parametrize(
    ("text", "value"), [("5", 5), ("[1, 2]", [1, 2]), ('"5"', "5"), ("five", "five"), ("", ""), ("a=b", "a=b")]
)
def test_parameters_are_json_or_text(shell: Shell, text: str, value: object) -> None:
    shell.write("echo.py", "from resultant import Flow, Parameter\nwith Flow('echo') as f:\n    Parameter('x')()\n")
    run = shell.run("echo.py", "-p", f"x={text}")
    assert shell("results", "read", run, "x", "--json").json["value"] == value


@pytest.mark.parametrize("executor", ["local", "threads:2", "processes:1", "resultant.executors.ThreadExecutor"])
def test_executors_are_named(shell: Shell, executor: str) -> None:
    shell.write("sums.py", FLOW)
    run = shell.run("sums.py", "--executor", executor)
    assert shell("results", "read", run, "total").out == "6\n"
    expected = {
        "local": "LocalExecutor()",
        "threads:2": "ThreadExecutor(workers=2)",
        "processes:1": "ProcessExecutor(workers=1)",
    }
    assert shell("runs", "show", run, "--json").json["executor"] == expected.get(executor, "ThreadExecutor()")


def test_a_run_at_the_end_of_the_file_is_left_out_and_so_is_what_needs_it(shell: Shell) -> None:
    shell.write("sums.py", FLOW + "state = flow.run()\nprint(state.result[t].result)\nraise SystemExit('never here')\n")
    answer = shell("run", "sums.py")
    assert answer.status == 0, answer
    assert answer.err.count("flow.run() of flow 'sums' is left out") == 1
    assert (shell.folder / "log").read_text().count("numbers") == 1


def test_the_file_is_compiled_as_python_compiles_it(shell: Shell) -> None:
    shell.write(
        "hints.py",
        "from resultant import Flow, task\n@task\ndef one(x: int = 1) -> int: return x\n"
        "assert one.run.__annotations__['return'] is int\nwith Flow('hints') as flow: one()\n",
    )
    assert shell("run", "hints.py").status == 0


def test_a_variable_that_was_renamed_is_found_by_the_flows_name(shell: Shell) -> None:
    shell.write("sums.py", FLOW)
    assert shell("run", "sums.py", "-p", "n=4").status == 1
    shell.write("sums.py", FLOW.replace("as flow", "as renamed") + "another = Flow('another')\n")
    shell.write("mended", "")
    assert shell("resume", shell.newest()).status == 0


def test_a_run_of_another_flow_is_refused(shell: Shell) -> None:
    shell.write("sums.py", FLOW)
    assert shell("run", "sums.py", "-p", "n=4").status == 1
    shell.write("other.py", FLOW.replace('"sums"', '"other"'))
    answer = shell("resume", shell.newest(), "other.py:flow")
    assert answer.status == 2
    assert "sums" in answer.err
    assert answer.err.count("\n") == 1


def test_what_is_guarded_is_left_out(shell: Shell) -> None:
    shell.write("sums.py", FLOW + "if __name__ == '__main__':\n    raise SystemExit('guarded')\n")
    assert shell("run", "sums.py:flow").status == 0


def test_a_resume_does_what_was_not_done(shell: Shell) -> None:
    shell.write("sums.py", FLOW)
    failed = shell("run", "sums.py", "-p", "n=5")
    assert failed.status == 1, failed
    assert "resultant resume" in failed.out
    run = shell.newest()
    again = shell("resume", run[:8])
    assert again.status == 1, again
    shell.write("mended", "")
    done = shell("resume", run, "--json")
    assert done.status == 0, done
    assert done.json["attempt"] == 3
    assert done.json["id"] == run
    log = (shell.folder / "log").read_text().splitlines()
    assert sorted(log) == ["double 0", "double 1", "double 2", "double 3", "double 4", "numbers"]
    assert shell("results", "read", run, "total").out == "20\n"


def test_a_resume_starts_where_the_run_was_started(shell: Shell) -> None:
    folder = shell.folder / "elsewhere"
    folder.mkdir()
    shell.write("sums.py", FLOW)
    assert shell("run", "sums.py", "-p", "n=4").status == 1
    shell.write("mended", "")
    moved = Shell(shell.folder)
    moved.folder = folder
    assert moved("resume", shell.newest()).status == 0
    assert not (folder / "log").exists()


def test_a_killed_run_is_resumed(shell: Shell) -> None:
    shell.write("slow.py", """
import os, time
from resultant import Flow, task

@task
def first():
    return 1

@task
def second(x):
    if not os.path.exists("go"):
        open("here", "w").close()
        time.sleep(60)
    return x + 1

with Flow("slow") as flow:
    second(first())
""")  # fmt: skip
    process = subprocess.Popen([COMMAND, "run", "slow.py"], cwd=shell.folder, env=shell.environment)
    while not (shell.folder / "here").exists():
        assert process.poll() is None
        time.sleep(0.02)
    run = shell.newest()
    held = shell("resume", run)
    assert held.status == 2
    assert str(process.pid) in held.err
    assert held.err.count("\n") <= 1, "one line"
    alive = shell("runs", "show", run, "--json").json
    assert alive["abandoned"] is False
    assert shell("runs", "ls", "--json").json[0]["abandoned"] is False
    assert "Running" in shell("runs", "ls").out
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert shell("runs", "ls", "--json").json[0]["abandoned"] is True
    assert "abandoned" in shell("runs", "ls").out
    assert "Running" not in shell("runs", "ls").out
    dead = shell("runs", "show", run, "--json").json
    assert dead["state"] == "Running"
    assert dead["abandoned"] is True
    assert dead["unfinished"] == ["second-1"]
    shown = shell("runs", "show", run).out
    assert "Not finished: second-1" in shown
    assert f"resultant resume {run}" in shown
    assert "has not finished it" in shell("why", run, "second").out
    assert run in shell("doctor").out
    shell.write("go", "")
    assert shell("resume", run).status == 0
    assert shell("results", "read", run, "second").out == "2\n"


def test_a_paused_run_has_a_status_of_its_own_and_is_approved(shell: Shell) -> None:
    shell.write("gate.py", """
from resultant import Flow, task
from resultant.triggers import manual_only

@task
def build():
    return "built"

@task(trigger=manual_only)
def deploy(x):
    return x + " and deployed"

with Flow("gate") as flow:
    deploy(build())
""")  # fmt: skip
    answer = shell("run", "gate.py")
    assert answer.status == 3, answer
    run = shell.newest()
    assert f"resultant resume {run} --approve deploy-1" in answer.out
    assert shell("resume", run).status == 3
    unknown = shell("resume", run, "--approve", "nothing")
    assert unknown.status == 2
    assert "no task 'nothing'" in unknown.err
    assert shell("resume", run, "--approve", "deploy").status == 0
    assert shell("results", "read", run, "deploy").out == "built and deployed\n"


def test_a_flow_that_moved_is_named(shell: Shell) -> None:
    path = shell.write("sums.py", FLOW)
    assert shell("run", "sums.py", "-p", "n=4").status == 1
    path.rename(shell.folder / "moved.py")
    run = shell.newest()
    gone = shell("resume", run)
    assert gone.status == 2
    assert "is gone" in gone.err
    shell.write("mended", "")
    assert shell("resume", run, "moved.py:flow").status == 0


def test_the_alias_comes_back_with_a_resume(shell: Shell) -> None:
    shell.write("old.py", """
import os
from prefect import Flow, task

@task
def fails():
    if not os.path.exists("mended"):
        raise ValueError("no")

with Flow("old") as flow:
    fails()
flow.run()
""")  # fmt: skip
    assert shell("run", "old.py").status == 2
    assert shell("run", "old.py", "--alias").status == 1
    run = shell.newest()
    assert shell("runs", "show", run, "--json").json["alias"] is True
    shell.write("mended", "")
    assert shell("resume", run).status == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nothing.py"], "does not exist"),
        (["."], "is a folder"),
        (["sums.py:other"], "no flow 'other'"),
        (["broken.py"], "broken.py, line 2"),
        (["fails.py"], "fails.py, line 1: ZeroDivisionError"),
        (["empty.py"], "holds no flow"),
        (["two.py"], "several flows: a, b"),
        (["sums.py", "-p", "n"], "write -p NAME=VALUE"),
        (["sums.py", "-p", "m=1"], "unexpected parameters: m"),
        (["sums.py", "--executor", "cloud"], "no executor 'cloud'"),
        (["sums.py", "--executor", "threads:x"], "no number of workers"),
        ([], "Missing argument"),
        (["sums.py", "--nothing"], "No such option"),
    ],
)
def test_wrong_input_is_one_line(shell: Shell, words: list[str], says: str) -> None:
    shell.write("sums.py", FLOW)
    shell.write("broken.py", "x = 1\nif:\n")
    shell.write("fails.py", "1 / 0\n")
    shell.write("empty.py", "x = 1\n")
    shell.write("two.py", "from resultant import Flow\na = Flow('a')\nb = Flow('b')\n")
    answer = shell("run", *words)
    assert answer.status == 2, answer
    assert says in answer.err
    assert answer.err.count("\n") == 1, answer.err
    assert answer.out == ""


def test_debug_shows_the_traceback(shell: Shell) -> None:
    shell.write("fails.py", "1 / 0\n")
    answer = shell("run", "fails.py", "--debug")
    assert answer.status != 0
    assert "Traceback" in answer.err


def test_runs_are_not_recorded_where_that_is_switched_off(shell: Shell) -> None:
    shell.write("sums.py", FLOW)
    answer = shell("run", "sums.py", "--json", RESULTANT__RECORD__RUNS="false")
    assert answer.json["recorded"] is False
    assert any((shell.home / "results").iterdir())
    assert not (shell.home / "resultant.db").exists()
