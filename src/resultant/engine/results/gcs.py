"""Results in Google Cloud Storage."""

from __future__ import annotations

from .objects import ObjectResult, joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["GCSResult"]


class GCSResult(ObjectResult):
    """Stores each result as an object of a bucket; the location is the object's name.

    Args:
        bucket: the bucket's name.
        prefix: a folder in the bucket, below which all locations are.
        endpoint: the address of a service that is not Google's.
        credentials: a service account, as its JSON file has it, or a function that returns ``token`` and ``expires_at``.
        options: further configuration of the client, by the names that obstore has for it.
        store: the name of a store in the settings of each machine, instead of all that.
        **result_options: ``value``, ``location``, ``serializer``, ``keep`` and ``pack`` of
            :class:`~resultant.engine.stored.StoredResult`.

    Raises:
        ConfigurationError: there is no such option, or nothing says which bucket is meant.
    """

    _sdk = {
        "gcs_bucket": "one client library serves all clouds. Use `read`, `write` and `exists`, or make a client of Google's"
    }

    def __init__(
        self,
        bucket: str | None = None,
        *,
        prefix: str | None = None,
        endpoint: str | None = None,
        credentials: Mapping[str, Any] | Callable[[], Any] | None = None,
        options: Mapping[str, Any] | None = None,
        store: str | None = None,
        **result_options: Any,
    ) -> None:
        self.bucket = bucket
        self.prefix = prefix
        given = dict(options or {})
        if endpoint is not None:
            given["base_url"] = endpoint
        url = None if bucket is None else joined("gs", bucket, prefix)
        super().__init__(url, given, credentials, None, store, **result_options)

    def _needs(self) -> str:
        return "a bucket (`bucket`)"

    def _url(self) -> str:
        return joined("gs", str(self.bucket), self.prefix)

    def _where(self) -> dict[str, Any]:
        return {"bucket": self.bucket} if self.prefix is None else {"bucket": self.bucket, "prefix": self.prefix}
