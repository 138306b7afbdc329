"""Results in object stores as objects: what they take, refuse, show, and what becomes of them in records and pickles."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import cloudpickle
import pytest

from resultant import AzureResult, GCSResult, JSONSerializer, Result, S3Result, URLResult, config
from resultant.engine.credentials.secrets import travel_to_workers
from resultant.engine.description import describe, from_record, kind_of
from resultant.engine.results.boto3_options import from_boto3, from_extra_args
from resultant.errors import AccessError, ConfigurationError, MissingResultError, UnsupportedError
from resultant.executors.pickling import decode, encode

KEYS = {"aws_access_key_id": "hush-key", "aws_secret_access_key": "hush-secret", "aws_session_token": "hush-token"}


class Config:
    """What botocore's ``Config`` keeps of what it was given."""

    def __init__(self, **options: Any) -> None:
        self._user_provided_options = options


class UNSIGNED:
    """Named as botocore's marker is."""


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"region_name": "r", "endpoint_url": "https://e"}, {"region": "r", "endpoint": "https://e"}),
        ({"use_ssl": False, "region_name": "r"}, {"region": "r", "endpoint": "http://s3.r.amazonaws.com"}),
        ({"use_ssl": False, "endpoint_url": "https://e"}, {"endpoint": "https://e"}),
        ({"use_ssl": True, "verify": True, "api_version": "2006-03-01", "use_session": True}, {}),
        ({"verify": False}, {"client_options": {"allow_invalid_certificates": True}}),
        ({"verify": "/ca.pem"}, {"client_options": {"root_certificate": "/ca.pem"}}),
        ({"config": Config(connect_timeout=3, read_timeout=1.5)}, {"client_options": {"connect_timeout": "3s", "read_timeout": "1.5s"}}),
        ({"config": Config(signature_version=UNSIGNED())}, {"skip_signature": True}),
        ({"config": Config(signature_version="s3v4", parameter_validation=False)}, {}),
        ({"config": Config(retries={"max_attempts": 4, "mode": "adaptive"})}, {"retry_config": {"max_retries": 4}}),
        ({"config": Config(retries={"total_max_attempts": 4})}, {"retry_config": {"max_retries": 3}}),
        ({"config": Config(s3={"addressing_style": "virtual"})}, {"virtual_hosted_style_request": True}),
        ({"config": Config(s3={"addressing_style": "path", "payload_signing_enabled": False})},
         {"virtual_hosted_style_request": False, "unsigned_payload": True}),
        ({"config": {"region_name": "r", "max_pool_connections": 20}}, {"region": "r", "client_options": {"pool_max_idle_per_host": "20"}}),
        ({"config": Config(proxies={"https": "http://proxy"}, user_agent="me")}, {"client_options": {"proxy_url": "http://proxy", "user_agent": "me"}}),
    ],
)  # fmt: skip
def test_what_boto3_is_told(given: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert from_boto3(given) == (wanted, None)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"api_version": "2001-01-01"}, "'api_version'"),
        ({"nonsense": 1}, "'nonsense'"),
        ({"config": Config(signature_version="s3")}, "signature_version='s3'"),
        ({"config": Config(client_cert="x")}, "'client_cert'.*client certificates"),
        ({"config": Config(s3={"use_accelerate_endpoint": True})}, "'use_accelerate_endpoint'.*endpoint_url"),
        ({"config": Config(retries={"nonsense": 1})}, "'nonsense'"),
    ],
)
def test_what_cannot_be_had_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UnsupportedError, match=said):
        S3Result("bucket", given)


def test_what_is_said_of_uploads() -> None:
    assert from_extra_args(
        {
            "ContentType": "a/b",
            "ContentEncoding": "gzip",
            "Metadata": {"k": 1},
            "Tagging": {"t": "u"},
            "SSEKMSKeyId": "key-id",
            "BucketKeyEnabled": True,
            "RequestPayer": "requester",
            "ChecksumAlgorithm": "SHA256",
            "ACL": "private",
        }
    ) == {
        "attributes": {"Content-Type": "a/b", "Content-Encoding": "gzip", "k": "1"},
        "tags": {"t": "u"},
        "sse_kms_key_id": "key-id",
        "sse_bucket_key_enabled": True,
        "server_side_encryption": "aws:kms",
        "request_payer": True,
        "checksum_algorithm": "sha256",
    }
    with pytest.raises(UnsupportedError, match=r"'ACL'.*policy"):
        S3Result("bucket", upload_options={"ACL": "public-read"})
    with pytest.raises(UnsupportedError, match="'GrantRead'"):
        S3Result("bucket", upload_options={"GrantRead": "x"})


