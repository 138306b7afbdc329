"""`resultant runs`, `results`, `db`, `config` and `doctor`, as processes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import COMMAND, Shell

FLOW = """
from resultant import Flow, LocalResult, Parameter, task

@task
def half(x):
    return x / 2

@task(result=LocalResult(location="fixed"))
def fixed(x):
    return {"x": x}

@task
def nothing():
    return None

@task
def fails(x):
    if x == "SECRET":
        raise ValueError(f"it was {x}")

with Flow("look") as flow:
    x = Parameter("x", default=4)
    half.map([1, 2, 3])
    fixed(x)
    nothing()
    fails(x)
"""


@pytest.fixture
def look(shell: Shell) -> Shell:
    shell.write("look.py", FLOW)
    return shell


def test_runs_are_listed_the_newest_first(look: Shell) -> None:
    assert look("runs", "ls").out == "No runs are on record.\n"
    assert look("runs", "ls", "--json").json == []
    one, two = look.run("look.py"), look.run("look.py", "-p", "x=SECRET", status=1)
    listed = look("runs", "ls", "--json").json
    assert [each["id"] for each in listed] == [two, one]
    assert {"id", "flow", "state", "started", "ended"} <= set(listed[0])
    assert [each["id"] for each in look("runs", "ls", "--json", "--state", "Failed").json] == [two]
    assert [each["id"] for each in look("runs", "ls", "--json", "--limit", "1").json] == [two]
    assert look("runs", "ls", "--json", "--flow", "other").json == []
    assert len(look("runs", "ls", "--json", "--since", "1h").json) == 2
    assert look("runs", "ls", "--json", "--since", "2999-01-01").json == []
    assert look("runs", "ls", "--since", "soon").status == 2
    assert one in look("runs", "ls").out


def test_what_went_wrong_is_told_in_full(look: Shell) -> None:
    run = look.run("look.py", "-p", "x=SECRET", status=1)
    shown = look("runs", "show", run)
    assert "it was SECRET" in shown.out
    assert "look.py" in shown.out
    failure = look("runs", "show", run, "--json").json["failures"][0]
    assert failure["task"] == "fails-1"
    assert "ValueError('it was SECRET')" in failure["text"]
    assert failure["error"].startswith("ValueError at ")
    texts = [path for path in look.home.rglob("*.txt") if "it was SECRET" in path.read_text()]
    assert texts
    for path in texts:
        path.unlink()
    without = look("runs", "show", run)
    assert without.status == 0
    assert "ValueError at" in without.out
    assert "it was" not in without.out


def test_every_child_is_shown_where_all_are_asked_for(look: Shell) -> None:
    run = look.run("look.py")
    parents = look("runs", "show", run, "--json").json["tasks"]
    assert ("half-1", 3) in [(each["task"], each["children"]) for each in parents]
    everything = look("runs", "show", run, "--all", "--json").json["tasks"]
    assert [each["index"] for each in everything if each["task"] == "half-1"] == [None, 0, 1, 2]


def test_runs_are_compared(look: Shell) -> None:
    one, two = look.run("look.py"), look.run("look.py")
    assert look("runs", "diff", one, two, "--json").json["same"] is True
    three = look.run("look.py", "-p", "x=5")
    told = look("runs", "diff", one, three, "--json").json["differences"]
    assert {"what": "parameter", "where": "x", "one": "4", "other": "5"} in told
    assert ("result", "fixed-1") in [(each["what"], each["where"]) for each in told]
    assert not any(each["where"].startswith("half") for each in told)
    (look.folder / "look.py").write_text(FLOW.replace("x / 2", "x / 4"))
    four = look.run("look.py")
    told = look("runs", "diff", one, four, "--json").json["differences"]
    assert ("code", "half-1") in [(each["what"], each["where"]) for each in told]
    assert "half-1" in look("runs", "diff", one, four).out


def test_results_are_listed_and_shown_without_their_values(look: Shell) -> None:
    run = look.run("look.py", "-p", 'x="a canary"')
    for words in (["ls"], ["ls", run], ["ls", run, "half"], ["show", run, "fixed"], ["show", run, "x"], ["verify"]):
        for form in ([], ["--json"]):
            answer = look("results", *words, *form)
            assert answer.status == 0, answer
            assert "canary" not in answer.out
    listed = look("results", "ls", run, "--json").json
    assert ("half-1", 2) in [(each["task"], each["index"]) for each in listed]
    shown = look("results", "show", run, "fixed", "--json").json
    assert shown["location"] == str(look.home / "results" / "fixed")
    assert shown["serializer"] == {"name": "pickle", "options": {}}
    assert shown["type"] == "local"


def test_values_are_read(look: Shell) -> None:
    run = look.run("look.py")
    assert look("results", "read", run, "fixed").out == "{'x': 4}\n"
    assert look("results", "read", run, "half[1]").out == "1.0\n"
    assert look("results", "read", run, "half", "--json").json["value"] == [0.5, 1.0, 1.5]
    assert look("results", "read", run, "nothing").out == "None\n"
    assert look("results", "read", run, "fixed", "--out", "bytes").status == 0
    assert (look.folder / "bytes").read_bytes() == (look.home / "results" / "fixed").read_bytes()
    for words, says in (
        ((run, "half[7]"), "no record of a child 7"),
        ((run, "absent"), "no record of a task 'absent'"),
        (("absent", "half"), "There is no run"),
    ):
        answer = look("results", "read", *words)
        assert answer.status == 2
        assert says in answer.err


def test_damage_is_found(look: Shell) -> None:
    run = look.run("look.py")
    places = {(each["task"], each["index"]): each["location"] for each in look("results", "ls", run, "--json").json}
    assert look("results", "verify").status == 0
    with open(places["half-1", 0], "r+b") as file:
        file.write(b"\x7f")
    os.unlink(places["half-1", 1])
    for words in ([], [run], [run, "half"]):
        answer = look("results", "verify", *words, "--json")
        assert answer.status == 1
        verdicts = {(each["task"], each["index"]): each["verdict"] for each in answer.json["findings"]}
        assert verdicts == {("half-1", 0): "damaged", ("half-1", 1): "missing"}
    assert look("results", "verify", run, "half[2]").status == 0
    for child in (0, 1):
        answer = look("results", "read", run, f"half[{child}]")
        assert answer.status == 1
        assert answer.err.count("\n") == 1
    assert "damaged" in look("results", "verify").out


def test_a_superseded_result_is_no_damage_and_is_not_read(look: Shell) -> None:
    one, two = look.run("look.py"), look.run("look.py", "-p", "x=5")
    answer = look("results", "read", one, "fixed")
    assert answer.status == 1
    assert two in answer.err
    assert look("results", "show", one, "fixed", "--json").json["superseded_by"] == two
    verified = look("results", "verify", "--json")
    assert verified.status == 0
    assert verified.json["counts"]["superseded"] == 1
    assert look("results", "read", two, "fixed").out == "{'x': 5}\n"


def test_the_same_bytes_again_supersede_nothing(look: Shell) -> None:
    one, two = look.run("look.py"), look.run("look.py")
    for run in (one, two):
        assert look("results", "read", run, "fixed").out == "{'x': 4}\n"


def test_results_are_compared(look: Shell) -> None:
    one, two = look.run("look.py"), look.run("look.py", "-p", "x=5")
    verdicts = {
        (each["task"], each["index"]): each["verdict"] for each in look("results", "diff", one, two, "--json").json
    }
    assert verdicts["half-1", 0] == "same"
    assert verdicts["fixed-1", None] == "different"
    assert verdicts["nothing-1", None] == "same"
    (look.folder / "look.py").write_text(FLOW.replace("x / 2", "x / 4"))
    three = look.run("look.py")
    answer = look("results", "diff", one, three, "half[0]", "--values")
    assert "-0.5" in answer.out
    assert "+0.25" in answer.out


def test_runs_are_removed_with_what_nobody_else_needs(look: Shell) -> None:
    one, two = look.run("look.py"), look.run("look.py")
    files = {path.name for path in (look.home / "results").iterdir()}
    answer = look("runs", "rm", one, "--json")
    assert answer.status == 0, answer
    assert answer.json[0]["id"] == one
    left = {path.name for path in (look.home / "results").iterdir()}
    assert len(left) == len(files) - answer.json[0]["deleted"]
    assert "fixed" in left, "the other run refers to it"
    assert [each["id"] for each in look("runs", "ls", "--json").json] == [two]
    assert look("results", "verify").status == 0
    assert look("runs", "rm", two, "--keep-results").status == 0
    assert {path.name for path in (look.home / "results").iterdir()} == left
    assert look("runs", "rm", two).status == 2


def test_pinned_runs_are_not_removed(look: Shell) -> None:
    run = look.run("look.py")
    assert look.python(f"import resultant; resultant.open_run({run!r})['fixed'].pin()").status == 0
    answer = look("runs", "rm", run)
    assert answer.status == 2
    assert "fixed-1" in answer.err
    assert look("runs", "rm", run, "--force").status == 0


def test_the_database_is_looked_after(look: Shell) -> None:
    look.run("look.py")
    status = look("db", "status", "--json").json
    assert status["flow_runs"] == 1
    assert status["task_runs"] > 5
    assert status["bytes"] > 0
    assert str(look.home / "resultant.db") in look("db", "status").out
    assert look("db", "upgrade", "--json").json["version"] == status["version"]


def test_a_broken_database_is_one_line(look: Shell) -> None:
    look.home.mkdir()
    (look.home / "resultant.db").write_bytes(b"this is no database" * 1000)
    for words in (["runs", "ls"], ["db", "status"], ["run", "look.py"]):
        answer = look(*words)
        assert answer.status in (1, 2)
        assert "resultant.db" in answer.err
        assert "Traceback" not in answer.err
    answer = look("doctor")
    assert answer.status == 1
    assert "bad" in answer.out


def test_settings_are_shown_without_secrets(look: Shell) -> None:
    look.home.mkdir()
    (look.home / "config.toml").write_text("[flows]\ndefault_result = '/somewhere'\n")
    answer = look(
        "config", "show", "--json",
        RESULTANT__CONTEXT__SECRETS__Key="hidden-one",
        RESULTANT__DATABASE__URL="postgresql://me:hidden-two@localhost/x",
    )  # fmt: skip
    assert "hidden" not in answer.out
    for url in ("postgresql://localhost/x?user=me&password=hidden-three", "postgresql://me:hidden:four@localhost/x"):
        shown = look("config", "show", "database", RESULTANT__DATABASE__URL=url)
        assert "hidden" not in shown.out
        assert "localhost/x" in shown.out
    told = {each["key"]: each for each in answer.json}
    assert told["flows.default_result"]["source"] == str(look.home / "config.toml")
    assert told["context.secrets.Key"]["source"] == "RESULTANT__CONTEXT__SECRETS__Key"
    assert told["flows.checkpointing"] == {"key": "flows.checkpointing", "value": False, "source": "default"}
    assert "default_result" in look("config", "show", "flows").out
    wrong = look("config", "show", "flow")
    assert wrong.status == 2
    assert "did you mean 'flows'" in wrong.err


def test_the_doctor_finds_what_is_wrong(look: Shell) -> None:
    look.run("look.py")
    healthy = look("doctor", "--json")
    assert healthy.status == 0, healthy
    assert {"database", "home", "settings"} <= {each["what"] for each in healthy.json}
    assert not list((look.home / "results").glob(".resultant-*"))
    assert len(look("runs", "ls", "--json").json) == 1
    (look.home / "results").rename(look.home / "aside")
    (look.home / "results").write_text("a file where the folder was")
    ill = look("doctor")
    assert ill.status == 1
    assert "bad" in ill.out
    url = look("doctor", RESULTANT__DATABASE__URL="mysql://x")
    assert url.status == 1
    assert look("doctor", RESULTANT__FLOWS__CHECKPOINTING="perhaps").status == 1


@pytest.mark.parametrize("url", [None, "sqlite:///{folder}/nowhere/runs.db"])
def test_a_look_leaves_nothing_behind(url: str | None, tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    if url is not None:
        shell.environment["RESULTANT__DATABASE__URL"] = url.format(folder=tmp_path)
    shell.write(
        "one.py", "from resultant import Flow, task\nwith Flow('one') as flow:\n    task(lambda: 1, name='one')()\n"
    )

    for words in (["runs", "ls"], ["results", "ls"], ["results", "verify"], ["fsck"], ["gc"], ["plan", "one.py"]):
        assert shell(*words).status == 0, words
    assert shell("runs", "show", "0123").status == 2
    assert "No runs are on record" in shell("runs", "ls").out
    assert shell.python("import resultant; print(resultant.runs())").out == "[]\n"

    assert not (tmp_path / "nowhere").exists()
    assert not list(tmp_path.glob("home/*.db*"))
    # The next look in the same process finds what was recorded since.
    code = (
        "import resultant, subprocess; resultant.runs(); subprocess.run({words!r}, check=True, capture_output=True); "
    )
    words = [str(COMMAND), "run", str(tmp_path / "one.py")]
    assert shell.python(code.format(words=words) + "print(len(resultant.runs()))").out == "1\n"
    assert shell("db", "status").status == 0
