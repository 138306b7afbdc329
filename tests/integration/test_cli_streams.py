"""Where output goes: readers that leave, encodings that lack characters, full disks, closed descriptors; and `--debug`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import COMMAND, Answer, Shell

FLOW = """
from resultant import Flow, task

@task
def talk(n):
    print("x" * 100_000)
    return n

@task
def fail():
    raise ValueError("no")

with Flow("caf\\u00e9") as good:
    talk.map(list(range(3)))

with Flow("bad") as bad:
    fail()
"""


@pytest.fixture
def talkative(shell: Shell) -> Shell:
    shell.write("talk.py", FLOW)
    return shell


def script(shell: Shell, text: str, **environment: str) -> Answer:
    """Run a line of shell in which ``resultant`` is the command."""
    done = subprocess.run(
        text.replace("resultant", str(COMMAND)), shell=True, cwd=shell.folder, env=shell.environment | environment,
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    return Answer(done)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("run talk.py:good", 0),
        ("run talk.py:good --json", 0),
        ("run talk.py:bad", 1),
        ("results ls --limit 0", 0),
        ("--help", 0),
        ("runs --help", 0),
        ("frob 2>&1", 2),
    ],
)
def test_a_reader_that_leaves_changes_no_status(talkative: Shell, words: str, status: int, unbuffered: str) -> None:
    assert talkative("run", "talk.py:good").status == 0
    told = script(talkative, f"(resultant {words}; echo $? > status) | true", PYTHONUNBUFFERED=unbuffered)
    assert (talkative.folder / "status").read_text() == f"{status}\n"
    assert "Broken pipe" not in told.err


def test_an_encoding_without_the_character_is_no_failure(talkative: Shell) -> None:
    told = talkative("run", "talk.py:good", PYTHONIOENCODING="ascii")
    assert told.status == 0, told
    assert "caf\\xe9" in told.out
    assert "caf\\xe9" in talkative("runs", "ls", PYTHONIOENCODING="ascii").out
    assert talkative("runs", "ls", "--json", PYTHONIOENCODING="ascii").json[0]["flow"] == "café"


@pytest.mark.parametrize(
    "words", ["--help", "--version", "runs --help", "runs ls", "runs ls --json", "run talk.py:good"]
)
def test_output_that_cannot_be_written_is_one_line(talkative: Shell, words: str) -> None:
    for where, says in ((">/dev/full", "No space left"), (">&-", "Standard output is closed")):
        told = script(talkative, f"resultant {words} {where}")
        assert told.status == 2, told
        assert says in told.err
        assert told.err.count("\n") == 1, told


def test_a_pipe_that_does_not_block_gets_everything(talkative: Shell) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    command = [str(COMMAND), "run", "talk.py:good"]
    with subprocess.Popen(command, cwd=talkative.folder, env=talkative.environment, stdout=writer) as process:
        os.close(writer)
        time.sleep(1)
        with open(reader, "rb") as stream:
            told = stream.read()
        assert process.wait() == 0
    assert told.count(b"x") == 300_000
    assert b"Success" in told


def test_nobody_needs_to_hear_of_errors(talkative: Shell) -> None:
    talkative.write("talk.py", FLOW + "good.run()\n")
    assert script(talkative, "resultant run talk.py:good 2>&-").status == 0
    assert script(talkative, "resultant frob 2>&-").status == 2


def test_debugging_changes_no_status(shell: Shell) -> None:
    shell.write("one.py", "from resultant import Flow, task\n@task\ndef a(): return 1\nwith Flow('one') as f: a()\n")
    run = shell.run("one.py")
    Path(shell("results", "show", run, "a", "--json").json["location"]).unlink()
    for words, status in ((("runs", "show", "absent"), 2), (("results", "read", run, "a"), 1)):
        told = shell(*words, "--debug")
        assert told.status == shell(*words).status == status
        assert "Traceback" in told.err
        assert told.out == ""
