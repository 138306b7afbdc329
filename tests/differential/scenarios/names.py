"""SPEC 1: modules, names, and what pickles that name them give."""

import importlib
import pickle

import prefect

NAMES = {
    "": "Flow Task Parameter task tags case apply_map mapped unmapped flatten resource_manager context config __version__ "
    "core engine executors triggers tasks utilities configuration exceptions",
    "core": "Flow Task Parameter Edge",
    "core.flow": "Flow",
    "core.task": "Task",
    "core.parameter": "Parameter DateTimeParameter",
    "core.edge": "Edge",
    "engine": "FlowRunner TaskRunner get_default_executor_class get_default_flow_runner_class get_default_task_runner_class",
    "engine.result": "Result NoResult NoResultType",
    "engine.result.base": "Result NoResult NoResultType ResultNotImplementedError",
    "engine.results": "AzureResult ConstantResult GCSResult LocalResult PrefectResult S3Result SecretResult",
    "engine.results.local_result": "LocalResult",
    "engine.results.prefect_result": "PrefectResult",
    "engine.results.constant_result": "ConstantResult",
    "engine.results.secret_result": "SecretResult",
    "engine.results.s3_result": "S3Result",
    "engine.results.gcs_result": "GCSResult",
    "engine.results.azure_result": "AzureResult",
    "engine.serializers": "Serializer PickleSerializer JSONSerializer DateTimeSerializer PandasSerializer CompressedSerializer",
    "engine.cache_validators": "never_use duration_only all_inputs all_parameters partial_inputs_only "
    "partial_parameters_only",
    "engine.signals": "PrefectStateSignal FAIL TRIGGERFAIL VALIDATIONFAIL SUCCESS RETRY SKIP PAUSE LOOP ENDRUN "
    "signal_from_state",
    "engine.state": "State Pending Scheduled Paused Resume Retrying Running Cancelling Finished Success Cached Mapped Skipped "
    "Failed TriggerFailed TimedOut ValidationFailed Cancelled Looped _MetaState Submitted Queued ClientFailed",
    "engine.runner": "Runner ENDRUN",
    "engine.task_runner": "TaskRunner ENDRUN",
    "engine.flow_runner": "FlowRunner ENDRUN",
    "exceptions": "PrefectSignal TaskTimeoutSignal PrefectException",
    "executors": "Executor LocalExecutor LocalDaskExecutor DaskExecutor",
    "executors.dask": "LocalDaskExecutor DaskExecutor",
    "triggers": "all_successful all_failed any_successful any_failed all_finished always_run manual_only not_all_skipped "
    "some_failed some_successful",
    "tasks.core.constants": "Constant",
    "tasks.core.function": "FunctionTask",
    "tasks.core.collections": "List Tuple Set Dict",
    "tasks.core.operators": "GetItem GetAttr Add Sub Mul Div FloorDiv Pow Mod And Or Not Equal NotEqual GreaterThan "
    "GreaterThanOrEqual LessThan LessThanOrEqual",
    "tasks.core.resource_manager": "resource_manager ResourceManager ResourceInitTask ResourceSetupTask ResourceCleanupTask",
    "tasks.control_flow": "case switch ifelse merge FilterTask",
    "tasks.control_flow.case": "case",
    "tasks.control_flow.conditional": "CompareValue Merge switch ifelse merge",
    "tasks.control_flow.filter": "FilterTask",
    "tasks.secrets": "PrefectSecret EnvVarSecret",
    "tasks.secrets.base": "PrefectSecret SecretBase",
    "tasks.secrets.env_var": "EnvVarSecret",
    "configuration": "load_configuration",
    "utilities": "",
    "utilities.configuration": "set_temporary_config",
    "utilities.context": "Context",
    "utilities.collections": "DotDict as_nested_dict merge_dicts",
    "utilities.debug": "raise_on_exception",
    "utilities.edges": "EdgeAnnotation mapped unmapped flatten",
    "utilities.tasks": "task tags as_task apply_map pause_task defaults_from_attrs",
    "utilities.logging": "get_logger",
    "utilities.executors": "",
}


def all_are_there(record):
    for module, wanted in NAMES.items():
        full = f"prefect.{module}".rstrip(".")
        try:
            loaded = importlib.import_module(full)
        except ImportError as error:
            record(module, str(error))
            continue
        record(module, [name for name in wanted.split() if not _has(loaded, name)])


def _has(module, name):
    try:
        return hasattr(module, name)
    except ImportError:
        return False


def attributes_after_a_bare_import(record):
    for name in (
        "core.flow.Flow",
        "engine.state.Success",
        "engine.signals.SKIP",
        "engine.results.LocalResult",
        "engine.result.Result",
        "executors.LocalDaskExecutor",
        "triggers.all_failed",
        "utilities.collections.DotDict",
        "utilities.debug.raise_on_exception",
        "engine.cache_validators.all_inputs",
        "utilities.logging.get_logger",
        "tasks.control_flow",
        "engine.serializers.JSONSerializer",
        "exceptions.PrefectSignal",
    ):
        thing = prefect
        try:
            for part in name.split("."):
                thing = getattr(thing, part)
        except AttributeError as error:
            record(name, str(error))
        else:
            record(name, "there")


def one_object_under_every_name(record):
    from prefect.core.flow import Flow
    from prefect.engine.result.base import Result
    from prefect.tasks.core.resource_manager import resource_manager
    from prefect.utilities.edges import unmapped
    from prefect.utilities.tasks import task

    record(
        "same",
        [
            Flow is prefect.Flow,
            Result is prefect.engine.result.Result,
            unmapped is prefect.unmapped,
            task is prefect.task,
            resource_manager is prefect.resource_manager,
        ],
    )
    record("always_run", prefect.triggers.always_run is prefect.triggers.all_finished)


def pickles_by_name(record):
    def by_name(module, name):
        return b"c" + module.encode() + b"\n" + name.encode() + b"\n."

    for module, name in (
        ("prefect.engine.result.base", "Result"),
        ("prefect.engine.result", "NoResultType"),
        ("prefect.engine.results.local_result", "LocalResult"),
        ("prefect.engine.state", "Success"),
        ("prefect.engine.serializers", "PickleSerializer"),
        ("prefect.core.flow", "Flow"),
        ("prefect.core.task", "Task"),
        ("prefect.core.edge", "Edge"),
        ("prefect.triggers", "all_successful"),
        ("prefect.tasks.core.function", "FunctionTask"),
        ("prefect.tasks.core.constants", "Constant"),
        ("prefect.core.parameter", "Parameter"),
        ("prefect.engine.signals", "FAIL"),
        ("prefect.engine.cache_validators", "never_use"),
        ("prefect.executors.local", "LocalExecutor"),
        ("prefect.executors.dask", "LocalDaskExecutor"),
    ):
        record("found", pickle.loads(by_name(module, name)).__name__)


def version(record):
    record("kind", type(prefect.__version__).__name__)


def module_of_a_missing_name(record):
    with record.error("attribute", AttributeError):
        prefect.nothing_of_that_name
    with record.error("import", ImportError):
        importlib.import_module("prefect.nothing_of_that_name")
    with record.error("from", ImportError):
        exec("from prefect.engine.state import NothingOfThatName")
