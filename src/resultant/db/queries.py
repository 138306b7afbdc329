"""Queries that every SQL dialect understands, for those who read a database."""

from __future__ import annotations

from .rows import FLOW_RUN

__all__ = ["ALL", "BY_PLACE", "BY_RUN", "CACHE", "FLOW_RUN_COLUMNS", "NOT_SUCCESS", "TASK_RUN"]

#: The columns of a flow run, in the order of its fields.
FLOW_RUN_COLUMNS = ", ".join(FLOW_RUN)

#: Task runs, in the order of their fields, from one of the joins below.
TASK_RUN = """SELECT run.id, task.slug, x.idx, state.name, x.attempt, x.count, x.started, x.ended, x.due, x.children,
    x.input, x.kind, coalesce(folder.path, '') || x.leaf, x.size, x.digest, x.none, x.error, x.message, x.text, x.loop
    FROM {} JOIN state ON state.no = x.state LEFT JOIN folder ON folder.no = x.folder"""
BY_RUN = "flow_run run JOIN task ON task.run = run.no JOIN task_run x ON x.task = task.no"
BY_PLACE = "task_run x JOIN task ON task.no = x.task JOIN flow_run run ON run.no = task.run"

CACHE = """SELECT x.key, run.id, task.slug, x.idx, x.created, x.expires, x.code, x.inputs, x.parameters
    FROM cache x JOIN task ON task.no = x.task JOIN flow_run run ON run.no = task.run"""

#: The index of states leaves those out that have succeeded, and is only used by whoever does so too.
NOT_SUCCESS = "x.state <> 1"

#: More rows than there are.
ALL = 1 << 62
