"""GCSResult and AzureResult against servers: values, places, flows, records."""

from __future__ import annotations

from typing import Any

import pytest

from resultant import AzureResult, Flow, GCSResult, Result, URLResult, config, context, open_run, runs, task
from resultant.errors import AccessError, DeniedError, MissingResultError, NoSuchBucketError


class Cloud:
    """One of the two, and how results are made in a bucket of its.

    Args:
        server: the fixture.
        google: which.
    """

    def __init__(self, server: Any, google: bool) -> None:
        self.bucket = server.new_bucket()
        self.google = google
        self.port = server.port

    def result(self, **options: Any) -> Any:
        given = self.bucket.options
        if self.google:
            token = {"bearer_token": given["bearer_token"]}
            return GCSResult(
                options.pop("bucket", self.bucket.name), endpoint=given["base_url"], options=token, **options
            )
        text = f"AccountName={given['account_name']};AccountKey={given['account_key']};BlobEndpoint={given['endpoint']}"
        return AzureResult(options.pop("bucket", self.bucket.name), text, **options)

    def place(self, key: str) -> str:
        account = "" if self.google else "devstoreaccount1/"
        return f"http://127.0.0.1:{self.port}/{account}{self.bucket.name}/{key}"


@pytest.fixture(params=["gcs", "azurite"])
def cloud(request: pytest.FixtureRequest) -> Cloud:
    return Cloud(request.getfixturevalue(request.param), request.param == "gcs")


def test_values_and_places(cloud: Cloud) -> None:
    written = cloud.result(location="{x}/y", prefix="p").write({"a": [1]}, x="x")
    assert (written.location, written.place) == ("x/y", cloud.place("p/x/y"))
    assert cloud.result().read("p/x/y").value == {"a": [1]}
    assert cloud.result().read(written.place).value == {"a": [1]}
    assert cloud.result(prefix="p").exists("x/y")
    assert not cloud.result().exists("x/y")
    with pytest.raises(MissingResultError):
        cloud.result().read("nothing")
    cloud.result().delete(written.place)
    assert not cloud.result(prefix="p").exists("x/y")
    with pytest.raises(NoSuchBucketError):
        cloud.result(bucket="no-such-bucket", location="x").write(1)


@task
def one() -> int:
    return 1


@task
def double(x: int) -> int:
    return 2 * x


def test_a_flow_and_its_record(cloud: Cloud) -> None:
    config.flows.checkpointing = True
    with Flow("cloudy", result=cloud.result()) as flow:
        double.map([1, 2, one()])
    state = flow.run()
    assert state.is_successful(), state.message
    run = runs()[0]
    assert run["one"].location.startswith(cloud.place(""))
    # The record leads to the place, and has no credentials.
    with pytest.raises(AccessError, match="no credentials"):
        _ = open_run(run.id)["one"].value
    if not cloud.google:
        given = cloud.bucket.options
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AZURE_STORAGE_ACCOUNT_KEY", given["account_key"])
            assert open_run(run.id)["double"].value == [2, 4, 2]


def test_azures_secret_of_the_context(azurite: Any) -> None:
    bucket = azurite.new_bucket()
    given = bucket.options
    text = f"AccountName={given['account_name']};AccountKey={given['account_key']};BlobEndpoint={given['endpoint']}"
    result = AzureResult(bucket.name, connection_string_secret="STORAGE", location="x")
    with context(secrets={"STORAGE": text}):
        written = result.write(7)
        assert URLResult(f"az://{bucket.name}", connection_string=text).read("x").value == 7
        config.flows.checkpointing = True
        with Flow("by secret", result=result.format(location="y")) as flow:
            one()
        assert flow.run().is_successful()
    assert isinstance(written, Result)
    with pytest.raises(ValueError, match="STORAGE"):
        result.read("x")


def test_a_wrong_key_is_denied(azurite: Any) -> None:
    bucket = azurite.new_bucket()
    given = bucket.options
    text = f"AccountName={given['account_name']};AccountKey=aHVzaA==;BlobEndpoint={given['endpoint']}"
    with pytest.raises(DeniedError) as caught:
        AzureResult(bucket.name, text, location="x").write(1)
    assert "aHVzaA" not in str(caught.value)
