"""A value that nobody asked for is in no row and in no output: outputs, inputs, messages of exceptions, secrets."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from command_line import Shell

CANARY = "kanarienvogel-7193"

FLOW = """
import datetime, os
from resultant import Flow, LocalResult, Parameter, context, task
from resultant.tasks.secrets import PrefectSecret

canary = open("canary").read()

@task
def output(x):
    return canary + str(x)

@task
def given(text):
    return len(text)

@task
def fails(text, x):
    if x % 2:
        raise ValueError(f"it was {text}")

@task(max_retries=1, retry_delay=datetime.timedelta(0))
def retries(text):
    raise KeyError(text)

@task(cache_for=datetime.timedelta(hours=1))
def cached(text):
    return [text]

with Flow("secretive") as flow:
    x = Parameter("x", default=0)
    made = output(x)
    given(made)
    given(canary)
    given.map([canary, canary + "2"])
    given([made, canary])
    given({"key": canary, "made": made})
    fails(made, x)
    fails(canary, x)
    retries(canary)
    cached(canary)
    secret = PrefectSecret("KEY")
    given(secret)
"""


def test_a_canary_is_found_nowhere_unasked(shell: Shell) -> None:
    (shell.folder / "canary").write_text(CANARY)
    shell.write("secretive.py", FLOW)
    key = {"RESULTANT__CONTEXT__SECRETS__KEY": CANARY + "-key"}
    runs = []
    for number in range(20):
        answer = shell("run", "secretive.py", "-p", f"x={number}", "--json", **key)
        assert answer.status == 1, answer
        assert CANARY not in answer.out
        runs.append(answer.json["id"])
    assert shell("resume", runs[-1], **key).status == 1
    tasks = [each["task"] for each in shell("runs", "show", runs[0], "--json").json["tasks"]]
    assert len(tasks) > 10
    for path in shell.home.rglob("*"):
        if path.is_file() and path.parent == shell.home:
            assert CANARY.encode() not in path.read_bytes(), path
    one, two = runs[0], runs[1]
    asked = [
        ["runs", "ls"], ["runs", "diff", one, two], ["results", "ls"], ["results", "ls", one], ["results", "verify"],
        ["results", "diff", one, two], ["plan", "secretive.py"], ["gc", "--keep-last", "1"], ["fsck"], ["db", "status"],
        ["config", "show"], ["doctor"], *(["why", two, task] for task in tasks), ["results", "show", one, "output"],
    ]  # fmt: skip
    for words in asked:
        for form in ([], ["--json"]):
            answer = shell(*words, *form, **key)
            assert answer.status in (0, 1), answer
            assert CANARY not in answer.out + answer.err, words
    told = shell("runs", "show", two, **key)
    assert f"it was {CANARY}" in told.out, "here it is asked for: what went wrong, in full"
