"""`resultant results read` and `results diff`: values that JSON cannot carry, and values that cannot be read."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import Shell

ODD = """
from resultant import Flow, task

class Mute:
    def __repr__(self):
        raise OSError("never")

@task
def nan(): return [float("nan")]
@task
def infinite(): return float("inf")
@task
def surrogate(): return "\\ud800"
@task
def large(): return 10**5000
@task
def mute(): return [Mute()]
@task
def keys(): return {1: "a", "1": "b"}
@task
def pair(): return (1, 2)
@task
def plain(): return {"a": [1, 2.5, None, True, "é"]}

with Flow("odd") as flow:
    nan(); infinite(); surrogate(); large(); mute(); keys(); pair(); plain()
"""


def _no_constant(name: str) -> Any:
    raise AssertionError(f"{name} is no JSON")


def test_every_value_makes_a_json_document(shell: Shell) -> None:
    shell.write("odd.py", ODD)
    run = shell.run("odd.py")
    told = {}
    for task in ("nan", "infinite", "surrogate", "large", "mute", "keys", "pair", "plain"):
        answer = shell("results", "read", run, task, "--json")
        assert answer.status == 0, answer
        told[task] = json.loads(answer.out, parse_constant=_no_constant)
        assert shell("results", "read", run, task).status == 0, task
    assert {task for task, document in told.items() if "value" in document} == {"surrogate", "plain"}
    assert told["surrogate"]["value"] == "\ud800"
    assert told["plain"]["value"] == {"a": [1, 2.5, None, True, "é"]}
    assert told["nan"]["repr"] == "[nan]"
    assert told["pair"]["repr"] == "(1, 2)"
    assert told["keys"]["repr"] == "{1: 'a', '1': 'b'}"
    assert "repr failed with OSError" in told["mute"]["repr"]
    assert "repr failed with ValueError" in told["large"]["repr"]


def test_a_document_is_json_whatever_the_encoding(shell: Shell) -> None:
    shell.write("odd.py", ODD)
    run = shell.run("odd.py")
    answer = shell("results", "read", run, "plain", "--json", PYTHONIOENCODING="ascii")
    assert answer.status == 0, answer
    assert answer.out.isascii()
    assert answer.json["value"]["a"][-1] == "é"


PAIRS = """
from resultant import Flow, LocalResult, Parameter, task

@task(result=LocalResult(location="fixed"))
def fixed(x):
    return x

@task
def listed(n):
    return list(range(n))

@task
def square(x):
    return x * x

with Flow("pairs") as flow:
    fixed(Parameter("x", default=1))
    square.map(listed(Parameter("n", default=2)))
"""


def test_what_cannot_be_read_does_not_keep_the_rest_from_being_compared(shell: Shell) -> None:
    shell.write("pairs.py", PAIRS)
    one, two = shell.run("pairs.py"), shell.run("pairs.py", "-p", "x=2")
    places = {(each["task"], each["index"]): each["location"] for each in shell("results", "ls", one, "--json").json}
    Path(places["square-1", 0]).unlink()
    with open(places["square-1", 1], "r+b") as file:
        file.write(b"\x7f")
    answer = shell("results", "diff", one, two, "--values", "--json")
    assert answer.status == 0, answer
    told = {(each["task"], each["index"]): (each["verdict"], each["reason"]) for each in answer.json}
    assert told["listed-1", None] == ("same", None)
    for key, says in (("fixed-1", None), "superseded"), (("square-1", 0), "Nothing"), (("square-1", 1), "recorded"):
        verdict, reason = told[key]
        assert verdict == "unknown", key
        assert says in reason
    assert told["x", None][0] == "different"
    text = shell("results", "diff", one, two, "--values")
    assert text.status == 0
    assert "superseded" in text.out


@pytest.mark.parametrize("swapped", [False, True])
def test_a_child_that_one_run_has_is_found_in_either(shell: Shell, swapped: bool) -> None:
    shell.write("pairs.py", PAIRS)
    runs = [shell.run("pairs.py"), shell.run("pairs.py", "-p", "n=3")]
    if swapped:
        runs.reverse()
    answer = shell("results", "diff", *runs, "square[2]", "--json")
    assert answer.status == 0, answer
    assert [(each["index"], each["verdict"]) for each in answer.json] == [(2, "only in one")]
    assert shell("results", "diff", *runs, "square[9]").status == 2
