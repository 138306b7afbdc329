"""What removals must never touch: bytes that somebody needs, whatever happened in between and whatever they are called."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import Shell

FLOW = """
import os
from resultant import Flow, LocalResult, Parameter, task

@task
def a(x):
    return ["a", x]

@task
def b(x):
    return ["b", x]

with Flow("chain", result=LocalResult(dir=os.environ.get("DIR", "results"))) as flow:
    x = Parameter("x", default=1)
    b(a(x))
"""

#: The command line, killed at a chosen moment.
CRASH = """
import os, signal, sys
from resultant.db.sqlite import SqliteDB
from resultant.stores.file import FileStore
from resultant.cli.main import main

moment, sys.argv[1:] = sys.argv[1], sys.argv[2:]
deletions = 0

def dies(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)

def second(self, key, delete=FileStore.delete):
    global deletions
    deletions += 1
    return delete(self, key) if deletions == 1 else dies()

if moment == "rows":
    SqliteDB.delete_flow_run = dies
else:
    FileStore.delete = second
main()
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = Shell(tmp_path)
    made.write("chain.py", FLOW)
    return made


def killed(shell: Shell, moment: str, *words: str) -> None:
    answer = shell.python(
        f"import os, sys; os.chdir({str(shell.folder)!r}); sys.argv = {['', moment, *words]!r}" + CRASH
    )
    assert answer.status == -signal.SIGKILL, answer


def files(shell: Shell, folder: str = "results") -> list[str]:
    return sorted(path.name for path in (shell.folder / folder).iterdir())


def test_results_that_are_to_be_kept_are_kept_after_a_crash(shell: Shell) -> None:
    kept, other = shell.run("chain.py"), shell.run("chain.py", "-p", "x=2")
    before = files(shell)
    killed(shell, "rows", "runs", "rm", kept, "--keep-results")

    assert shell("runs", "rm", other, "--keep-results").status == 0

    assert files(shell) == before
    assert shell("runs", "ls", "--json").json == []


def test_a_run_that_was_resumed_since_is_left_alone(shell: Shell) -> None:
    run = shell.run("chain.py")
    killed(shell, "file", "gc", "--keep-last", "0", "--delete")
    assert shell("resume", run, "-p", "x=7").status == 0

    told = shell("gc", "--delete", "--json").json

    assert told["finished"] == {"results": 0, "bytes": 0}
    assert shell("results", "read", run, "b").out == "['b', ['a', 7]]\n"
    assert shell("results", "verify", run, "--json").json["counts"] == {"ok": 2}


def test_a_run_that_was_pinned_since_is_left_alone(shell: Shell) -> None:
    run, other = shell.run("chain.py"), shell.run("chain.py", "-p", "x=2")
    killed(shell, "rows", "runs", "rm", run)
    assert shell("resume", run).status == 0
    pinned = shell.python(f"import resultant; resultant.open_run({run!r}).pin()")
    assert pinned.status == 0, pinned

    assert shell("runs", "rm", other).status == 0

    assert shell("results", "read", run, "b").out == "['b', ['a', 1]]\n"


def test_a_pin_alone_protects_what_a_crash_left(shell: Shell) -> None:
    run = shell.run("chain.py")
    killed(shell, "file", "gc", "--keep-last", "0", "--delete")
    pinned = shell.python(f"import resultant; resultant.open_run({run!r}).pin()")
    assert pinned.status == 0, pinned
    before = files(shell)
    assert len(before) == 1

    assert shell("gc", "--delete").status == 0

    assert files(shell) == before


def test_what_an_interrupted_removal_frees_is_said(shell: Shell) -> None:
    shell.run("chain.py")
    killed(shell, "file", "gc", "--keep-last", "0", "--delete")

    answer = shell("gc", "--delete")

    assert "Finished a removal that was interrupted: 1 results" in answer.out
    assert files(shell) == []


def test_a_link_to_the_folder_is_the_same_folder(shell: Shell) -> None:
    shell.write(
        "target.py",
        FLOW.replace("def a(x):", "def a(x):", 1).replace("@task\ndef a", '@task(target="t.pickle")\ndef a'),
    )
    (shell.folder / "real").mkdir()
    (shell.folder / "link").symlink_to("real")
    first = shell("run", "target.py", "--json", DIR="real").json["id"]
    second = shell("run", "target.py", "--json", DIR="link").json["id"]

    fsck = shell("fsck", "--json")
    removed = shell("runs", "rm", first)

    assert fsck.json["unknown"] == []
    assert fsck.json["damage"] == []
    assert removed.status == 0
    assert shell("results", "read", second, "a").out == "['a', 1]\n"
    # Another value at the same place supersedes the one before, by whatever name.
    (shell.folder / "real" / "t.pickle").unlink()
    shell("run", "target.py", "-p", "x=2", "--json", DIR="real")
    assert "superseded" in shell("results", "read", second, "a").err


