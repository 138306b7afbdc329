"""`resultant why` of values that were there already, or were not there any more."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from asking_why import why
from command_line import Shell

TARGET = """
from resultant import Flow, task

@task(target="there")
def saved():
    return [1, 2]

@task(target="there")
def also():
    return [1, 2]

with Flow("target") as flow:
    also(upstream_tasks=[saved()])
"""

CACHED = """
import datetime
from resultant import Flow, Parameter, task
from resultant.engine.cache_validators import all_inputs
from resultant.engine.results import LocalResult

cached = dict(cache_for=datetime.timedelta(seconds=SECONDS), cache_validator=all_inputs)

@task
def numbers():
    return [1, 2, 3]

@task(**cached)
def square(x):
    return x * x

@task(**cached)
def nothing(x):
    return None

@task(**cached, result=LocalResult(pack=True))
def packed(x):
    return -x

with Flow("cached") as flow:
    below = numbers()
    square.map(below)
    nothing.map(below)
    packed.map(below)
"""


def test_who_found_a_target_did_not_write_it(shell: Shell) -> None:
    shell.write("target.py", TARGET)
    one, two, three = (shell.run("target.py") for _ in range(3))
    for run in (two, three):
        told = why(shell, run, "saved")
        assert told["verdict"] == "did not run"
        assert f"; run {one} wrote it (" in told["reason"]
    assert "; this run (task saved-1) wrote it (" in why(shell, one, "also")["reason"]
    assert f"; run {one} (task saved-1) wrote it (" in why(shell, two, "also")["reason"]
    assert shell("runs", "rm", one).status == 0
    for run in (two, three):
        told = why(shell, run, "saved")
        assert told["verdict"] == "did not run"
        assert told["reason"].endswith("the run that wrote it is no longer on record, or no run did.")


def test_a_target_that_somebody_else_wrote_is_nobodys(shell: Shell) -> None:
    shell.write("target.py", TARGET.replace("[1, 2]", "'a value'").replace("@task(", "@task(result=RESULT, "))
    text = (shell.folder / "target.py").read_text().replace("RESULT", "LocalResult(serializer=JSONSerializer())")
    shell.write(
        "target.py",
        "from resultant.engine.results import LocalResult\nfrom resultant.engine.serializers import JSONSerializer\n"
        + text,
    )
    shell.run("target.py")
    (shell.home / "results" / "there").write_text('"another"')
    two = shell.run("target.py")
    assert "no longer on record, or no run did" in why(shell, two, "saved")["reason"]


def test_a_lost_target_is_told_from_the_rows(shell: Shell) -> None:
    shell.write("target.py", TARGET)
    file = shell.home / "results" / "there"
    shell.run("target.py")
    file.unlink()
    two = shell.run("target.py")
    # That no run has found anything there yet may have another reason.
    told = why(shell, two, "saved")
    assert told["verdict"] == "ran"
    assert "If that is the task's target, it was missing or damaged" in told["reason"]
    three = shell.run("target.py")
    file.write_bytes(b"")
    four = shell.run("target.py")
    told = why(shell, four, "saved")
    assert told["compared_with"] == three
    assert "the target was missing or damaged when the run looked" in told["reason"]
    file.unlink()
    five = shell.run("target.py")
    told = why(shell, five, "saved")
    assert told["compared_with"] == four
    assert "the target was missing or damaged when the run looked" in told["reason"]


def test_who_found_a_value_in_the_cache_did_not_write_it(shell: Shell) -> None:
    shell.write("cached.py", CACHED.replace("SECONDS", "3600"))
    one, two, three = (shell.run("cached.py") for _ in range(3))
    tasks = ("square[1]", "nothing[1]", "packed[1]")
    for task in tasks:
        assert why(shell, one, task)["verdict"] == "ran"
        for run in (two, three):
            told = why(shell, run, task)
            assert told["verdict"] == "did not run"
            assert f"; run {one} wrote it (" in told["reason"]
    assert shell("runs", "rm", one).status == 0
    for task, end in (
        ("square[1]", "the run that wrote it is no longer on record."),
        ("nothing[1]", "is not on record."),
    ):
        told = why(shell, two, task)
        assert told["verdict"] == "did not run"
        assert told["reason"].endswith(end)
    four = shell.run("cached.py")
    assert "computed the earlier value is no longer on record" in why(shell, four, "square[1]")["reason"]


def test_an_expired_cache_is_seen_past_those_who_found_it(shell: Shell) -> None:
    shell.write("cached.py", CACHED.replace("SECONDS", "3600"))
    one, two = shell.run("cached.py"), shell.run("cached.py")
    assert why(shell, two, "square[1]")["verdict"] == "did not run"
    expire(shell)
    three = shell.run("cached.py")
    for task in ("square[1]", "nothing[1]", "packed[1]"):
        told = why(shell, three, task)
        assert told["compared_with"] == two
        assert "the cached value had expired" in told["reason"]
    assert why(shell, one, "square[1]")["verdict"] == "ran"


def expire(shell: Shell) -> None:
    """Let what is in the cache have expired just now."""
    import sqlite3
    from time import time

    with sqlite3.connect(shell.home / "resultant.db") as database:
        database.execute("UPDATE cache SET expires = ?", (time(),))
    database.close()


def test_a_value_that_the_cache_lost_is_no_matter_of_the_validator_alone(shell: Shell) -> None:
    text = CACHED.replace("SECONDS", "3600").replace("pack=True", "location='packed-{map_index}'")
    shell.write("cached.py", text)
    one = shell.run("cached.py")
    assert why(shell, one, "packed[1]")["verdict"] == "ran"
    (shell.home / "results" / "packed-1").unlink()
    told = why(shell, shell.run("cached.py"), "packed[1]")
    assert told["verdict"] == "ran"
    assert told["reason"].endswith(", or the value was missing, damaged or overwritten when the run looked.")


MOVING = """
from resultant import Flow, Parameter, task
@task(target=lambda **names: NAME)
def moves():
    if FAILS:
        raise ValueError
    return 1
