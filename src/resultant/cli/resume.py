"""``resultant resume``."""

from __future__ import annotations

import click

from resultant.cli.command import Command, database, debugging, option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.records import FlowRun

__all__ = ["command"]


@click.command("resume", cls=Command)
@click.argument("run_id", metavar="RUN")
@click.argument("address", metavar="[FILE:FLOW]", required=False)
@option("--approve", multiple=True, metavar="TASK", help="Let a task that waits for approval go on.")
@option("-p", "--parameter", "parameters", multiple=True, metavar="NAME=VALUE",
              help="A parameter, in place of the one on record.")  # fmt: skip
@option("--executor", metavar="NAME", help="Where tasks run; by default where they ran before.")
def command(
    run_id: str,
    address: str | None,
    approve: tuple[str, ...],
    parameters: tuple[str, ...],
    executor: str | None,
) -> int:
    """Go on with a recorded run that died, failed, or waits for approval.

    What it finished stands, as far as it can still be read; everything else runs. RUN is the run's id, the beginning of it,
    the run's name, or latest. The flow is taken from the file that is on record, in the folder that the run was started in,
    unless FILE:FLOW names another one.

    Exit status: 0 the flow succeeded, 1 it failed, 2 it could not be resumed, 3 it waits for approval.
    """
    from resultant.cli.executors import executor_again, executor_named
    from resultant.cli.loading import load_flow, split_address, use_alias
    from resultant.cli.run import parsed
    from resultant.cli.running import quiet_stdout, report, switch_on

    switch_on()
    chosen = executor_named(executor)
    values = parsed(parameters)
    row = database().find_flow_run(run_id)
    # An address on the command line is meant from here, not from where the run was started.
    file, name = _recorded(row) if address is None else split_address(address)
    _go_to(row.cwd)
    if row.alias:
        use_alias()
    with quiet_stdout():
        # A name that was asked for is meant; what is on record may have got another variable since.
        flow = load_flow(file, name, row.flow if address is None or name is None else None, debug=debugging())
    known = {*flow.slugs.values(), *(task.name for task in flow.slugs)}
    unknown = [task for task in approve if task not in known]
    if unknown:
        from resultant.cli.failure import Failure

        raise Failure(f"Flow {flow.name!r} has no task {unknown[0]!r} to approve; it has {', '.join(sorted(known))}.")
    executor_used = chosen or executor_again(row.executor)
    return report(
        flow,
        row.id,
        lambda: flow.run(resume_run=row.id, approve=list(approve), executor=executor_used, parameters=values),
    )


def _recorded(row: FlowRun) -> tuple[str, str | None]:
    import os

    from resultant.cli.failure import Failure

    if row.file is None:
        from resultant.cli.running import how_to_resume

        raise Failure(
            f"Run {row.id} has no file on record, because no variable of the program that began it held its flow. "
            f"{how_to_resume(row)}."
        )
    if not os.path.isfile(row.file):
        raise Failure(
            f"The file of run {row.id}, {row.file}, is gone. Name the one that holds the flow now: resultant resume "
            f"{row.id} FILE:FLOW."
        )
    return row.file, row.attribute


def _go_to(folder: str | None) -> None:
    import os
    import sys

    if folder is None or folder == os.getcwd():
        return
    try:
        os.chdir(folder)
    except OSError as error:
        sys.stderr.write(f"resultant: The run was started in {folder}, which cannot be entered ({error.strerror}).\n")
