"""What commands say beside their answers: that there is more, how to go on, what was taken over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import Shell

FLOWS = """
import sys
from datetime import timedelta

from resultant import Flow, LocalResult, Parameter, task, unmapped

@task
def work(x):
    if x in (1, 2):
        raise ValueError(f"no {x}")
    return x

@task(target="{n}.pkl", result=LocalResult(dir="targets"))
def kept(n):
    print("progress", file=sys.__stdout__)
    return n

@task(cache_for=timedelta(hours=1))
def slow(x):
    return x

@task(target="shared/{day}.pickle")
def collides(x, day):
    return x

with Flow("many") as many:
    work.map(list(range(4)))

with Flow("kept") as keeps:
    slow(kept(Parameter("n", default=1)))

with Flow("collides") as collide:
    collides.map([1, 2], unmapped("d1"))
"""

SCRIPT = """
import sys, time
from resultant import Flow, LocalResult, config, task

config.flows.checkpointing = True

@task
def wait():
    print("waiting", flush=True)
    time.sleep(60 if len(sys.argv) == 1 else 0)

def build():
    with Flow("built", result=LocalResult(dir="built")) as flow:
        wait()
    return flow

if __name__ == "__main__":
    state = build().run(**({} if len(sys.argv) == 1 else {"resume_run": sys.argv[1]}))
    print(type(state).__name__)
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = Shell(tmp_path)
    shell.write("flows.py", FLOWS)
    return shell


def test_lists_that_are_cut_say_so(shell: Shell) -> None:
    for _ in range(2):
        assert shell("run", "flows.py:many").status == 1
    for words, count in (
        (("runs", "ls", "--limit", "1"), 1),
        (("results", "ls", "latest", "work", "--limit", "1"), 1),
        (("results", "ls", "--limit", "3"), 3),
    ):
        answer = shell(*words, "--json")
        assert len(answer.json) == count
        assert f"than these {count}; --limit 0 shows all." in answer.err
        assert f"than these {count}; --limit 0 shows all." in shell(*words).err
        assert shell(*words[:-1], "50").err == ""
    shown = shell("runs", "show", "latest", "--limit", "1", "--json")
    assert len(shown.json["failures"]) == 1
    assert "There are more failures than these 1" in shown.err
    assert "There are more failures than these 1" in shell("runs", "show", "latest", "--limit", "1").err
    assert shell("runs", "show", "latest").err == ""


def test_a_child_is_listed_by_its_name(shell: Shell) -> None:
    shell("run", "flows.py:many")
    (listed,) = shell("results", "ls", "latest", "work[3]", "--json").json
    assert (listed["task"], listed["index"]) == ("work-1", 3)
    refused = shell("results", "read", "latest", "work", "--out", "bytes")
    assert refused.status != 0
    assert "is mapped: its children have bytes of their own, work-1[0] for one." in refused.err


def test_what_did_not_run_is_told_from_what_did(shell: Shell) -> None:
    first = shell("run", "flows.py:keeps")
    assert "found" not in first.out
    assert "stood" not in first.out
    assert "  2 Cached, 1 Success (2 found)\n" in shell("run", "flows.py:keeps").out
    again = shell("resume", "latest", "--json")
    assert (again.json["stood"], again.json["found"]) == (2, 0)
    assert "(2 stood from earlier attempts)" in shell("resume", "latest").out


def test_one_document_whatever_stream_a_task_writes_to(shell: Shell) -> None:
    answer = shell("run", "flows.py:keeps", "--json")
    assert answer.json["state"] == "Success"
    assert "progress" in answer.err


def test_a_parameter_that_lost_its_quotes_is_noticed(shell: Shell) -> None:
    answer = shell("run", "flows.py:keeps", "-p", "n=[one,two]")
    assert answer.status == 0
    assert "begins like JSON and is none, so it is taken as the text '[one,two]'" in answer.err
    assert "JSON" not in shell("run", "flows.py:keeps", "-p", 'n=["one"]', "-p", "n=one").err


REPLACED = """
import os
from resultant import Flow, LocalResult, Parameter, task

@task
def blob(n):
    return os.urandom(n)

@task(result=LocalResult(dir="results", location="{n}.bin"))
def named(n):
    return os.urandom(n)

with Flow("replaced", result=LocalResult(dir="results")) as flow:
    n = Parameter("n", default=1000)
    blob(n), named(n)
"""


