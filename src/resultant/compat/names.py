"""The names of Prefect 1 and where this package keeps what they mean. Data only.

Each entry of :data:`MODULES` is a module below ``prefect`` (``""`` is the package itself) with the modules here that
provide its names: words are names, ``old=new`` is a name that differs here, ``*`` is every public name.
"""

from __future__ import annotations

__all__ = ["ABSENT", "ABSENT_NAMES", "MODULES", "VERSION"]

#: The release whose behaviour the alias has; scripts compare it.
VERSION = "1.4.1"

_TASKS = {
    "resultant.core.function_task": "task",
    "resultant.core.tags": "tags",
    "resultant.core.as_task": "as_task",
    "resultant.core.apply_map": "apply_map",
    "resultant.core.pause_task": "pause_task",
    "resultant.core.defaults_from_attrs": "defaults_from_attrs",
    "resultant.core.annotations": "flatten mapped unmapped",
}
_EXECUTORS = {"resultant.executors": "Executor LocalDaskExecutor LocalExecutor"}
_RESULT = {
    "resultant.engine.result": "NoResult NoResultType Result",
    "resultant.errors": "ResultNotImplementedError",
}
_CONDITIONAL = {"resultant.tasks.control_flow.conditional": "CompareValue Merge ifelse merge switch"}

MODULES: dict[str, dict[str, str]] = {
    "": {
        "resultant.core.flow": "Flow",
        "resultant.core.task": "Task",
        "resultant.core.parameter": "Parameter",
        "resultant.core.function_task": "task",
        "resultant.core.tags": "tags",
        "resultant.core.apply_map": "apply_map",
        "resultant.core.annotations": "flatten mapped unmapped",
        "resultant.tasks.control_flow": "case",
        "resultant.tasks.resource_manager": "resource_manager",
        "resultant.runtime": "context",
        "resultant.settings": "config",
        "resultant.compat.names": "__version__=VERSION",
    },
    "core": {
        "resultant.core.flow": "Flow",
        "resultant.core.task": "Task",
        "resultant.core.parameter": "Parameter",
        "resultant.core.edge": "Edge",
    },
    "core.flow": {"resultant.core.flow": "Flow"},
    "core.task": {"resultant.core.task": "Task"},
    "core.parameter": {"resultant.core.parameter": "DateTimeParameter Parameter no_default"},
    "core.edge": {"resultant.core.edge": "Edge"},
    "engine": {
        "resultant.compat.flow_runner": "FlowRunner",
        "resultant.compat.task_runner": "TaskRunner",
        "resultant.compat.classes": (
            "get_default_executor_class get_default_flow_runner_class get_default_task_runner_class"
        ),
    },
    "engine.result": _RESULT,
    "engine.result.base": _RESULT,
    "engine.results": {
        "resultant.engine.results": (
            "AzureResult ConstantResult GCSResult LocalResult PrefectResult S3Result SecretResult"
        )
    },
    "engine.results.azure_result": {"resultant.engine.results": "AzureResult"},
    "engine.results.constant_result": {"resultant.engine.results": "ConstantResult"},
    "engine.results.gcs_result": {"resultant.engine.results": "GCSResult"},
    "engine.results.local_result": {"resultant.engine.results": "LocalResult"},
    "engine.results.prefect_result": {"resultant.engine.results": "PrefectResult"},
    "engine.results.s3_result": {"resultant.engine.results": "S3Result"},
    "engine.results.secret_result": {"resultant.engine.results": "SecretResult"},
    "engine.serializers": {"resultant.engine.serializers": "*"},
    "engine.cache_validators": {"resultant.engine.cache_validators": "*"},
    "engine.signals": {
        "resultant.engine.signals": "* PrefectStateSignal=ResultantStateSignal PrefectSignal=Signal",
    },
    "engine.state": {"resultant.engine.state": "* _MetaState"},
    "engine.runner": {"resultant.compat.runner": "Runner", "resultant.engine.signals": "ENDRUN"},
    "engine.task_runner": {"resultant.compat.task_runner": "TaskRunner", "resultant.engine.signals": "ENDRUN"},
    "engine.flow_runner": {"resultant.compat.flow_runner": "FlowRunner", "resultant.engine.signals": "ENDRUN"},
    "engine.executors": _EXECUTORS,
    "exceptions": {
        "resultant.engine.signals": "PrefectSignal=Signal TaskTimeoutSignal",
        "resultant.errors": "PrefectException=ResultantError",
    },
    "executors": _EXECUTORS,
    "executors.base": {"resultant.executors": "Executor"},
    "executors.local": {"resultant.executors": "LocalExecutor"},
    "executors.dask": {"resultant.executors": "LocalDaskExecutor"},
    "triggers": {"resultant.triggers": "*"},
    "tasks": {},
    "tasks.core": {},
    "tasks.core.constants": {"resultant.core.constants": "Constant"},
    "tasks.core.function": {"resultant.core.function_task": "FunctionTask"},
    "tasks.core.collections": {"resultant.core.collections": "Dict List Set Tuple"},
    "tasks.core.operators": {"resultant.core.operators": "*"},
    "tasks.core.resource_manager": {
        "resultant.tasks.resource_manager": "* ResourceContext=ResourceBlock resource_cleanup_trigger=cleanup_trigger",
    },
    "tasks.control_flow": {
        "resultant.tasks.control_flow.case": "case",
        "resultant.tasks.control_flow.conditional": "ifelse merge switch",
        "resultant.tasks.control_flow.filter": "FilterTask",
    },
    "tasks.control_flow.case": {"resultant.tasks.control_flow.case": "case"},
    "tasks.control_flow.conditional": _CONDITIONAL,
    "tasks.control_flow.filter": {"resultant.tasks.control_flow.filter": "FilterTask"},
    "tasks.secrets": {"resultant.tasks.secrets": "EnvVarSecret PrefectSecret"},
    "tasks.secrets.base": {"resultant.tasks.secrets": "PrefectSecret Secret SecretBase=Secret"},
    "tasks.secrets.env_var": {"resultant.tasks.secrets": "EnvVarSecret"},
    "configuration": {"resultant.compat.configuration": "*", "resultant.settings": "config Config"},
    "utilities": {},
    "utilities.collections": {"resultant.compat.dot_dict": "DotDict as_nested_dict merge_dicts"},
    "utilities.configuration": {"resultant.settings": "set_temporary_config"},
    "utilities.context": {"resultant.compat.context": "Context", "resultant.runtime": "context"},
    "utilities.debug": {"resultant.compat.debug": "is_serializable raise_on_exception"},
    "utilities.edges": {"resultant.core.annotations": "EdgeAnnotation flatten mapped unmapped"},
    "utilities.executors": {},
    "utilities.logging": {"resultant.runtime": "get_logger"},
    "utilities.tasks": _TASKS,
}

