"""What all commands have in common: their options, and the database that they look at."""

from __future__ import annotations

import click

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.db import StateDB

__all__ = ["Command", "Group", "as_json", "database", "debugging"]


class Command(click.Command):
    """A command that takes ``--json`` and ``--debug``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += [
            click.Option(["--json"], is_flag=True, expose_value=False, callback=_remember,
                         help="Print one JSON document instead of text."),
            click.Option(["--debug"], is_flag=True, expose_value=False, callback=_remember,
                         help="Show where an error comes from."),
        ]  # fmt: skip


class Group(click.Group):
    """A noun with several commands."""

    command_class = Command


def _remember(context: click.Context, option: click.Parameter, given: bool) -> None:
    context.meta[str(option.name)] = given


def as_json() -> bool:
    """Return whether the command was asked for JSON."""
    return bool(click.get_current_context().meta.get("json"))


def debugging() -> bool:
    """Return whether errors are to be shown as they are."""
    return bool(click.get_current_context().meta.get("debug"))


def database() -> StateDB:
    """Return the configured state database."""
    from resultant.runner.recorded_runs import database

    return database(reading=True)
