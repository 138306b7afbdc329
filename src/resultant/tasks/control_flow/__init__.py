"""Tasks and blocks that decide which other tasks run."""

from __future__ import annotations

from resultant.tasks.control_flow.case import case
from resultant.tasks.control_flow.conditional import ifelse, merge, switch
from resultant.tasks.control_flow.filter import FilterTask

__all__ = ["FilterTask", "case", "ifelse", "merge", "switch"]
