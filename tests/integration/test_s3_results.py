"""S3Result against real servers: what is stored, how, and that the options of boto3 reach the server."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from resultant import Flow, JSONSerializer, LocalResult, Parameter, S3Result, URLResult, config, open_run, runs, task
from resultant.errors import (
    AccessError,
    CorruptResultError,
    DeniedError,
    MissingResultError,
    NoSuchBucketError,
    UnreachableError,
)

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "testtest", "region_name": "us-east-1"}


def kwargs(server: Any) -> dict[str, Any]:
    return {**KEYS, "endpoint_url": f"http://127.0.0.1:{server.port}"}


@pytest.fixture(params=["moto", "seaweedfs"])
def server(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def test_the_location_is_the_key_and_the_bytes_are_the_serializers(server: Any) -> None:
    bucket = server.new_bucket().name
    result = S3Result(bucket, kwargs(server), location="{day}/{value}.pickle")
    written = result.write({"a": 1}, day="monday", value=7)
    assert written.location == "monday/7.pickle"
    assert written.place == f"http://127.0.0.1:{server.port}/{bucket}/monday/7.pickle"
    assert server.client().get_object(Bucket=bucket, Key="monday/7.pickle")["Body"].read() == pickle.dumps({"a": 1}, 5)
    assert result.read("monday/7.pickle").value == {"a": 1}
    again = result.read(written.place)
    assert (again.value, again.location) == ({"a": 1}, written.place)
    assert result.exists("{day}/7.pickle", day="monday")
    assert not result.exists("tuesday/7.pickle")
    assert result.location == "{day}/{value}.pickle"


@pytest.mark.parametrize("mapped", [False, True])
def test_a_run_is_resumed_with_another_bucket(mapped: bool, moto: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    config.flows.checkpointing = True
    # The bucket that the run had is read with what the environment gives.
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{moto.port}")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    for name, value in KEYS.items():
        monkeypatch.setenv("AWS_DEFAULT_REGION" if name == "region_name" else name.upper(), value)
    ready = []

    def make(bucket: str) -> Flow:
        @task
        def double(x: int) -> int:
            return 2 * x

        @task
        def last(x: Any) -> Any:
            if not ready:
                raise ValueError("not yet")
            return x

        with Flow("moved", result=S3Result(bucket)) as flow:
            x = Parameter("x", default=[1, 2])
            last(double.map(x) if mapped else double(x))
        return flow

    assert make(moto.new_bucket().name).run(flow_run_id="moved").is_failed()
    ready.append(True)
    state = make(moto.new_bucket().name).run(resume_run="moved", x=[3, 4])
    assert state.is_successful(), state
    assert open_run("moved")["last"].value == ([6, 8] if mapped else [3, 4, 3, 4])


def test_a_prefix_is_a_folder_of_the_bucket(server: Any) -> None:
    bucket = server.new_bucket().name
    written = S3Result(bucket, kwargs(server), prefix="team/results", location="x").write(1)
    assert (written.location, written.place) == ("x", f"http://127.0.0.1:{server.port}/{bucket}/team/results/x")
    assert server.client().get_object(Bucket=bucket, Key="team/results/x")["Body"].read()
    url = URLResult(f"s3://{bucket}/team", endpoint=f"http://127.0.0.1:{server.port}", credentials=keys())
    assert url.read("results/x").value == 1


def keys() -> dict[str, str]:
    return {"access_key_id": "test", "secret_access_key": "testtest"}


def test_upload_options_reach_the_object(moto: Any) -> None:
    bucket = moto.new_bucket().name
    options = {
        "ContentType": "application/x-numbers",
        "CacheControl": "no-store",
        "Metadata": {"team": "blue"},
        "StorageClass": "STANDARD_IA",
        "ServerSideEncryption": "AES256",
        "Tagging": "cost=7&kind=result",
    }
    S3Result(bucket, kwargs(moto), options, location="x").write(1)
    client = moto.client()
    head = client.head_object(Bucket=bucket, Key="x")
    assert (head["ContentType"], head["CacheControl"]) == ("application/x-numbers", "no-store")
    assert (head["Metadata"], head["StorageClass"]) == ({"team": "blue"}, "STANDARD_IA")
    assert head["ServerSideEncryption"] == "AES256"
    tags = client.get_object_tagging(Bucket=bucket, Key="x")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"cost": "7", "kind": "result"}


def test_large_values_have_the_same_options(moto: Any) -> None:
    bucket = moto.new_bucket().name
    result = S3Result(
        bucket, kwargs(moto), {"ContentType": "application/x-large", "Metadata": {"team": "red"}}, location="x"
    )
    result.write(b"x" * (20 << 20))
    head = moto.client().head_object(Bucket=bucket, Key="x")
    assert (head["ContentType"], head["Metadata"]["team"]) == ("application/x-large", "red")
    assert result.read("x").value == b"x" * (20 << 20)


def test_an_empty_object_is_damage(moto: Any) -> None:
    bucket = moto.new_bucket().name
    moto.client().put_object(Bucket=bucket, Key="x", Body=b"")
    with pytest.raises(CorruptResultError, match="empty"):
        S3Result(bucket, kwargs(moto)).read("x")


def test_errors_are_of_their_own(seaweedfs: Any, moto: Any) -> None:
    bucket = seaweedfs.new_bucket().name
    with pytest.raises(MissingResultError):
        S3Result(bucket, kwargs(seaweedfs)).read("nothing")
    with pytest.raises(NoSuchBucketError):
        S3Result("no-such-bucket", kwargs(moto), location="x").write(1)
    wrong = kwargs(seaweedfs) | {"aws_secret_access_key": "wrong"}
    with pytest.raises(DeniedError):
        S3Result(bucket, wrong, location="x").write(1)
    away = KEYS | {"endpoint_url": "http://127.0.0.1:9", "config": {"retries": {"max_attempts": 0}}}
    with pytest.raises(UnreachableError):
        S3Result(bucket, away, location="x").write(1)


def test_what_is_in_code_is_not_mixed_with_the_environment(seaweedfs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = seaweedfs.new_bucket().name
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "another")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_BUCKET", "another")
    written = S3Result(bucket, kwargs(seaweedfs), location="x").write(1)
    assert written.place == f"http://127.0.0.1:{seaweedfs.port}/{bucket}/x"
    assert seaweedfs.client().get_object(Bucket=bucket, Key="x")["Body"].read() == pickle.dumps(1, 5)


def test_a_provider_is_asked_again_when_its_keys_expire(seaweedfs: Any) -> None:
    from datetime import UTC, datetime, timedelta

    asked = []

    def provider() -> dict[str, Any]:
        asked.append(1)
        return {**keys(), "token": None, "expires_at": datetime.now(UTC) + timedelta(seconds=1)}

    bucket = seaweedfs.new_bucket().name
    result = S3Result(bucket, endpoint=f"http://127.0.0.1:{seaweedfs.port}", credentials=provider)
    for number in range(3):
        assert result.read(result.format(location="x").write(number).location).value == number
    assert len(asked) > 1


def test_what_is_wrong_with_a_provider_is_said(seaweedfs: Any) -> None:
    from datetime import datetime, timedelta, timezone

    bucket = seaweedfs.new_bucket().name
    endpoint = f"http://127.0.0.1:{seaweedfs.port}"
    zone = timezone(timedelta(hours=5))
    elsewhere = {**keys(), "expires_at": datetime.now(zone) + timedelta(hours=1)}
    S3Result(bucket, endpoint=endpoint, credentials=lambda: elsewhere, location="x").write(1)
    S3Result(bucket, endpoint=endpoint, credentials=keys, location="x").write(1)
    naive = {**keys(), "expires_at": datetime(2100, 1, 1)}
    with pytest.raises(AccessError, match="without time zone"):
        S3Result(bucket, endpoint=endpoint, credentials=lambda: naive, location="x").write(1)

    def fails() -> dict[str, Any]:
        raise OSError("hush")

    with pytest.raises(AccessError, match="fails, failed with OSError") as caught:
        S3Result(bucket, endpoint=endpoint, credentials=fails, location="x").write(1)
    assert "hush" not in str(caught.value)


def test_a_role_is_assumed_and_nothing_of_it_logged(
    moto: Any, home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bucket = moto.new_bucket().name
    (home / ".aws").mkdir()
    (home / ".aws" / "credentials").write_text("[base]\naws_access_key_id = test\naws_secret_access_key = testtest\n")
    (home / ".aws" / "config").write_text(
        f"[profile worker]\nrole_arn = arn:aws:iam::123456789012:role/worker\nsource_profile = base\nregion = us-east-1\n"
        f"services = lab\n[services lab]\ns3 =\n  endpoint_url = http://127.0.0.1:{moto.port}\n"
        f"sts =\n  endpoint_url = http://127.0.0.1:{moto.port}\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "worker")
    caplog.set_level("DEBUG")
    result = S3Result(bucket, location="x")
    assert result.read(result.write(5).location).value == 5
    fetched = result.access().provider()
    assert fetched["access_key_id"].startswith("ASIA")
    assert fetched["expires_at"].tzinfo is not None
    for secret in (fetched["secret_access_key"], fetched["token"]):
        assert secret not in caplog.text


# ------------------------------------------------------------------------------------------------------------- in flows


@task
def add(x: int, y: int) -> int:
    return x + y


@task
def many() -> list[int]:
    return list(range(5))


@task
def double(x: int) -> int:
    return 2 * x


@pytest.fixture
def checkpointing() -> None:
    config.flows.checkpointing = True


@pytest.mark.usefixtures("checkpointing")
def test_a_flow_is_recorded_by_its_places_and_read_through_the_record_alone(
    seaweedfs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = seaweedfs.new_bucket().name
    with Flow("places", result=S3Result(bucket, kwargs(seaweedfs))) as flow:
        total = add(1, 2)
        children = double.map(many())
    state = flow.run()
    assert state.is_successful(), state.message
    run = runs()[0]
    assert run["add"].location == state.result[total]._result.place
    assert run["add"].location.startswith(f"http://127.0.0.1:{seaweedfs.port}/{bucket}/")
    assert "://" not in state.result[total]._result.location
    assert run["double"][3].location == state.result[children].map_states[3]._result.place
    # The row alone leads there; who reads has credentials of their own.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "reader")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "readread")
    found = open_run(run.id)
    assert found["add"].value == 3
    assert found["double"].value == [0, 2, 4, 6, 8]
    assert found["add"].verify() > 0


@pytest.mark.usefixtures("checkpointing")
def test_equal_keys_in_two_buckets_are_two_places(moto: Any) -> None:
    one, two = moto.new_bucket().name, moto.new_bucket().name
    for number, bucket in enumerate((one, two)):
        with Flow("twice") as flow:
            add.copy(result=S3Result(bucket, kwargs(moto), location="same")).bind(number, 0)
        assert flow.run().is_successful()
    newer, older = runs()
    assert older["add"].superseded_by() is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
        assert (older["add"].value, newer["add"].value) == (0, 1)


@pytest.mark.usefixtures("checkpointing")
def test_a_target_in_a_bucket_is_hit(seaweedfs: Any) -> None:
    bucket = seaweedfs.new_bucket().name
    count = []

    @task(target="{x}/target.json", result=S3Result(bucket, kwargs(seaweedfs), serializer=JSONSerializer()))
    def counted(x: int) -> list[int]:
        count.append(x)
        return [x]

    with Flow("target") as flow:
        counted(4)
    first, second = flow.run(), flow.run()
    assert count == [4]
    (state,) = second.result.values()
    assert state.is_cached()
    assert state.result == [4]
    assert state._result.location == "4/target.json"
    newest = runs()[0]
    assert newest["counted"].location == f"http://127.0.0.1:{seaweedfs.port}/{bucket}/4/target.json"
    assert first.is_successful()


@pytest.mark.usefixtures("checkpointing")
def test_a_result_that_is_damaged_at_its_target_is_set_aside(seaweedfs: Any) -> None:
    bucket = seaweedfs.new_bucket().name
    result = S3Result(bucket, kwargs(seaweedfs))

    @task(target="t", result=result)
    def one() -> int:
        return 1

    seaweedfs.client().put_object(Bucket=bucket, Key="t", Body=pickle.dumps([1, 2, 3])[:-2])
    with Flow("damage") as flow:
        one()
    state = flow.run()
    assert state.is_successful()
    assert result.read("t").value == 1
    keys_there = [each["Key"] for each in seaweedfs.client().list_objects_v2(Bucket=bucket)["Contents"]]
    assert len([key for key in keys_there if ".damaged-" in key]) == 1


@pytest.mark.usefixtures("checkpointing")
def test_two_kinds_of_results_in_one_flow(moto: Any, tmp_path: Any) -> None:
    bucket = moto.new_bucket().name
    with Flow("both", result=LocalResult(tmp_path)) as flow:
        here = add(1, 1)
        there = add.copy(result=S3Result(bucket, kwargs(moto))).bind(here, 1)
    state = flow.run()
    assert state.result[there].result == 3
    assert state.result[here]._result.location.startswith(str(tmp_path))
    assert state.result[there]._result.place.startswith("http://127.0.0.1:")