def test_what_a_resume_made_anew_is_freed(shell: Shell) -> None:
    shell.write("replaced.py", REPLACED)
    files = shell.folder / "results"
    run = shell.run("replaced.py")
    for size in (1001, 1002):
        assert shell("resume", run, "-p", f"n={size}").status == 0
    own = {"1000.bin", "1001.bin", "1002.bin"}
    assert len(set(os.listdir(files)) - own) == 3
    assert shell("fsck").out.count("left behind: ") == 2
    assert shell("gc", "--json").json["bytes"] > 2000
    assert shell("gc", "--delete").status == 0
    # What has a name that the user chose may be looked for there.
    assert len(set(os.listdir(files)) - own) == 1
    assert own <= set(os.listdir(files))
    assert shell("results", "verify", "--json").json["counts"] == {"ok": 2}
    assert len(shell("results", "read", run, "blob", "--json").json["repr"]) > 1002
    assert "left behind" not in shell("fsck").out


def test_an_empty_home_is_not_taken_for_a_healthy_one(shell: Shell) -> None:
    for command in ("fsck", "gc"):
        answer = shell(command)
        assert answer.status == 0
        assert answer.err == f"resultant: There is no state database in {shell.home} yet.\n"
    refused = shell("resume", "latest")
    assert (refused.status, refused.out) == (2, "")
    assert refused.err == "resultant: No runs are on record, and so there is no latest one.\n"
    shell("run", "flows.py:many")
    assert shell("fsck").err == ""


def test_what_to_do_about_an_emptied_folder_is_said(shell: Shell) -> None:
    shell("run", "flows.py:many")
    for file in (shell.home / "results").iterdir():
        file.unlink()
    answer = shell("fsck", "--repair")
    assert answer.status == 0
    assert "2 results are in folders that are not there, or empty." in answer.out
    assert "say so: --emptied" in answer.out
    assert "say so: --emptied" not in shell("fsck", "--repair", "--emptied").out


def test_a_budget_that_is_missed_is_told(shell: Shell) -> None:
    shell.run("flows.py:keeps")
    assert shell("gc", "--max-size", "1M", "--json").json["excess"] == 0
    assert shell("gc", "--max-size", "0", "--delete", "--json").json["excess"] > 0
    assert "more than that: it is pinned, stands in the cache" in shell("gc", "--max-size", "0").out


TARGETS = """
from resultant import Flow, LocalResult, task

@task(target="{map_index}.pkl", result=LocalResult(dir="targets"))
def load(x):
    return x

with Flow("targets") as flow:
    load.map([1, 2, 3])
"""


def test_a_map_whose_children_were_all_there_did_not_run(shell: Shell) -> None:
    shell.write("targets.py", TARGETS)
    shell.run("targets.py")
    assert shell("why", "latest", "load", "--json").json["verdict"] == "ran"
    shell.run("targets.py")
    why = shell("why", "latest", "load", "--json").json
    assert (why["verdict"], why["reason"][:27]) == ("did not run", "The values of its 3 childre")
    (shell.folder / "targets" / "1.pkl").unlink()
    shell.run("targets.py")
    assert shell("why", "latest", "load", "--json").json["verdict"] == "ran"


def test_what_kept_a_task_from_running_is_shown(shell: Shell) -> None:
    assert shell("run", "flows.py:collide").status == 1
    assert "would both write to 'shared/d1.pickle'. Put {map_index}" in shell("runs", "show", "latest").out
    assert shell("why", "latest", "collides", "--json").json["verdict"] == "did not run"


def test_a_run_whose_flow_is_in_no_file_is_gone_on_with_where_it_is_made(shell: Shell) -> None:
    script = shell.write("script.py", SCRIPT)
    process = subprocess.Popen(
        [sys.executable, str(script)], cwd=shell.folder, env=shell.environment, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"waiting\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    run = shell.newest()
    advice = f"Go on with it where its flow is made: flow.run(resume_run='{run}')"
    assert advice in shell("runs", "show", run).out
    assert advice in shell("doctor").out
    refused = shell("resume", run)
    assert refused.status == 2
    assert advice in refused.err
    done = subprocess.run(
        [sys.executable, str(script), run],
        cwd=shell.folder,
        env=shell.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("Success\n")
