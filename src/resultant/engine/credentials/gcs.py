"""Google Cloud Storage: service accounts, and what else gives tokens."""

from __future__ import annotations

import os

from resultant.errors import AccessError

from .access import Access, allow_http
from .context_secrets import secret_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["complete_gcs"]

#: The context's secret, as Prefect 1 has it: what a service account's JSON file holds.
SECRET = "GCP_CREDENTIALS"
_EXPLICIT = ("service_account", "service_account_key", "application_credentials", "bearer_token")
#: What the client library makes something of by itself.
_NATIVE = (
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_PATH",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_BEARER_TOKEN",
    "SERVICE_ACCOUNT",
)
_DEFAULT = "~/.config/gcloud/application_default_credentials.json"
_LACKING = (
    "There are no credentials for {url}: none in code, in the context's secret 'GCP_CREDENTIALS', in the environment "
    "(GOOGLE_APPLICATION_CREDENTIALS), or in {file}. Give some: `gcloud auth application-default login` makes that file."
)


def complete_gcs(url: str, options: dict[str, Any], provider: Callable[[], Any] | None) -> Access:
    """Return what it takes to open a bucket here.

    Args:
        url: the bucket's address.
        options: what was said in code or in the settings.
        provider: gives tokens.

    Raises:
        AccessError: a file or a secret that is named is not there, or is something else.
    """
    import json

    key = options.get("service_account_key")
    if isinstance(key, dict):
        options["service_account_key"] = json.dumps(key)
    for name in ("service_account", "application_credentials"):
        if options.get(name):
            options[name] = _existing(os.path.expanduser(str(options[name])), f"The option {name!r}")
    if str(options.get("base_url", "")).lower().startswith("http://"):
        allow_http(options)
    if provider is not None or any(options.get(name) for name in _EXPLICIT):
        return Access(url, options, provider)
    if str(options.get("skip_signature", "")).lower() == "true":
        return Access(url, options)
    secret = secret_table(SECRET)
    if secret is not None:
        options["service_account_key"] = json.dumps(secret)
        return Access(url, options)
    path = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    if path:
        _existing(path, "GOOGLE_APPLICATION_CREDENTIALS")
    file = os.path.expanduser(_DEFAULT)
    if any(map(os.environ.get, _NATIVE)) or os.path.exists(file):
        return Access(url, options)
    host = "" if os.environ.get("NO_GCE_CHECK", "").lower() == "true" else "169.254.169.254"
    return Access(url, options, None, _LACKING.format(url=url, file=file), os.environ.get("GCE_METADATA_HOST") or host)


def _existing(path: str, who: str) -> str:
    if not os.path.exists(path):
        raise AccessError(f"{who} names {path!r}, and there is no such file.")
    return path
