"""Stores that have a name in the settings of a machine: ``store="team-bucket"``."""

from __future__ import annotations

from resultant.errors import AccessError, ConfigurationError

from .options import check_url, kind_of_url, merged, normal
from .providers import imported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["NamedStore", "is_store", "named_store", "store_names"]


class NamedStore:
    """What the settings say of a store.

    Attributes:
        url: its address.
        options: by their usual names; some may be secret.
        profile: of ``~/.aws``.
        provider: gives credentials.
    """

    __slots__ = ("options", "profile", "provider", "url")

    def __init__(
        self, url: str, options: dict[str, Any], profile: str | None, provider: Callable[[], Any] | None
    ) -> None:
        self.url = url
        self.options = options
        self.profile = profile
        self.provider = provider


def store_names() -> list[str]:
    """Return the names of the stores in the settings."""
    return sorted(_tables())


def is_store(name: str) -> bool:
    """Return whether the settings have a store of this name."""
    return _plain(name) in _tables()


def named_store(name: str) -> NamedStore:
    """Return a store of the settings; ``team-bucket`` and ``TEAM_BUCKET`` are the same name.

    Raises:
        AccessError: there is none of this name, or what the settings say of it cannot be.
    """
    tables = _tables()
    table = tables.get(_plain(name))
    if table is None:
        raise _unknown(name, sorted(tables))
    where = f"stores.{name}"
    given = dict(table)
    url, profile, credentials = (given.pop(key, None) for key in ("url", "profile", "credentials"))
    if not url:
        raise AccessError(f"The store {name!r} has no address: set {where}.url to one like 's3://bucket/prefix'.")
    try:
        check_url(str(url))
        options = normal(kind_of_url(str(url)), given, f"The store {name!r} in the settings")
    except ConfigurationError as error:
        raise AccessError(f"{error} (It is the store {name!r} of the settings.)") from None
    provider = None if credentials is None else imported(str(credentials), f"{where}.credentials")
    return NamedStore(str(url), options, None if profile is None else str(profile), provider)


def _tables() -> dict[str, Mapping[str, Any]]:
    from resultant.runtime import settings

    found: dict[str, Mapping[str, Any]] = {}
    for name, table in settings().stores.items():
        # The environment has the same name in other letters; what it says comes last, and counts.
        found[_plain(name)] = merged(found.get(_plain(name), {}), {"url": table} if isinstance(table, str) else table)
    return found


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def _unknown(name: str, names: list[str]) -> AccessError:
    from difflib import get_close_matches

    variable = f"RESULTANT__STORES__{name.upper().replace('-', '_')}__URL"
    close = get_close_matches(_plain(name), names, n=1, cutoff=0.6)
    hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(names) or 'none'}."
    return AccessError(
        f"The settings of this machine know no store {name!r}; {hint} A store is a table [stores.{name}] with a `url` in "
        f"config.toml, or the environment variable {variable}."
    )
