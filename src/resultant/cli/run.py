"""``resultant run``."""

from __future__ import annotations

import click

from resultant.cli.command import Command, debugging, option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["command"]


@click.command("run", cls=Command)
@click.argument("address", metavar="FILE[:FLOW]")
@option("-p", "--parameter", "parameters", multiple=True, metavar="NAME=VALUE",
              help="A parameter of the flow; the value is taken as JSON if it is that, else as text.")  # fmt: skip
@option("--executor", metavar="NAME", help="local, threads, threads:8, processes, processes:4, or a class.")
@option("--alias", is_flag=True, help="Let `import prefect` lead to resultant while the file is loaded and run.")
def command(address: str, parameters: tuple[str, ...], executor: str | None, alias: bool) -> int:
    """Run a flow from a Python file.

    Results are kept, and the run is recorded, so that it can be resumed and looked at. While the file is loaded, a
    `flow.run()` in it does nothing but say so. FLOW is the variable that holds the flow, or the flow's name; it may be left
    out where the file holds one flow.

    Exit status: 0 the flow succeeded, 1 it failed, 2 it could not be run, 3 it waits for approval.
    """
    from resultant.cli.executors import executor_named
    from resultant.cli.loading import load_flow, split_address, use_alias
    from resultant.cli.running import quiet_stdout, report, switch_on
    from resultant.runner.frame import fresh_id

    file, name = split_address(address)
    values = parsed(parameters)
    chosen = executor_named(executor)
    switch_on()
    if alias:
        use_alias()
    with quiet_stdout():
        flow = load_flow(file, name, debug=debugging())
    run_id = fresh_id()
    return report(flow, run_id, lambda: flow.run(parameters=values, executor=chosen, flow_run_id=run_id))


def parsed(pairs: tuple[str, ...]) -> dict[str, Any]:
    """Return parameters by name.

    Args:
        pairs: texts of the form ``name=value``.

    Raises:
        Failure: a text has no ``=``.
    """
    import json
    import sys

    from resultant.cli.failure import Failure

    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise Failure(f"-p {pair!r} is no parameter: write -p NAME=VALUE.")
        try:
            found[name] = json.loads(text)
        except (ValueError, RecursionError):
            found[name] = text
            if text[:1] in ("[", "{"):
                sys.stderr.write(
                    f"resultant: The value of {name} begins like JSON and is none, so it is taken as the text {text!r}. If it was "
                    "meant as JSON, put the whole of it in quotes that the shell takes off.\n"
                )
    return found
