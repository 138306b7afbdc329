"""What an object store can be told: known names, other names for them, and which of them are nobody else's business."""

from __future__ import annotations

import re

from resultant.errors import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["check_endpoint", "check_url", "divided", "is_public", "kind_of_url", "merged", "normal"]

#: For every kind of store.
_COMMON = "attributes client_options retry_config tags"

#: Options that a record may keep, by kind of store.
_PUBLIC = {
    "s3": """bucket checksum_algorithm conditional_put copy_if_not_exists disable_tagging disable_bulk_delete endpoint
        imdsv1_fallback metadata_endpoint region request_payer s3_express server_side_encryption skip_signature
        sse_bucket_key_enabled sse_kms_key_id sts_endpoint unsigned_payload virtual_hosted_style_request
        container_credentials_relative_uri container_credentials_full_uri container_authorization_token_file role_arn
        role_session_name web_identity_token_file""",
    "gs": "bucket base_url service_account application_credentials skip_signature",
    "az": """container_name account_name client_id tenant_id authority_host credential_type disable_tagging endpoint
        federated_token_file msi_endpoint msi_resource_id object_id skip_signature use_azure_cli use_emulator
        use_fabric_endpoint fabric_token_service_url fabric_workload_host fabric_cluster_identifier""",
    "http": "",
    "memory": "",
    "file": "",
}
#: Those that it may not.
_SECRET = {
    "s3": "access_key_id secret_access_key session_token sse_customer_key_base64",
    "gs": "bearer_token service_account_key",
    "az": "account_key client_secret connection_string encryption_key fabric_session_token sas_key token",
    "http": "",
    "memory": "",
    "file": "",
}
#: Of the options for the connection itself.
_SECRET_CLIENT = ("default_headers", "proxy_url")

#: Options that are the address of a service.
ENDPOINTS = ("endpoint", "base_url")
#: Names of hosts and buckets, with a port.
_HOST = re.compile(r"[A-Za-z0-9._\-\[\]:]*")

_PREFIXES = {"s3": ("aws_",), "gs": ("google_",), "az": ("azure_storage_", "azure_")}
_OTHER_NAMES = {
    "s3": {
        "default_region": "region", "region_name": "region", "endpoint_url": "endpoint", "endpoint_url_s3": "endpoint",
        "token": "session_token",
    },
    "gs": {"endpoint": "base_url", "service_account_path": "service_account"},
    "az": {
        "access_key": "account_key", "master_key": "account_key", "sas_token": "sas_key", "bearer_token": "token",
        "authority_id": "tenant_id", "authority_url": "authority_host", "endpoint_url": "endpoint",
    },
}  # fmt: skip
_SCHEMES = {
    "s3": "s3", "s3a": "s3", "gs": "gs", "az": "az", "adl": "az", "azure": "az", "abfs": "az", "abfss": "az",
    "http": "http", "https": "http", "memory": "memory", "file": "file",
}  # fmt: skip
_HOSTS = {
    ".amazonaws.com": "s3", ".r2.cloudflarestorage.com": "s3", ".blob.core.windows.net": "az",
    ".dfs.core.windows.net": "az", ".fabric.microsoft.com": "az",
}  # fmt: skip


