"""The group of commands, each loaded when it is asked for, and what becomes of errors."""

from __future__ import annotations

from importlib import import_module

import click

from resultant.cli.command import Helped
from resultant.cli.commands import COMMANDS
from resultant.cli.failure import Failure, one_line
from resultant.cli.output import plain

__all__ = ["Root", "call", "root"]


class Root(Helped, click.Group):
    """Finds a command in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or ``None`` where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(f"resultant.cli.{cmd_name}").command
        return found


root = Root("resultant", context_settings={"help_option_names": ["-h", "--help"]})


def call(arguments: list[str]) -> int:
    """Run a command.

    Args:
        arguments: the words after ``resultant``.

    Returns:
        The exit status.
    """
    debug = "--debug" in arguments
    try:
        status = root.main(arguments, prog_name="resultant", standalone_mode=False)
    except KeyboardInterrupt:
        return 130
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
        return 0
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f" See `{context.command_path} --help`." if context is not None else ""
        return _say(f"{error.format_message()}{hint}", 2)
    except click.exceptions.Abort:
        return 130
    except Exception as error:  # noqa: BLE001 - whatever it is, it is said, and is the exit status
        failed = error.status if isinstance(error, Failure) else 2
        if debug:
            from traceback import print_exc

            print_exc()
            return failed
        return _say(one_line(error), failed)
    return status if isinstance(status, int) else 0


def _say(text: str, status: int) -> int:
    click.echo(f"resultant: {plain(' '.join(text.split()))}", err=True)
    return status
