"""The same flows on prefect 1.4.1 and here: states, values, messages, handler calls, context keys, files, errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE))

from compare import differences, matches  # noqa: E402
from departures import DEPARTURES  # noqa: E402
from driver import all_names  # noqa: E402

PREFECT_PYTHON = os.environ.get("RESULTANT_PREFECT_PYTHON", "")
WHY_NOT = "RESULTANT_PREFECT_PYTHON names no interpreter that has prefect==1.4.1; `make diff` sets it"
pytestmark = pytest.mark.timeout(1800)  # the first test runs all scenarios, on both engines

PATIENCE = 900  # seconds for all scenarios of one engine


def run(python: str, engine: str, folder: Path) -> dict[str, dict]:
    """Run every scenario on one engine and return what each saw; a process that dies is started again for the rest."""
    output, log = folder / f"{engine}.jsonl", folder / f"{engine}.log"
    output.touch()
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT__", "RESULTANT__"))}
    env["HOME"] = str(folder)
    missing = all_names()
    while missing:
        with log.open("a") as stream:
            command = [python, str(HERE / "driver.py"), engine, str(output), *missing]
            done = subprocess.run(command, env=env, stdout=stream, stderr=stream, timeout=PATIENCE, check=False)
        seen = {entry["name"]: entry["seen"] for entry in map(json.loads, output.read_text().splitlines())}
        left = [name for name in missing if name not in seen]
        if len(left) == len(missing):
            pytest.fail(f"the driver for {engine} ended with status {done.returncode}:\n{log.read_text()[-3000:]}")
        if left and done.returncode not in (0, 3):
            seen[left[0]] = {"crash": f"the process ended with status {done.returncode}"}
            with output.open("a") as stream:
                stream.write(json.dumps({"name": left[0], "seen": seen[left[0]]}) + "\n")
            left = left[1:]
        missing = left
    return seen


@pytest.fixture(scope="session")
def observations(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict], dict[str, dict]]:
    """What every scenario saw on prefect 1.4.1, and here."""
    if not PREFECT_PYTHON:
        if os.environ.get("CI") == "true":
            pytest.fail(WHY_NOT)
        pytest.skip(WHY_NOT)
    folder = tmp_path_factory.mktemp("differential")
    with ThreadPoolExecutor() as pool:
        there = pool.submit(run, PREFECT_PYTHON, "prefect", folder)
        here = pool.submit(run, sys.executable, "resultant", folder)
    return there.result(), here.result()


@pytest.mark.parametrize("name", all_names())
def test_same_as_prefect(observations: tuple[dict[str, dict], dict[str, dict]], name: str) -> None:
    there, here = (dict(side[name]) for side in observations)
    there_trace, here_trace = there.pop("traceback", ""), here.pop("traceback", "")
    assert "crash" not in there, f"the scenario is wrong, it does not run on prefect:\n{there_trace}"
    patterns, reason = DEPARTURES.get(name, ([], ""))
    found = differences(there, here)
    unnamed = {place: pair for place, pair in found.items() if not matches(place, patterns)}
    lines = [f"{place}: prefect {left!r}, here {right!r}" for place, (left, right) in unnamed.items()]
    assert not unnamed, "\n".join([f"{len(lines)} places differ", *lines[:25], here_trace])
    stale = [pattern for pattern in patterns if not any(matches(place, [pattern]) for place in found)]
    assert not stale, f"these no longer differ, take them off the list ({reason}): {stale}"


def test_departures_name_scenarios_and_reasons() -> None:
    known = set(all_names())
    for name, (patterns, reason) in DEPARTURES.items():
        assert name in known, f"no scenario is called {name}"
        assert patterns
        assert reason


def test_there_are_enough_scenarios() -> None:
    assert len(all_names()) >= 120
