"""Run as a script: writes task runs to a state database, and prints what it gave away and when."""

from __future__ import annotations

import sys
import time

from resultant.db import open_db
from resultant.testing.statedb import flow_run_row, task_run_row

if __name__ == "__main__":
    url, run, many, pause = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    db = open_db(url, "unused")
    with db.hold(run):
        db.put_flow_run(flow_run_row(run))
        kind = db.kind("local", "{}", None, "3.11.2", None, None)
        for index in range(many):
            db.task_runs_later(
                [task_run_row(run, "task-1", index, kind=kind, location=f"/results/{run}/{index}.pickle")]
            )
            # One write, so that whoever reads this sees whole lines until the end.
            sys.stdout.write(f"{index} {time.monotonic()}\n")
            sys.stdout.flush()
            if pause:
                time.sleep(pause)
        db.put_flow_run(flow_run_row(run, state="Success"))
        db.close()