def kind_of_url(url: str) -> str:
    """Return the kind of store that a URL means: ``s3``, ``gs``, ``az``, ``http``, ``memory``, ``file`` or ``other``."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    kind = _SCHEMES.get(parts.scheme.lower(), "other")
    if kind == "http":
        host = parts.hostname or ""
        kind = next((each for ending, each in _HOSTS.items() if host.endswith(ending)), kind)
    return kind


def check_url(url: str) -> None:
    """Raise an error for an address that is none, or that holds credentials: addresses are on record.

    Raises:
        ConfigurationError: it is.
    """
    from urllib.parse import urlsplit

    wrong = ""
    try:
        parts = urlsplit(url)
        if not parts.scheme or "://" not in url:
            wrong = "What should be the address of a store is none; write one like 's3://bucket/prefix'."
        elif parts.password is not None or (parts.username and kind_of_url(url) in ("s3", "gs", "http")):
            wrong = "An address of a store may not hold a user's name and password: give credentials as options."
        elif parts.scheme in _SCHEMES and not _HOST.fullmatch(parts.netloc.rpartition("@")[2]):
            wrong = "The address of a store has characters in it that the name of a bucket or host cannot have."
        elif parts.query:
            # Of a signed address the query is the credential.
            wrong = "An address of a store may not have a query (`?...`): give credentials as options."
        elif (
            kind_of_url(url) in ("s3", "gs", "az")
            and parts.scheme.lower() not in ("http", "https")
            and not parts.netloc
        ):
            wrong = f"{url!r} names no bucket; write 's3://bucket/prefix'."
    except ValueError:
        wrong = "An address of a store cannot be understood; write one like 's3://bucket/prefix'."
    if wrong:
        raise ConfigurationError(wrong)


def check_endpoint(value: Any) -> str:
    """Return what is wrong with the address of a service, which is on record as well; nothing is an empty text."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(str(value))
        _ = parts.port
    except ValueError:
        return "the address of the service cannot be understood"
    if parts.username or parts.password or parts.query:
        return "the address of the service holds credentials: give them as options of their own"
    if parts.scheme.lower() not in ("http", "https") or not _HOST.fullmatch(parts.netloc) or " " in parts.path:
        return "what should be the address of the service is none; write one like 'https://storage.example.org'"
    return ""


def normal(kind: str, options: Mapping[str, Any], whose: str) -> dict[str, Any]:
    """Return options by the names that the client library has for them.

    Args:
        kind: of the store.
        options: by whatever name.
        whose: what has these options, for messages.

    Raises:
        ConfigurationError: there is no such option; the message names the nearest one.
    """
    if kind == "other":
        return dict(options)
    known = f"{_PUBLIC[kind]} {_SECRET[kind]} {_COMMON}".split()
    found = {}
    for given, value in options.items():
        name = str(given).lower()
        for prefix in _PREFIXES.get(kind, ()):
            if name not in known:
                name = name.removeprefix(prefix)
        name = _OTHER_NAMES.get(kind, {}).get(name, name)
        if name not in known:
            raise _unknown(given, name, known, whose)
        if name in ENDPOINTS and (wrong := check_endpoint(value)) and value is not None:
            raise ConfigurationError(f"{whose}: {wrong}.")
        if value is not None:
            found[name] = value
    return found


def _unknown(given: str, name: str, known: list[str], whose: str) -> ConfigurationError:
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(sorted(known))}."
    return ConfigurationError(f"{whose} has no option {given!r}; {hint}")


def divided(kind: str, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options that a record may keep, and those that it may not.

    Args:
        kind: of the store.
        options: by their usual names.
    """
    public = _PUBLIC.get(kind, "").split()
    shown: dict[str, Any] = {}
    hidden: dict[str, Any] = {}
    for name, value in options.items():
        if name == "client_options":
            for key, inner in dict(value).items():
                place = hidden if key in _SECRET_CLIENT else shown
                place.setdefault(name, {})[key] = inner
        else:
            # Metadata and tags are about what is written, and no reader needs them.
            (shown if name in public or (kind != "other" and name in _COMMON.split()) else hidden)[name] = value
    return shown, hidden


def is_public(name: str, inner: str | None = None) -> bool:
    """Return whether an option of a store in the settings may be shown.

    Args:
        name: the option's, by whatever name.
        inner: a key in it, where it is a table.
    """
    if name == "client_options":
        return inner is not None and inner not in _SECRET_CLIENT
    if name in ("url", "profile", "credentials", *_COMMON.split()):
        return True
    for kind, words in _PUBLIC.items():
        plain = name
        for prefix in _PREFIXES.get(kind, ()):
            plain = plain.removeprefix(prefix)
        if _OTHER_NAMES.get(kind, {}).get(plain, plain) in words.split():
            return True
    return False


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of two sources as one; tables are merged."""
    found = dict(one)
    for name, value in other.items():
        below = found.get(name)
        found[name] = {**below, **value} if isinstance(below, dict) and isinstance(value, dict) else value
    return found
