"""Workflows whose outputs are first-class, durable results.

Every public name is loaded when it is first used: importing this package does nothing else.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.core.annotations import flatten, mapped, unmapped
    from resultant.core.apply_map import apply_map
    from resultant.core.flow import Flow
    from resultant.core.function_task import task
    from resultant.core.parameter import DateTimeParameter, Parameter
    from resultant.core.tags import tags
    from resultant.core.task import Task
    from resultant.engine.description import result_at
    from resultant.engine.result import NoResult, Result
    from resultant.engine.results import (
        AzureResult,
        ConstantResult,
        GCSResult,
        InlineResult,
        LocalResult,
        PrefectResult,
        S3Result,
        SecretResult,
        URLResult,
    )
    from resultant.engine.serializers import (
        CompressedSerializer,
        DateTimeSerializer,
        JSONSerializer,
        MappedSerializer,
        PandasSerializer,
        PickleSerializer,
        Serializer,
    )
    from resultant.executors import Executor, LocalDaskExecutor, LocalExecutor, ProcessExecutor, ThreadExecutor
    from resultant.reading import open_run, runs
    from resultant.records import ResultRecord
    from resultant.runtime import context, get_logger
    from resultant.settings import config, set_temporary_config
    from resultant.tasks.control_flow import case, ifelse, merge, switch  # type: ignore[no-redef]
    from resultant.tasks.resource_manager import resource_manager

__version__ = "0.1.0"

_NAMES = {
    "resultant.core.annotations": ("flatten", "mapped", "unmapped"),
    "resultant.core.apply_map": ("apply_map",),
    "resultant.core.flow": ("Flow",),
    "resultant.core.function_task": ("task",),
    "resultant.core.parameter": ("DateTimeParameter", "Parameter"),
    "resultant.core.tags": ("tags",),
    "resultant.core.task": ("Task",),
    "resultant.engine.description": ("result_at",),
    "resultant.engine.result": ("NoResult", "Result"),
    "resultant.engine.results": (
        "AzureResult",
        "ConstantResult",
        "GCSResult",
        "InlineResult",
        "LocalResult",
        "PrefectResult",
        "S3Result",
        "SecretResult",
        "URLResult",
    ),
    "resultant.engine.serializers": (
        "CompressedSerializer",
        "DateTimeSerializer",
        "JSONSerializer",
        "MappedSerializer",
        "PandasSerializer",
        "PickleSerializer",
        "Serializer",
    ),
    "resultant.executors": ("Executor", "LocalDaskExecutor", "LocalExecutor", "ProcessExecutor", "ThreadExecutor"),
    "resultant.reading": ("open_run", "runs"),
    "resultant.records": ("ResultRecord",),
    "resultant.runtime": ("context", "get_logger"),
    "resultant.settings": ("config", "set_temporary_config"),
    "resultant.tasks.control_flow": ("case", "ifelse", "merge", "switch"),
    "resultant.tasks.resource_manager": ("resource_manager",),
}
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names}
_MODULES = (
    "core",
    "engine",
    "errors",
    "executors",
    "reading",
    "records",
    "runtime",
    "settings",
    "stores",
    "tasks",
    "testing",
    "triggers",
)

__all__ = [
    "AzureResult",
    "CompressedSerializer",
    "ConstantResult",
    "DateTimeParameter",
    "DateTimeSerializer",
    "Executor",
    "Flow",
    "GCSResult",
    "InlineResult",
    "JSONSerializer",
    "LocalDaskExecutor",
    "LocalExecutor",
    "LocalResult",
    "MappedSerializer",
    "NoResult",
    "PandasSerializer",
    "Parameter",
    "PickleSerializer",
    "PrefectResult",
    "ProcessExecutor",
    "Result",
    "ResultRecord",
    "S3Result",
    "SecretResult",
    "Serializer",
    "Task",
    "ThreadExecutor",
    "URLResult",
    "__version__",
    "apply_map",
    "case",
    "config",
    "context",
    "flatten",
    "get_logger",
    "ifelse",
    "mapped",
    "merge",
    "open_run",
    "resource_manager",
    "result_at",
    "runs",
    "set_temporary_config",
    "switch",
    "tags",
    "task",
    "unmapped",
]


def __getattr__(name: str) -> object:
    module = _MODULE_OF.get(name)
    if module is None:
        if name in _MODULES:
            return __import__(f"{__name__}.{name}", fromlist=[name])
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(__import__(module, fromlist=[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted((*__all__, *_MODULES))
