"""Azure Blob Storage: connection strings, keys, signatures, identities."""

from __future__ import annotations

import os

from resultant.errors import AccessError

from .access import Access, allow_http
from .context_secrets import secret_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["complete_azure", "parsed"]

_VARIABLE = "AZURE_STORAGE_CONNECTION_STRING"
_EXPLICIT = (
    "account_key",
    "sas_key",
    "token",
    "client_secret",
    "federated_token_file",
    "use_azure_cli",
    "msi_endpoint",
)
#: What the client library makes something of by itself.
_NATIVE = (
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_TOKEN",
    "AZURE_CLIENT_SECRET",
    "AZURE_STORAGE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_USE_AZURE_CLI",
    "IDENTITY_ENDPOINT",
    "MSI_ENDPOINT",
)
#: The storage emulator's account; its key is printed in Microsoft's documentation.
_EMULATOR = {
    "account_name": "devstoreaccount1",
    "account_key": "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    "endpoint": "http://127.0.0.1:10000/devstoreaccount1",
}
_FORM = "It looks like 'AccountName=...;AccountKey=...'; the Azure portal shows it under 'Access keys'."


def complete_azure(url: str, options: dict[str, Any], provider: Callable[[], Any] | None, secret: str | None) -> Access:
    """Return what it takes to open a container here.

    Args:
        url: the container's address.
        options: what was said in code or in the settings.
        provider: gives keys, signatures or tokens.
        secret: the context's secret that holds a connection string.

    Raises:
        AccessError: nobody says which account is meant, or a connection string cannot be understood.
    """
    text = options.pop("connection_string", None)
    who = "The connection string"
    explicit = provider is not None or any(options.get(name) for name in _EXPLICIT)
    if text is None and not explicit:
        text, who = os.environ.get(_VARIABLE) or None, _VARIABLE
        if text is None and secret is not None:
            text, who = secret_text(secret), f"The secret {secret!r}"
            if text is None:
                raise AccessError(
                    f"There is no connection string for {url}: {_VARIABLE} is not set, and the context has no secret "
                    f"{secret!r}. Set one of them: RESULTANT__CONTEXT__SECRETS__{secret} is that secret."
                )
    if text is not None:
        found = parsed(text, who)
        # One that the environment has for another account than this is not meant.
        if who != _VARIABLE or options.get("account_name") in (None, found["account_name"]):
            options = {**options, **found}
    account = options.get("account_name") or os.environ.get("AZURE_STORAGE_ACCOUNT_NAME") or _account_of(url)
    if not account:
        raise AccessError(
            f"Nobody says which storage account {url} is in: give a connection string (in code, in {_VARIABLE}, or as a "
            "secret), or the option 'account_name'."
        )
    options["account_name"] = account
    if str(options.get("endpoint", "")).lower().startswith("http://"):
        allow_http(options)
    if provider is not None or any(options.get(name) for name in _EXPLICIT) or any(map(os.environ.get, _NATIVE)):
        return Access(url, options, provider)
    if str(options.get("skip_signature", "")).lower() == "true":
        return Access(url, options)
    from shutil import which

    if which("az") is not None:
        options["use_azure_cli"] = True
        return Access(url, options)
    lacking = (
        f"There are no credentials for {url}: none in code, in {_VARIABLE}, or elsewhere in the environment. Give a "
        "connection string, or log in with `az login`."
    )
    # As Microsoft's own library has it: "dev" is a machine that nobody gives an identity.
    host = "" if os.environ.get("AZURE_TOKEN_CREDENTIALS", "").lower() == "dev" else "169.254.169.254"
    return Access(url, options, None, lacking, host)


def parsed(text: str, who: str) -> dict[str, Any]:
    """Return the options that a connection string holds.

    Args:
        text: the connection string.
        who: has it, for messages.

    Raises:
        AccessError: it is none.
    """
    parts = dict(part.split("=", 1) for part in text.strip().strip(";").split(";") if "=" in part)
    if parts.get("UseDevelopmentStorage", "").lower() == "true":
        return dict(_EMULATOR)
    endpoint = parts.get("BlobEndpoint", "").rstrip("/")
    account = parts.get("AccountName") or _account_of(endpoint)
    if not account:
        raise AccessError(f"{who} does not name a storage account. {_FORM}")
    if not endpoint:
        suffix = parts.get("EndpointSuffix", "core.windows.net")
        protocol = parts.get("DefaultEndpointsProtocol", "https")
        if (protocol, suffix) != ("https", "core.windows.net"):
            endpoint = f"{protocol}://{account}.blob.{suffix}"
    found = {
        "account_name": account,
        "account_key": parts.get("AccountKey"),
        "sas_key": parts.get("SharedAccessSignature", "").lstrip("?"),
        "endpoint": endpoint,
    }
    return {name: value for name, value in found.items() if value}


def _account_of(address: str) -> str | None:
    """Return the account that an address is in: the host's first part, or the path's where the host is a number."""
    from urllib.parse import urlsplit

    parts = urlsplit(address)
    host = parts.hostname or ""
    if ".blob." in host or ".dfs." in host:
        return host.partition(".")[0]
    first = parts.path.strip("/").partition("/")[0]
    return first if parts.scheme in ("http", "https") and first else None
