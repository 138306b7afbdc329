"""Who somebody is to S3: code, profiles, secrets, the environment, files — in this order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from resultant import S3Result, URLResult, context
from resultant.engine.credentials.providers import Keys, Profile
from resultant.errors import AccessError

CREDENTIALS = """
[default]
aws_access_key_id = default-key
aws_secret_access_key = default-secret

[team]
aws_access_key_id=team-key
aws_secret_access_key=team-secret/with=signs%and
aws_session_token = team-token
; a comment
[half]
aws_access_key_id = half-key
"""
CONFIG = """
[default]
region = eu-central-1

[profile team]
region = eu-west-1
endpoint_url = https://team.example.org

[profile "with space"]
aws_access_key_id = space-key
aws_secret_access_key = space-secret

[profile local]
region = us-west-2
services = lab
s3 =
    addressing_style = virtual
aws_access_key_id = local-key
aws_secret_access_key = local-secret

[services lab]
s3 =
    endpoint_url = http://127.0.0.1:9000
dynamodb =
    endpoint_url = http://127.0.0.1:9001

[profile sso]
sso_session = corporate
sso_account_id = 1
region = ap-south-1

[sso-session corporate]
sso_start_url = https://example.org/start

[profile role]
role_arn = arn:aws:iam::1:role/r
source_profile = default
aws_access_key_id = not-used
aws_secret_access_key = not-used

[profile process]
credential_process = /bin/true

