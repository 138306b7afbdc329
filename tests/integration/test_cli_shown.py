"""How runs and results are shown: pins, differences, names with odd characters, narrow terminals, bytes; and `latest`."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import COMMAND, Shell
from terminal import OnTerminal

FLOW = """
import datetime
from resultant import Flow, LocalResult, Parameter, task

@task(result=LocalResult(keep=datetime.timedelta(seconds=1)))
def kept_shortly(): return 1

@task(result=LocalResult(keep=datetime.timedelta(hours=1)))
def kept(): return 2

@task
def child(x): return x

@task
def plain(x): return x

with Flow("shown") as flow:
    kept_shortly(); kept(); child.map([1, 2])
    plain(Parameter("x", default=datetime.date(2026, 1, 31)))
    Parameter("y", default="y")()
"""


@pytest.fixture
def shown(shell: Shell) -> Shell:
    shell.write("shown.py", FLOW)
    return shell


def test_pins_are_shown_as_long_as_they_hold(shown: Shell) -> None:
    run = shown.run("shown.py")
    assert shown.python(f"import resultant; resultant.open_run({run!r})['child'].pin()").status == 0
    time.sleep(1.1)

    def pinned(task: str) -> tuple[bool, bool]:
        told = shown("results", "show", run, task, "--json").json
        return told["pinned"], told["keep_until"] is not None

    assert pinned("kept_shortly") == (False, False)
    assert pinned("kept") == (True, True)
    assert pinned("child[1]") == (True, False)
    assert pinned("plain") == (False, False)
    pins = {each["task"]: each["until"] for each in shown("runs", "show", run, "--json").json["pins"]}
    assert pins.keys() == {"kept-1", "child-1"}
    assert pins["child-1"] is None
    text = shown("runs", "show", run).out
    assert "kept-1 (until 20" in text
    assert "kept_shortly-1 (" not in text
    assert shown.python(f"import resultant; resultant.open_run({run!r}).pin()").status == 0
    assert pinned("kept") == (True, False)
    assert pinned("plain") == (True, False)


def test_parameters_are_compared_once_and_as_python_writes_them(shown: Shell) -> None:
    one, two = shown.run("shown.py"), shown.run("shown.py", "-p", "x=1")
    told = {
        (each["what"], each["where"]): each for each in shown("runs", "diff", one, two, "--json").json["differences"]
    }
    assert told.keys() == {("parameter", "x"), ("result", "plain-1")}
    assert told["parameter", "x"]["one"] == "datetime.date(2026, 1, 31)"
    assert told["parameter", "x"]["other"] == "1"
    for text, same in (("true", False), ('"1"', False), ("1", True)):
        answer = shown("runs", "diff", two, shown.run("shown.py", "-p", f"x={text}"), "--json")
        assert answer.json["same"] is same, text


def test_names_give_no_commands_to_the_terminal(shell: Shell) -> None:
    shell.write(
        "odd.py",
        "from resultant import Flow, task\n@task(name='one\\ntwo\\x1b[31m')\ndef odd(): raise ValueError('\\x1b[2J')\n"
        "@task(name='fine\\x1b]0;')\ndef fine(): return 1\nwith Flow('odd\\x1b[5m') as flow: odd(); fine()\n",
    )
    run = shell.run("odd.py", status=1)
    (shell.home / "results").rename(shell.home / "aside")
    for words in (["runs", "ls"], ["runs", "show", run], ["results", "ls"], ["results", "verify"], ["run", "odd.py"]):
        answer = shell(*words)
        assert "\x1b" not in answer.out, words
    assert "one\\ntwo\\x1b[31m-1  Failed" in shell("runs", "show", run).out


def test_ids_stay_whole_on_a_narrow_terminal(shown: Shell, tmp_path: Path) -> None:
    run = shown.run("shown.py")
    source = "import sys\nsys.argv = ['resultant', 'runs', 'ls']\nfrom resultant.cli.main import main\nmain()\n"

    def listed(columns: int) -> str:
        terminal = OnTerminal(tmp_path, source, {"RESULTANT__HOME_DIR": str(shown.home)}, columns=columns)
        assert terminal.finish() == 0
        return terminal.text

    assert run in listed(120)
    narrow = listed(40)
    assert run not in narrow
    assert f"\n{run[:8]} " in narrow
    assert all(len(line) <= 40 for line in narrow.splitlines())


def test_bytes_go_to_standard_output(shown: Shell) -> None:
    run = shown.run("shown.py")
    for unbuffered in ("", "1"):
        done = subprocess.run(
            [str(COMMAND), "results", "read", run, "kept", "--out", "-"],
            cwd=shown.folder, env=shown.environment | {"PYTHONUNBUFFERED": unbuffered}, capture_output=True, check=True,
        )  # fmt: skip
        assert pickle.loads(done.stdout) == 2
    assert not (shown.folder / "-").exists()
    assert shown("results", "read", run, "kept", "--out", "-", "--json").status == 2


def test_the_newest_run_is_the_latest(shown: Shell) -> None:
    assert shown("runs", "show", "latest").status == 2
    one, two = shown.run("shown.py"), shown.run("shown.py", "-p", "x=1")
    assert shown("runs", "show", "latest", "--json").json["id"] == two
    assert [each["id"] for each in shown("runs", "diff", one, "latest", "--json").json["runs"]] == [one, two]
    assert shown("results", "read", "latest", "plain").out == "1\n"
    assert {each["run"] for each in shown("results", "ls", "latest", "--json").json} == {two}
    assert shown("results", "diff", "latest", one, "plain", "--json").json[0]["verdict"] == "different"
    assert shown("why", "latest", "plain", "--json").json["run"] == two
    assert shown("resume", "latest", "--json").json["id"] == two
    assert shown("results", "verify", "latest").status == 0
    assert shown("runs", "rm", "latest", "--force", "--json").json[0]["id"] == two
    code = "import sys; sys.argv = ['x']; exec(open('shown.py').read()); flow.run(flow_run_name='latest')"
    named = subprocess.run(
        [sys.executable, "-c", code], cwd=shown.folder, check=False,
        env=shown.environment | {"RESULTANT__FLOWS__CHECKPOINTING": "true"},
    )  # fmt: skip
    assert named.returncode == 0
    wanted = shown.newest()
    three = shown.run("shown.py")
    assert wanted != three
    assert shown("runs", "show", "latest", "--json").json["id"] == wanted
