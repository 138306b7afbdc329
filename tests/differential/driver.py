"""Runs scenarios on one engine: ``python driver.py prefect|resultant OUTPUT [NAME ...]``.

Each scenario gives one JSON line, written as soon as it is known, so that one that hangs costs only itself.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import sys
import tempfile
import threading
import traceback
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
PATIENCE = 60  # seconds for one scenario
HUNG = 3  # exit status


def main(engine: str, output: str, *wanted: str) -> None:
    """Run the wanted scenarios (all without names) and append what each saw to the output."""
    base = Path(os.path.realpath(tempfile.mkdtemp(prefix=f"{engine}-", dir=Path(output).resolve().parent)))
    home = base / "home"
    os.environ["PREFECT__HOME_DIR"] = str(home)
    os.environ["PREFECT__LOGGING__LEVEL"] = "INFO"
    os.environ.pop("PREFECT__FLOWS__CHECKPOINTING", None)
    sys.path[:0] = [str(HERE)]
    warnings.simplefilter("ignore")
    from observe import Record

    if engine == "resultant":
        import resultant.compat.prefect  # noqa: F401
    import prefect

    with open(output, "a", encoding="utf-8") as lines:
        for name, scenario in scenarios(wanted):
            folder = base / name
            folder.mkdir()
            record = Record(folder, home)
            watch = threading.Timer(PATIENCE, give_up, (lines, name))
            watch.daemon = True
            watch.start()
            os.chdir(folder)
            if isinstance(scenario, str):
                record.seen = {"crash": scenario}
            else:
                try:
                    with prefect.context(caches={}):
                        play(scenario, record)
                except BaseException as error:
                    record.seen["crash"] = record.text("".join(traceback.format_exception_only(error)).strip())
                    record.seen["traceback"] = traceback.format_exc()
            watch.cancel()
            os.chdir(base)
            lines.write(json.dumps({"name": name, "seen": record.seen}) + "\n")
            lines.flush()


def play(scenario, record) -> None:
    """Run one scenario: one that takes the record writes it itself, the others return a flow (and run options)."""
    if inspect.signature(scenario).parameters:
        scenario(record)
        return
    built = scenario()
    flow, options = built if isinstance(built, tuple) else (built, {})
    record.flow(flow, flow.run(**options))
    record.files()


def names(module_name: str) -> list[str]:
    """Return the names of a module's scenarios without importing it: its public top-level functions."""
    import ast

    tree = ast.parse((HERE / "scenarios" / f"{module_name}.py").read_text(encoding="utf-8"))
    return [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and not node.decorator_list
    ]


def all_names() -> list[str]:
    """Return every scenario as ``module.function``."""
    modules = sorted(path.stem for path in (HERE / "scenarios").glob("*.py"))
    return [f"{module}.{name}" for module in modules for name in names(module)]


def scenarios(wanted):
    """Yield name and function of each wanted scenario; a text instead of a function says why there is none."""
    for name in wanted or all_names():
        module, _, function = name.partition(".")
        try:
            yield name, getattr(importlib.import_module(f"scenarios.{module}"), function)
        except Exception:
            yield name, "import: " + traceback.format_exc()


def give_up(lines, name: str) -> None:
    """End the process: a scenario that hangs holds the main thread."""
    lines.write(json.dumps({"name": name, "seen": {"crash": f"still running after {PATIENCE} s"}}) + "\n")
    lines.flush()
    os._exit(HUNG)


if __name__ == "__main__":
    main(*sys.argv[1:])
