"""Amazon S3, and whatever speaks its language: keys, region, address."""

from __future__ import annotations

import os

from resultant.errors import AccessError

from .access import Access, allow_http
from .aws_files import files, find_profile, profile_names
from .certificates import with_certificates
from .context_secrets import secret_table
from .options import check_endpoint
from .providers import Keys, Profile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .aws_files import AwsProfile

__all__ = ["complete_aws"]

#: The context's secret, as Prefect 1 has it.
SECRET = "AWS_CREDENTIALS"
#: What the client library makes something of by itself.
_NATIVE = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_NATIVE_OPTIONS = (
    "web_identity_token_file",
    "container_credentials_relative_uri",
    "container_credentials_full_uri",
    "metadata_endpoint",
)
_LACKING = (
    "There are no credentials for {url}: none in code, in the context's secrets, in the environment "
    "(AWS_ACCESS_KEY_ID), or in the profile {profile!r} of {files}. Give some, name a profile with AWS_PROFILE, or say "
    "options={{'skip_signature': True}} for a public bucket."
)


def complete_aws(url: str, options: dict[str, Any], name: str | None, provider: Callable[[], Any] | None) -> Access:
    """Return what it takes to open a bucket here.

    Args:
        url: the bucket's address.
        options: what was said in code or in the settings.
        name: of the profile that was named there.
        provider: gives credentials.

    Raises:
        AccessError: half a key, a profile that is not there, or one that takes boto3.
    """
    environ = os.environ
    keys = [options.pop(each, None) for each in ("access_key_id", "secret_access_key", "session_token")]
    wanted = name or environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE")
    profile = find_profile(wanted or "default")
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or environ.get("AWS_ENDPOINT")
    bundle = environ.get("AWS_CA_BUNDLE")
    if profile is not None:
        region, endpoint = region or profile.region, endpoint or profile.endpoint
        bundle = bundle or profile.ca_bundle
        if profile.addressing_style == "virtual":
            options.setdefault("virtual_hosted_style_request", True)
    for key, value in (("region", region), ("endpoint", endpoint)):
        if value:
            options.setdefault(key, value)
    if "endpoint" in options and (wrong := check_endpoint(options["endpoint"])):
        raise AccessError(f"Of S3, {wrong}: it is AWS_ENDPOINT_URL, or `endpoint_url` in {files()[1]}.")
    if str(options.get("endpoint", "")).lower().startswith("http://"):
        allow_http(options)
    elif bundle:
        options["client_options"] = {"root_certificate": bundle, **(options.get("client_options") or {})}
    if "client_options" in options:
        options["client_options"] = with_certificates(options["client_options"])
    lacking = None
    if str(options.get("skip_signature", "")).lower() == "true":
        provider = None
    elif provider is None:
        provider = _found(keys, name, wanted, profile, options)
        if provider is None and not any(map(environ.get, _NATIVE)) and not any(map(options.get, _NATIVE_OPTIONS)):
            lacking = _LACKING.format(url=url, profile=wanted or "default", files=" and ".join(files()))
    if environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return Access(url, options, provider, lacking)
    host = environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or environ.get("AWS_METADATA_ENDPOINT")
    return Access(url, options, provider, lacking, host or "http://169.254.169.254")


def _found(
    keys: list[Any], name: str | None, wanted: str | None, profile: AwsProfile | None, options: dict[str, Any]
) -> Callable[[], Any] | None:
    """Return who gives credentials: code, then the profile it names, secrets, the environment, the files."""
    environ = os.environ
    if any(keys[:2]):
        return _keys(keys, "What was given in code or settings")
    if name is not None:
        return _of_profile(name, profile)
    secret = secret_table(SECRET)
    if secret is not None:
        given = [secret.get(each) for each in ("ACCESS_KEY", "SECRET_ACCESS_KEY", "SESSION_TOKEN")]
        return _keys(given, f"The secret {SECRET!r}", "ACCESS_KEY", "SECRET_ACCESS_KEY")
    given = [environ.get(each) for each in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")]
    if any(given[:2]):
        return _keys(given, "The environment", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    if environ.get("AWS_WEB_IDENTITY_TOKEN_FILE") and environ.get("AWS_ROLE_ARN"):
        # The client exchanges it; Amazon's own libraries look at it before the files as well.
        return None
    if wanted is not None or profile is not None:
        return _of_profile(wanted or "default", profile)
    return None


def _keys(given: list[Any], who: str, key: str = "access_key_id", secret: str = "secret_access_key") -> Keys:
    if not given[0] or not given[1]:
        lacking, there = (secret, key) if given[0] else (key, secret)
        raise AccessError(f"{who} has {there!r} and not {lacking!r}: S3 takes both.")
    return Keys(*given)


def _of_profile(name: str, profile: AwsProfile | None) -> Callable[[], Any] | None:
    if profile is None:
        raise AccessError(
            f"There is no AWS profile {name!r} in {' and '.join(files())}; there are: "
            f"{', '.join(profile_names()) or 'none'}. Choose one of them, or make it with `aws configure --profile {name}`."
        )
    if profile.keys is not None:
        return Keys(*profile.keys)
    if not profile.needs_boto3:
        return None
    provider = Profile(name, files())
    provider.check()
    return _same(provider)


def _same(provider: Profile) -> Profile:
    """Return one provider for all who mean the same, so that keys are fetched once."""
    return _profiles.setdefault(provider, provider)


_profiles: dict[Profile, Profile] = {}
