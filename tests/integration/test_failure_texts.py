"""What went wrong, in full, is text where whoever reads the run may read it; rows and logs of others have none of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import Shell

from resultant import Flow, LocalResult, config, open_run, runs, task
from resultant.runner.recorded_runs import database

FLOW = """
from datetime import timedelta
from resultant import Flow, {imports}, task

@task(max_retries=1, retry_delay=timedelta(0))
def breaks(x):
    raise ValueError(f"the telltale of {{x}}")

with Flow("failing", result={result}) as flow:
    breaks.map([1, 2])
"""


@pytest.fixture
def homes(tmp_path: Path) -> tuple[Shell, Shell]:
    """Two homes with one database, which is in neither."""
    shells = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        shell = Shell(tmp_path / name)
        shell.environment["RESULTANT__DATABASE__URL"] = f"sqlite:///{tmp_path / 'shared.db'}"
        shells.append(shell)
    return shells[0], shells[1]


def recorded(flow: Flow, **options: Any) -> Any:
    config.flows.checkpointing = True
    assert flow.run(**options).is_failed()
    return open_run(runs()[0].id)


def test_a_text_begins_with_the_users_own_code(tmp_path: Path) -> None:
    @task(timeout=60, log_stdout=True)
    def breaks() -> None:
        raise ValueError("told")

    with Flow("text", result=LocalResult(dir=str(tmp_path / "results"))) as flow:
        breaks()

    text = recorded(flow)["breaks"].failure

    lines = text.splitlines()
    assert lines[:3] == [
        "Error during execution of task: ValueError('told')",
        "",
        "Traceback (most recent call last):",
    ]
    assert lines[3].startswith(f'  File "{__file__}"')
    assert lines[-1] == "ValueError: told"
    assert "" not in lines[3:]


def test_no_two_task_runs_share_a_text(tmp_path: Path) -> None:
    @task
    def breaks(x: int) -> None:
        raise ValueError(f"told of {x}")

    with Flow("texts", result=LocalResult(dir=str(tmp_path))) as flow:
        breaks(1, task_args={"slug": "a b"})
        breaks(2, task_args={"slug": "a/b"})
        breaks(3, task_args={"slug": "a_b"})
        breaks.map([4, 5], task_args={"slug": "a-1"})
        breaks(6, task_args={"slug": "a-1-1"})
        breaks(7, task_args={"slug": "a-1[1]"})
        breaks(8, task_args={"slug": ".."})

    run = recorded(flow)

    told = {slug: run[slug].failure for slug in ("a b", "a/b", "a_b", "a-1-1", "a-1[1]", "..")}
    told |= {"child 0": run["a-1"][0].failure, "child 1": run["a-1"][1].failure}
    numbers = {"a b": 1, "a/b": 2, "a_b": 3, "child 0": 4, "child 1": 5, "a-1-1": 6, "a-1[1]": 7, "..": 8}
    for name, number in numbers.items():
        assert f"told of {number}\n" in told[name], name


@pytest.mark.parametrize("run_id", ["../../outside", "..", "/tmp/outside", "a/b"])
def test_no_id_of_a_run_leads_out_of_the_home(run_id: str, tmp_path: Path) -> None:
    @task
    def breaks() -> None:
        raise ValueError("told")

    with Flow("id", result=LocalResult(dir=str(tmp_path / "results"))) as flow:
        breaks()

    run = recorded(flow, flow_run_id=run_id)

    text = Path(run["breaks"].row.text)
    assert text.parent.parent == Path(config.home_dir) / "failures"
    assert ".." not in text.parts
    assert "told" in run["breaks"].failure


def test_a_database_elsewhere_has_the_texts_beside_the_results(homes: tuple[Shell, Shell], tmp_path: Path) -> None:
    one, two = homes
    results = tmp_path / "results"
    one.write("failing.py", FLOW.format(imports="LocalResult", result=f"LocalResult(dir={str(results)!r})"))
    run = one.run("failing.py", status=1)

    shown = two("runs", "show", run)

    assert "ValueError: the telltale of 2" in shown.out
    assert 'failing.py", line 7, in breaks' in shown.out
    assert b"telltale" not in b"".join(path.read_bytes() for path in tmp_path.glob("shared.db*") if path.is_file())
    texts = list((results / ".resultant" / "failures").rglob("*.txt"))
    # One of each child's two tries.
    assert len(texts) == 4
    assert two("runs", "rm", run).status == 0
    assert not [text for text in texts if text.exists()]


def test_texts_lie_in_the_bucket_of_the_results(homes: tuple[Shell, Shell], moto: Any) -> None:
    one, two = homes
    bucket = moto.new_bucket().name
    options = {"region_name": "us-east-1", "endpoint_url": f"http://127.0.0.1:{moto.port}"}
    one.write("failing.py", FLOW.format(imports="S3Result", result=f"S3Result({bucket!r}, {options!r})"))
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "testtest", "AWS_EC2_METADATA_DISABLED": "true"}
    answer = one("run", "failing.py", "--json", **keys)
    assert answer.status == 1, answer
    run = answer.json["id"]

    shown = two("runs", "show", run, **keys)
    stranger = two("runs", "show", run, AWS_EC2_METADATA_DISABLED="true")

    assert "ValueError: the telltale of 1" in shown.out
    assert "ValueError: the telltale of 2" in shown.out
    assert stranger.status == 0
    assert "telltale" not in stranger.out + stranger.err
    assert "ValueError at" in stranger.out
    listed = moto.client().list_objects_v2(Bucket=bucket)["Contents"]
    assert len(listed) == 4
    assert all(each["Key"].startswith(".resultant/failures/") for each in listed)
    # None of this is taken for something that a killed run left behind.
    assert two("fsck", "--json", **keys).status == 0
    assert two("runs", "rm", run, **keys).status == 0
    assert "Contents" not in moto.client().list_objects_v2(Bucket=bucket)


def test_a_text_that_the_store_refuses_goes_home(homes: tuple[Shell, Shell], tmp_path: Path) -> None:
    one, _ = homes
    (tmp_path / "results").write_text("a file, where a folder should be")
    one.write(
        "failing.py",
        FLOW.format(
            imports="LocalResult", result=f"LocalResult(dir={str(tmp_path / 'results')!r}, validate_dir=False)"
        ),
    )

    answer = one("run", "failing.py", "--json")

    assert answer.status == 1
    assert "The text of a failure could not be kept at" in answer.err
    assert "the telltale of 1" in one("runs", "show", answer.json["id"]).out


def test_removing_a_run_removes_the_texts_of_all_its_tries(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell.write("failing.py", FLOW.format(imports="LocalResult", result="LocalResult(dir='results')"))
    run = shell.run("failing.py", status=1)
    folder = shell.home / "failures" / run
    assert len(list(folder.iterdir())) == 4

    assert shell("runs", "rm", run).status == 0

    assert not folder.exists()
    assert folder.parent.exists()


def test_a_run_recorded_in_memory_has_its_texts_at_home(tmp_path: Path) -> None:
    config.database.url = "memory://"

    @task
    def breaks() -> None:
        raise ValueError("told")

    with Flow("memory", result=LocalResult(dir=str(tmp_path / "results"))) as flow:
        breaks()
    config.flows.checkpointing = True
    flow.run(flow_run_id="0123")

    (row,) = database().task_runs("0123")
    assert row.text is not None
    assert row.text.startswith(config.home_dir)


@pytest.mark.parametrize("executor", ["local", "threads", "processes:2"])
def test_the_place_in_the_code_is_known_whoever_ran_it(executor: str, tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    file = shell.write("failing.py", FLOW.format(imports="LocalResult", result="LocalResult(dir='results')"))
    run = shell.run("failing.py", "--executor", executor, status=1)

    shown = shell("runs", "show", run, "--json").json

    assert [each["error"] for each in shown["failures"]] == [f"ValueError at {file}:7"] * 2
    for each in shown["failures"]:
        lines = each["text"].splitlines()
        assert f'  File "{file}", line 7, in breaks' in lines
        assert '    raise ValueError(f"the telltale of {x}")' in lines


def test_the_place_is_that_in_the_users_code(tmp_path: Path) -> None:
    @task
    def reads() -> Any:
        return LocalResult(dir=str(tmp_path)).read("missing").value

    @task
    def follows(x: Any) -> Any:
        return x

    with Flow("place", result=LocalResult(dir=str(tmp_path / "results"))) as flow:
        follows(reads())

    run = recorded(flow)

    line = reads.run.__code__.co_firstlineno + 2
    assert run["reads"].error == f"MissingResultError at {__file__}:{line}"
    assert run["follows"].error == "TRIGGERFAIL"


@pytest.mark.parametrize("elsewhere", [False, True], ids=["home", "elsewhere"])
def test_texts_of_what_succeeded_in_the_end_go_with_their_run(
    elsewhere: bool, homes: tuple[Shell, Shell], tmp_path: Path
) -> None:
    shell = homes[0]
    if not elsewhere:
        del shell.environment["RESULTANT__DATABASE__URL"]
    flow = FLOW.format(imports="LocalResult", result="LocalResult(dir='results')")
    shell.write("failing.py", flow)
    run = shell.run("failing.py", status=1)
    shell.write("failing.py", flow.replace('raise ValueError(f"the telltale of {x}")', "return x"))
    assert shell("resume", run).status == 0
    root = shell.folder / "results" / ".resultant" if elsewhere else shell.home
    assert len(list((root / "failures" / run).iterdir())) == 4

    assert shell("runs", "rm", run).status == 0

    assert not (root / "failures" / run).exists()
