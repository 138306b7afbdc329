"""What a command prints: one JSON document, a table on a terminal, or plain columns into a pipe."""

from __future__ import annotations

import sys
from time import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

__all__ = ["duration", "fields", "iso", "local", "plain", "print_json", "print_table", "size"]

_COLOURS = {
    "Success": "green",
    "Cached": "green",
    "ok": "green",
    "Failed": "red",
    "TriggerFailed": "red",
    "TimedOut": "red",
    "ValidationFailed": "red",
    "missing": "red",
    "damaged": "red",
    "Running": "cyan",
    "abandoned": "red",
    "Retrying": "yellow",
    "Paused": "yellow",
    "Skipped": "yellow",
    "Cancelled": "yellow",
    "superseded": "yellow",
}


#: The column of ids, and how much of one tells runs apart.
_RUN, _SHORT = "run", 8

#: Between two columns.
_GAP = 2


def print_json(document: Any) -> None:
    """Print one JSON document; what standard output has no character for is escaped as JSON does it."""
    import json

    text = json.dumps(document, indent=2, ensure_ascii=False, default=str)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        text = json.dumps(document, indent=2, default=str)
    sys.stdout.write(f"{text}\n")


def say_more(what: str, shown: int) -> None:
    """Say, beside the output, that a list was cut: whoever counts its lines would take them for all.

    Args:
        what: the list has.
        shown: how many of them.
    """
    sys.stdout.flush()
    sys.stderr.write(f"resultant: There are more {what} than these {shown}; --limit 0 shows all.\n")


def plain(text: str) -> str:
    """Return text on one line, without what a terminal would take for a command: such characters are escaped."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows below headings.

    Args:
        headings: of the columns; one that is called ``run`` has ids, which are shortened where a terminal is too narrow.
        rows: a cell for each column; ``None`` is an empty one.
    """
    cells = [["" if cell is None else plain(str(cell)) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _print_on_terminal(headings, cells)
        return
    lines = [[heading.upper() for heading in headings], *cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write(text.rstrip() + "\n")


def _print_on_terminal(headings: Sequence[str], cells: list[list[str]]) -> None:
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    columns = [list(column) for column in zip(headings, *cells, strict=True)]
    if sum(max(map(cell_len, column)) + _GAP for column in columns) - _GAP > console.width:
        columns = [[cell[:_SHORT] for cell in column] if column[0] == _RUN else column for column in columns]
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for heading, *column in columns:
        # An id in pieces is of no use to anybody.
        whole = max(map(cell_len, (heading, *column))) if heading == _RUN else None
        table.add_column(heading, overflow="fold", no_wrap=heading == _RUN, min_width=whole)
    for row in zip(*(column[1:] for column in columns), strict=True):
        table.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in row))
    console.print(table)


def fields(pairs: Iterable[tuple[str, Any]]) -> None:
    """Print names and values, those without a value left out."""
    shown = [(name, plain(str(value))) for name, value in pairs if value not in (None, "")]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        sys.stdout.write(f"{name.ljust(width)}  {value}\n")


def iso(seconds: float | None) -> str | None:
    """Return seconds since 1970 as text that programs understand, in UTC."""
    if seconds is None:
        return None
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).isoformat()


def local(seconds: float | None) -> str | None:
    """Return seconds since 1970 as text for people, in local time."""
    if seconds is None:
        return None
    from datetime import datetime

    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def duration(started: float | None, ended: float | None, running: bool = False) -> str | None:
    """Return how long something took, or has taken so far."""
    if started is None or (ended is None and not running):
        return None
    seconds = max(0.0, (time() if ended is None else ended) - started)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def size(number: int | None) -> str | None:
    """Return a number of bytes for people."""
    if number is None:
        return None
    value = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
