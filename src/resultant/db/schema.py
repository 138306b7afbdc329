"""The numbered steps that make the tables, as SQL in files."""

from __future__ import annotations

import os

__all__ = ["latest_version", "migrations", "schema", "statements"]

_FOLDER = os.path.join(os.path.dirname(__file__), "sql")


def migrations(dialect: str) -> list[tuple[int, str]]:
    """Return the number and the SQL text of each migration, in order.

    Args:
        dialect: ``"sqlite"`` or ``"postgres"``.
    """
    return [(number, _text(dialect, name)) for number, name in _numbered(dialect)]


def latest_version(dialect: str) -> int:
    """Return the version that this release reads and writes."""
    return _numbered(dialect)[-1][0]


def schema(dialect: str) -> str:
    """Return SQL text that makes in one step what the migrations make one by one."""
    return _text(dialect, "schema.sql")


def _numbered(dialect: str) -> list[tuple[int, str]]:
    names = os.listdir(os.path.join(_FOLDER, dialect))
    return sorted((int(name[:4]), name) for name in names if name[:4].isdigit())


def _text(dialect: str, name: str) -> str:
    with open(os.path.join(_FOLDER, dialect, name), encoding="utf-8") as file:
        return file.read()


def statements(text: str) -> list[str]:
    """Return the statements of an SQL text. None of ours has a semicolon inside."""
    bare = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return [part.strip() for part in bare.split(";") if part.strip()]
