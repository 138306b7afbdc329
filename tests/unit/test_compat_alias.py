"""The `prefect` alias: each test is a script of its own, because the alias holds for a whole process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.fixture
def script(tmp_path):
    """Runs a text as a script in a fresh process and returns what it printed."""

    def run(text: str, *command: str, env: dict[str, str] | None = None, status: int = 0) -> str:
        file = tmp_path / "script.py"
        file.write_text(text)
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "RESULTANT_"))
        }
        environment.update({"HOME": str(tmp_path), **(env or {})})
        done = subprocess.run(
            [sys.executable, "-W", "error", *(command or [str(file)])],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == status, done.stderr
        return done.stdout if status == 0 else done.stderr

    return run


FLOW = """
import prefect
from prefect import Flow, Parameter, task
from prefect.engine.results import LocalResult

@task(result=LocalResult(dir="store", location="{x}.pkl"))
def double(x):
    return prefect.context.get("factor", 2) * x

with Flow("f") as flow:
    double(Parameter("x", default=4))

if __name__ == "__main__":
    state = flow.run()
    print(state.message, [s.result for s in state.result.values()])
"""


def test_prefect_names_the_same_objects(script):
    out = script(
        """
import resultant.compat.prefect
import prefect, resultant
import prefect.engine.state, prefect.tasks.control_flow.case
from prefect.engine.results.local_result import LocalResult
from prefect.tasks.control_flow import case
assert prefect.Flow is resultant.Flow and prefect.task is resultant.task and prefect.context is resultant.context
assert LocalResult is resultant.LocalResult and case is resultant.case
assert prefect.engine.state.Success is resultant.engine.state.Success
assert prefect.tasks.control_flow.case is case
assert prefect.config is resultant.config
assert "Flow" in dir(prefect) and "engine" in dir(prefect)
print(prefect.__version__)
"""
    )
    assert out == "1.4.1\n"


def test_a_flow_runs_unchanged_with_its_environment_variables(script, tmp_path):
    out = script("import resultant.compat.prefect\n" + FLOW, env={"PREFECT__FLOWS__CHECKPOINTING": "true"})
    assert out == "All reference tasks succeeded. [4, 8]\n"
    assert (tmp_path / "store" / "4.pkl").exists()


def test_native_variables_go_before(script, tmp_path):
    env = {"PREFECT__FLOWS__CHECKPOINTING": "true", "RESULTANT__FLOWS__CHECKPOINTING": "false"}
    script("import resultant.compat.prefect\n" + FLOW, env=env)
    assert not (tmp_path / "store").exists()


def test_settings_of_the_program_survive_the_alias(script):
    out = script(
        """
import resultant
resultant.config.tasks.defaults.max_retries = 3
import resultant.compat.prefect
import prefect
print(prefect.config.tasks.defaults.max_retries, prefect.config.flows.checkpointing, prefect.config.templates.allow_absolute)
""",
        env={"PREFECT__FLOWS__CHECKPOINTING": "true"},
    )
    assert out == "3 True True\n"


def test_a_script_is_run_with_its_arguments(script, tmp_path):
    (tmp_path / "beside.py").write_text("WORD = 'beside'\n")
    text = "import sys, prefect, beside\nprint(sys.argv, prefect.__resultant_alias__, beside.WORD, __name__)\n"
    out = script(text, "-m", "resultant.compat.prefect", "script.py", "a", "--b")
    assert out == "['script.py', 'a', '--b'] True beside __main__\n"


def test_the_command_says_what_it_wants(script):
    assert "usage: python -m resultant.compat.prefect FILE" in script("", "-m", "resultant.compat.prefect", "--help")
    assert "usage:" in script("", "-m", "resultant.compat.prefect", status=2)
    assert "no file 'nothing.py'" in script("", "-m", "resultant.compat.prefect", "nothing.py", status=2)


def test_it_refuses_when_the_real_prefect_is_there(script, tmp_path):
    (tmp_path / "prefect.py").write_text("# somebody else's\n")
    err = script("import prefect\nimport resultant.compat.prefect\n", status=1)
    assert "The real prefect is already imported (from " in err
    assert "python -m resultant.compat.prefect FILE" in err


def test_an_installed_prefect_is_not_found_under_the_alias(script, tmp_path):
    (tmp_path / "prefect.py").write_text("raise AssertionError\n")
    assert script("import resultant.compat.prefect\nimport prefect\nprint(prefect.__resultant_alias__)\n") == "True\n"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("import prefect.schedules", "there are no schedules: start the flow with a command"),
        ("from prefect.schedules import IntervalSchedule", "there are no schedules"),
        ("from prefect.run_configs import LocalRun", "there are no run configurations"),
        ("from prefect.storage import Local", "keep the flow in a file"),
        ("from prefect import Client", "there is no client"),
        ("import prefect.agent.local", "there are no agents"),
        ("from prefect.tasks.aws.s3 import S3Upload", "the task library is not here"),
        ("from prefect.tasks.shell import ShellTask", "the task library is not here"),
        ("from prefect.utilities.graphql import with_args", "there is no GraphQL interface"),
        ("from prefect.executors import DaskExecutor", "LocalDaskExecutor"),
        ("import prefect; prefect.schedules", "there are no schedules"),
        ("import prefect; prefect.Client()", "there is no client"),
    ],
)
def test_what_is_not_here_says_so(script, statement, words):
    out = script(
        f"""