@pytest.mark.parametrize("spelling", ["./t.pickle", ".//t.pickle", "sub/././t.pickle"])
def test_a_detour_is_no_other_place(shell: Shell, spelling: str) -> None:
    straight = os.path.normpath(spelling)
    runs = []
    for target in (straight, spelling):
        shell.write("target.py", FLOW.replace("@task\ndef a", f'@task(target="{target}")\ndef a'))
        runs.append(shell.run("target.py"))

    assert shell("runs", "rm", runs[0]).status == 0

    assert shell("results", "read", runs[1], "a").out == "['a', 1]\n"
    assert shell("fsck", "--json").json["unknown"] == []


def test_a_folder_that_is_not_mounted_loses_nothing(shell: Shell) -> None:
    run = shell.run("chain.py")
    (shell.folder / "results").rename(shell.folder / "away")

    doctor = shell("doctor", "--json")
    fsck = shell("fsck", "--repair", "--json")
    gc = shell("gc", "--keep-last", "0", "--delete")
    removed = shell("runs", "rm", run)
    assert not (shell.folder / "results").exists()
    (shell.folder / "away").rename(shell.folder / "results")

    assert [each["verdict"] for each in doctor.json if "mount that" in each["text"]] == ["warning"]
    assert {each["verdict"] for each in fsck.json["damage"]} == {"unknown"}
    assert gc.status == 1
    assert "mount that" in gc.err
    assert removed.status == 2
    assert "--keep-results" in removed.err
    assert shell("results", "read", run, "b").out == "['b', ['a', 1]]\n"
    assert shell("runs", "rm", run).status == 0
    assert files(shell) == []


def test_removing_the_last_writer_of_a_place_leaves_no_damage(shell: Shell) -> None:
    shell.write("fixed.py", FLOW.replace("@task\ndef a", '@task(result=LocalResult(location="fixed"))\ndef a'))
    first, last = shell.run("fixed.py"), shell.run("fixed.py", "-p", "x=2")
    place = shell.home / "results" / "fixed"
    assert "superseded" in shell("results", "read", first, "a").err
    assert place.exists()

    assert shell("runs", "rm", last).status == 0

    assert not place.exists()
    assert shell("results", "verify", "--json").status == 0
    assert shell("fsck", "--json").json["damage"] == []
    assert "is not stored" in shell("results", "read", first, "a").err


def test_several_runs_are_removed_together_or_not_at_all(shell: Shell) -> None:
    one, other = shell.run("chain.py"), shell.run("chain.py", "-p", "x=2")
    assert shell.python(f"import resultant; resultant.open_run({other!r}).pin()").status == 0

    refused = shell("runs", "rm", one, other)
    twice = shell("runs", "rm", one, one[:8], "--json")

    assert refused.status == 2
    assert len(twice.json) == 1
    assert [each["id"] for each in shell("runs", "ls", "--json").json] == [other]


def test_constants_leave_no_values_in_the_database(shell: Shell) -> None:
    shell.write(
        "constants.py",
        """
import os
from resultant import Flow, LocalResult, case, task

@task
def login(pin):
    if pin == "4826":
        raise ValueError
    return len(pin)

@task
def long():
    return os.environ["LONG"]

with Flow("constants", result=LocalResult(dir="results")) as flow:
    login.map([os.environ["PIN"], "4826"])
    with case(long(), os.environ["LONG"]):
        login("1")
""",
    )
    answer = shell("run", "constants.py", "--json", PIN="7391", LONG="telltale" * 20)
    assert answer.status == 1
    run = answer.json["id"]

    data = b"".join(path.read_bytes() for path in shell.home.glob("resultant.db*") if path.is_file())
    shown = shell("runs", "show", run)

    assert b"7391" not in data
    assert b"telltale" not in data
    assert "7391" not in shown.out
    assert "Not finished" not in shown.out
    assert shell("runs", "show", run, "--json").json["unfinished"] == []


def test_a_budget_of_bytes_counts_what_a_pin_keeps(shell: Shell) -> None:
    shell.write("chain.py", FLOW.replace('["b", x]', "[str(x) * 10]"))
    runs = [shell.run("chain.py", "-p", f"x={'1' * 9}{number}") for number in range(4)]
    pinned = shell.python(f"import resultant; resultant.open_run({runs[0]!r})['a'].pin()")
    assert pinned.status == 0, pinned
    size = {path.name: path.stat().st_size for path in (shell.folder / "results").iterdir()}
    budget = sum(size.values()) // 2

    assert shell("gc", "--max-size", str(budget), "--delete").status == 0

    left = files(shell)
    assert sum(size[name] for name in left) <= budget
    assert shell("results", "read", runs[0], "a").out == "['a', 1111111110]\n"
    assert shell("results", "read", runs[3], "a").status == 0
