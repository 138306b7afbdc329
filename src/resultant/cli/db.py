"""``resultant db``: the state database."""

from __future__ import annotations

import click

from resultant.cli import output
from resultant.cli.command import Group, as_json, database

__all__ = ["command"]


@click.group("db", cls=Group)
def command() -> None:
    """Look after the state database."""


@command.command("status")
def status() -> None:
    """Say where the database is, its version, and how large it is."""
    db = database(make=True)
    sizes = db.sizes()
    if as_json():
        output.print_json({"url": db.url, "version": db.version(), **sizes})
        return
    output.fields(
        [
            ("database", db.url),
            ("version", db.version()),
            ("size", output.size(sizes["bytes"])),
            *((name.replace("_", " "), f"{number:,}") for name, number in sizes.items() if name != "bytes"),
        ]
    )


@command.command("upgrade")
def upgrade() -> None:
    """Bring an older database to the latest version.

    Opening a database does that as well; this command is for doing it at a time of your choice.
    """
    db = database(make=True)
    version = db.upgrade()
    if as_json():
        output.print_json({"url": db.url, "version": version})
    else:
        print(f"{db.url} has version {version}, the latest.")
