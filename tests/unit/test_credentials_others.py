"""Who somebody is to Google and Azure, and to stores with a name in the settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resultant import AzureResult, GCSResult, S3Result, URLResult, config, context
from resultant.engine.description import result_at
from resultant.errors import AccessError, ConfigurationError
from resultant.settings import load

ACCOUNT = {"type": "service_account", "private_key": "k", "client_email": "a@b", "private_key_id": "i"}


def test_googles_service_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_code = GCSResult("bucket", credentials=ACCOUNT).access()
    assert json.loads(by_code.options["service_account_key"]) == ACCOUNT
    with context(secrets={"GCP_CREDENTIALS": ACCOUNT}):
        assert json.loads(GCSResult("bucket").access().options["service_account_key"]) == ACCOUNT
    with context(secrets={"GCP_CREDENTIALS": json.dumps(ACCOUNT)}):
        access = URLResult("gs://bucket/x").access()
        assert json.loads(access.options["service_account_key"]) == ACCOUNT
        assert "service_account_key" not in GCSResult("bucket", options={"bearer_token": "t"}).access().options
    file = tmp_path / "key.json"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    with pytest.raises(AccessError, match="no such file"):
        GCSResult("bucket").access()
    file.write_text(json.dumps(ACCOUNT))
    GCSResult("bucket").access().check()


def test_google_without_anything(home: Path) -> None:
    with pytest.raises(AccessError, match="gcloud auth application-default login"):
        GCSResult("bucket").access().check()
    folder = home / ".config" / "gcloud"
    folder.mkdir(parents=True)
    (folder / "application_default_credentials.json").write_text("{}")
    GCSResult("bucket").access().check()
    with pytest.raises(ConfigurationError, match="a bucket"):
        GCSResult()


STRING = "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=a2V5==;EndpointSuffix=core.windows.net"


def test_azures_connection_string(monkeypatch: pytest.MonkeyPatch) -> None:
    options = AzureResult("c", STRING).access().options
    assert (options["account_name"], options["account_key"]) == ("acc", "a2V5==")
    assert "endpoint" not in options
    with context(secrets={"AZ": STRING.replace("acc", "secret")}):
        result = AzureResult("c", connection_string_secret="AZ")
        assert result.access().options["account_name"] == "secret"
        # As in Prefect 1: the environment comes before the secret, and what is in code before both.
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", STRING.replace("acc", "env"))
        assert result.access().options["account_name"] == "env"
        assert AzureResult("c", STRING, "AZ").access().options["account_name"] == "acc"
        # The key of one account is not used for another.
        other = AzureResult("c", account="other", options={"account_key": "b3RoZXI="}).access().options
        assert (other["account_name"], other["account_key"]) == ("other", "b3RoZXI=")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("AccountName=a;AccountKey=k;EndpointSuffix=core.chinacloudapi.cn", {"endpoint": "https://a.blob.core.chinacloudapi.cn"}),
        ("BlobEndpoint=https://a.blob.core.windows.net/;SharedAccessSignature=?sv=1&sig=2", {"sas_key": "sv=1&sig=2", "account_name": "a"}),
        ("AccountName=a;AccountKey=k;BlobEndpoint=http://127.0.0.1:10000/a", {"endpoint": "http://127.0.0.1:10000/a"}),
        ("BlobEndpoint=http://127.0.0.1:10000/dev;AccountKey=k", {"account_name": "dev"}),
        ("UseDevelopmentStorage=true", {"account_name": "devstoreaccount1"}),
    ],
)  # fmt: skip
def test_forms_of_connection_strings(text: str, wanted: dict[str, str]) -> None:
    options = AzureResult("c", text).access().options
    assert {name: options.get(name) for name in wanted} == wanted


def test_azure_without_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="which storage account"):
        AzureResult("c").access()
    with pytest.raises(ValueError, match="no secret 'AZ'"):
        AzureResult("c", connection_string_secret="AZ").access()
    with pytest.raises(AccessError, match="does not name a storage account") as caught:
        AzureResult("c", "hush;AccountKey=hush").access()
    assert "hush" not in str(caught.value)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(AccessError, match="az login"):
        AzureResult("c", account="a").access().check()
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
    AzureResult("c", account="a").access().check()


# ---------------------------------------------------------------------------------------------------------- named stores


def test_a_store_of_the_settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = home / ".resultant"
    folder.mkdir()
    (folder / "config.toml").write_text(
        '[stores.team-bucket]\nurl = "s3://bucket/team"\nregion = "eu-west-1"\n'
        'access_key_id = "file-key"\nsecret_access_key = "file-secret"\nclient_options = { connect_timeout = "3s" }\n'
        '[stores]\nshort = "s3://short"\n'
    )
    access = URLResult(store="team-bucket").access()
    assert access.url == "s3://bucket/team"
    assert access.provider()["secret_access_key"] == "file-secret"
    assert access.options["client_options"]["connect_timeout"] == "3s"
    assert S3Result(store="short").address() == "s3://short"
    # The environment spells it in its own way, and comes last.
    monkeypatch.setenv("RESULTANT__STORES__TEAM_BUCKET__SECRET_ACCESS_KEY", "1234567890")
    monkeypatch.setenv("RESULTANT__STORES__TEAM_BUCKET__CLIENT_OPTIONS__READ_TIMEOUT", "9s")
    settings = load()
    assert settings.stores["team_bucket"]["secret_access_key"] == "1234567890"
    config.stores = settings.stores
    access = URLResult(store="team-bucket").access()
    assert access.provider()["secret_access_key"] == "1234567890"
    assert access.options["client_options"] == {"connect_timeout": "3s", "read_timeout": "9s"}


def test_a_store_is_all_that_travels() -> None:
    import pickle

    config.stores = {"team": {"url": "s3://bucket", "access_key_id": "hush", "secret_access_key": "hush"}}
    result = S3Result(store="team", location="x")
    assert result.recorded_options() == {"store": "team"}
    assert result.describe.__self__ is result
    assert b"hush" not in pickle.dumps(result)
    assert pickle.loads(pickle.dumps(result)) == result
    assert result.access().provider()["access_key_id"] == "hush"


def provider() -> dict[str, Any]:
    return {"access_key_id": "p", "secret_access_key": "q", "token": None, "expires_at": None}


def test_a_store_may_name_a_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import types

    module = types.ModuleType("team_secrets")
    module.keys = provider  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "team_secrets", module)
    config.stores = {
        "team": {"url": "s3://bucket", "credentials": "team_secrets:keys"},
        "wrong": {"url": "s3://bucket", "credentials": "team_secrets:nothing"},
    }
    assert URLResult(store="team").access().provider is provider
    with pytest.raises(
        AccessError, match=r"'stores.wrong.credentials' is 'team_secrets:nothing', which cannot be imported"
    ):
        URLResult(store="wrong").access()


def test_a_store_may_name_a_profile(home: Path) -> None:
    (home / ".aws").mkdir()
    (home / ".aws" / "credentials").write_text("[lab]\naws_access_key_id = l\naws_secret_access_key = m\n")
    config.stores = {"team": {"url": "s3://bucket", "profile": "lab"}, "g": {"url": "gs://bucket", "profile": "lab"}}
    assert URLResult(store="team").access().provider()["access_key_id"] == "l"
    with pytest.raises(AccessError, match="not in S3"):
        URLResult(store="g").access()


def test_what_is_wrong_with_a_store_is_said() -> None:
    config.stores = {
        "team-bucket": {"url": "s3://bucket", "secret_acces_key": "hush"},
        "empty": {"region": "x"},
        "odd": {"url": "hush"},
    }
    with pytest.raises(AccessError, match="no store 'teambucket'; did you mean 'team-bucket'"):
        URLResult(store="teambucket").access()
    with pytest.raises(AccessError, match="RESULTANT__STORES__NOWHERE__URL"):
        URLResult(store="nowhere").access()
    with pytest.raises(AccessError, match="no option 'secret_acces_key'; did you mean 'secret_access_key'"):
        URLResult(store="team-bucket").access()
    with pytest.raises(AccessError, match=r"set stores.empty.url"):
        URLResult(store="empty").access()
    with pytest.raises(AccessError) as caught:
        URLResult(store="odd").access()
    assert "hush" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="a store is an address") as refused:
        config.stores = {"team": ["hush"]}
    assert "hush" not in str(refused.value)
    with pytest.raises(ConfigurationError, match="table of stores") as refused:
        config.stores = "hush"
    assert "hush" not in str(refused.value)
    with pytest.raises(ConfigurationError, match="both"):
        S3Result("bucket", store="team-bucket")


def test_a_setting_may_be_an_address_or_a_name(tmp_path: Path) -> None:
    config.stores = {"team": "s3://bucket/team"}
    assert result_at("s3://bucket/x") == URLResult("s3://bucket/x")
    assert result_at("team") == URLResult(store="team")
    config.stores = {"local": "s3://bucket/team"}
    assert result_at("local") == URLResult(store="local")
    config.stores = {"team": "s3://bucket/team"}
    assert type(result_at("LocalResult")).__name__ == "LocalResult"
    assert result_at(f"{tmp_path}/x").recorded_options() == {"dir": f"{tmp_path}/x"}
    with pytest.raises(ConfigurationError, match="'nothing' is no class of results and none of the stores 'team'"):
        result_at("nothing")
