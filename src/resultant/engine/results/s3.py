"""Results in Amazon S3, and in whatever speaks its language."""

from __future__ import annotations

from .objects import ObjectResult, joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["S3Result"]


class S3Result(ObjectResult):
    """Stores each result as an object of a bucket; the location is the object's key.

    Args:
        bucket: the bucket's name.
        boto3_kwargs: what boto3's client would be made with: keys, ``region_name``, ``endpoint_url``, ``config`` and so on.
        upload_options: what boto3 calls ``ExtraArgs``: ``ContentType``, ``Metadata``, ``ServerSideEncryption`` and so on.
        prefix: a folder in the bucket, below which all locations are.
        region: the bucket's region.
        endpoint: the address of a service that is not Amazon's.
        profile: of ``~/.aws``; by default AWS_PROFILE, or ``default``.
        credentials: a table with ``access_key_id``, ``secret_access_key`` and perhaps ``session_token``, or a function that
            returns one, with ``expires_at``.
        options: further configuration of the client, by the names that obstore has for it.
        store: the name of a store in the settings of each machine, instead of all that.
        **result_options: ``value``, ``location``, ``serializer``, ``keep`` and ``pack`` of
            :class:`~resultant.engine.stored.StoredResult`.

    Raises:
        UnsupportedError: an option of boto3's that cannot be had here; the message says what to do.
        ConfigurationError: there is no such option, or nothing says which bucket is meant.
    """

    _sdk = {"client": "one client library serves all clouds. Use `read`, `write` and `exists`, or make a boto3 client"}

    def __init__(
        self,
        bucket: str | None = None,
        boto3_kwargs: Mapping[str, Any] | None = None,
        upload_options: Mapping[str, Any] | None = None,
        *,
        prefix: str | None = None,
        region: str | None = None,
        endpoint: str | None = None,
        profile: str | None = None,
        credentials: Mapping[str, Any] | Callable[[], Any] | None = None,
        options: Mapping[str, Any] | None = None,
        store: str | None = None,
        **result_options: Any,
    ) -> None:
        from resultant.engine.credentials.options import merged

        from .boto3_options import from_boto3, from_extra_args

        self.bucket = bucket
        self.prefix = prefix
        given, named = from_boto3(boto3_kwargs or {})
        given = merged(given, from_extra_args(upload_options or {}))
        given = merged(given, options or {})
        for name, value in (("region", region), ("endpoint", endpoint)):
            if value is not None:
                given[name] = value
        url = None if bucket is None else joined("s3", bucket, prefix)
        super().__init__(url, given, credentials, profile or named, store, **result_options)

    def _needs(self) -> str:
        return "a bucket (`bucket`)"

    def _url(self) -> str:
        return joined("s3", str(self.bucket), self.prefix)

    def _where(self) -> dict[str, Any]:
        return {"bucket": self.bucket} if self.prefix is None else {"bucket": self.bucket, "prefix": self.prefix}