def test_a_key_for_encryption_is_a_secret() -> None:
    result = S3Result("bucket", KEYS, {"SSECustomerKey": b"hush", "SSECustomerAlgorithm": "AES256"})
    assert result.access().options["sse_customer_key_base64"] == "aHVzaA=="
    assert result.recorded_options()["options"] == {"server_side_encryption": "sse-c"}
    assert "aHVzaA" not in str(vars(result))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: S3Result(), r"a bucket \(`bucket`\), or a name of the settings \(`store=`\)"),
        (lambda: GCSResult(), "a bucket"),
        (lambda: AzureResult(), "a container"),
        (lambda: URLResult(), "an address"),
        (lambda: S3Result("s3://bucket"), "give the name alone"),
        (lambda: S3Result("bucket/folder"), "`prefix`"),
        (lambda: S3Result("bucket", options={"regoin": 1}), "did you mean 'region'"),
        (lambda: URLResult("s3://bucket", regoin="x"), "did you mean 'region'"),
        (lambda: URLResult("bucket/folder"), "s3://bucket/prefix"),
        (lambda: URLResult("s3://"), "names no bucket"),
        (lambda: URLResult("s3://a b/c"), "characters"),
        (lambda: S3Result("bucket", endpoint="127.0.0.1:9000"), "address of the service"),
        (lambda: S3Result("bucket", endpoint="http://user:hush@host"), "holds credentials"),
        (lambda: URLResult("s3://hush:hush@bucket"), "name and password"),
        (lambda: URLResult("az://container?sig=hush"), "query"),
        (lambda: S3Result("bucket", store="team"), "here it has both"),
    ],
)
def test_mistakes_are_found_when_it_is_made(make: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        make()
    assert "hush" not in str(caught.value)


def test_options_have_many_names() -> None:
    for name in ("region", "aws_region", "AWS_REGION", "region_name", "aws_default_region"):
        assert URLResult("s3://b", **{name: "r"}).access().options["region"] == "r"
    assert URLResult("az://c", azure_storage_account_name="a", access_key="k").access().options["account_key"] == "k"
    assert GCSResult("b", endpoint="http://127.0.0.1:1").access().options["base_url"] == "http://127.0.0.1:1"


@pytest.mark.parametrize("name", ["client", "gcs_bucket", "service", "initialize_service"])
def test_the_clients_of_the_clouds_are_not_here(name: str) -> None:
    cls = {"client": S3Result, "gcs_bucket": GCSResult}.get(name, AzureResult)
    result = cls("bucket")
    with pytest.raises(UnsupportedError, match=f"has no '{name}'"):
        getattr(result, name)
    with pytest.raises(AttributeError):
        getattr(result, name)
    assert not hasattr(result, name)
    assert not hasattr(result, "nonsense")


ALL = [
    S3Result("bucket", {**KEYS, "region_name": "r", "endpoint_url": "http://127.0.0.1:1"}, prefix="p", profile=None),
    GCSResult("bucket", endpoint="http://127.0.0.1:1", options={"bearer_token": "hush"}, prefix="p"),
    AzureResult("c", "AccountName=acc;AccountKey=hush;BlobEndpoint=http://127.0.0.1:1/acc", prefix="p"),
    URLResult("s3://bucket/p", region="r", endpoint="http://127.0.0.1:1", credentials={"access_key_id": "hush", "secret_access_key": "hush"}),
]  # fmt: skip


@pytest.mark.parametrize("result", ALL, ids=lambda result: type(result).__name__)
def test_nothing_of_the_credentials_shows_or_is_pickled(result: Any) -> None:
    texts = [
        repr(result),
        str(vars(result)),
        result._repr_html_(),
        json.dumps(result.recorded_options()),
        repr(result.access()),
    ]
    assert not any("hush" in text for text in texts)
    for data in (pickle.dumps(result), cloudpickle.dumps(result), pickle.dumps(result, 0)):
        assert b"hush" not in data
        assert pickle.loads(data) == result
    assert copy.copy(result)._secrets.reveal() == result._secrets.reveal()
    assert copy.deepcopy(result)._secrets.reveal() == result._secrets.reveal()
    assert result.copy().from_value(1)._secrets is result._secrets


@pytest.mark.parametrize("result", ALL, ids=lambda result: type(result).__name__)
def test_they_travel_in_the_engines_own_messages(result: Any) -> None:
    travel_to_workers()
    chunks, buffers = encode({"deep": [result]})
    arrived = decode(b"".join(chunks), list(buffers))["deep"][0]
    assert arrived == result
    assert arrived._secrets.reveal() == result._secrets.reveal()


@pytest.mark.parametrize("result", ALL, ids=lambda result: type(result).__name__)
def test_a_record_makes_an_equal_one_without_them(result: Any) -> None:
    name, options, *_ = kind_of(result.from_value(1))
    assert name in ("s3", "gcs", "azure", "url")
    assert "hush" not in options
    from resultant.records import ResultRecord

    made = from_record(ResultRecord(type=name, options=json.loads(options), serializer=JSONSerializer().describe()))
    assert made.address() == result.address()
    again = {k: v for k, v in made.options.items() if k != "account_name"}
    assert again == {k: v for k, v in result.options.items() if k != "account_name"} | (
        {"endpoint": "http://127.0.0.1:1/acc"} if name == "azure" else {}
    )
    assert made.serializer == JSONSerializer()


def test_what_the_environment_adds_is_on_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_REGION", "r")
    assert S3Result("b").recorded_options() == {
        "bucket": "b",
        "options": {"endpoint": "http://127.0.0.1:1", "region": "r"},
    }
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", "AccountName=acc;AccountKey=hush")
    assert AzureResult("c").recorded_options() == {"container": "c", "options": {"account_name": "acc"}}
    assert S3Result("b", upload_options={"ContentType": "x"}).recorded_options()["options"].keys() == {
        "endpoint",
        "region",
    }


def test_making_one_touches_nothing() -> None:
    """Neither the network nor the client library."""
    import subprocess
    import sys

    code = (
        "import sys, socket; socket.socket = None\n"
        "from resultant import *\n"
        "S3Result('b', {'aws_access_key_id': 'a', 'aws_secret_access_key': 'b'}); GCSResult('b'); AzureResult('c'); URLResult('s3://b')\n"
        "assert 'obstore' not in sys.modules and 'boto3' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_without_credentials_asking_for_the_store_is_no_missing_attribute() -> None:
    result = S3Result("bucket")
    with pytest.raises(AccessError):
        _ = result.store
    with pytest.raises(AccessError):
        hasattr(result, "store")
    with pytest.raises(AccessError):
        _ = result.format(x=1).place
    assert result.place is None


def test_results_in_memory() -> None:
    result = URLResult("memory:///test-object-results", location="{a}")
    written = result.write([1, 2], a="x")
    assert (written.location, written.place) == ("x", "memory:///test-object-results/x")
    assert result.read("x").value == [1, 2]
    assert URLResult("memory:///test-object-results").read(written.place).value == [1, 2]
    assert result.exists("x")
    result.delete("x")
    with pytest.raises(MissingResultError):
        result.read("x")
    assert describe(written).type == "url"


def test_results_in_files(tmp_path: Any) -> None:
    written = URLResult(f"file://{tmp_path}/deep", location="x").write(1)
    assert written.place == f"{tmp_path}/deep/x"
    assert (tmp_path / "deep" / "x").exists()


def test_places_of_other_results() -> None:
    from resultant import InlineResult, LocalResult

    assert Result(1).place is None
    assert LocalResult("/some/folder", validate_dir=False, location="x").place == "/some/folder/x"
    assert InlineResult().write(3).place == "3"
    config.stores = {"m": "memory:///here"}
    assert URLResult(store="m", location="x").place == "memory:///here/x"


def test_pickles_of_prefect() -> None:
    """What Prefect 1.4.1 pickles of its results, as attributes."""
    made = S3Result.__new__(S3Result)
    made.__setstate__(
        {
            "bucket": "b",
            "boto3_kwargs": {"region_name": "r", **KEYS},
            "upload_options": {"ContentType": "a/b"},
            "value": 3,
            "location": "x",
            "serializer": JSONSerializer(),
            "_formatter": None,
        }
    )
    assert made == S3Result(
        "b", {"region_name": "r"}, {"ContentType": "a/b"}, value=3, location="x", serializer=JSONSerializer()
    )
    made = AzureResult.__new__(AzureResult)
    made.__setstate__(
        {"container": "c", "connection_string": None, "connection_string_secret": "S", "value": None, "location": None}
    )
    assert made == AzureResult("c", connection_string_secret="S")


def test_credentials_that_vanish_during_a_run_cost_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    from resultant import Flow, task
    from resultant.errors import WriteError

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    config.flows.checkpointing = True
    ran = []

    @task(result=S3Result("bucket", endpoint="http://127.0.0.1:9"), max_retries=2, retry_delay=0)
    def one() -> int:
        ran.append(os.environ.pop("AWS_ACCESS_KEY_ID"))
        return 7

    with Flow("vanished") as flow:
        only = one()
    state = flow.run().result[only]
    assert state.is_failed()
    assert "succeeded, but its result could not be written: AccessError" in state.message
    assert isinstance(state.result, WriteError)
    assert state.result.value == 7
    assert len(ran) == 1
