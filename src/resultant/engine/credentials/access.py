"""What the client of a store needs."""

from __future__ import annotations

from resultant.errors import AccessError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Access", "allow_http"]


class Access:
    """What it takes to open an object store on this machine.

    Attributes:
        url: the store's address.
        options: of the client; some may be secret.
        provider: asked for credentials when they are needed; ``None`` where the options have them, or the client finds
            them by itself.
        lacking: what to say if no credentials were found, and the cloud gives none to this machine; else ``None``.
        host: who gives credentials to machines of the cloud.
    """

    __slots__ = ("host", "lacking", "options", "provider", "url")

    def __init__(
        self,
        url: str,
        options: dict[str, Any],
        provider: Callable[[], Any] | None = None,
        lacking: str | None = None,
        host: str = "",
    ) -> None:
        self.url = url
        self.options = options
        self.provider = provider
        self.lacking = lacking
        self.host = host

    def check(self) -> None:
        """Raise an error if nothing here has credentials.

        Raises:
            AccessError: nothing has.
        """
        if self.lacking is None:
            return
        from .metadata import answers

        if not answers(self.host):
            raise AccessError(self.lacking)

    def __repr__(self) -> str:
        return f"<Access {self.url}>"


def allow_http(options: dict[str, Any]) -> None:
    """Allow connections that are not encrypted, where the address says so and nobody else did."""
    client = {"allow_http": True, **(options.get("client_options") or {})}
    options["client_options"] = client
