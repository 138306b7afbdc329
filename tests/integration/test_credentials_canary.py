"""Keys that are written in code, or stand in the settings, are found in no file, no log, no traceback, on no screen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KEY, SECRET, TOKEN = "KANARIENSCHLUESSEL", "kanariengeheimnis/7193+xyz", "kanarienmarke-4711"
CANARIES = ("KANARIEN", "kanarien")

PREAMBLE = """
import logging, os, pickle, sys, traceback
import cloudpickle
from resultant import *
from resultant.engine.result import Result
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
key, secret, token = open("keys").read().split()
address = os.environ["ADDRESS"]
bucket = os.environ.get("BUCKET", "bucket")

def keys(**more):
    return {"aws_access_key_id": key, "aws_secret_access_key": secret, "endpoint_url": address, "region_name": "us-east-1",
            "config": {"retries": {"max_attempts": 1}, "proxies": None}, **more}

def look_at(thing):
    print(thing, repr(thing), vars(thing), getattr(thing, "_repr_html_", str)())
    from rich.console import Console
    Console(width=200).print(thing)

def tell(error, show_locals=False):
    traceback.print_exception(error)
    from rich.console import Console
    from rich.traceback import Traceback
    Console(width=200).print(Traceback.from_exception(type(error), error, error.__traceback__, show_locals=show_locals))
"""

RUNS = (
    PREAMBLE
    + """
result = S3Result(bucket, keys(), {"ContentType": "a/b"})

@task
def one(): return 1

@task
def double(x): return 2 * x

@task
def fails(x): raise ValueError("no")

@task
def unpicklable(x): return (value for value in [x])

@task
def dies(x): os._exit(3)

@task
def gives_the_result(x): return S3Result(bucket, {"aws_access_key_id": "a" + "b", "aws_secret_access_key": "c"})

@task(timeout=20)
def slow(x): return x

@task(target="target-{x}")
def aimed(x): return x

@task(cache_for=__import__("datetime").timedelta(hours=1))
def cached(x): return x

def handler(task, old, new):
    return new

@task(state_handlers=[handler])
def handled(x): return x

@task
def reads(x):
    # The result in its code, credentials and all, is here too.
    return result.read(result.write(x).location).value

if __name__ == "__main__":
    with Flow("secretive", result=result) as flow:
        first = one()
        for each in (double, fails, unpicklable, dies, gives_the_result, slow, aimed, cached, handled, reads):
            if each is dies and os.environ["EXECUTOR"] != "ProcessExecutor":
                continue
            each(first)
        double.map([1, 2, 3])
    executor = globals()[os.environ["EXECUTOR"]]()
    state = flow.run(executor=executor)
    bad = {task.name: each for task, each in state.result.items() if not each.is_successful()}
    print("BAD:", sorted(bad))
    for each in (result, state, *state.result.values(), *(s._result for s in state.result.values()), flow):
        look_at(each)
    for each in bad.values():
        if isinstance(each.result, BaseException):
            tell(each.result)
    open("flow.cloudpickle", "wb").write(cloudpickle.dumps(flow))
    open("result.pickle", "wb").write(pickle.dumps(result))
    open("state.pickle", "wb").write(cloudpickle.dumps(state.result[first]))
    print(flow.save("saved.flow"))
    print(flow.serialize(), result.describe(), state.result[first]._result.describe().to_json())
    print(Flow.load("saved.flow"))
"""
)

ERRORS = (
    PREAMBLE
    + """
wrong = [
    S3Result(bucket, keys()),
    S3Result(bucket, keys(aws_access_key_id="test")),
    S3Result(bucket, keys(endpoint_url="http://127.0.0.1:9")),
    S3Result(bucket, keys(aws_session_token=token)),
    S3Result(bucket, keys(config={"proxies": {"https": f"http://user:{secret}@127.0.0.1:9"}, "retries": {"max_attempts": 0}})),
    AzureResult("container", f"AccountName={key};AccountKey={secret};BlobEndpoint=http://127.0.0.1:9/x".replace(key, "account"),
                options={"retry_config": {"max_retries": 0}}),
    AzureResult("container", f"AccountName=account;AccountKey=bm9=;SharedAccessSignature=sig={secret};"
                "BlobEndpoint=http://127.0.0.1:9/x", options={"retry_config": {"max_retries": 0}}),
    AzureResult("container", f"nothing;{secret}"),
    AzureResult("container", account="a", options={"account_key": secret}),
    GCSResult(bucket, credentials={"private_key": secret, "client_email": "a@b", "private_key_id": key}),
    GCSResult(bucket, options={"bearer_token": token, "base_url": "http://127.0.0.1:9", "retry_config": {"max_retries": 0}}),
    GCSResult(bucket, options={"service_account_key": secret}),
    URLResult(f"s3://{bucket}", access_key_id=key),
    URLResult(f"s3://{bucket}", credentials=lambda: 1 / 0, endpoint=address, options={"retry_config": {"max_retries": 0}}),
    URLResult(f"s3://{bucket}", credentials={"ACCESS_KEY": key, "SECRET_ACCESS_KEY": secret}, endpoint=address),
    URLResult("http://127.0.0.1:9", client_options={"default_headers": {"Authorization": f"Bearer {secret}"}},
              retry_config={"max_retries": 0}),
]
hidden, key, secret, token = (key, secret, token), None, None, None
keep = lambda hidden=hidden: hidden
del hidden
for result in wrong:
    look_at(result)
    for attempt in (lambda: result.write(1), lambda: result.read("x"), lambda: result.exists("x"), lambda: result.place,
                    lambda: result.stat("x"), lambda: result.access()):
        try:
            print(attempt())
        except Exception as error:
            # Tools that show variables find none with a key in it, but those of the user's own.
            tell(error, show_locals=True)
    try:
        with Flow("wrong", result=result) as flow:
            task(lambda: 1, name="one")()
        look_at(flow.run())
    except Exception as error:
        tell(error)