with Flow("moving") as flow:
    moves()
"""


def test_a_target_of_another_name_is_another_target(shell: Shell) -> None:
    text = MOVING.replace("FAILS", "__import__('os').path.exists('fail')")
    shell.write("moving.py", text.replace("NAME", "'first'"))
    shell.run("moving.py")
    two = shell.run("moving.py")
    shell.write("moving.py", text.replace("NAME", "'second'"))
    told = why(shell, shell.run("moving.py"), "moves")
    assert told["compared_with"] == two
    assert "/second, and was " in told["reason"]
    shell.run("moving.py")
    (shell.home / "results" / "second").unlink()
    shell.write("fail", "")
    told = why(shell, shell.run("moving.py", status=1), "moves")
    assert "the target was missing or damaged when the run looked" in told["reason"]
    told = why(shell, shell.run("moving.py", status=1), "moves")
    assert "The earlier run of it was not successful: Failed (ValueError at " in told["reason"]


CLOSED = """
import datetime, threading
from resultant import Flow, task
from resultant.engine.cache_validators import all_inputs

def made(lock):
    @task(cache_for=datetime.timedelta(hours=1), cache_validator=all_inputs)
    def opaque():
        return lock is None
    return opaque

@task(cache_for=datetime.timedelta(hours=1), checkpoint=False)
def unstored():
    return 1

with Flow("closed") as flow:
    made(threading.Lock())()
    unstored()
"""


def test_what_the_cache_cannot_offer_was_computed_each_time(shell: Shell) -> None:
    shell.write("closed.py", CLOSED)
    shell.run("closed.py")
    two = shell.run("closed.py")
    told = why(shell, two, "opaque")
    assert told["verdict"] == "ran"
    assert "not offered to later runs by its cache" in told["reason"]
    told = why(shell, two, "unstored")
    assert told["verdict"] == "ended as Cached"
    assert "whether it was computed or found there is not on record" in told["reason"]


SHARED = """
import datetime
from resultant import Flow, Parameter, task
from resultant.engine.cache_validators import all_inputs

@task(cache_for=datetime.timedelta(hours=1), cache_key="shared", cache_validator=all_inputs)
def TASK(x):
    return [x]

with Flow("FLOW") as flow:
    TASK(Parameter("x", default=1))
"""


def test_a_value_in_line_does_not_say_whose_it_is_where_a_key_is_shared(shell: Shell) -> None:
    text = SHARED.replace("TASK", "mine").replace("FLOW", "inline")
    text = text.replace('"shared",', '"shared", result=InlineResult(),')
    shell.write("inline.py", f"from resultant.engine.results import InlineResult\n{text}")
    assert why(shell, shell.run("inline.py"), "mine")["verdict"] == "ran"
    told = why(shell, shell.run("inline.py"), "mine")
    assert told["verdict"] == "did not run"
    assert told["reason"] == "Its value was in the cache; which run wrote it is not on record."
    expire(shell)
    told = why(shell, shell.run("inline.py"), "mine")
    assert told["reason"].endswith("which entry of the cache the earlier run found is not on record.")


def test_flows_that_share_a_key_of_the_cache_are_told_apart(shell: Shell) -> None:
    shell.write("one.py", SHARED.replace("TASK", "mine").replace("FLOW", "one"))
    shell.write("two.py", SHARED.replace("TASK", "mine").replace("FLOW", "two"))
    one = shell.run("one.py")
    assert f"; run {one} wrote it (" in why(shell, shell.run("two.py"), "mine")["reason"]
    shell.write("three.py", SHARED.replace("TASK", "mine").replace("FLOW", "three"))
    told = why(shell, shell.run("three.py", "-p", "x=2"), "mine")
    assert f"what run {one} of flow 'one' left in the cache under the same key" in told["reason"]
    assert told["reason"].endswith("was computed with other inputs (x).")
