"""The numbered steps that make the tables, as SQL in files."""

from __future__ import annotations

from pathlib import Path

__all__ = ["latest_version", "migrations", "schema", "statements"]

_FOLDER = Path(__file__).parent / "sql"


def migrations(dialect: str) -> list[tuple[int, str]]:
    """Return the number and the SQL text of each migration, in order.

    Args:
        dialect: ``"sqlite"`` or ``"postgres"``.
    """
    found = sorted((_FOLDER / dialect).glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return [(int(path.name[:4]), path.read_text("utf-8")) for path in found]


def latest_version(dialect: str) -> int:
    """Return the version that this release reads and writes."""
    return max(int(path.name[:4]) for path in (_FOLDER / dialect).glob("[0-9]*_*.sql"))


def schema(dialect: str) -> str:
    """Return SQL text that makes in one step what the migrations make one by one."""
    return (_FOLDER / dialect / "schema.sql").read_text("utf-8")


def statements(text: str) -> list[str]:
    """Return the statements of an SQL text. None of ours has a semicolon inside."""
    bare = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return [part.strip() for part in bare.split(";") if part.strip()]
