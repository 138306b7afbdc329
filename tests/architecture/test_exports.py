"""The public names, written down: adding or losing one is a decision, and shows in a diff of this file."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import resultant

ROOT = Path(__file__).parents[2]

FRONT_DOOR = """
    AzureResult CompressedSerializer ConstantResult DateTimeParameter DateTimeSerializer Executor Flow GCSResult
    InlineResult JSONSerializer
    LocalDaskExecutor LocalExecutor LocalResult MappedSerializer NoResult PandasSerializer Parameter PickleSerializer
    PrefectResult ProcessExecutor Result ResultRecord S3Result SecretResult Serializer Task ThreadExecutor URLResult
    __version__ apply_map case config context flatten get_logger ifelse mapped merge open_run resource_manager result_at
    runs
    set_temporary_config switch tags task unmapped
"""

# The paths that users know, with the names that each must have. More may be there.
PATHS = {
    "resultant.engine.cache_validators": """
        all_inputs all_parameters duration_only never_use partial_inputs_only partial_parameters_only""",
    "resultant.engine.result": "NoResult NoResultType Result",
    "resultant.engine.results": """
        AzureResult ConstantResult GCSResult InlineResult LocalResult PrefectResult S3Result SecretResult URLResult""",
    "resultant.engine.serializers": """
        CompressedSerializer DateTimeSerializer JSONSerializer MappedSerializer PandasSerializer PickleSerializer
        Serializer""",
    "resultant.engine.signals": """
        ENDRUN FAIL LOOP PAUSE RETRY ResultantStateSignal SKIP SUCCESS TRIGGERFAIL VALIDATIONFAIL signal_from_state""",
    "resultant.engine.state": """
        Cached Cancelled Cancelling ClientFailed Failed Finished Looped Mapped Paused Pending Queued Resume Retrying
        Running Scheduled Skipped State Submitted Success TimedOut TriggerFailed ValidationFailed _MetaState""",
    "resultant.executors": "Executor LocalDaskExecutor LocalExecutor ProcessExecutor ThreadExecutor",
    "resultant.tasks.control_flow": "FilterTask case ifelse merge switch",
    "resultant.testing": "ExecutorTests SerializerTests StoreTests",
    "resultant.triggers": """
        all_failed all_finished all_successful always_run any_failed any_successful manual_only not_all_skipped
        some_failed some_successful""",
}


def test_the_front_door_offers_exactly_these() -> None:
    assert sorted(resultant.__all__) == sorted(FRONT_DOOR.split())


@pytest.mark.parametrize("name", FRONT_DOOR.split())
def test_each_name_at_the_front_door_opens(name: str) -> None:
    assert getattr(resultant, name) is not None
    assert name in dir(resultant)


@pytest.mark.parametrize("module", PATHS)
def test_the_paths_that_users_know(module: str) -> None:
    found = importlib.import_module(module)
    assert [name for name in PATHS[module].split() if not hasattr(found, name)] == []


def test_a_name_is_one_object_wherever_it_is_found() -> None:
    from resultant.engine import results, serializers

    assert resultant.LocalResult is results.LocalResult
    assert resultant.PrefectResult is results.PrefectResult is resultant.InlineResult
    assert resultant.Serializer is serializers.Serializer


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = resultant.nonsense


@pytest.mark.parametrize(
    "path",
    ["engine.serializers.Serializer", "engine.state.Success", "engine.results.LocalResult", "triggers.all_finished"],
)
def test_dotted_paths_work_after_a_bare_import(path: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import resultant; resultant.{path}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == resultant.__version__


def test_the_type_checker_sees_the_names_that_are_loaded_late() -> None:
    import ast

    tree = ast.parse((ROOT / "src" / "resultant" / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname or alias.name
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == set(resultant.__all__) - {"__version__"}
