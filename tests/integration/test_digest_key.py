"""Homes that share a database: with one secret for digests they share results, with two they say so."""

from __future__ import annotations

import re
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import Shell

from resultant.db.schema import latest_version

FLOW = """
import os
from datetime import timedelta
from resultant import Flow, LocalResult, task

@task
def numbers():
    return [1, 2, 3]

@task(cache_for=timedelta(hours=1))
def total(xs):
    print("total runs")
    return sum(xs)

@task
def last(x):
    if not os.path.exists("mended"):
        raise ValueError("not mended")
    return x

with Flow("shared", result=LocalResult(dir={results!r})) as flow:
    last(total(numbers()))
"""


@pytest.fixture
def homes(tmp_path: Path) -> tuple[Shell, Shell]:
    """Two homes with one database and one folder of results."""
    shells = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        shell = Shell(tmp_path / name)
        shell.environment["RESULTANT__DATABASE__URL"] = f"sqlite:///{tmp_path / 'shared.db'}"
        shell.write("shared.py", FLOW.format(results=str(tmp_path / "results")))
        shells.append(shell)
    return shells[0], shells[1]


def test_another_secret_is_told_from_damage(homes: tuple[Shell, Shell]) -> None:
    one, two = homes
    run = one.run("shared.py", status=1)

    read = two("results", "read", run, "total")
    verified = two("results", "verify", run, "--json")

    assert read.status == 1
    assert "another secret" in read.err
    assert "RESULTANT__RECORD__DIGEST_KEY_FILE" in read.err
    assert read.err.count("\n") == 1
    assert verified.status == 0
    assert verified.json["counts"] == {"unknown": 2}
    assert one("results", "read", run, "total").out == "6\n"


def test_a_run_with_another_secret_is_not_resumed(homes: tuple[Shell, Shell]) -> None:
    one, two = homes
    run = one.run("shared.py", status=1)
    for shell in homes:
        shell.write("mended", "")

    refused = two("resume", run, "shared.py:flow")

    assert refused.status == 2
    assert "another secret" in refused.err
    assert one("runs", "show", run, "--json").json["attempt"] == 1
    assert one("resume", run, "shared.py:flow").status == 0


def test_a_cache_with_another_secret_is_no_damage(homes: tuple[Shell, Shell]) -> None:
    one, two = homes
    one.run("shared.py", status=1)

    answer = two("run", "shared.py", RESULTANT__LOGGING__LEVEL="INFO", RESULTANT__LOGGING__DISPLAY="false")

    assert "total runs" in answer.out
    assert "recorded with another secret" in answer.err
    assert "damaged" not in answer.err


def test_one_secret_serves_a_team(homes: tuple[Shell, Shell], tmp_path: Path) -> None:
    one, two = homes
    (tmp_path / "team.key").write_bytes(bytes(range(32)))
    for shell in homes:
        shell.environment["RESULTANT__RECORD__DIGEST_KEY_FILE"] = str(tmp_path / "team.key")
    run = one.run("shared.py", status=1)

    assert two("results", "read", run, "total").out == "6\n"
    assert two("results", "verify", run, "--json").json["counts"] == {"ok": 2}
    # A resume works in the folder of the run.
    for shell in homes:
        shell.write("mended", "")
    assert two("resume", run, "shared.py:flow").status == 0
    assert "total runs" not in two("run", "shared.py").out
    assert not (one.home / "digest.key").exists()
    assert not (two.home / "digest.key").exists()


def test_a_secret_that_is_named_and_not_there_is_not_made(homes: tuple[Shell, Shell], tmp_path: Path) -> None:
    shell, missing = homes[0], tmp_path / "missing.key"
    shell.environment["RESULTANT__RECORD__DIGEST_KEY_FILE"] = str(missing)

    answer = shell("run", "shared.py")
    doctor = shell("doctor", "--json")

    assert answer.status == 1
    assert str(missing) in answer.err
    assert not missing.exists()
    assert doctor.status == 1
    (finding,) = [each for each in doctor.json if each["what"] == "secret for digests"]
    assert finding["verdict"] == "bad"
    assert "head -c 32 /dev/urandom" in finding["text"]


def test_the_doctor_compares_secrets(homes: tuple[Shell, Shell]) -> None:
    one, two = homes
    run = one.run("shared.py", status=1)

    assert "another one" not in one("doctor").out
    doctor = two("doctor", "--json")

    assert doctor.status == 0
    (warning,) = [each for each in doctor.json if each["verdict"] == "warning"]
    assert run in warning["text"]
    assert re.search("1 of the last 1 runs", warning["text"])


def test_runs_of_the_first_schema_are_read_and_resumed(homes: tuple[Shell, Shell], tmp_path: Path) -> None:
    one, _ = homes
    run = one.run("shared.py", status=1)
    one("db", "status")
    # What the first schema had not: nothing is known of the secret of such a run.
    with sqlite3.connect(tmp_path / "shared.db") as connection:
        connection.execute("ALTER TABLE flow_run DROP COLUMN digest_key")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    shutil.copy(tmp_path / "shared.db", tmp_path / "first.db")

    assert one("results", "read", run, "total").out == "6\n"
    assert one("db", "status", "--json").json["version"] == latest_version("sqlite") > 1
    one.write("mended", "")
    assert one("resume", run, "shared.py:flow").status == 0
    assert one("runs", "show", run, "--json").json["state"] == "Success"
