"""Results in S3 across processes: workers, a saved flow on another machine, a resume, a cache."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import Shell

FLOW = """
import os
from datetime import timedelta
from resultant import Flow, ProcessExecutor, S3Result, ThreadExecutor, task

{result}

def note(name):
    with open("ran", "a") as file:
        file.write(name + "\\n")

@task
def first():
    note("first")
    return list(range(3))

@task(timeout=30)
def double(x):
    note(f"double {{x}}")
    return 2 * x

@task(cache_for=timedelta(hours=1))
def total(xs):
    note("total")
    if os.path.exists("broken"):
        raise ValueError("broken")
    return sum(xs)

with Flow("across", result=result) as flow:
    total(double.map(first()))

if __name__ == "__main__":
    import sys
    state = flow.run(executor={executor})
    print(state.message)
    sys.exit(not state.is_successful())
"""
IN_CODE = """
result = S3Result("{bucket}", {{"aws_access_key_id": "test", "aws_secret_access_key": "testtest", "region_name": "us-east-1",
                               "endpoint_url": "http://127.0.0.1:{port}"}})
"""
BY_NAME = 'result = S3Result(store="team-bucket")'
ON = {"RESULTANT__FLOWS__CHECKPOINTING": "true"}


def script(shell: Shell, result: str, executor: str = "None", **values: Any) -> None:
    (shell.folder / "across.py").write_text(FLOW.format(result=result.format(**values), executor=executor))


def run(shell: Shell, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=shell.folder,
        env=shell.environment | ON | environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def settings_file(shell: Shell, server: Any, bucket: str) -> None:
    shell.home.mkdir(exist_ok=True)
    (shell.home / "config.toml").write_text(
        f'[stores.team-bucket]\nurl = "s3://{bucket}/flows"\nendpoint = "http://127.0.0.1:{server.port}"\n'
        'region = "us-east-1"\naccess_key_id = "test"\nsecret_access_key = "testtest"\n'
    )


def keys_in(server: Any, bucket: str) -> list[str]:
    return [each["Key"] for each in server.client().list_objects_v2(Bucket=bucket).get("Contents", [])]


@pytest.mark.parametrize("executor", ["ProcessExecutor(2)", "ThreadExecutor(2)"])
def test_keys_in_code_reach_the_workers(seaweedfs: Any, shell: Shell, executor: str) -> None:
    bucket = seaweedfs.new_bucket().name
    script(shell, IN_CODE, executor, bucket=bucket, port=seaweedfs.port)
    done = run(shell, "across.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(keys_in(seaweedfs, bucket)) == 5


def test_a_saved_flow_has_no_keys_and_uses_those_of_the_machine(seaweedfs: Any, shell: Shell) -> None:
    bucket = seaweedfs.new_bucket().name
    script(shell, IN_CODE, bucket=bucket, port=seaweedfs.port)
    saved = run(shell, "-c", "import across; across.flow.save('saved.flow')")
    assert saved.returncode == 0, saved.stderr
    assert b"testtest" not in (shell.folder / "saved.flow").read_bytes()
    load = "import sys; from resultant import Flow, ProcessExecutor; s = Flow.load('saved.flow').run(executor=ProcessExecutor(1)); print(s.message)"
    without = run(shell, "-c", load)
    assert "There are no credentials for s3://" in without.stdout
    assert not (shell.folder / "ran").exists(), "it is said before the first task runs"
    found = run(shell, "-c", load, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="testtest")
    assert found.stdout == "All reference tasks succeeded.\n", found.stderr
    assert len(keys_in(seaweedfs, bucket)) == 5


def test_by_name_on_a_machine_that_has_only_the_name(seaweedfs: Any, shell: Shell) -> None:
    bucket = seaweedfs.new_bucket().name
    script(shell, BY_NAME, "ProcessExecutor(2)")
    lost = run(shell, "across.py")
    assert "know no store 'team-bucket'" in lost.stdout + lost.stderr
    assert not (shell.folder / "ran").exists()
    settings_file(shell, seaweedfs, bucket)
    done = run(shell, "across.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(key.startswith("flows/resultant-result-") for key in keys_in(seaweedfs, bucket))
    # Another machine has them in its environment.
    (shell.home / "config.toml").unlink()
    named = {
        "RESULTANT__STORES__TEAM_BUCKET__URL": f"s3://{bucket}/flows",
        "RESULTANT__STORES__TEAM_BUCKET__ENDPOINT": f"http://127.0.0.1:{seaweedfs.port}",
        "RESULTANT__STORES__TEAM_BUCKET__ACCESS_KEY_ID": "reader",
        "RESULTANT__STORES__TEAM_BUCKET__SECRET_ACCESS_KEY": "readread",
    }
    read = run(shell, "-c", "from resultant import runs; print(runs()[0]['double'].value)", **named)
    assert read.stdout == "[0, 2, 4]\n", read.stderr


@pytest.mark.parametrize("how", ["by name", "in code"])
def test_a_run_is_resumed_by_another_process(seaweedfs: Any, shell: Shell, how: str) -> None:
    bucket = seaweedfs.new_bucket().name
    if how == "by name":
        settings_file(shell, seaweedfs, bucket)
        script(shell, BY_NAME, "ProcessExecutor(2)")
    else:
        script(shell, IN_CODE, "ProcessExecutor(2)", bucket=bucket, port=seaweedfs.port)
    (shell.folder / "broken").touch()
    failed = shell("run", "across.py", "--json")
    assert failed.status != 0
    (shell.folder / "broken").unlink()
    (shell.folder / "ran").unlink()
    run_id = shell("runs", "ls", "--json").json[0]["id"]
    resumed = shell("resume", run_id)
    assert resumed.status == 0, resumed
    assert (shell.folder / "ran").read_text() == "total\n", "what was done is not done again"
    if how == "in code":
        # Whoever has the flow has its keys, and nobody else.
        assert "no credentials" in shell("results", "read", run_id, "total").err
        code = f"import across; from resultant import open_run; print(open_run({run_id!r}, flow=across.flow)['total'].value)"
        assert run(shell, "-c", code).stdout == "6\n"
        return
    assert shell("results", "read", run_id, "total").out == "6\n"
    assert shell("results", "verify", run_id).status == 0
    # Of what is lost, what needs it is told.
    for key in keys_in(seaweedfs, bucket):
        seaweedfs.client().delete_object(Bucket=bucket, Key=key)
    lost = shell("results", "verify", run_id)
    assert (lost.status, lost.out.count("missing: ")) == (1, 5)


@pytest.mark.parametrize("how", ["by name", "in code"])
def test_a_cache_is_found_by_another_process(seaweedfs: Any, shell: Shell, how: str) -> None:
    bucket = seaweedfs.new_bucket().name
    if how == "by name":
        settings_file(shell, seaweedfs, bucket)
        script(shell, BY_NAME)
    else:
        script(shell, IN_CODE, bucket=bucket, port=seaweedfs.port)
    for _ in range(2):
        done = run(shell, "across.py")
        assert done.returncode == 0, done.stdout + done.stderr
    assert (shell.folder / "ran").read_text().count("total") == 1


def test_gc_frees_objects(seaweedfs: Any, shell: Shell) -> None:
    bucket = seaweedfs.new_bucket().name
    settings_file(shell, seaweedfs, bucket)
    script(shell, BY_NAME)
    assert run(shell, "across.py").returncode == 0
    run_id = shell("runs", "ls", "--json").json[0]["id"]
    seaweedfs.client().put_object(Bucket=bucket, Key="flows/of-somebody-else", Body=b"x")
    explained = shell("why", run_id, "total")
    assert explained.status == 0, explained
    removed = shell("runs", "rm", run_id)
    assert removed.status == 0, removed
    assert keys_in(seaweedfs, bucket) == ["flows/of-somebody-else"]
