"""Where code runs: an executor takes a function and its arguments and gives a future back. It knows no Task.

`LocalExecutor` calls at once, `ThreadExecutor` and `ProcessExecutor` run jobs side by side, `LocalDaskExecutor` chooses
among them by the names that dask's schedulers have.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.executors.base import Executor
    from resultant.executors.local import LocalExecutor
    from resultant.executors.local_dask import LocalDaskExecutor
    from resultant.executors.processes import ProcessExecutor
    from resultant.executors.shared import Shared
    from resultant.executors.subprocess_call import run_in_subprocess
    from resultant.executors.threads import ThreadExecutor

__all__ = [
    "Executor",
    "LocalDaskExecutor",
    "LocalExecutor",
    "ProcessExecutor",
    "Shared",
    "ThreadExecutor",
    "run_in_subprocess",
]

_HOMES = {
    "Executor": "base",
    "LocalDaskExecutor": "local_dask",
    "LocalExecutor": "local",
    "ProcessExecutor": "processes",
    "Shared": "shared",
    "ThreadExecutor": "threads",
    "run_in_subprocess": "subprocess_call",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
