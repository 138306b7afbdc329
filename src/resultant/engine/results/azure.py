"""Results in Azure Blob Storage."""

from __future__ import annotations

from .objects import ObjectResult, joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["AzureResult"]

_WHY = "one client library serves all clouds. Use `read`, `write` and `exists`, or make a client of Azure's"


class AzureResult(ObjectResult):
    """Stores each result as a blob of a container; the location is the blob's name.

    Args:
        container: the container's name.
        connection_string: says which account, and holds its key; by default AZURE_STORAGE_CONNECTION_STRING.
        connection_string_secret: the name of a secret of the context that holds it, if that is not set.
        prefix: a folder in the container, below which all locations are.
        account: the name of the storage account, where no connection string says it.
        endpoint: the address of a service that is not Microsoft's.
        credentials: a table with ``account_key`` or ``sas_key``, or a function that returns ``access_key``, ``sas_token`` or
            ``token``, and ``expires_at``.
        options: further configuration of the client, by the names that obstore has for it.
        store: the name of a store in the settings of each machine, instead of all that.
        **result_options: ``value``, ``location``, ``serializer``, ``keep`` and ``pack`` of
            :class:`~resultant.engine.stored.StoredResult`.

    Raises:
        ConfigurationError: there is no such option, or nothing says which container is meant.
    """

    _sdk = {"service": _WHY, "initialize_service": _WHY}

    def __init__(
        self,
        container: str | None = None,
        connection_string: str | None = None,
        connection_string_secret: str | None = None,
        *,
        prefix: str | None = None,
        account: str | None = None,
        endpoint: str | None = None,
        credentials: Mapping[str, Any] | Callable[[], Any] | None = None,
        options: Mapping[str, Any] | None = None,
        store: str | None = None,
        **result_options: Any,
    ) -> None:
        self.container = container
        self.prefix = prefix
        self.connection_string_secret = connection_string_secret
        named = {"connection_string": connection_string, "account_name": account, "endpoint": endpoint}
        given = {**(options or {}), **{name: value for name, value in named.items() if value is not None}}
        url = None if container is None else joined("az", container, prefix)
        super().__init__(url, given, credentials, None, store, **result_options)

    def _needs(self) -> str:
        return "a container (`container`)"

    def _url(self) -> str:
        return joined("az", str(self.container), self.prefix)

    def _secret(self) -> str | None:
        return self.connection_string_secret

    def _where(self) -> dict[str, Any]:
        found = {"container": self.container, "prefix": self.prefix}
        found["connection_string_secret"] = self.connection_string_secret
        return {name: value for name, value in found.items() if value is not None}
