"""What flows say to boto3, for a client that is another one."""

from __future__ import annotations

from resultant.errors import UnsupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["from_boto3", "from_extra_args"]

_KEYS = {
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
    "region_name": "region",
    "endpoint_url": "endpoint",
}

#: What boto3 takes, and there is no equal of here: why, or what to do.
_NO_KWARGS = {
    "aws_account_id": "keys say which account is meant: leave it out",
    "service_name": "it is always S3: leave it out",
}
_NO_CONFIG = {
    "client_cert": "client certificates cannot be presented: put a proxy of your own before the service",
    "tcp_keepalive": "the client decides about that itself: leave it out",
    "inject_host_prefix": "it means nothing to S3: leave it out",
    "use_dualstack_endpoint": "give the dual-stack address as `endpoint_url`",
    "use_fips_endpoint": "give the FIPS address as `endpoint_url`",
    "disable_request_compression": "requests are never compressed: leave it out",
    "request_min_compression_size_bytes": "requests are never compressed: leave it out",
    "account_id_endpoint_mode": "it means nothing to S3: leave it out",
    "sigv4a_signing_region_set": "give the address of one region as `endpoint_url`",
    "proxies_config": "give the proxy's certificates as options={'client_options': {'proxy_ca_certificate': ...}}",
    "defaults_mode": "say what you want one by one: connect_timeout, read_timeout, retries",
}
_NO_S3 = {
    "use_accelerate_endpoint": "give the accelerated address as `endpoint_url`",
    "use_dualstack_endpoint": "give the dual-stack address as `endpoint_url`",
    "use_arn_region": "give the bucket by its name, and its region as `region_name`",
}
_NO_EXTRA = {
    "ACL": "set the bucket's policy, or its object ownership, instead",
    "Expires": "set `CacheControl` instead",
    "GrantFullControl": "set the bucket's policy instead",
    "GrantRead": "set the bucket's policy instead",
    "GrantReadACP": "set the bucket's policy instead",
    "GrantWriteACP": "set the bucket's policy instead",
    "ObjectLockMode": "set the bucket's default retention instead",
    "ObjectLockRetainUntilDate": "set the bucket's default retention instead",
    "ObjectLockLegalHoldStatus": "set the bucket's default retention instead",
    "WebsiteRedirectLocation": "results are no web pages: leave it out",
    "SSEKMSEncryptionContext": "the bucket's default encryption knows no context either: leave it out",
    "ExpectedBucketOwner": "set the bucket's policy instead",
    "ContentMD5": "every upload is checked by its signature: leave it out",
}
_ATTRIBUTES = {
    "CacheControl": "Cache-Control",
    "ContentDisposition": "Content-Disposition",
    "ContentEncoding": "Content-Encoding",
    "ContentLanguage": "Content-Language",
    "ContentType": "Content-Type",
    "StorageClass": "Storage-Class",
}


