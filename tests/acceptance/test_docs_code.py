"""The code in the README and in the documentation runs: each page's blocks in order, in one fresh process, with an empty home.

A block fenced as `python` is executed; one fenced as `pycon` is a session whose shown output is compared. A block with
`<!-- no-run: reason -->` on the line before its fence is only compiled.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>python|pycon)\b.*\n(?P<code>(?:.*\n)*?)(?P=indent)```$", re.MULTILINE
)
NO_RUN = re.compile(r"<!-- no-run: \S.* -->\s*$")

# Line 1 of a page is its title, so line 1 of the script is free for this; all else keeps its line number.
SESSION = """
import doctest as _doctest
def _session(text, line, names):
    flags = _doctest.ELLIPSIS | _doctest.NORMALIZE_WHITESPACE
    test = _doctest.DocTestParser().get_doctest(text, names, "page", "page", line)
    test.globs = names
    if _doctest.DocTestRunner(optionflags=flags).run(test, clear_globs=False).failed:
        raise SystemExit("the session of line %d shows something else" % line)
"""


@dataclass
class Block:
    """One fenced block: where its code begins (counted from 1), what it is, whether it is run."""

    line: int
    language: str
    code: str
    run: bool


def blocks_of(text: str) -> list[Block]:
    found = []
    for match in FENCE.finditer(text):
        before = text[: match.start()]
        indent = len(match["indent"])
        code = "".join(line[indent:] if line.strip() else "\n" for line in match["code"].splitlines(keepends=True))
        found.append(Block(before.count("\n") + 2, match["language"], code, not NO_RUN.search(before)))
    return found


def script_of(blocks: list[Block]) -> str:
    """Lay the blocks out so that line n of the script is line n of the page."""
    lines = [f"exec({SESSION!r})"]
    for block in blocks:
        lines += [""] * (block.line - 1 - len(lines))
        if not block.run:
            continue
        if block.language == "pycon":
            lines.append(f"_session({block.code!r}, {block.line}, globals())")
        else:
            lines += block.code.splitlines()
    return "\n".join(lines) + "\n"


def run(script: Path, home: Path) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("RESULTANT__", "PREFECT__", "PYTHON"))}
    return subprocess.run(
        [sys.executable, "-W", "error", script.name],
        env=clean | {"HOME": str(home)},
        cwd=script.parent,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize(
    "page", [p for p in PAGES if blocks_of(p.read_text())], ids=lambda page: str(page.relative_to(ROOT))
)
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    blocks = blocks_of(page.read_text())
    for block in blocks:
        if block.language == "python":
            compile(block.code, f"{page.name}:{block.line}", "exec")
    home, folder = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    folder.mkdir()
    script = folder / f"{page.stem.replace('-', '_')}_page.py"
    script.write_text(script_of(blocks))
    done = run(script, home)
    assert done.returncode == 0, f"{page.relative_to(ROOT)}\n{done.stdout}{done.stderr}"


def test_few_blocks_are_not_run() -> None:
    skipped = [f"{p.relative_to(ROOT)}:{b.line}" for p in PAGES for b in blocks_of(p.read_text()) if not b.run]
    assert len(skipped) <= 4, skipped


def test_a_page_whose_code_fails_is_seen(tmp_path: Path) -> None:
    page = "# A page\n\n```python\nx = 1\n```\n\n```pycon\n>>> x\n2\n```\n"
    script = tmp_path / "page.py"
    script.write_text(script_of(blocks_of(page)))
    done = run(script, tmp_path)
    assert done.returncode != 0
    assert "line 8" in done.stderr
    script.write_text(script_of(blocks_of(page.replace("\n2\n", "\n1\n"))))
    assert run(script, tmp_path).returncode == 0
