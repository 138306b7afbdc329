"""A home, and processes that have nothing but that home in common."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from resultant.db import open_db

HEAD = """
import json, logging, os, sys
from datetime import timedelta
from resultant import Flow, LocalResult, Parameter, PrefectResult, Task, context, flatten, task, unmapped
from resultant.engine import signals
from resultant.engine.cache_validators import *
from resultant.engine.serializers import JSONSerializer

logging.getLogger("resultant").addHandler(logging.StreamHandler(sys.stderr))
logging.getLogger("resultant").setLevel(logging.INFO)
HOUR = timedelta(hours=1)
ran = os.path.join(os.environ["RESULTANT__HOME_DIR"], "ran")

def note(*what):
    with open(ran, "a") as file:
        file.write(json.dumps(what) + "\\n")

def finish(flow, *tasks, **options):
    state = flow.run(**options)
    print(json.dumps({
        "states": [type(state.result[each]).__name__ for each in tasks],
        "values": [repr(state.result[each].result) for each in tasks],
    }))
"""


class Answer:
    """What one process did."""

    def __init__(self, out: str, log: str, ran: list[Any]) -> None:
        told = json.loads(out.splitlines()[-1])
        self.states: list[str] = told["states"]
        self.values: list[str] = told["values"]
        self.log = log
        self.ran = ran


class Home:
    """A home, and processes that use it.

    Args:
        folder: where it is.
        url: of the state database; the home has one of its own if there is none.
    """

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.folder = folder
        self.url = url
        self.home = folder / "home"
        self.home.mkdir()

    def run(self, code: str, seed: str = "0", **environment: str) -> Answer:
        """Run a script in a process of its own."""
        (self.folder / "flow.py").write_text(HEAD + code)
        notes = self.home / "ran"
        notes.write_text("")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RESULTANT__")}
        given = {
            "RESULTANT__HOME_DIR": str(self.home),
            "RESULTANT__FLOWS__CHECKPOINTING": "true",
            "PYTHONHASHSEED": seed,
            "PYTHONDONTWRITEBYTECODE": "1",
            **({} if self.url is None else {"RESULTANT__DATABASE__URL": self.url}),
            **environment,
        }
        done = subprocess.run(
            [sys.executable, "flow.py"],
            cwd=self.folder,
            env=kept | given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return Answer(done.stdout, done.stderr, [json.loads(line) for line in notes.read_text().splitlines()])

    def results(self) -> list[Path]:
        """The files that hold results."""
        return sorted(path for path in (self.home / "results").rglob("*") if path.is_file())

    def database(self) -> Any:
        """The state database."""
        return open_db(self.url, str(self.home))


SQUARE = """
@task(cache_for=HOUR, cache_validator={validator})
def square(x, y=0):
    note(x)
    return x * x + y

with Flow("squares", result=LocalResult()) as flow:
    one = square(Parameter("x", default=3))
finish(flow, one, x={x})
"""


def square(x: object = 3, validator: str = "all_inputs") -> str:
    return SQUARE.format(x=x, validator=validator)


CODE = """
{before}
@task(cache_for=HOUR, cache_validator=all_inputs{options})
def made(x{default}):
    note(x)
    {body}

with Flow("f", result=LocalResult()) as flow:
    one = made(2)
finish(flow, one)
"""


def code(body: str = "return x", before: str = "", options: str = "", default: str = "") -> str:
    return CODE.format(body=body, before=before, options=options, default=default)
