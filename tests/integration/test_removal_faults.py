"""What removals must never touch: bytes that somebody needs, whatever happened in between and whatever they are called."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import Shell

from resultant import settings
from resultant.cli.forgetting import forget_results
from resultant.cli.removal import Freed, Removal
from resultant.db import open_db
from resultant.runner.recorded_runs import close_databases

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


def test_bytes_that_only_look_like_those_on_record_stay(shell: Shell) -> None:
    run = shell.run("chain.py")
    first, second = sorted((shell.folder / "results").iterdir())
    # Another file of the same size, as old as whoever moved it here says.
    for path, age in ((first, 3600), (second, -3600)):
        data = path.read_bytes()
        path.write_bytes(data[:-3] + b"xx" + data[-1:])
        then = path.stat().st_mtime - age
        os.utime(path, (then, then))

    assert shell("runs", "rm", run).status == 0

    assert files(shell) == [first.name, second.name]


def test_the_clock_of_another_machine_decides_nothing(shell: Shell) -> None:
    shell.write("fixed.py", FLOW.replace("@task\ndef a", '@task(result=LocalResult(location="fixed"))\ndef a'))
    ahead, later = shell.run("fixed.py"), shell.run("fixed.py", "-p", "x=2")
    shell("db", "status")
    with sqlite3.connect(shell.home / "resultant.db") as connection:
        connection.execute(
            "UPDATE task_run SET started = started + 3600, ended = ended + 3600 WHERE task IN "
            "(SELECT task.no FROM task JOIN flow_run ON flow_run.no = task.run WHERE flow_run.id = ?)",
            [ahead],
        )
    connection.close()
    assert shell("results", "read", later, "a").out == "['a', 2]\n"

    assert shell("runs", "rm", ahead).status == 0

    assert (shell.home / "results" / "fixed").exists()
    assert shell("results", "read", later, "a").out == "['a', 2]\n"


@pytest.mark.parametrize(
    ("first", "second"),
    [("real/sub/y", "other/s/y"), ("other/s/y", "real/sub/y"), ("real/sub/y", "real/../real/sub/y")],
)
def test_a_link_below_the_folder_is_followed_too(shell: Shell, first: str, second: str) -> None:
    for folder in ("real/sub", "other"):
        (shell.folder / folder).mkdir(parents=True)
    (shell.folder / "other" / "s").symlink_to("../real/sub")
    runs = []
    for path in (first, second):
        place = f"{shell.folder}/{path}"
        shell.write("target.py", FLOW.replace("@task\ndef a", f"@task(target={place!r})\ndef a"))
        runs.append(shell.run("target.py"))

    assert shell("runs", "rm", runs[0]).status == 0

    assert shell("results", "read", runs[1], "a").out == "['a', 1]\n"


def test_an_empty_folder_may_be_where_a_disk_is_mounted(shell: Shell) -> None:
    run = shell.run("chain.py")
    away = shell.folder / "away"
    (shell.folder / "results").rename(away)
    (shell.folder / "results").mkdir()

    unsure = shell("fsck", "--repair", "--json")
    (shell.folder / "results").rmdir()
    away.rename(shell.folder / "results")
    assert {each["verdict"] for each in unsure.json["damage"]} == {"unknown"}
    assert shell("results", "read", run, "b").out == "['b', ['a', 1]]\n"

    for path in (shell.folder / "results").iterdir():
        path.unlink()
    sure = shell("fsck", "--repair", "--emptied", "--json")
    assert {(each["verdict"], each["repaired"]) for each in sure.json["damage"]} == {("missing", True)}
    assert shell("resume", run).status == 0
    assert shell("results", "verify", "--json").json["counts"] == {"ok": 2}


def test_a_run_that_is_taken_up_while_gc_works_keeps_its_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from resultant.cli import gc, root

    shell = Shell(tmp_path)
    shell.write("fixed.py", FLOW.replace("@task\ndef b", '@task(target="shared")\ndef b'))
    one, other = shell.run("fixed.py"), shell.run("fixed.py", "-p", "x=2")
    third = shell.run("fixed.py", "-p", "x=3")
    for name in [name for name in os.environ if name.startswith("RESULTANT__")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RESULTANT__HOME_DIR", str(shell.home))
    monkeypatch.chdir(tmp_path)
    settings.reload()
    monkeypatch.setattr(gc, "_BATCH", 1)
    carry_out = Removal.carry_out
    taken = []

    def meanwhile(self: Removal) -> Freed:
        # The first is being released: somebody else takes up the others.
        if not taken:
            taken.append(shell("resume", other, "fixed.py"))
            taken.append(shell.python(f"import resultant; resultant.open_run({third!r}).pin()"))
        return carry_out(self)

    monkeypatch.setattr(Removal, "carry_out", meanwhile)
    try:
        assert root.call(["gc", "--keep-last", "0", "--delete"]) in (0, None)
    finally:
        close_databases()

    assert [each.status for each in taken] == [0, 0]
    for run, number in ((other, 2), (third, 3)):
        assert shell("results", "read", run, "a").out == f"['a', {number}]\n"
        assert shell("results", "read", run, "b").status == 0
    assert shell("results", "read", one, "a").status == 1


def test_rows_that_were_written_again_meanwhile_forget_nothing(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    run = shell.run("chain.py")
    db = open_db(f"sqlite:///{shell.home}/resultant.db", "")
    rows = db.task_runs(run)
    for path in (shell.folder / "results").iterdir():
        path.unlink()
    assert shell("resume", run).status == 0

    # What was read before the resume is no news.
    assert forget_results(db, [row for row in rows if row.location and row.location[:1] == "/"]) == []
    now = [row for row in db.task_runs(run) if row.slug == "b-1"]
    assert forget_results(db, now, lambda row: False) == []
    assert forget_results(db, now) == now
    db.close()
    assert shell("results", "read", run, "a").out == "['a', 1]\n"
    assert shell("results", "read", run, "b").status == 1


def test_packed_results_of_a_run_without_an_end_are_no_leftovers(shell: Shell) -> None:
    shell.write(
        "packed.py",
        FLOW.replace("LocalResult(dir=", "LocalResult(pack=True, dir=").replace("b(a(x))", "b.map([1, 2, 3])"),
    )
    run = shell.run("packed.py")
    shell("db", "status")
    # A copy of the database that was made while the run went on.
    with sqlite3.connect(shell.home / "resultant.db") as connection:
        connection.execute("DELETE FROM task_run")
        connection.execute("UPDATE flow_run SET state = 'Running', ended = NULL")
    connection.close()
    (segment,) = (shell.folder / "results").iterdir()
    old = segment.stat().st_mtime - 7200
    os.utime(segment, (old, old))

    assert shell("gc", "--delete", "--json").json["leftovers"] == []

    assert segment.exists()
    assert run
