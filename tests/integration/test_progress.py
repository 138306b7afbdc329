"""A run on a terminal: what is shown, what is not, and that it shows nothing where nobody looks."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_spec = importlib.util.spec_from_file_location("terminal", Path(__file__).with_name("terminal.py"))
assert _spec is not None
assert _spec.loader is not None
_terminal = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_terminal)
OnTerminal: Any = _terminal.OnTerminal

FLOW = """
import logging, os, sys, time
from resultant import Flow, LocalResult, Parameter, task
from resultant.executors import LocalExecutor, ProcessExecutor, ThreadExecutor

@task
def numbers():
    return list(range(30))

@task
def square(x):
    time.sleep(0.05)
    if x == 7:
        raise ValueError("seven")
    if x % 10 == 9:
        print("printed", x)
        logging.getLogger("resultant.mine").warning("logged %s", x)
    return b"x" * 1000

@task
def last(xs):
    return len(xs)

with Flow("squares", result=LocalResult(dir="results")) as flow:
    last(square.map(numbers()))
"""

ON = {"RESULTANT__FLOWS__CHECKPOINTING": "true"}


@pytest.mark.parametrize("executor", ["LocalExecutor()", "ThreadExecutor(2)", "ProcessExecutor(2)"])
def test_a_run_is_shown_and_summed_up(tmp_path: Path, executor: str) -> None:
    shown = OnTerminal(tmp_path, FLOW + f"state = flow.run(executor={executor})\nprint('after', state)", ON)
    assert shown.finish() == 0
    text = shown.text
    assert re.search(r"squares [━╸╺]+ \d+/32", text)
    assert re.search(r"● square +[━╸╺]+ +\d+/30", text)
    assert re.search(r"\d+/30 +1 failed", text)
    assert re.search(r"\d+ to go  \d\.\d s", text)
    # What was printed and logged is there once, on lines of its own, and above what is drawn afterwards.
    for x in (9, 19, 29):
        assert re.findall(rf"^printed {x}$", text, re.MULTILINE) == [f"printed {x}"]
        assert re.findall(rf"^logged {x}$", text, re.MULTILINE) == [f"logged {x}"]
    tail = text[text.rindex("Failed  squares: Some reference tasks failed.") :].splitlines()
    assert tail[1].strip() == "square[7]: Error during execution of task: ValueError('seven')"
    assert re.match(r"● 30 Success  ● 1 Failed  ● 1 TriggerFailed|● 30 Success  ● 1 TriggerFailed  ● 1 Failed", tail[3])
    assert re.search(r"\d+\.\d kB written to \S*results$", tail[3])
    assert tail[4] == 'after <Failed: "Some reference tasks failed.">'


def test_the_picture_is_gone_at_the_end(tmp_path: Path) -> None:
    shown = OnTerminal(tmp_path, FLOW + "flow.run()", ON)
    shown.finish()
    assert shown.raw.count("\x1b[?25l") == shown.raw.count("\x1b[?25h") == 1
    # The picture's lines are erased before the summary is written.
    before, summary = shown.raw.rsplit("Failed", 1)[0], shown.raw.rsplit("squares:", 1)[1]
    assert "\x1b[2K" in before.rsplit("to go", 1)[1]
    assert "━" not in summary


def test_short_runs_show_nothing(tmp_path: Path) -> None:
    source = "from resultant import Flow, task\nwith Flow('f') as f: task(lambda: 1, name='t')()\nf.run()\n"
    quick = OnTerminal(tmp_path, source)
    assert quick.finish() == 0
    assert quick.raw == ""


@pytest.mark.parametrize(
    "settings",
    [
        {"RESULTANT__LOGGING__DISPLAY": "false"},
        {"RESULTANT__LOGGING__LEVEL": "INFO"},
        {"RESULTANT__LOGGING__LEVEL": "debug"},
        {"TERM": "dumb"},
    ],
)
def test_it_can_be_switched_off(tmp_path: Path, settings: dict[str, str]) -> None:
    shown = OnTerminal(tmp_path, FLOW + "flow.run()", {**ON, **settings})
    shown.finish()
    assert "━" not in shown.text
    assert "\x1b[" not in shown.raw
    assert "printed 9" in shown.text
    assert ("Beginning Flow run" in shown.text) == ("RESULTANT__LOGGING__LEVEL" in settings)


def test_a_log_that_the_program_configured_takes_its_place(tmp_path: Path) -> None:
    shown = OnTerminal(tmp_path, FLOW + "logging.basicConfig(level='INFO')\nflow.run()", ON)
    shown.finish()
    assert "━" not in shown.text
    assert "INFO:resultant.squares:Beginning Flow run for 'squares'" in shown.text


def test_handlers_for_warnings_write_above(tmp_path: Path) -> None:
    shown = OnTerminal(tmp_path, FLOW + "logging.basicConfig(format='mine %(message)s')\nflow.run()", ON)
    shown.finish()
    assert "━" in shown.text
    assert re.findall(r"^mine logged \d+$", shown.text, re.MULTILINE) == [
        "mine logged 9",
        "mine logged 19",
        "mine logged 29",
    ]


def test_output_that_goes_elsewhere_stays_there(tmp_path: Path) -> None:
    with (tmp_path / "out.txt").open("w") as out:
        shown = OnTerminal(tmp_path, FLOW + "flow.run()\nprint('end')", ON, stdout=out.fileno())
        shown.finish()
    assert "printed" not in shown.text
    assert "logged 9" in shown.text
    assert (tmp_path / "out.txt").read_text() == "printed 9\nprinted 19\nprinted 29\nend\n"


@pytest.mark.parametrize("executor", ["LocalExecutor()", "ProcessExecutor(2)"])
def test_without_a_terminal_there_is_nothing(tmp_path: Path, executor: str) -> None:
    (tmp_path / "script.py").write_text(FLOW + f"flow.run(executor={executor})")
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env={**os.environ, **ON},
        capture_output=True,
        text=True,
        check=True,
    )
    assert sorted(done.stdout.splitlines()) == ["printed 19", "printed 29", "printed 9"]
    assert "━" not in done.stderr
    assert "\x1b" not in done.stderr


def test_only_what_fits_is_shown(tmp_path: Path) -> None:
    source = """
    import time
    from resultant import Flow, task

    def work(n):
        time.sleep(0.01 if n != 90 else 1)
        if n == 3:
            raise ValueError("three")

    with Flow("many") as flow:
        for n in range(100):
            task(work, name=f"task-{n}")(n)
    flow.run()
    """
    shown = OnTerminal(tmp_path, source, rows=12)
    shown.finish()
    pictures = shown.text.split("many ━")
    # Long enough to be drawn, whatever else the machine does.
    late = [picture for picture in pictures if "● task-90 Running" in picture]
    assert late
    assert all("● task-3 " in picture for picture in late)
    for picture in late:
        assert re.search(r"and 9\d more", picture), picture
    assert all(picture.count("●") <= 12 for picture in pictures[1:-1])


def test_a_run_inside_of_a_run_is_not_shown_as_well(tmp_path: Path) -> None:
    source = """
    import time
    from resultant import Flow, task

    @task
    def nap():
        time.sleep(1)

    with Flow("inner") as inner:
        nap()

    @task
    def outer_task():
        assert inner.run().is_successful()

    with Flow("outer") as outer:
        outer_task()
    outer.run()
    """
    shown = OnTerminal(tmp_path, source)
    assert shown.finish() == 0
    assert "outer ━" in shown.text
    assert "inner" not in shown.text


def test_redirected_output_of_a_task_comes_back(tmp_path: Path) -> None:
    source = """
    import contextlib, io, sys, time
    from resultant import Flow, task

    @task
    def redirects():
        with contextlib.redirect_stdout(io.StringIO()) as caught:
            time.sleep(1)
            print("caught")
        print("seen", caught.getvalue().strip())
        time.sleep(0.5)

    before = sys.stdout, sys.stderr
    with Flow("f") as flow:
        redirects()
    assert flow.run().is_successful()
    assert (sys.stdout, sys.stderr) == before
    print("same")
    """
    shown = OnTerminal(tmp_path, source)
    assert shown.finish() == 0
    assert "\nseen caught\n" in shown.text
    assert shown.text.endswith("same\n")


def test_a_question_has_the_terminal_for_itself(tmp_path: Path) -> None:
    source = """
    import time
    from resultant import Flow, task, triggers

    @task
    def slow():
        time.sleep(0.8)

    @task(trigger=triggers.manual_only)
    def gate(x):
        print("gone through")

    with Flow("asks") as flow:
        gate(slow())
    print(flow.run())
    """
    shown = OnTerminal(tmp_path, source)
    shown.wait_for("[y/N]")
    before = len(shown.raw)
    import time

    time.sleep(0.7)
    assert shown.raw[before:].strip() == ""
    shown.type("y\n")
    assert shown.finish() == 0
    assert "gone through" in shown.text
    assert "All reference tasks succeeded." in shown.text


def test_forks_print_for_themselves(tmp_path: Path) -> None:
    source = """
    import os, time
    from resultant import Flow, task

    @task
    def forks():
        time.sleep(0.8)
        child = os.fork()
        if not child:
            print("from the fork", flush=True)
            os._exit(0)
        os.waitpid(child, 0)

    with Flow("f") as flow:
        forks()
    flow.run()
    """
    shown = OnTerminal(tmp_path, source)
    assert shown.finish() == 0
    assert shown.text.count("from the fork") == 1
