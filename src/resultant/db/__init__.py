"""Rows about runs: one protocol, kept in memory, in SQLite or in PostgreSQL.

Nothing here knows values, stores or serializers: a row says where bytes are and how they were made.
"""

from __future__ import annotations

from .base import StateDB
from .opening import open_db

__all__ = ["StateDB", "open_db"]
