"""Pickles that prefect 1.4.1 wrote load here, under the alias."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PREFECT_PYTHON = os.environ.get("RESULTANT_PREFECT_PYTHON", "")

EXPECTED = """\
result <Result: [1]> x/{y} PickleSerializer
local <LocalResult: 3> a.pkl PickleSerializer
inline <InlineResult: 3> None JSONSerializer
nothing <NoResultType: None> None PickleSerializer
constant <ConstantResult: 4> None PickleSerializer
written [5] True
inline {"a": 1}
pickle [1]
json [1]
compressed [1]
success <Success: "m"> 1 True
cached <Cached> 1 True
mapped <Mapped> None True
retrying 2 2020-01-01
mapped [<Success>] 1
submitted <Success>
fail <Failed: "m"> True
loop <Looped> 3
"""


def test_objects_that_prefect_pickled(tmp_path: Path) -> None:
    if not PREFECT_PYTHON:
        why_not = "RESULTANT_PREFECT_PYTHON names no interpreter that has prefect==1.4.1; `make diff` sets it"
        pytest.fail(why_not) if os.environ.get("CI") == "true" else pytest.skip(why_not)
    file = tmp_path / "objects.pkl"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT__", "RESULTANT__"))}
    env["HOME"] = str(tmp_path)
    arguments = [str(file), str(tmp_path / "store")]
    subprocess.run([PREFECT_PYTHON, str(HERE / "written_there.py"), *arguments], env=env, check=True, timeout=120)
    read = [sys.executable, str(HERE / "read_here.py"), str(file)]
    done = subprocess.run(read, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout == EXPECTED, done.stderr
