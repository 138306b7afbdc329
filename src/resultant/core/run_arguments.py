"""What ``flow.run`` was given, sorted into parameters and options of the run."""

from __future__ import annotations

from resultant.core.options import instance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from resultant.core.flow import Flow

__all__ = ["run_arguments"]


def run_arguments(
    flow: Flow, parameters: Mapping[str, Any] | None, kwargs: Mapping[str, Any], known: frozenset[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return parameters and options of a run.

    Args:
        flow: the flow that is run.
        parameters: parameters given as a mapping.
        kwargs: parameters and options given by name.
        known: the names of options.

    Raises:
        ValueError: required parameters are missing, or unknown ones given.
        TypeError: a keyword that is neither.
    """
    declared = {parameter.name: parameter for parameter in flow.slugs if parameter.is_parameter}
    if parameters is not None and not hasattr(parameters, "keys"):
        raise TypeError(
            f"Flow.run takes parameters by name, as `flow.run(name=value)` or `flow.run({{'name': value}})`; got {parameters!r}."
        )
    given = dict(parameters or {})
    options: dict[str, Any] = {}
    for name, value in kwargs.items():
        if name == "return_tasks":
            raise ValueError(
                "The `return_tasks` keyword cannot be provided to `flow.run()`: the states of all tasks are returned."
            )
        if name in declared:
            given[name] = value
        elif name in known:
            options[name] = value
        else:
            raise TypeError(
                f"Flow.run got an unexpected keyword argument {name!r}. Parameters of {flow!r}: {sorted(declared)}; "
                f"options: {sorted(known)}."
            )
    instance("executor", options.get("executor") or flow.executor, "ThreadExecutor()")
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise ValueError(f"Flow.run received the following unexpected parameters: {', '.join(unknown)}")
    missing = sorted(name for name, task in declared.items() if task.required and name not in given)  # type: ignore[attr-defined]
    # A resumed run has its parameters on record.
    if missing and options.get("resume_run") is None:
        raise ValueError(f"Flow.run did not receive the following required parameters: {', '.join(missing)}")
    return given, options
