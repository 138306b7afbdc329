"""What is installed has everything in it: the SQL files above all, which no import statement names."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

RECORDS = """
import sys
import resultant
from resultant.db import open_db
from resultant.db.schema import migrations, schema
from resultant.testing.statedb import flow_run_row
assert resultant.__file__.startswith(sys.argv[1]), resultant.__file__
for dialect in ("sqlite", "postgres"):
    assert migrations(dialect)
    assert schema(dialect)
db = open_db(None, sys.argv[2])
db.put_flow_run(flow_run_row("a"))
assert db.flow_run("a").id == "a"
db.close()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built with what the build says it needs and nothing from anywhere else."""
    folder = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_every_file_of_the_package_is_in_it(wheel: Path) -> None:
    source = ROOT / "src"
    expected = {
        path.relative_to(source).as_posix()
        for path in (source / "resultant").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }
    with zipfile.ZipFile(wheel) as archive:
        there = set(archive.namelist())
    assert expected - there == set()
    assert len([name for name in there if name.endswith(".sql")]) >= 4
    assert "resultant/py.typed" in there
    assert [name for name in there if not name.startswith(("resultant/", "resultant-"))] == []


def test_it_records_runs(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    words = [sys.executable, "-c", RECORDS, str(tmp_path / "installed"), str(tmp_path / "home")]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
