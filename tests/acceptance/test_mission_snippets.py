"""Each Python snippet of the document that the project is built from, run as a script in a fresh process with an empty home.

The snippets stand here as the document has them. Natively the module's name is changed; under the alias nothing is.
What the document shows as output is compared with what comes out, except where it shows a path or a time.
"""

from __future__ import annotations

import ast
import doctest
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# What a type and a value look like at the prompt that the document shows (IPython's).
PROMPT = """
def show(value):
    if value is None:
        return
    if isinstance(value, type):
        print(value.__qualname__ if value.__module__ == "builtins" else f"{value.__module__}.{value.__qualname__}")
    else:
        print(repr(value))
"""

ADD = """
from prefect import Flow, task

@task
def add(x, y):
    return x + y

with Flow("sum") as flow:
    add(add(0, 1), 0)
"""

MY_TASK = """
from prefect import Flow, task
from prefect.engine.results import LocalResult

@task(result=LocalResult(dir='~/Desktop/HelloWorld/results'))
def my_task():
    return 3
"""

RUN_MY_TASK = """
with Flow("hello-world") as flow:
    first_result = my_task()

state = flow.run()
"""

PREFECT_RESULT_TASK = MY_TASK.replace("LocalResult(dir='~/Desktop/HelloWorld/results')", "PrefectResult()").replace(
    "LocalResult", "PrefectResult"
)

TYPES = """
>>> type(state._result)
prefect.engine.result.Result
>>> type(state._result.value)
dict
>>> type(state.result)
dict
"""

INTERACTING = """
>>> task_ref = flow.get_tasks()[0]
>>> state = flow.run()
>>> state._result.value
{<Task: add>: <Success: "Task run succeeded.">,
 <Task: add>: <Success: "Task run succeeded.">}
>>> state.result
{<Task: add>: <Success: "Task run succeeded.">,
 <Task: add>: <Success: "Task run succeeded.">}
>>> state.result[task_ref]._result
<Result: 1>
"""

S3_TASK = """
from prefect import Flow, task
from prefect.engine.results import S3Result

@task
def my_task():
    s3_result = S3Result(bucket='bucket_of_models')
    my_saved_model_result = s3_result.read(location='model.pickle')
    my_model = my_saved_model_result.value
    # ...
"""

VALUE_AND_LOCATION = """
>>> state.result[first_result]._result.value
3
>>> state.result[first_result]._result.location
'...'
"""

FILE_CONTENT = r"""
>>> f = open(state.result[first_result]._result.location, 'rb')
>>> content = f.read()
>>> content
b'\x80\x05K\x03.'
>>> import cloudpickle
>>> cloudpickle.loads(content)
3
"""

JSON_LOCATION = """
>>> state.result[first_result]._result.value
3
>>> state.result[first_result]._result.location
'3'
"""

MY_SERIALIZER = """
class MySerializer(prefect.engine.serializers.Serializer):

    def serialize(self, value: Any) -> bytes:
        # transform a Python object into bytes
        pass

    def deserialize(self, value: bytes) -> Any:
        # recover a Python object from bytes
        pass
"""

RESULT_WITH_SERIALIZER = """
Result(serializer=MySerializer())
"""

TEMPLATES = """
from prefect import task, Flow
from prefect.engine.results import LocalResult


@task(result=LocalResult(location="initial_data.prefect"))
def root_task():
    return [1, 2, 3]

@task(result=LocalResult(location="{date:%A}/{task_name}.prefect"))
def downstream_task(x):
    return [i * 10 for i in x]

with Flow("local-results") as flow:
    downstream_task(root_task)
"""


class World:
    """A folder to run scripts in, under one of the two names."""

    def __init__(self, module: str, home: Path) -> None:
        self.module = module
        self.home = home
        self.checkpointing = {f"{module.upper()}__FLOWS__CHECKPOINTING": "true"}

    def named(self, text: str) -> str:
        """Change the module's name, but not the ending of a file."""
        return re.sub(r"(?<![.\w/])prefect\b", self.module, text)

    def run(self, *parts: str, env: dict[str, str] | None = None, expect_failure: bool = False) -> str:
        """Run the parts as one script; return what it printed, or what it complained about."""
        script = self.home / "script.py"
        script.write_text("\n".join(self.named(as_code(part)) for part in (PROMPT, *parts)))
        alias = ["-m", "resultant.compat.prefect"] if self.module == "prefect" else []
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("RESULTANT__", "PREFECT__", "PYTHON"))}
        done = subprocess.run(
            [sys.executable, "-W", "error", *alias, str(script)],
            env=clean | {"HOME": str(self.home)} | (env or {}),
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode != 0) == expect_failure, done.stdout + done.stderr
        return done.stderr if expect_failure else done.stdout

    def check(self, session: str, printed: str) -> None:
        """What the session shows is what was printed; the classes are the same ones under either name."""
        wanted = "".join(line + "\n" for line in session.strip().splitlines() if not line.startswith(">>>"))
        wanted = re.sub(r"(?<![.\w/])prefect\b", "resultant", wanted)
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        assert doctest.OutputChecker().check_output(wanted, printed, flags), f"wanted\n{wanted}\ngot\n{printed}"