[profile region-only]
region = sa-east-1
"""


@pytest.fixture
def aws(home: Path) -> Path:
    folder = home / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text(CREDENTIALS)
    (folder / "config").write_text(CONFIG)
    return folder


def keys_of(result: Any) -> tuple[Any, ...]:
    """The keys that the client would be given."""
    provider = result.access().provider
    found = provider()
    return found["access_key_id"], found["secret_access_key"], found["token"]


def options_of(result: Any) -> dict[str, Any]:
    found: dict[str, Any] = result.access().options
    return found


@pytest.mark.usefixtures("aws")
def test_the_default_profile() -> None:
    result = S3Result("bucket")
    assert keys_of(result) == ("default-key", "default-secret", None)
    assert options_of(result)["region"] == "eu-central-1"
    assert keys_of(URLResult("s3://bucket/prefix")) == ("default-key", "default-secret", None)


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("how", ["code", "boto3", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
def test_a_named_profile(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how.startswith("AWS"):
        monkeypatch.setenv(how, "team")
    result = {"code": S3Result("b", profile="team"), "boto3": S3Result("b", {"profile_name": "team"})}.get(
        how, S3Result("b")
    )
    assert keys_of(result) == ("team-key", "team-secret/with=signs%and", "team-token")
    assert options_of(result)["region"] == "eu-west-1"
    assert options_of(result)["endpoint"] == "https://team.example.org"


@pytest.mark.usefixtures("aws")
def test_what_a_profile_says_of_s3() -> None:
    options = options_of(S3Result("b", profile="local"))
    assert options["endpoint"] == "http://127.0.0.1:9000"
    assert options["client_options"]["allow_http"] is True
    assert options["virtual_hosted_style_request"] is True
    assert keys_of(S3Result("b", profile="with space")) == ("space-key", "space-secret", None)


def test_the_files_may_lie_elsewhere(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "c").write_text("[default]\naws_access_key_id=a\naws_secret_access_key=b\n")
    (home / "d").write_text("[default]\nregion=r\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "~/c")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "d"))
    assert keys_of(S3Result("b")) == ("a", "b", None)
    assert options_of(S3Result("b"))["region"] == "r"


def test_a_file_that_changes_is_read_again(aws: Path) -> None:
    result = S3Result("b")
    assert keys_of(result)[0] == "default-key"
    (aws / "credentials").write_text("[default]\naws_access_key_id = fresh\naws_secret_access_key = fresh-secret\n")
    assert keys_of(result)[0] == "fresh"


@pytest.mark.usefixtures("aws")
def test_what_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "env-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "env-token")
    monkeypatch.setenv("AWS_PROFILE", "team")
    assert keys_of(S3Result("b")) == ("env-key", "env-secret", "env-token")
    secrets = {"AWS_CREDENTIALS": {"ACCESS_KEY": "s-key", "SECRET_ACCESS_KEY": "s-secret", "SESSION_TOKEN": "s-token"}}
    with context(secrets=secrets):
        assert keys_of(S3Result("b")) == ("s-key", "s-secret", "s-token")
        assert keys_of(S3Result("b", profile="with space"))[0] == "space-key"
        # The token of other keys is not mixed in.
        code = S3Result("b", {"aws_access_key_id": "c-key", "aws_secret_access_key": "c-secret"})
        assert keys_of(code) == ("c-key", "c-secret", None)
    with context(secrets={"AWS_CREDENTIALS": '{"ACCESS_KEY": "j", "SECRET_ACCESS_KEY": "k"}'}):
        assert keys_of(S3Result("b")) == ("j", "k", None)


@pytest.mark.usefixtures("aws")
def test_a_token_of_the_web_comes_before_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/token")
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/r")
    assert S3Result("b").access().provider is None
    S3Result("b").access().check()
    assert keys_of(S3Result("b", profile="team"))[0] == "team-key"


@pytest.mark.usefixtures("aws")
def test_region_and_address_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "team")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "env-region")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://env.example.org")
    options = options_of(S3Result("b"))
    assert (options["region"], options["endpoint"]) == ("env-region", "https://env.example.org")
    monkeypatch.setenv("AWS_REGION", "nearer")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.example.org")
    options = options_of(S3Result("b"))
    assert (options["region"], options["endpoint"]) == ("nearer", "https://s3.example.org")
    options = options_of(S3Result("b", region="code", endpoint="https://code.example.org"))
    assert (options["region"], options["endpoint"]) == ("code", "https://code.example.org")


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("name", ["sso", "role", "process"])
def test_keys_that_have_to_be_fetched_take_boto3(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    result = S3Result("b", profile=name)
    provider = result.access().provider
    assert isinstance(provider, Profile)
    assert result.access().provider is provider
    assert repr(provider) == f"<Profile {name!r}>"
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(AccessError, match=r"pip install 'resultant\[aws\]'"):
        result.access()


def test_boto3_fetches_them(aws: Path) -> None:
    script = aws / "keys.py"
    script.write_text(
        "import json\nprint(json.dumps({'Version': 1, 'AccessKeyId': 'made', 'SecretAccessKey': 'made-secret', "
        "'SessionToken': 'made-token', 'Expiration': '2100-01-01T00:00:00Z'}))\n"
    )
    import sys

    (aws / "config").write_text(f"[profile made]\ncredential_process = {sys.executable} {script}\n")
    result = S3Result("b", profile="made")
    assert keys_of(result) == ("made", "made-secret", "made-token")
    assert result.access().provider()["expires_at"].year == 2100


@pytest.mark.usefixtures("aws")
def test_what_is_wrong_is_said() -> None:
    with pytest.raises(AccessError, match=r"no AWS profile 'tema'.*there are: default, half, local"):
        S3Result("b", profile="tema").access()
    with pytest.raises(AccessError, match="'half' lacks 'aws_secret_access_key'"):
        S3Result("b", profile="half").access()
    with pytest.raises(AccessError, match="has 'access_key_id' and not 'secret_access_key'"):
        S3Result("b", {"aws_access_key_id": "x"}).access()
    with context(secrets={"AWS_CREDENTIALS": "no table"}), pytest.raises(AccessError, match="'AWS_CREDENTIALS'"):
        S3Result("b").access()


def test_a_file_that_is_none_is_named_without_its_lines(aws: Path) -> None:
    (aws / "credentials").write_text("[default]\naws_access_key_id = a\nsecretsecret\n")
    with pytest.raises(AccessError, match=r"credentials is no file of profiles \(line 3\)") as caught:
        S3Result("b").access()
    assert caught.value.__context__ is None


def test_no_credentials_at_all(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    access = S3Result("b").access()
    with pytest.raises(AccessError, match="There are no credentials for s3://b"):
        access.check()
    with pytest.raises(AccessError, match="no credentials"):
        S3Result("b").read("x")
    S3Result("b", options={"skip_signature": True}).access().check()
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/x")
    S3Result("b").access().check()
    assert home.exists()


@pytest.mark.usefixtures("aws")
def test_a_profile_without_keys_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "region-only")
    access = S3Result("b").access()
    assert access.options["region"] == "sa-east-1"
    with pytest.raises(AccessError, match="'region-only'"):
        access.check()


def test_a_machine_of_the_cloud_is_asked_whether_it_has_some(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    from resultant.engine.credentials import metadata

    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setattr(metadata, "_known", {})
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{port}/")
        S3Result("b").access().check()
    monkeypatch.setattr(metadata, "_known", {})
    with pytest.raises(AccessError, match="no credentials"):
        S3Result("b").access().check()


def test_certificates_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(b"-----BEGIN CERTIFICATE-----")
    by_code = S3Result("b", {"verify": str(file)}).access().options["client_options"]["root_certificate"]
    assert by_code == b"-----BEGIN CERTIFICATE-----"
    assert str(file) in repr(by_code)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(file))
    assert S3Result("b").access().options["client_options"]["root_certificate"] == by_code
    assert S3Result("b", {"verify": False}).access().options["client_options"]["allow_invalid_certificates"] is True
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "gone"))
    with pytest.raises(AccessError, match="cannot be read"):
        S3Result("b").access()


def test_equal_keys_are_one_provider() -> None:
    assert Keys("a", "b") == Keys("a", "b", None)
    assert hash(Keys("a", "b")) == hash(Keys("a", "b"))
    assert Keys("a", "b") != Keys("a", "c")
    assert "b" not in repr(Keys("a", "b")).replace("Keys", "")
