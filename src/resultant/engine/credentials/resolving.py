"""From what is known of a store to what its client needs."""

from __future__ import annotations

from resultant.errors import AccessError

from .access import Access, allow_http
from .options import kind_of_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["resolve"]


def resolve(
    url: str,
    options: Mapping[str, Any],
    profile: str | None = None,
    provider: Callable[[], Any] | None = None,
    secret: str | None = None,
) -> Access:
    """Find out what this machine needs to open a store: region, address, credentials.

    Args:
        url: the store's address.
        options: by their usual names; what they say comes first.
        profile: of ``~/.aws``, for S3.
        provider: gives credentials when it is called.
        secret: the context's secret that holds a connection string, for Azure.

    Raises:
        AccessError: what is configured here contradicts itself, or names something that is not there.
    """
    kind = kind_of_url(url)
    if profile is not None and kind != "s3":
        raise AccessError(f"A profile is one of ~/.aws, and {url} is not in S3: leave out `profile`.")
    if kind == "s3":
        from .aws import complete_aws

        return complete_aws(url, dict(options), profile, provider)
    if kind == "gs":
        from .gcs import complete_gcs

        return complete_gcs(url, dict(options), provider)
    if kind == "az":
        from .azure import complete_azure

        return complete_azure(url, dict(options), provider, secret)
    found = dict(options)
    if url.lower().startswith("http://"):
        allow_http(found)
    return Access(url, found, provider)
