"""``resultant config``: the settings in force."""

from __future__ import annotations

import click

from resultant.cli import output
from resultant.cli.command import Group, as_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

__all__ = ["command"]

_HIDDEN = "********"


@click.group("config", cls=Group)
def command() -> None:
    """Show the settings in force."""


@command.command("show")
@click.argument("key", required=False, metavar="[KEY]")
def show(key: str | None) -> None:
    """Show settings and where each comes from: the default, the file, or the environment.

    KEY is a setting, such as flows.checkpointing, or a table of them, such as flows. Secrets, and passwords in addresses,
    are not shown.
    """
    from resultant.settings import config, current

    current()
    where = _sources()
    rows = [
        (name, _masked(name, value), _source_of(name, where))
        for name, value in _leaves(config.to_dict())
        if key is None or name == key or name.startswith(f"{key}.")
    ]
    if key is not None and not rows:
        from resultant.settings.tree import unknown

        raise unknown(tuple(key.split(".")))
    if as_json():
        output.print_json([{"key": name, "value": value, "source": source} for name, value, source in rows])
        return
    output.print_table(("setting", "value", "from"), [(name, repr(value), source) for name, value, source in rows])


def _leaves(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*path, name))
        elif not isinstance(value, dict):
            yield ".".join((*path, name)), value


def _masked(name: str, value: Any) -> Any:
    if name.startswith("context.") or (name.startswith("stores.") and _is_secret(name)):
        return _HIDDEN
    if isinstance(value, str):
        from urllib.parse import urlsplit

        from resultant.db.postgres_link import without_password

        if "://" in value:
            parts = urlsplit(value)
            if parts.query and not name.startswith("database."):
                # Of an address that was signed the query is the credential; a database's has other things in it as well.
                value = value.replace(f"?{parts.query}", f"?{_HIDDEN}")
            if parts.password:
                value = value.replace(f":{parts.password}@", f":{_HIDDEN}@")
        return without_password(value)
    if isinstance(value, type) or callable(value):
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', value)}"
    return value


def _is_secret(name: str) -> bool:
    """Return whether an option of a store is not known to be harmless."""
    from resultant.engine.credentials.options import is_public

    _, _, *option = name.split(".")
    return not is_public(option[0] if option else "url", option[1] if len(option) > 1 else None)


def _source_of(name: str, where: dict[str, str]) -> str:
    """Return where a setting comes from; what stands in a table may have come with the table."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        found = where.get(".".join(parts[:end]))
        if found is not None and (end == len(parts) or parts[0] in ("context", "stores")):
            return found
    return "default"


def _sources() -> dict[str, str]:
    """Return which settings come from the file, and which from the environment."""
    import os

    from resultant.settings import current
    from resultant.settings.load import NATIVE_PREFIX, read_file
    from resultant.settings.tree import flatten

    file = os.path.join(current().home_dir, "config.toml")
    found = {".".join(path): file for path, _ in flatten(read_file(file))}
    for variable in os.environ:
        if variable.startswith(NATIVE_PREFIX):
            parts = variable.removeprefix(NATIVE_PREFIX).split("__")
            kept = 2 if [part.lower() for part in parts[:2]] == ["context", "secrets"] else len(parts)
            found[".".join((*(part.lower() for part in parts[:kept]), *parts[kept:]))] = variable
    return found
