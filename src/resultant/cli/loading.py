"""A user's file on its way to a flow."""

from __future__ import annotations

import ast
import os
import sys
from types import ModuleType

from resultant.cli.failure import Failure, one_line
from resultant.cli.output import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from resultant.core.flow import Flow
    from resultant.engine.state import State

__all__ = ["load_flow", "split_address", "use_alias"]


def split_address(text: str) -> tuple[str, str | None]:
    """Return the file and the name of the flow in ``FILE[:FLOW]``.

    Raises:
        Failure: there is no such file.
    """
    file, name = text, None
    if not os.path.exists(text):
        head, colon, tail = text.rpartition(":")
        if colon and tail:
            file, name = head, tail
    if not os.path.isfile(file):
        what = "is a folder" if os.path.isdir(file) else "does not exist"
        raise Failure(f"The file {file!r} {what}. Name the Python file that holds the flow: FILE or FILE:FLOW.")
    return os.path.abspath(file), name


def use_alias() -> None:
    """Let ``import prefect`` lead to this library, as ``python -m resultant.compat.prefect`` does."""
    from importlib import import_module

    # The alias lies above the command line, which knows it by name only.
    import_module("resultant.compat.alias").install()


def load_flow(file: str, *names: str | None, debug: bool = False) -> Flow:
    """Load a file as Python would run it, and return a flow of it.

    What the file does below ``if __name__ == "__main__":`` is left out, and ``flow.run()`` does nothing but say so.

    Args:
        file: its absolute path.
        names: the variable that holds the flow, or the flow's own name; the first one that is there counts. May be missing
            where there is one flow.
        debug: let the file's errors through as they are.

    Raises:
        Failure: the file cannot be loaded, or it holds no such flow.
    """
    from resultant.core.flow import Flow

    tree = _parsed(file)
    module = ModuleType("__main__")
    module.__file__ = file
    module.__builtins__ = __builtins__  # type: ignore[attr-defined]
    # What the file defines is pickled by value, and its path is kept in the run's row, as if Python had been started with it.
    sys.modules["__main__"] = module
    sys.argv[:] = [file]
    sys.path.insert(0, os.path.dirname(file))
    stand_in = _StandIn(file)
    run, Flow.run = Flow.run, stand_in.method()  # type: ignore[method-assign]
    try:
        exec(compile(tree, file, "exec", dont_inherit=True), vars(module))
    except (Exception, SystemExit) as error:
        if debug and not isinstance(error, SystemExit):
            raise
        # Code that wants what a run would have given comes after everything that makes a flow.
        if not stand_in.said and not (isinstance(error, SystemExit) and any(_flows(module))):
            raise Failure(f"{_place(error, file)}: {one_line(error)}") from error
        _note(f"{_place(error, file)}: loading stops here ({one_line(error)}).")
    finally:
        Flow.run = run  # type: ignore[method-assign]
    return _chosen(module, file, [name for name in names if name is not None])


class _StandIn:
    """Takes the place of ``Flow.run`` while a file is loaded."""

    def __init__(self, file: str) -> None:
        self.file = os.path.basename(file)
        self.said: set[int] = set()

    def method(self) -> Any:
        def run(flow: Flow, *args: Any, **kwargs: Any) -> State:
            from resultant.engine.state import Pending

            if id(flow) not in self.said:
                self.said.add(id(flow))
                _note(f"{self.file}: flow.run() of flow {flow.name!r} is left out while the file is loaded.")
            return Pending("The flow was not run, because its file was only loaded.")

        return run


def _parsed(file: str) -> ast.Module:
    try:
        with open(file, "rb") as stream:
            tree = ast.parse(stream.read(), file)
    except SyntaxError as error:
        # Bytes that are no text are on no line.
        line = "" if error.lineno is None else f", line {error.lineno}"
        raise Failure(f"{file}{line}: {error.msg}.") from error
    tree.body = [kept for node in tree.body for kept in _without_guard(node)]
    return tree


def _without_guard(node: ast.stmt) -> list[ast.stmt]:
    if isinstance(node, ast.If) and isinstance(node.test, ast.Compare) and len(node.test.ops) == 1:
        sides = (node.test.left, node.test.comparators[0])
        name = any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides)
        main = any(isinstance(side, ast.Constant) and side.value == "__main__" for side in sides)
        if name and main and isinstance(node.test.ops[0], ast.Eq):
            return node.orelse
    return [node]


def _flows(module: ModuleType) -> Iterator[tuple[str, Flow]]:
    from resultant.core.flow import Flow

    seen = set()
    for name, value in vars(module).items():
        if isinstance(value, Flow) and id(value) not in seen:
            seen.add(id(value))
            yield name, value


def _chosen(module: ModuleType, file: str, names: list[str]) -> Flow:
    from resultant.core.flow import Flow

    found = dict(_flows(module))
    for name in names:
        value = vars(module).get(name)
        if isinstance(value, Flow):
            return value
        named = [variable for variable, flow in found.items() if flow.name == name]
        if len(named) == 1:
            return found[named[0]]
        if named:
            raise Failure(
                f"{file} holds several flows named {name!r}, in the variables {', '.join(named)}. Name the variable: "
                f"{os.path.basename(file)}:{named[0]}."
            )
    there = ", ".join(found)
    if not found:
        raise Failure(
            f"{file} holds no flow when it is loaded. Make it at the top level of the file, outside of functions and of "
            '`if __name__ == "__main__":`.'
        )
    if names:
        raise Failure(f"{file} holds no flow {names[0]!r}; it holds: {there}.")
    if len(found) > 1:
        raise Failure(f"{file} holds several flows: {there}. Say which: {os.path.basename(file)}:{next(iter(found))}.")
    return next(iter(found.values()))


def _place(error: BaseException, file: str) -> str:
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    return file if line is None else f"{file}, line {line}"


def _note(text: str) -> None:
    sys.stderr.write(f"resultant: {plain(text)}\n")
