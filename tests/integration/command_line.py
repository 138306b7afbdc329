"""The command as a process, in a folder and with a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

COMMAND = Path(sys.executable).parent / "resultant"


class Answer:
    """What a command printed, and how it ended."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.status = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    @property
    def json(self) -> Any:
        """Standard output, which is one JSON document."""
        return json.loads(self.out)

    def __repr__(self) -> str:
        return f"<{self.status}\n{self.out}\n--- {self.err}>"


class Shell:
    """Runs ``resultant`` in a folder.

    Args:
        folder: where it runs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("RESULTANT__", "PYTHON"))
        } | {"RESULTANT__HOME_DIR": str(self.home), "HOME": str(folder), "COLUMNS": "200"}

    def __call__(self, *words: str, **environment: str) -> Answer:
        """Run a command with these words."""
        assert COMMAND.exists(), f"{COMMAND} is missing: install the project with `pip install -e .`"
        return Answer(
            subprocess.run(
                [str(COMMAND), *words],
                cwd=self.folder,
                env=self.environment | environment,
                capture_output=True,
                text=True,
                timeout=100,
                check=False,
            )
        )

    def python(self, code: str, **environment: str) -> Answer:
        """Run Python code with the same home, in a process that knows no flow."""
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd="/",
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        return Answer(done)

    def write(self, name: str, text: str) -> Path:
        """Write a file in the folder."""
        path = self.folder / name
        path.write_text(text)
        return path

    def newest(self) -> str:
        """Return the id of the newest run."""
        found: str = self("runs", "ls", "--json", "--limit", "1").json[0]["id"]
        return found

    def run(self, *words: str, status: int = 0) -> str:
        """Run a flow, and return the id of its run."""
        answer = self("run", *words, "--json")
        assert answer.status == status, answer
        found: str = answer.json["id"]
        return found
