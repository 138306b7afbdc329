"""From a word on the command line, or in a run's row, to an executor."""

from __future__ import annotations

import ast

from resultant.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.executors import Executor

__all__ = ["executor_again", "executor_named"]

_NAMES = {
    "local": "LocalExecutor",
    "threads": "ThreadExecutor",
    "processes": "ProcessExecutor",
    "dask": "LocalDaskExecutor",
}
_HELP = "It can be local, threads, threads:8, processes, processes:4, dask, or the dotted name of a class."


def executor_named(text: str | None) -> Executor | None:
    """Return the executor that a user named.

    Args:
        text: ``NAME`` or ``NAME:WORKERS``; ``None`` gives ``None``.

    Raises:
        Failure: nothing has that name.
    """
    if text is None:
        return None
    name, colon, workers = text.partition(":")
    if colon and not (workers.isdecimal() and int(workers)):
        raise Failure(f"{workers!r} in --executor {text!r} is no number of workers. {_HELP}")
    cls = _class(_NAMES.get(name, name))
    if cls is None:
        raise Failure(f"There is no executor {name!r}. {_HELP}")
    if not workers:
        return cls()
    option = "num_workers" if cls.__name__ == "LocalDaskExecutor" else "workers"
    try:
        return cls(**{option: int(workers)})
    except TypeError as error:
        raise Failure(f"{cls.__name__} takes no number of workers: --executor {name}.") from error


def executor_again(text: str | None) -> Executor | None:
    """Return an executor like the one that a row describes; ``None`` where that cannot be told.

    Args:
        text: the executor's repr.
    """
    try:
        call = ast.parse(text or "", mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.args:
            return None
        from resultant import executors

        if call.func.id not in executors.__all__:
            return None
        options = {keyword.arg or "": ast.literal_eval(keyword.value) for keyword in call.keywords}
        found: Executor = getattr(executors, call.func.id)(**options)
    except (SyntaxError, ValueError, TypeError):
        return None
    return found


def _class(name: str) -> type[Executor] | None:
    from resultant import executors

    if name in executors.__all__:
        found: type[Executor] = getattr(executors, name)
        return found
    module, dot, attribute = name.rpartition(".")
    if not dot:
        return None
    from importlib import import_module

    try:
        loaded = getattr(import_module(module), attribute, None)
    except ImportError:
        return None
    return loaded if isinstance(loaded, type) and hasattr(loaded, "submit") else None