import resultant.compat.prefect
from resultant.errors import UnsupportedError
try:
    {statement}
except ImportError as error:
    assert isinstance(error, UnsupportedError)
    print(error)
"""
    )
    assert words in out


def test_unknown_names_are_ordinary_errors(script):
    out = script(
        """
import resultant.compat.prefect
import prefect
for statement in ("import prefect.nothing", "from prefect.engine.state import Nothing", "prefect.nothing"):
    try:
        exec(statement)
    except (ImportError, AttributeError) as error:
        print(type(error).__name__, hasattr(prefect, "nothing"))
"""
    )
    assert out == "ModuleNotFoundError False\nImportError False\nAttributeError False\n"


def test_importing_the_alias_imports_little(script):
    out = script(
        """
import sys
import resultant.compat.prefect
import prefect
heavy = {"pendulum", "numpy", "pandas", "rich", "cloudpickle", "asyncio", "resultant.runner", "resultant.executors"}
print(sorted(heavy & set(sys.modules)))
"""
    )
    assert out == "[]\n"


def test_dates_are_pendulums(script):
    pytest.importorskip("pendulum")
    out = script(
        """
import resultant.compat.prefect
import prefect
from prefect import Flow, task
from prefect.engine.state import Scheduled

@task
def when():
    return type(prefect.context.date).__module__.split(".")[0], prefect.context.date.add(days=1).diff(prefect.context.date).in_days()

with Flow("f") as flow:
    when()
print(*[s.result for s in flow.run().result.values()], type(Scheduled().start_time).__name__)
"""
    )
    assert out in ("('pendulum', -1) DateTime\n", "('pendulum', 1) DateTime\n")


def test_options_that_change_nothing_are_accepted(script):
    out = script(
        """
import resultant.compat.prefect
from prefect import Flow, task
with Flow("f", storage=object(), run_config=object()) as flow:
    task(lambda: 1, name="one")()
print(flow.run(run_on_schedule=False).message)
"""
    )
    assert out == "All reference tasks succeeded.\n"


def test_a_schedule_is_not_ignored(script):
    out = script(
        """
import resultant.compat.prefect
from prefect import Flow, task
from resultant.errors import UnsupportedError
with Flow("f", schedule=object()) as flow:
    task(lambda: 1, name="one")()
try:
    flow.run()
except UnsupportedError as error:
    print(error)