def from_boto3(kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Return the arguments of a boto3 client as options, and the profile they name.

    Args:
        kwargs: of ``boto3.client("s3", ...)``.

    Raises:
        UnsupportedError: there is no equal of one.
    """
    options: dict[str, Any] = {}
    profile = None
    client: dict[str, Any] = {}
    for name, value in kwargs.items():
        if value is None:
            continue
        if name in _KEYS:
            options[_KEYS[name]] = value
        elif name in ("profile", "profile_name"):
            profile = str(value)
        elif name == "verify":
            client |= {"allow_invalid_certificates": True} if value is False else {}
            client |= {} if isinstance(value, bool) else {"root_certificate": str(value)}
        elif name == "config":
            _from_config(value, options, client)
        elif name in ("use_ssl", "use_session") or (name == "api_version" and value == "2006-03-01"):
            continue
        else:
            raise _unsupported("boto3_kwargs", name, _NO_KWARGS)
    if kwargs.get("use_ssl") is False and "endpoint" not in options:
        options["endpoint"] = f"http://s3.{options.get('region', 'us-east-1')}.amazonaws.com"
    if client:
        options["client_options"] = {**options.get("client_options", {}), **client}
    return options, profile


def _from_config(config: Any, options: dict[str, Any], client: dict[str, Any]) -> None:
    """Add what a botocore ``Config``, or a table like one, says."""
    given = getattr(config, "_user_provided_options", config)
    for name, value in dict(given).items():
        if value is None or name == "parameter_validation":
            continue
        if name == "region_name":
            options.setdefault("region", value)
        elif name == "signature_version":
            _sign(value, options)
        elif name in ("connect_timeout", "read_timeout"):
            client[name] = f"{value:g}s"
        elif name == "max_pool_connections":
            client["pool_max_idle_per_host"] = str(value)
        elif name in ("user_agent", "user_agent_extra"):
            client["user_agent"] = f"{client['user_agent']} {value}" if "user_agent" in client else str(value)
        elif name == "proxies":
            client["proxy_url"] = value.get("https") or value.get("http")
        elif name == "retries":
            _retry(value, options)
        elif name in ("request_checksum_calculation", "response_checksum_validation") and value == "when_required":
            continue
        elif name == "s3":
            _from_s3(value, options)
        elif name == "ignore_configured_endpoint_urls" and value is False:
            continue
        else:
            raise _unsupported("boto3_kwargs['config']", name, _NO_CONFIG)


def _sign(version: Any, options: dict[str, Any]) -> None:
    if type(version).__name__ == "UNSIGNED":
        options["skip_signature"] = True
    elif version not in ("s3v4", "v4"):
        raise UnsupportedError(
            f"boto3_kwargs['config'] asks for signature_version={version!r}; requests are signed with 's3v4', or not at all "
            "(botocore.UNSIGNED)."
        )


def _retry(given: Mapping[str, Any], options: dict[str, Any]) -> None:
    for name, value in given.items():
        if name == "mode":
            continue  # there is one way to wait, which knows throttling
        if name not in ("max_attempts", "total_max_attempts"):
            raise _unsupported("boto3_kwargs['config'].retries", name, {})
        options["retry_config"] = {"max_retries": int(value) - (name == "total_max_attempts")}


def _from_s3(given: Mapping[str, Any], options: dict[str, Any]) -> None:
    for name, value in given.items():
        if name == "addressing_style":
            if value != "auto":
                options["virtual_hosted_style_request"] = value == "virtual"
        elif name == "payload_signing_enabled":
            options["unsigned_payload"] = not value
        elif name == "us_east_1_regional_endpoint" and value == "regional":
            continue
        elif not (name in _NO_S3 and value is False):
            raise _unsupported("boto3_kwargs['config'].s3", name, _NO_S3)


def from_extra_args(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return boto3's ``ExtraArgs`` of an upload as options.

    Args:
        given: by boto3's names.

    Raises:
        UnsupportedError: there is no equal of one.
    """
    options: dict[str, Any] = {}
    attributes: dict[str, str] = {}
    for name, value in given.items():
        if value is None or (name == "ACL" and value == "private"):
            continue
        if name in _ATTRIBUTES:
            attributes[_ATTRIBUTES[name]] = str(value)
        elif name == "Metadata":
            attributes.update({str(key): str(text) for key, text in value.items()})
        elif name == "Tagging":
            options["tags"] = _tags(value)
        elif name == "ServerSideEncryption":
            options["server_side_encryption"] = value
        elif name == "SSEKMSKeyId":
            options["sse_kms_key_id"] = value
        elif name == "BucketKeyEnabled":
            options["sse_bucket_key_enabled"] = bool(value)
        elif name == "SSECustomerKey":
            options |= {"server_side_encryption": "sse-c", "sse_customer_key_base64": _base64(value)}
        elif name in ("SSECustomerAlgorithm", "SSECustomerKeyMD5"):
            continue  # follows from the key
        elif name == "RequestPayer":
            options["request_payer"] = True
        elif name == "ChecksumAlgorithm" and str(value).upper() in ("SHA256", "CRC64NVME"):
            options["checksum_algorithm"] = str(value).lower()
        else:
            raise _unsupported("upload_options", name, _NO_EXTRA)
    if "sse_kms_key_id" in options:
        options.setdefault("server_side_encryption", "aws:kms")
    if attributes:
        options["attributes"] = attributes
    return options


def _tags(given: Any) -> dict[str, str]:
    from urllib.parse import parse_qsl

    if isinstance(given, str):
        return dict(parse_qsl(given, keep_blank_values=True))
    return {str(key): str(value) for key, value in dict(given).items()}


def _base64(key: Any) -> str:
    from base64 import b64encode

    return b64encode(key.encode() if isinstance(key, str) else bytes(key)).decode()


def _unsupported(where: str, name: str, known: Mapping[str, str]) -> UnsupportedError:
    what = known.get(name, "leave it out, or give the client's own option for it in `options=`")
    return UnsupportedError(f"{where} has {name!r}, which cannot be had here: {what}.")