key, secret, token = keep()
for make in (
    lambda: S3Result(bucket, {"aws_secret_acces_key": secret}),
    lambda: S3Result(bucket, credentials={"secret": secret}),
    lambda: S3Result(secret + "/x", keys()),
    lambda: URLResult(f"s3://{key}:{secret}@bucket"),
    lambda: S3Result(bucket, endpoint=f"http://{key}:{secret}@host"),
    lambda: S3Result("no such bucket", keys()),
    lambda: S3Result(bucket, keys(endpoint_url="no address")),
    lambda: URLResult(f"https://account.blob.core.windows.net/c?sig={secret}"),
    lambda: config.stores.__setitem__("team", secret) or URLResult(store="team").read("x"),
):
    try:
        print(make())
    except Exception as error:
        tell(error) if "no name of a bucket" not in str(error) else None
"""
)


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "keys"}


def run(folder: Path, text: str, **environment: str) -> str:
    (folder / "keys").write_text(f"{KEY}\n{SECRET}\n{TOKEN}\n")
    (folder / "script.py").write_text(text)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("RESULTANT__", "PYTHON"))}
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=folder,
        env=clean
        | {
            "HOME": str(folder),
            "RESULTANT__HOME_DIR": str(folder / "home"),
            "RESULTANT__FLOWS__CHECKPOINTING": "true",
            "RESULTANT__LOGGING__LEVEL": "DEBUG",
            "RESULTANT__RECORD__MESSAGES": "true",
        }
        | environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    output = done.stdout + done.stderr
    (folder / "output").write_text(output)
    assert done.returncode == 0, output[-3000:]
    return output


def assert_no_canary(folder: Path) -> None:
    found = {
        path: data[max(0, data.find(canary.encode()) - 200) :][:300]
        for path, data in everything_in(folder).items()
        for canary in CANARIES
        if canary.encode() in data
    }
    assert not found


@pytest.mark.parametrize("executor", ["LocalExecutor", "ThreadExecutor", "ProcessExecutor"])
def test_of_keys_in_code_nothing_is_left(moto: Any, tmp_path: Path, executor: str) -> None:
    address = f"http://127.0.0.1:{moto.port}"
    output = run(tmp_path, RUNS, ADDRESS=address, BUCKET=moto.new_bucket().name, EXECUTOR=executor)
    dies = ["dies"] if executor == "ProcessExecutor" else []
    assert f"BAD: {sorted(['fails', 'unpicklable', *dies])}" in output
    assert list((tmp_path / "home").rglob("*.db*"))
    assert (tmp_path / "saved.flow").stat().st_size > 1000
    assert_no_canary(tmp_path)


def test_no_error_tells_of_them(seaweedfs: Any, tmp_path: Path) -> None:
    output = run(tmp_path, ERRORS, ADDRESS=f"http://127.0.0.1:{seaweedfs.port}", BUCKET=seaweedfs.new_bucket().name)
    assert output.count("DeniedError") > 4
    assert output.count("UnreachableError") > 4
    assert_no_canary(tmp_path)


def test_keys_in_the_settings_are_not_shown(moto: Any, tmp_path: Path, shell: Any) -> None:
    settings = {
        "RESULTANT__STORES__TEAM_BUCKET__URL": f"s3://{moto.new_bucket().name}/team",
        "RESULTANT__STORES__TEAM_BUCKET__ENDPOINT": f"http://127.0.0.1:{moto.port}",
        "RESULTANT__STORES__TEAM_BUCKET__ACCESS_KEY_ID": KEY,
        "RESULTANT__STORES__TEAM_BUCKET__AWS_SECRET_ACCESS_KEY": SECRET,
        "RESULTANT__STORES__BROKEN__URL": "s3://bucket",
        "RESULTANT__STORES__BROKEN__ACCESS_KEY_ID": KEY,
        "RESULTANT__STORES__ODD__SAS_KEY": TOKEN,
        "RESULTANT__FLOWS__DEFAULT_RESULT": "team-bucket",
        "RESULTANT__LOGGING__LEVEL": "DEBUG",
    }
    shell.write("named.py", "from resultant import *\n@task\ndef one(): return 1\nwith Flow('named') as flow: one()\n")
    shown = shell("config", "show", **settings)
    assert "stores.team_bucket.access_key_id" in shown.out
    assert "********" in shown.out
    assert f"http://127.0.0.1:{moto.port}" in shown.out
    ran = shell("run", "named.py", **settings)
    assert ran.status == 0, ran
    told = shell("doctor", **settings)
    assert told.status == 1
    assert "written, read and deleted" in told.out
    assert "not 'secret_access_key'" in told.out
    listed = shell("results", "ls", **settings)
    assert f"http://127.0.0.1:{moto.port}/" in listed.out
    assert shell("results", "verify", **settings).status == 0
    without = shell("results", "verify")
    assert "know no store 'team-bucket'" in without.out
    for answer in (shown, ran, told, listed, without):
        assert not any(canary in answer.out + answer.err for canary in CANARIES)
    assert_no_canary(shell.folder)
