"""What all commands have in common: their options, and the database that they look at."""

from __future__ import annotations

import click

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from resultant.db import StateDB

    F = TypeVar("F", bound=Callable[..., Any] | click.Command)

__all__ = ["LATEST", "Command", "Group", "Helped", "as_json", "database", "debugging", "option", "say_if_absent"]

#: Stands for the newest run.
LATEST = "latest"

#: What arguments that name a run are called in the help.
_RUNS = ("RUN", "OTHER")


class _Option(click.Option):
    """An option whose help is one line: there is nothing in it to clean up, for which a large module would be loaded."""

    def __init__(self, *args: Any, help: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.help = help


def option(*names: str, **attributes: Any) -> Callable[[F], F]:
    """Return what gives a command an option.

    Args:
        names: of the option, and of what it is called in the code.
        attributes: as ``click.option`` takes them.
    """
    return click.option(*names, cls=_Option, **attributes)


class Helped(click.Command):
    """A command or a group whose option for help is one of ours too."""

    _helping: click.Option | None = None

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the option, made once."""
        names = self.get_help_option_names(ctx)
        if self._helping is None and names and self.add_help_option:
            click.help_option(*names, cls=_Option)(self)
            self._helping = self.params.pop()  # type: ignore[assignment]
        return self._helping


class Command(Helped):
    """A command that takes ``--json`` and ``--debug``, and ``latest`` wherever it takes a run."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += [
            _Option(["--json"], is_flag=True, expose_value=False, callback=_remember,
                         help="Print one JSON document instead of text."),
            _Option(["--debug"], is_flag=True, expose_value=False, callback=_remember,
                         help="Show where an error comes from."),
        ]  # fmt: skip
        for each in self.params:
            if isinstance(each, click.Argument) and (each.metavar or "").strip("[].") in _RUNS:
                each.callback = _named


class Group(Helped, click.Group):
    """A noun with several commands."""

    command_class = Command


def _remember(context: click.Context, option: click.Parameter, given: bool) -> None:
    context.meta[str(option.name)] = given


def _named(context: click.Context, argument: click.Parameter, given: Any) -> Any:
    """Return what the state database finds a run by, or each of several runs."""
    if isinstance(given, tuple):
        return tuple(_named(context, argument, each) for each in given)
    return _latest() if given == LATEST else given


def as_json() -> bool:
    """Return whether the command was asked for JSON."""
    return bool(click.get_current_context().meta.get("json"))


def debugging() -> bool:
    """Return whether errors are to be shown as they are."""
    return bool(click.get_current_context().meta.get("debug"))


def database(make: bool = False) -> StateDB:
    """Return the configured state database.

    Args:
        make: whether it is made where there is none; else an empty one stands for it.
    """
    from resultant.runner.recorded_runs import database

    return database(reading=True, make=make)


def say_if_absent(db: StateDB) -> None:
    """Say that there is no state database yet: whoever mistyped the home would take an empty answer for a good one.

    Args:
        db: the database, or what stands for it.
    """
    import sys

    from resultant.runtime import settings

    if db.url.startswith("memory:") and settings().database.url is None:
        sys.stderr.write(f"resultant: There is no state database in {settings().home_dir} yet.\n")


def _latest() -> str:
    from resultant.errors import UnknownRunError

    db = database()
    try:
        named = db.find_flow_run(LATEST)
        if LATEST in (named.id, named.name):
            return named.id
    except UnknownRunError:
        pass
    newest = db.flow_runs(limit=1)
    if not newest:
        raise UnknownRunError("No runs are on record, and so there is no latest one.")
    return newest[0].id