def as_code(text: str) -> str:
    """Turn a session at the prompt into statements that print the same; leave plain code as it is."""
    if ">>>" not in text:
        return text
    lines = []
    for line in text.splitlines():
        if not line.startswith(">>> "):
            continue
        statement = line.removeprefix(">>> ")
        node = ast.parse(statement).body[0]
        lines.append(f"show({statement})" if isinstance(node, ast.Expr) else statement)
    return "\n".join(lines)


@pytest.fixture(params=["resultant", "prefect"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    return World(request.param, tmp_path)


def test_types_of_an_unconfigured_flow(world: World) -> None:
    world.check(TYPES, world.run(ADD, "state = flow.run()", TYPES))
    assert not (world.home / ".resultant").exists()


def test_interacting_with_task_results(world: World) -> None:
    # `get_tasks()[0]` need not be the inner task (tasks are a set in the document's day): both return 1 here.
    world.check(INTERACTING, world.run(ADD, INTERACTING))


def test_a_result_of_ones_own_in_s3(world: World, moto: Any) -> None:
    client = moto.client()
    if not any(bucket["Name"] == "bucket_of_models" for bucket in client.list_buckets()["Buckets"]):
        client.create_bucket(Bucket="bucket_of_models")
    client.put_object(Bucket="bucket_of_models", Key="model.pickle", Body=pickle.dumps({"weights": [1, 2]}))
    machine = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "testtest",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{moto.port}",
    }
    # What stands in the place of the comment tells what was read.
    told = S3_TASK.replace("# ...", "print(my_model, my_saved_model_result.location)")
    run = "with Flow('models') as flow:\n    my_task()\nassert flow.run().is_successful()"
    assert world.run(told, run, env=machine) == "{'weights': [1, 2]} model.pickle\n"
    client.delete_object(Bucket="bucket_of_models", Key="model.pickle")
    refused = world.run(S3_TASK, "my_task.run()", env=machine, expect_failure=True)
    assert "MissingResultError" in refused.splitlines()[-1]


def test_a_task_with_a_local_result(world: World) -> None:
    world.run(
        MY_TASK, "assert my_task.run() == 3", RUN_MY_TASK, "assert state.is_successful()", env=world.checkpointing
    )
    (file,) = (world.home / "Desktop/HelloWorld/results").iterdir()
    assert file.read_bytes() == pickle.dumps(3, 5)


def test_value_and_location_of_a_local_result(world: World) -> None:
    printed = world.run(MY_TASK, RUN_MY_TASK, VALUE_AND_LOCATION, env=world.checkpointing)
    world.check(VALUE_AND_LOCATION, printed)
    folder = re.escape(str(world.home / "Desktop/HelloWorld/results"))
    # e.g. resultant-result-2020-02-23t18-38-40-381223-00-00, and something random after it
    name = r"resultant-result-\d{4}-\d\d-\d\dt\d\d-\d\d-\d\d-\d{6}-00-00.*[0-9a-z]{4,}"
    assert re.fullmatch(rf"'{folder}/{name}'", printed.splitlines()[1])


def test_the_file_is_a_cloudpickle(world: World) -> None:
    world.check(FILE_CONTENT, world.run(MY_TASK, RUN_MY_TASK, FILE_CONTENT, env=world.checkpointing))


def test_a_prefect_result_is_its_location(world: World) -> None:
    world.check(JSON_LOCATION, world.run(PREFECT_RESULT_TASK, RUN_MY_TASK, JSON_LOCATION, env=world.checkpointing))


def test_a_serializer_after_the_template(world: World) -> None:
    checks = """
    assert issubclass(MySerializer, prefect.engine.serializers.Serializer)
    assert MySerializer().serialize(1) is None and MySerializer().deserialize(b"") is None
    """
    world.run("import prefect\nfrom typing import Any", MY_SERIALIZER, _dedent(checks))


def test_a_result_takes_the_serializer(world: World) -> None:
    before = "import prefect\nfrom typing import Any\nfrom prefect.engine.result import Result"
    made = RESULT_WITH_SERIALIZER.strip()
    world.run(before, MY_SERIALIZER, RESULT_WITH_SERIALIZER, f"assert type({made}.serializer) is MySerializer")


def test_a_serializer_after_the_template_is_used_by_the_pipeline(world: World) -> None:
    filled_in = MY_SERIALIZER.replace("pass", "return value[::-1].encode()", 1).replace(
        "pass", "return value.decode()[::-1]"
    )
    flow = """
    from prefect import Flow, task
    from prefect.engine.results import LocalResult

    @task(result=LocalResult(location="word.txt", serializer=MySerializer()))
    def word():
        return "stressed"

    with Flow("backwards") as flow:
        ref = word()
    state = flow.run()
    where = state.result[ref]._result.location
    assert open(where).read() == "desserts"
    assert LocalResult(serializer=MySerializer()).read(where).value == "stressed"
    """
    world.run("import prefect\nfrom typing import Any", filled_in, _dedent(flow), env=world.checkpointing)


def test_locations_literal_and_by_the_day_of_the_week(world: World) -> None:
    run = """
    state = flow.run()
    assert state.is_successful(), state
    print(flow.get_tasks("downstream_task")[0].name, state.result[flow.get_tasks("root_task")[0]].result)
    """
    assert world.run(TEMPLATES, _dedent(run), env=world.checkpointing) == "downstream_task [1, 2, 3]\n"
    folder = world.home / ".resultant" / "results"
    assert pickle.loads((folder / "initial_data.prefect").read_bytes()) == [1, 2, 3]
    (other,) = folder.glob("*/*")
    assert other.parent.name in {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
    assert other.name == "downstream_task.prefect"
    assert pickle.loads(other.read_bytes()) == [10, 20, 30]


# ------------------------------------------------------------------------------------ what the document says in its text


def test_the_switch_is_off_by_default(world: World) -> None:
    # The one warning that a configured result will not be written must not end the script here.
    quiet = "import warnings; warnings.simplefilter('ignore')"
    world.check("'3'\n'None'", world.run(quiet, MY_TASK, RUN_MY_TASK, "r = state.result[first_result]._result", _SHOW))
    assert not (world.home / "Desktop").exists()


_SHOW = "show(str(r.value)); show(str(r.location))"


@pytest.mark.parametrize("how", ["checkpoint", "setting"])
def test_neither_result_is_used_when_the_task_or_the_setting_says_no(world: World, how: str) -> None:
    task = MY_TASK.replace("@task(", "@task(checkpoint=False, ") if how == "checkpoint" else MY_TASK
    setting = "import prefect; prefect.config.tasks.checkpointing = False" if how == "setting" else ""
    quiet = "import warnings; warnings.simplefilter('ignore')"
    printed = world.run(
        quiet, task, setting, RUN_MY_TASK, "r = state.result[first_result]._result", _SHOW, env=world.checkpointing
    )
    assert printed == "'3'\n'None'\n"
    assert not (world.home / "Desktop").exists()


def test_a_task_level_result_beats_the_flow_level_one(world: World) -> None:
    flow = """
    @task
    def other():
        return 4

    with Flow("hierarchy", result=LocalResult(dir="~/flow-level")) as flow:
        mine, its = my_task(), other()
    state = flow.run()
    show(state.result[mine]._result.location.split("/")[-2])
    show(state.result[its]._result.location.split("/")[-2])
    """
    assert world.run(MY_TASK, _dedent(flow), env=world.checkpointing) == "'results'\n'flow-level'\n"


def test_parameters_always_use_the_prefect_result(world: World) -> None:
    flow = """
    from prefect import Flow, Parameter
    from prefect.engine.results import LocalResult, PrefectResult

    with Flow("parameters", result=LocalResult()) as flow:
        p = Parameter("p", default=7)
        p + 1
    state = flow.run()
    assert type(state.result[p]._result) is PrefectResult
    show(state.result[p]._result.location)
    """
    assert world.run(_dedent(flow), env=world.checkpointing) == "'7'\n"


def test_no_result_is_not_a_result_of_none(world: World) -> None:
    flow = """
    from prefect.engine.result import NoResult, Result
    from prefect.engine.state import Pending, Success

    assert Pending()._result == NoResult
    assert Success(result=Result(value=None))._result != NoResult
    assert NoResult != Result()
    """
    world.run(_dedent(flow))


def test_the_four_members_of_every_persistent_result(world: World) -> None:
    flow = """
    from prefect.engine.results import LocalResult

    result = LocalResult(dir="~/data", location="{name}.bin")
    assert result.location == "{name}.bin"
    written = result.write({"a": 1}, name="x")
    assert written.location.endswith("/data/x.bin") and result.location == "{name}.bin"
    assert result.exists("x.bin") and not result.exists("y.bin")
    assert result.read("x.bin").value == {"a": 1}
    """
    world.run(_dedent(flow))


def _dedent(text: str) -> str:
    import textwrap

    return textwrap.dedent(text)
