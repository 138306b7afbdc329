"""A run that failed anywhere, resumed in another process, ends as one that never failed, and does nothing twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resultant import settings
from resultant.errors import MissingResultError
from resultant.runner.recorded_runs import database

sys.path.insert(0, str(Path(__file__).parent))
import resume_flows

HERE = Path(__file__).parent

#: Task runs by slug and index, each with the name of its state and its value.
Ends = dict[tuple[str, int], tuple[str, Any]]


@pytest.fixture(scope="module")
def failed_runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, tuple[str, int], str]]]:
    """A folder with runs of every flow into every failure, made by another process."""
    folder = tmp_path_factory.mktemp("resumed")
    script = f"import sys; sys.path.insert(0, {str(HERE)!r}); import resume_flows; resume_flows.main({str(folder)!r})"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RESULTANT__")}
    environment["RESULTANT__HOME_DIR"] = str(folder / "home")
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stderr
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    return folder, [(name, tuple(key), run_id) for name, key, run_id in runs]


@pytest.fixture
def recorded(failed_runs: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of those runs, whose database is in use."""
    folder, _ = failed_runs
    monkeypatch.setenv("RESULTANT__HOME_DIR", str(folder / "home"))
    monkeypatch.setenv("RESULTANT__LOGGING__LEVEL", "CRITICAL")
    settings.reload()
    yield folder
    settings.reload()


def ends_of(flow: Any, state: Any) -> Ends:
    """Return how each task run ended."""
    found: Ends = {}
    for task, end in state.result.items():
        slug = flow.slugs[task]
        found[slug, -1] = type(end).__name__, "children" if end.is_mapped() else value_of(end)
        for index, child in enumerate(end.map_states if end.is_mapped() else ()):
            found[slug, index] = type(child).__name__, value_of(child)
    return found


def value_of(state: Any) -> Any:
    """Return a state's value, an exception's type and arguments, or that nobody can have it any more."""
    try:
        value = state.result
    except MissingResultError:
        return MissingResultError
    if isinstance(value, BaseException):
        return type(value).__name__, str(value)
    if isinstance(value, dict) and "id" in value:
        return {**value, "id": None}
    return "manager" if isinstance(value, resume_flows.OpenedAnew) else value


def above(flow: Any, ends: Ends, key: tuple[str, int]) -> Iterator[tuple[str, int]]:
    """Yield the task runs that one is given something of."""
    slug, index = key
    task = next(task for task, name in flow.slugs.items() if name == slug)
    for edge in flow.iter_edges():
        if edge.downstream_task is task:
            other = flow.slugs[edge.upstream_task]
            children = [one for one in ends if one[0] == other and one[1] >= 0]
            if not children:
                yield other, -1
            elif edge.mapped and not edge.flattened and index >= 0:
                yield other, index
            else:
                yield from children


def standing(flow: Any, run_id: str, ends: Ends, failed: tuple[str, int] | None = None) -> set[tuple[str, int]]:
    """Return the task runs on record that nothing can reopen: they, and all above, are as they would be undisturbed."""
    rows = {(row.slug, row.index): row for row in database().task_runs(run_id)}
    same: dict[tuple[str, int], bool] = {}

    def as_undisturbed(key: tuple[str, int]) -> bool:
        if key not in same:
            row = rows.get(key)
            known = key != failed and (row is None or key not in ends or row.state == ends[key][0])
            constant = row is None and not any(True for _ in above(flow, ends, key))
            same[key] = (constant or (row is not None and known)) and all(map(as_undisturbed, above(flow, ends, key)))
        return same[key]

    return {
        key
        for key, row in rows.items()
        if row.state in ("Success", "Cached", "Skipped") and (row.location or row.none) and as_undisturbed(key)
    }


@pytest.mark.parametrize("name", resume_flows.EXAMPLES)
def test_a_run_that_failed_anywhere_ends_as_one_that_never_did(
    name: str, failed_runs: Any, recorded: Path, tmp_path: Path
) -> None:
    runs = [run for run in failed_runs[1] if run[0] == name]
    assert runs
    undisturbed: Any = {}
    for _, failed, run_id in runs:
        if not undisturbed:
            options: Any = {"context": {"checkpointing": True}, "flow_run_id": f"{name}-undisturbed"}
            flow, state, keys = resume_flows.run(name, str(tmp_path), **options)
            undisturbed = ends_of(flow, state)
        stood = standing(flow, run_id, undisturbed, failed)

        flow, state, called = resume_flows.run(name, str(recorded / run_id), resume_run=run_id)

        ends = ends_of(flow, state)
        missing = {key for key, (_, value) in ends.items() if value is MissingResultError}
        assert {key: end for key, end in ends.items() if key not in missing} == {
            key: end for key, end in undisturbed.items() if key not in missing
        }
        assert {key: ends[key][0] for key in missing} == {key: undisturbed[key][0] for key in missing}
        assert not stood & set(called)
        assert set(called) <= set(keys)
        row = database().flow_run(run_id)
        assert (row.attempt, row.state, row.name) == (2, type(state).__name__, f"name of {run_id}")

        # Once more: everything stands now.
        if state.is_successful():
            stood = standing(flow, run_id, undisturbed)
            flow, state, called = resume_flows.run(name, str(recorded / run_id), resume_run=run_id)
            assert not stood & set(called)
            assert {key: end[0] for key, end in ends_of(flow, state).items()} == {
                key: end[0] for key, end in undisturbed.items()
            }
