"""``resultant plan``."""

from __future__ import annotations

import click

from resultant.cli import output
from resultant.cli.command import Command, as_json, debugging, option

__all__ = ["command"]


@click.command("plan", cls=Command)
@click.argument("address", metavar="FILE[:FLOW]")
@option("-p", "--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter of the flow.")
@option("--alias", is_flag=True, help="Let `import prefect` lead to resultant while the file is loaded.")
def command(address: str, parameters: tuple[str, ...], alias: bool) -> None:
    """Say which tasks of a flow would run now, and which would be taken from a target or from the cache.

    Nothing is run. A stored value is read only where a cache validator of your own looks at it. Where the answer hangs on a
    value which only a run brings forth, it is said so.
    """
    from resultant.cli.forecast import forecast
    from resultant.cli.loading import load_flow, split_address, use_alias
    from resultant.cli.run import parsed
    from resultant.cli.running import quiet_stdout, switch_on
    from resultant.core.run_arguments import run_arguments

    file, name = split_address(address)
    values = parsed(parameters)
    switch_on()
    if alias:
        use_alias()
    with quiet_stdout():
        flow = load_flow(file, name, debug=debugging())
        given, _ = run_arguments(flow, values, {}, frozenset())
        told = forecast(flow, given)
    if as_json():
        output.print_json({"flow": flow.name, "tasks": told})
        return
    output.print_table(("task", "would", "why"), [(each["task"], each["would"], each["why"]) for each in told])
