"""The command against PostgreSQL, on a terminal, interrupted, and against rows of a newer release."""

from __future__ import annotations

import os
import pty
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from command_line import COMMAND, Shell

FLOW = """
import os, time
from resultant import Flow, task

@task
def first():
    return 41

@task
def second(x):
    if os.path.exists("wait"):
        open("here", "w").close()
        time.sleep(60)
    if os.path.exists("broken"):
        raise ValueError("broken")
    return x + 1

with Flow("pair") as flow:
    second(first())
"""


def test_everything_works_with_postgres(shell: Shell, postgres: str) -> None:
    shell.environment["RESULTANT__DATABASE__URL"] = postgres
    shell.write("pair.py", FLOW)
    shell.write("broken", "")
    one = shell.run("pair.py", status=1)
    (shell.folder / "broken").unlink()
    assert shell("resume", one).status == 0
    two = shell.run("pair.py")
    assert [each["id"] for each in shell("runs", "ls", "--json").json] == [two, one]
    assert shell("results", "read", one, "second").out == "42\n"
    for words in (
        ["runs", "show", one], ["runs", "diff", one, two], ["results", "ls"], ["results", "show", two, "first"],
        ["results", "verify"], ["why", two, "second"], ["plan", "pair.py"], ["db", "status"], ["doctor"], ["fsck"],
        ["gc", "--keep-last", "1", "--delete"], ["runs", "rm", one],
    ):  # fmt: skip
        for form in ([], ["--json"]) if "rm" not in words else ([],):
            answer = shell(*words, *form)
            assert answer.status == 0, (words, answer)
    assert not (shell.home / "resultant.db").exists()
    assert shell("results", "read", two, "second").out == "42\n"


def test_a_terminal_gets_colours(shell: Shell) -> None:
    shell.write("pair.py", FLOW)
    run = shell.run("pair.py")
    for words in (["runs", "ls"], ["runs", "show", run], ["results", "ls"], ["doctor"]):
        master, slave = pty.openpty()
        environment = {**shell.environment, "TERM": "xterm-256color"}
        environment.pop("NO_COLOR", None)
        process = subprocess.Popen([COMMAND, *words], cwd=shell.folder, env=environment, stdout=slave, stderr=slave)
        os.close(slave)
        text = b""
        while True:
            try:
                piece = os.read(master, 1 << 16)
            except OSError:
                break
            if not piece:
                break
            text += piece
        os.close(master)
        assert process.wait() == 0
        assert b"\x1b[" in text
        assert b"Success" in text or b"local" in text or b"ok" in text


def test_an_interrupted_run_says_how_to_go_on(shell: Shell) -> None:
    shell.write("pair.py", FLOW)
    shell.write("wait", "")
    process = subprocess.Popen(
        [COMMAND, "run", "pair.py"], cwd=shell.folder, env=shell.environment, stderr=subprocess.PIPE, text=True
    )
    while not (shell.folder / "here").exists():
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    run = shell.newest()
    assert f"resultant resume {run}" in said
    assert "Traceback" not in said
    (shell.folder / "wait").unlink()
    assert shell("resume", run).status == 0
    assert shell("results", "read", run, "second").out == "42\n"


def test_a_database_of_a_newer_release_is_refused(shell: Shell) -> None:
    shell.write("pair.py", FLOW)
    shell.run("pair.py")
    path = shell.home / "resultant.db"
    connection = sqlite3.connect(path)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version + 1}")
    connection.close()
    for words in (["runs", "ls"], ["db", "upgrade"], ["run", "pair.py"], ["gc"]):
        answer = shell(*words)
        assert answer.status == 2, answer
        assert answer.err.count("\n") == 1
        assert "newer" in answer.err


def test_commands_work_side_by_side(shell: Shell) -> None:
    shell.write("pair.py", FLOW)
    running = [
        subprocess.Popen(
            [COMMAND, "run", "pair.py"], cwd=shell.folder, env=shell.environment, stdout=subprocess.DEVNULL
        )
        for _ in range(5)
    ]
    while any(process.poll() is None for process in running):
        assert shell("runs", "ls", "--json").status == 0
    assert [process.returncode for process in running] == [0] * 5
    assert len(shell("runs", "ls", "--json").json) == 5
    assert shell("results", "verify", "--json").json["counts"] == {"ok": 10}
