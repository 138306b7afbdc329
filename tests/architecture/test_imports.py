"""Imports point down, nobody inside goes through the front door, and the front door is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "resultant"
MODULES = sorted(SOURCE.rglob("*.py"))

# These stand in front of the door themselves: the alias hands its names on, the command line is a user.
OUTSIDE = {"compat", "cli"}


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _is_type_checking(node: ast.If) -> bool:
    test = node.test
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _imports(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import that can be executed, at any depth."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _is_type_checking(child):
            for other in child.orelse:
                yield from _imports(other)
        elif isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        else:
            yield from _imports(child)


SUBMODULES = {path.stem for path in SOURCE.iterdir()}


def front_door_imports(path: Path, source: str) -> list[int]:
    """Return the lines of `import resultant` and of `from resultant import Name`, however they are spelled.

    What names a module (`from resultant import runtime`) is an import of that module.
    """
    depth = len(path.relative_to(SOURCE).parts)  # of the package that dots count from
    found = []
    for node in _imports(ast.parse(source)):
        if isinstance(node, ast.Import):
            bad = any(alias.name == "resultant" for alias in node.names)
        else:
            root = (node.level == 0 and node.module == "resultant") or (node.level == depth and node.module is None)
            bad = root and any(alias.name not in SUBMODULES for alias in node.names)
        if bad:
            found.append(node.lineno)
    return found


def test_no_inner_module_imports_the_front_door() -> None:
    inner = [path for path in MODULES if path.relative_to(SOURCE).parts[0] not in {*OUTSIDE, "__init__.py"}]
    assert len(inner) > 50
    found = {str(path.relative_to(ROOT)): front_door_imports(path, path.read_text()) for path in inner}
    assert {path: lines for path, lines in found.items() if lines} == {}, "name the module instead"


@pytest.mark.parametrize(
    "statement",
    [
        "import resultant",
        "import resultant as r",
        "from resultant import Flow",
        "def f():\n    from resultant import task",
        "from .. import Flow",
        "from resultant import runtime, Flow",
    ],
)
def test_every_spelling_of_the_front_door_is_seen(statement: str) -> None:
    assert front_door_imports(SOURCE / "engine" / "x.py", statement)


@pytest.mark.parametrize(
    "statement",
    [
        "import resultant.errors",
        "import resultant.errors as e",
        "from resultant import runtime",
        "from .. import errors",
        "from resultant.errors import ResultError",
        "from ..errors import ResultError",
        "from . import state",
        "if TYPE_CHECKING:\n    from resultant import Flow",
    ],
)
def test_other_imports_are_not_taken_for_it(statement: str) -> None:
    assert not front_door_imports(SOURCE / "engine" / "x.py", statement)


def _dotted(path: Path) -> str:
    return ".".join(("resultant", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")


def _imported_on_import(path: Path, known: set[str]) -> set[str]:
    """Return the modules of ours that importing this one imports: those named outside functions."""
    package = _dotted(path) if path.name == "__init__.py" else _dotted(path).rpartition(".")[0]
    found = set()
    todo: list[ast.AST] = [ast.parse(path.read_text())]
    while todo:
        for node in ast.iter_child_nodes(todo.pop()):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            if isinstance(node, ast.If) and _is_type_checking(node):
                todo.extend(node.orelse)
            elif isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
                source = ".".join(filter(None, (base, node.module)))
                for alias in node.names:
                    found.add(f"{source}.{alias.name}" if f"{source}.{alias.name}" in known else source)
            else:
                todo.append(node)
    return found & known


def test_importing_goes_round_in_no_circle() -> None:
    known = {_dotted(path) for path in MODULES}
    graph = {_dotted(path): _imported_on_import(path, known) - {_dotted(path)} for path in MODULES}
    assert sum(map(len, graph.values())) > 50, "the graph was not read"
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in MODULES}
    assert {path: length for path, length in lengths.items() if length > 400} == {}, "one noun per file: split it"


# ------------------------------------------------------------------------------------------------------- the light door

HEAVY = {
    "asyncio",
    "cloudpickle",
    "concurrent.futures",
    "dataclasses",
    "inspect",
    "logging",
    "msgspec",
    "multiprocessing",
    "numpy",
    "pandas",
    "pendulum",
    "rich",
    "sqlite3",
    "subprocess",
    "typing",
    "uuid",
}


def _loaded_by(statement: str) -> set[str]:
    """Return what a bare interpreter (no site-packages hooks, only `os`) loads on top of its own for a statement."""
    script = f"import os, sys\nsys.path.insert(0, {str(SOURCE.parent)!r})\nbefore = set(sys.modules)\n{statement}\n"
    script += "print(*sorted(set(sys.modules) - before), sep='\\n')"
    # -S: an editable install or a coverage hook may import things of its own at start.
    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import resultant",
        "from resultant import Flow, task",
        "from resultant import Flow, Parameter, Task, case, flatten, mapped, tags, task, unmapped",
    ],
)
def test_the_front_door_loads_nothing_that_it_does_not_need(statement: str) -> None:
    loaded = _loaded_by(statement)
    assert not loaded & HEAVY


def test_the_front_door_loads_few_modules() -> None:
    # About 1.3 ms each: the number is the import time, counted without a clock.
    loaded = _loaded_by("from resultant import Flow, task")
    ours = {name for name in loaded if name.split(".")[0] == "resultant"}
    assert len(ours) <= 14, sorted(ours)
    assert len(loaded - ours) <= 6, sorted(loaded - ours)
    assert _loaded_by("import resultant") <= {"resultant", "__future__"}