_FLOW = "start the flow with a command, from cron or a systemd timer or whatever runs commands"
_STATES = "states and results are with the flow run that `flow.run()` returns"

#: What there was and is not here: module below ``prefect``, and what to do instead.
ABSENT: dict[str, str] = {
    "agent": f"there are no agents: {_FLOW}",
    "artifacts": "there are no artifacts: store what a task made as its result",
    "backend": f"there is no backend to ask: {_STATES}",
    "cli": "the command is `resultant`, or `python -m resultant.compat.prefect FILE` for a script",
    "client": "there is no client for a Prefect backend; secrets come from `prefect.tasks.secrets` or the context",
    "engine.cloud": "there is no cloud to run under: `flow.run()` runs a flow wherever it is called",
    "hello_world": "write a flow of your own",
    "run_configs": f"there are no run configurations: {_FLOW}, and choose an `executor`",
    "schedules": f"there are no schedules: {_FLOW}",
    "serialization": "there are no schemas for a Prefect backend; `flow.serialize()` describes a flow",
    "storage": "there is no flow storage: keep the flow in a file, and values in results",
    "tasks.prefect": f"there is no backend to start flow runs: call `flow.run()` in a task, or {_FLOW}",
    "tasks": "the task library is not here: call the library that the task wraps in a function of your own with `@task`",
    "utilities.agent": f"there are no agents: {_FLOW}",
    "utilities.backend": f"there is no backend to ask: {_STATES}",
    "utilities.graphql": f"there is no GraphQL interface: {_STATES}",
    "utilities.notifications": "there are no notifiers: call the service from a state handler of your own",
    "utilities": "it served Prefect's own code",
}

#: Single names that are not here: module below ``prefect``, name, and what to do instead.
ABSENT_NAMES: dict[str, dict[str, str]] = {
    "": {
        "Client": ABSENT["client"],
        "models": "there is no backend that has models",
        "plugins": "there are no plugins; subclass `Task`, `Result`, `Serializer` or `Executor`",
    },
    "executors": {
        "DaskExecutor": "there is no executor for a Dask cluster yet; use "
        "LocalDaskExecutor(scheduler='processes') or LocalDaskExecutor(scheduler='threads')"
    },
}
ABSENT_NAMES["executors.dask"] = ABSENT_NAMES["engine.executors"] = ABSENT_NAMES["executors"]
