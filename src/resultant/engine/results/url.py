"""Results in any store that an address leads to."""

from __future__ import annotations

from resultant.engine.credentials.options import check_url

from .objects import ObjectResult

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["URLResult"]

#: Options of the result itself; all others are the store's.
_OF_RESULTS = ("value", "location", "serializer", "keep", "pack")


class URLResult(ObjectResult):
    """Stores each result as an object below an address, such as ``s3://bucket/prefix``; the location is what follows it.

    ``s3://``, ``gs://``, ``az://``, ``file://`` and ``memory://`` are built in, and what the extra ``fsspec`` knows can be
    had with it.

    Args:
        url: the address. It is on record: it may not hold credentials.
        credentials: a table of credentials, or a function that returns them; see the class for that cloud.
        profile: of ``~/.aws``, for S3.
        store: the name of a store in the settings of each machine, instead of all that.
        **options: of the store's client; and ``value``, ``location``, ``serializer``, ``keep`` and ``pack`` of
            :class:`~resultant.engine.stored.StoredResult`.

    Raises:
        ConfigurationError: there is no such option, or the address is none.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        credentials: Mapping[str, Any] | Callable[[], Any] | None = None,
        profile: str | None = None,
        store: str | None = None,
        options: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> None:
        if url is not None:
            check_url(url)
        self.url = None if url is None else url.rstrip("/") if not url.endswith("://") else url
        own = {name: more.pop(name) for name in _OF_RESULTS if name in more}
        super().__init__(self.url, {**(options or {}), **more}, credentials, profile, store, **own)

    def _url(self) -> str:
        return str(self.url)

    def _where(self) -> dict[str, Any]:
        return {"url": self.url}
