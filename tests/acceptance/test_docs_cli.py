"""Every command has a page that names its options, and the lines of its examples work, as processes, in order.

A ``console`` block holds lines ``$ COMMAND``; ``RUN`` in them is the newest run, ``OTHER`` the one before. A comment
``# exit status N`` says how a line ends that does not end with 0. ``NAME.py``, named on the line above a block of Python, is
written to the folder first.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from resultant.cli.commands import COMMANDS
from resultant.cli.root import root

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))
from command_line import COMMAND, Shell

PAGES = Path(__file__).parents[2] / "docs" / "reference" / "cli"
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`(\w+\.py)`:\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STATUS = re.compile(r"#\s*exit status (\d+)")


def lines_of(page: Path) -> list[str]:
    blocks = CONSOLE.findall(page.read_text())
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_of_a_page_work(name: str, tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    for page in (PAGES / "index.md", PAGES / f"{name}.md"):
        for file, code in FILE.findall(page.read_text()):
            shell.write(file, code)
    lines = lines_of(PAGES / f"{name}.md")
    assert lines
    for line in lines:
        found = shell("runs", "ls", "--json", "--limit", "2").json if "RUN" in line or "OTHER" in line else []
        command = line
        for word, run in zip(("RUN", "OTHER"), found, strict=False):
            command = re.sub(rf"\b{word}\b", run["id"], command)
        done = subprocess.run(
            command.replace("resultant ", f"{COMMAND} ", 1),
            shell=True, cwd=tmp_path, env=shell.environment, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip
        expected = STATUS.search(line)
        assert done.returncode == (int(expected[1]) if expected else 0), f"{line}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_names_every_option(name: str) -> None:
    text = (PAGES / f"{name}.md").read_text()
    command = root.get_command(click.Context(root), name)
    assert command is not None
    commands = list(command.commands.items()) if isinstance(command, click.Group) else [("", command)]
    for sub, each in commands:
        if sub:
            assert f"## {name} {sub}" in text
        for parameter in each.params:
            if isinstance(parameter, click.Option) and parameter.name not in ("json", "debug"):
                assert all(f"`{option}" in text or f", `{option}" in text for option in parameter.opts), parameter.opts


def test_the_first_page_names_every_command() -> None:
    text = (PAGES / "index.md").read_text()
    assert [name for name in COMMANDS if f"[`{name}`]({name}.md)" not in text] == []
    assert sorted(page.stem for page in PAGES.glob("*.md")) == sorted((*COMMANDS, "index"))