print(flow.run(run_on_schedule=False).message)
"""
    )
    assert out.startswith('<Flow: name="f"> has a schedule, and `flow.run()` waits for none: start the flow from cron')
    assert out.endswith("All reference tasks succeeded.\n")


def test_pickles_that_name_prefects_paths_load(script):
    def by_name(module: str, name: str) -> bytes:
        return b"c" + module.encode() + b"\n" + name.encode() + b"\n."

    pickles = [
        by_name("prefect.engine.result.base", "Result"),
        by_name("prefect.engine.results.local_result", "LocalResult"),
        by_name("prefect.engine.state", "Success"),
        by_name("prefect.tasks.core.function", "FunctionTask"),
        by_name("prefect.exceptions", "PrefectSignal"),
    ]
    text = f"import pickle\nimport resultant.compat.prefect\nprint([pickle.loads(data).__name__ for data in {pickles!r}])\n"
    assert script(text) == "['Result', 'LocalResult', 'Success', 'FunctionTask', 'Signal']\n"


def test_pickled_modules_bring_the_alias_along(script):
    script(
        """
import resultant.compat.prefect
import cloudpickle, pathlib, prefect, prefect.engine.state

def uses():
    return prefect.Flow.__module__, prefect.engine.state.Success.__name__

pathlib.Path("uses.pkl").write_bytes(cloudpickle.dumps(uses))
"""
    )
    out = script("from pathlib import Path\nimport pickle\nprint(pickle.loads(Path('uses.pkl').read_bytes())())\n")
    assert out == "('resultant.core.flow', 'Success')\n"


@pytest.mark.parametrize("executor", ["LocalDaskExecutor(scheduler='processes', num_workers=2)", "LocalDaskExecutor()"])
def test_workers_have_the_alias(script, executor):
    out = script(
        f"""
import resultant.compat.prefect
import prefect
from prefect import Flow, task, unmapped
from prefect.engine.signals import SKIP
from prefect.executors import LocalDaskExecutor

@task
def look(x, y):
    from prefect.engine.state import Success
    import prefect.engine.signals
    if x == 2:
        raise SKIP("two")
    return x, prefect.context.mine, prefect.__resultant_alias__, prefect.config.flows.checkpointing, Success.__name__

with Flow("f") as flow:
    looked = look.map([1, 2], y=unmapped(3))

state = flow.run(executor={executor}, context={{"mine": "m"}})
children = state.result[looked].map_states
print(children[0].result, type(children[1]).__name__, children[1].message)
""",
        env={"PREFECT__FLOWS__CHECKPOINTING": "true"},
    )
    assert out == "(1, 'm', True, True, 'Success') Skipped two\n"


def test_the_flag_is_readable_without_the_alias(script):
    out = script(
        """
import sys
print(getattr(sys.modules.get("prefect"), "__resultant_alias__", False))
from resultant.compat.alias import install, is_active
print(is_active())
install()
install()
print(is_active(), sys.modules["prefect"].__resultant_alias__, sum("Alias" in type(f).__name__ for f in sys.meta_path))
"""
    )
    assert out == "False\nFalse\nTrue True 1\n"


def test_the_table_names_only_what_exists():
    from importlib import import_module

    from resultant.compat.finder import _sources, _whole
    from resultant.compat.names import MODULES

    for path in MODULES:
        for module in _whole(path):
            import_module(module)
        for name, (module, there) in _sources(path).items():
            assert hasattr(import_module(module), there), f"prefect.{path}.{name}: {module} has no {there}"


def test_every_module_has_its_packages():
    from resultant.compat.names import ABSENT, MODULES

    for path in MODULES:
        assert path.rpartition(".")[0] in MODULES
    assert not set(ABSENT) & {path for path in MODULES if path not in ("tasks", "utilities")}


def test_workers_have_the_settings_of_the_run(script):
    out = script(
        """
import resultant.compat.prefect
import prefect
from prefect import Flow, task
from prefect.executors import LocalDaskExecutor
from prefect.utilities.configuration import set_temporary_config

@task
def look():
    return prefect.config.tasks.defaults.max_retries, prefect.config.templates.allow_absolute

with Flow("f") as flow:
    looked = look()

with set_temporary_config({"tasks.defaults.max_retries": 7, "templates.allow_absolute": False}):
    print(flow.run(executor=LocalDaskExecutor(scheduler="processes", num_workers=1)).result[looked].result)
"""
    )
    assert out == "(7, False)\n"
