"""The log that the settings ask for: on standard error, once, and never against the program's own handlers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FLOW = """
import logging
from resultant import Flow, task
from resultant.executors import ProcessExecutor

@task
def speaks(x):
    from resultant import context
    context.logger.info("heard %s", x)
    return x

with Flow("spoken") as flow:
    speaks.map([1, 2])
"""

LINE = re.compile(r"^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d{4}\] INFO - resultant\.\S+ \| .+$")


def run(folder: Path, source: str, **settings: str) -> str:
    (folder / "script.py").write_text(FLOW + source)
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=folder,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 or "Error" in done.stderr
    return done.stderr


def test_nothing_is_asked_for(tmp_path: Path) -> None:
    assert run(tmp_path, "flow.run()") == ""


@pytest.mark.parametrize("executor", ["None", "ProcessExecutor(1)"])
def test_a_level_is_asked_for(tmp_path: Path, executor: str) -> None:
    errors = run(tmp_path, f"flow.run(executor={executor})", RESULTANT__LOGGING__LEVEL="INFO")
    lines = errors.splitlines()
    assert all(LINE.match(line) for line in lines), errors
    assert "resultant.spoken | Beginning Flow run for 'spoken'" in lines[0]
    assert sum("heard" in line for line in lines) == 2
    assert "SUCCESS" in lines[-1]


def test_a_second_run_says_nothing_twice(tmp_path: Path) -> None:
    errors = run(tmp_path, "flow.run(); flow.run()", RESULTANT__LOGGING__LEVEL="info")
    assert errors.count("Beginning") == 2


def test_the_format_is_the_configured_one(tmp_path: Path) -> None:
    settings = {"RESULTANT__LOGGING__LEVEL": "INFO", "RESULTANT__LOGGING__FORMAT": "<%(message)s>"}
    errors = run(tmp_path, "flow.run()", **settings)
    assert "<Beginning Flow run for 'spoken'>" in errors.splitlines()


@pytest.mark.parametrize("name", ["", "resultant"])
def test_handlers_of_the_program_have_their_say(tmp_path: Path, name: str) -> None:
    source = f"""
handler = logging.StreamHandler()
handler.setFormatter(logging.Formatter("mine: %(message)s"))
logging.getLogger({name!r}).addHandler(handler)
logging.getLogger({name!r}).setLevel("INFO")
flow.run()
"""
    errors = run(tmp_path, source, RESULTANT__LOGGING__LEVEL="INFO")
    assert errors.count("Beginning") == 1
    assert all(line.startswith("mine: ") for line in errors.splitlines())


def test_standard_error_is_the_one_of_the_moment(tmp_path: Path) -> None:
    source = """
import contextlib, io
flow.run()
with contextlib.redirect_stderr(io.StringIO()) as caught:
    flow.run()
assert caught.getvalue().count("Beginning") == 1
"""
    errors = run(tmp_path, source, RESULTANT__LOGGING__LEVEL="INFO")
    assert errors.count("Beginning") == 1
    assert "AssertionError" not in errors


def test_a_level_that_is_none(tmp_path: Path) -> None:
    errors = run(tmp_path, "flow.run(raise_on_failure=True)", RESULTANT__LOGGING__LEVEL="LOUD")
    assert "'LOUD'" in errors
    assert "DEBUG, INFO, WARNING, ERROR" in errors
