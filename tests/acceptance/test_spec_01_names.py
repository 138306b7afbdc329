"""Every module and name that flows written for Prefect 1 import, under the alias in a fresh process (SPEC 1)."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

NAMES = {
    "prefect": "Flow Task Parameter task tags case apply_map mapped unmapped flatten resource_manager context config "
    "__version__ core engine executors triggers tasks utilities configuration exceptions",
    "prefect.core": "Flow Task Parameter Edge",
    "prefect.core.flow": "Flow",
    "prefect.core.task": "Task",
    "prefect.core.parameter": "Parameter DateTimeParameter",
    "prefect.core.edge": "Edge",
    "prefect.engine": "FlowRunner TaskRunner get_default_executor_class get_default_flow_runner_class "
    "get_default_task_runner_class",
    "prefect.engine.result": "Result NoResult NoResultType",
    "prefect.engine.result.base": "Result NoResult NoResultType ResultNotImplementedError",
    "prefect.engine.results": "ConstantResult LocalResult PrefectResult SecretResult",
    "prefect.engine.results.constant_result": "ConstantResult",
    "prefect.engine.results.local_result": "LocalResult",
    "prefect.engine.results.prefect_result": "PrefectResult",
    "prefect.engine.results.secret_result": "SecretResult",
    "prefect.engine.serializers": "Serializer PickleSerializer JSONSerializer DateTimeSerializer PandasSerializer "
    "CompressedSerializer",
    "prefect.engine.cache_validators": "never_use duration_only all_inputs all_parameters partial_inputs_only "
    "partial_parameters_only",
    "prefect.engine.signals": "PrefectStateSignal FAIL TRIGGERFAIL VALIDATIONFAIL SUCCESS RETRY SKIP PAUSE LOOP ENDRUN "
    "signal_from_state",
    "prefect.engine.state": "State Pending Scheduled Paused Resume Retrying Running Cancelling Finished Success Cached "
    "Mapped Skipped Failed TriggerFailed TimedOut ValidationFailed Cancelled Looped _MetaState Submitted Queued "
    "ClientFailed",
    "prefect.engine.runner": "Runner ENDRUN",
    "prefect.engine.task_runner": "TaskRunner ENDRUN",
    "prefect.engine.flow_runner": "FlowRunner ENDRUN",
    "prefect.exceptions": "PrefectSignal TaskTimeoutSignal PrefectException",
    "prefect.executors": "Executor LocalExecutor LocalDaskExecutor",
    "prefect.executors.dask": "LocalDaskExecutor",
    "prefect.triggers": "all_successful all_failed any_successful any_failed all_finished always_run manual_only "
    "not_all_skipped some_failed some_successful",
    "prefect.tasks.core.constants": "Constant",
    "prefect.tasks.core.function": "FunctionTask",
    "prefect.tasks.core.collections": "List Tuple Set Dict",
    "prefect.tasks.core.operators": "Add Sub Mul Div FloorDiv Mod Pow And Or Not Equal NotEqual LessThan "
    "LessThanOrEqual GreaterThan GreaterThanOrEqual GetItem GetAttr",
    "prefect.tasks.core.resource_manager": "ResourceManager resource_manager",
    "prefect.tasks.control_flow": "case switch ifelse merge FilterTask",
    "prefect.tasks.control_flow.conditional": "CompareValue Merge",
    "prefect.tasks.control_flow.filter": "FilterTask",
    "prefect.tasks.secrets": "PrefectSecret EnvVarSecret",
    "prefect.utilities.configuration": "set_temporary_config",
    "prefect.utilities.context": "Context",
    "prefect.utilities.collections": "DotDict as_nested_dict merge_dicts",
    "prefect.utilities.debug": "raise_on_exception",
    "prefect.utilities.edges": "EdgeAnnotation mapped unmapped flatten",
    "prefect.utilities.tasks": "task tags as_task apply_map pause_task defaults_from_attrs",
    "prefect.utilities.logging": "get_logger",
    "prefect.configuration": "load_configuration",
}
SCRIPT = """
import importlib, sys
import resultant.compat.prefect
names = {names!r}
import prefect
missing = []
for word in "core engine executors triggers tasks utilities configuration exceptions".split():
    if getattr(prefect, word, None) is None:
        missing.append(word)
for module, words in names.items():
    found = importlib.import_module(module)
    assert found is sys.modules[module]
    missing += [module + "." + word for word in words.split() if not hasattr(found, word)]
    exec("from " + module + " import " + ", ".join(words.split()))
    value = prefect
    for part in module.split(".")[1:]:
        value = getattr(value, part)
    assert value is found, module

from prefect.exceptions import PrefectException, PrefectSignal, TaskTimeoutSignal
from prefect.engine.result.base import ResultNotImplementedError
from prefect.engine.signals import ENDRUN, FAIL, PrefectStateSignal
assert issubclass(PrefectSignal, BaseException) and not issubclass(PrefectSignal, Exception)
assert issubclass(TaskTimeoutSignal, PrefectSignal) and issubclass(PrefectException, Exception)
assert issubclass(PrefectStateSignal, PrefectSignal) and issubclass(FAIL, PrefectStateSignal)
assert issubclass(ResultNotImplementedError, NotImplementedError)
assert prefect.engine.runner.ENDRUN is ENDRUN is prefect.engine.task_runner.ENDRUN is prefect.engine.flow_runner.ENDRUN
assert prefect.core.Flow is prefect.Flow is prefect.core.flow.Flow
print(missing)
"""


@pytest.fixture
def clean(tmp_path):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "RESULTANT_"))}
    return {**environment, "HOME": str(tmp_path)}


def test_every_name_is_there(clean, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT.format(names=NAMES)],
        cwd=tmp_path,
        env=clean,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("from prefect.executors.dask import DaskExecutor", "LocalDaskExecutor"),
    ],
)
def test_what_comes_later_says_so(clean, tmp_path, statement, words):
    """On the list of what is not followed: `DaskExecutor`."""
    done = subprocess.run(
        [sys.executable, "-c", f"import resultant.compat.prefect\n{statement}\n"],
        cwd=tmp_path,
        env=clean,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert words in done.stderr.splitlines()[-1]


def test_native_paths():
    """Those that the mission document names exist without the alias."""
    import resultant
    from resultant.engine.results import LocalResult, PrefectResult
    from resultant.engine.serializers import Serializer

    assert resultant.engine.serializers.Serializer is Serializer is resultant.Serializer
    assert resultant.LocalResult is LocalResult
    assert resultant.PrefectResult is PrefectResult is resultant.InlineResult
    assert resultant.engine.result.Result is resultant.Result
    assert resultant.engine.state.Success
    assert resultant.engine.signals.FAIL
    assert resultant.config.tasks.checkpointing is True


def test_everything_at_once_leaves_out_what_comes_later(clean, tmp_path):
    text = """
import resultant.compat.prefect
from prefect.engine.results import *
from prefect.executors import *
from prefect.engine.state import *
from prefect.engine.signals import *
from prefect import *
print(LocalResult.__name__, LocalExecutor.__name__, Success.__name__, FAIL.__name__, Flow.__name__)
"""
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "LocalResult LocalExecutor Success FAIL Flow\n", done.stderr
