"""What notebooks show of results and states: small, escaped, bounded, and without a way to fail."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from resultant.engine.result import Result
    from resultant.engine.state import State

__all__ = ["result_html", "short_repr", "state_html"]

#: Characters of a value, rows of a table, cells of a frame, characters of a message that are shown.
_VALUE, _ROWS, _CELLS, _MESSAGE = 400, 100, 400, 300

_TABLE = "border-collapse:collapse;font-size:90%"
_CELL = "text-align:left;vertical-align:top;padding:2px 8px;overflow-wrap:anywhere"


def result_html(result: Result) -> str:
    """Return a result as HTML: class, location and value.

    Args:
        result: the result.
    """
    try:
        rows = []
        if result.location is not None:
            rows.append(("location", _code(short_text(str(result.location), _VALUE))))
        rows.append(("value", _value_html(result)))
        return f"<div><strong>{_escape(type(result).__name__)}</strong>{_table(rows)}</div>"
    except Exception:  # noqa: BLE001 - a value's own code ran; a notebook must not break over it
        return f"<code>{_escape(_name(result))}</code>"


def state_html(state: State) -> str:
    """Return a state as HTML: its colour, name and message, and its value; a table of tasks for a flow's final state.

    Args:
        state: the state.
    """
    try:
        head = f"{badge(type(state))} {_escape(short_text(str(state.message or ''), _MESSAGE))}"
        runs = _task_runs(state)
        if runs is not None:
            return f"<div>{head}{_runs_table(runs)}</div>"
        children = getattr(state, "map_states", None)
        if children:
            named = [(f"[{index}]", child) for index, child in enumerate(children[: _ROWS + 1])]
            return f"<div>{head}{_runs_table(named, len(children))}</div>"
        return f"<div>{head}{_result_rows(state)}</div>"
    except Exception:  # noqa: BLE001 - as above
        return f"<code>{_escape(_name(state))}</code>"


def badge(cls: type[State]) -> str:
    """Return the name of a class of states on its colour."""
    colour = cls.color
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    ink = "#000" if red * 0.299 + green * 0.587 + blue * 0.114 > 140 else "#fff"
    style = f"background:{colour};color:{ink};padding:1px 8px;border-radius:9px;font-size:90%"
    return f'<span style="{style}">{_escape(cls.__name__)}</span>'


def short_repr(value: Any) -> str:
    """Return a short text for a value, whatever its ``repr`` does.

    Args:
        value: anything.
    """
    import reprlib

    class Short(reprlib.Repr):
        def __init__(self) -> None:
            super().__init__()
            self.maxstring = self.maxother = self.maxlong = 200
            self.maxdict = self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdeque = 20

    try:
        return short_text(Short().repr(value), _VALUE)
    except Exception:  # noqa: BLE001 - a repr may raise anything
        return f"<{_name(value)}>"


def short_text(text: str, most: int) -> str:
    """Return at most so many characters of a text, and say how many are left out.

    Args:
        text: the text.
        most: how many characters.
    """
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} more characters)"


def is_secret(result: Result) -> bool:
    """Return whether a result's value is nobody's to see."""
    # Asking for the class would close a circle of imports.
    return "secret_task" in vars(result)


def is_unread(result: Result) -> bool:
    """Return whether asking for a result's value would read it from its storage, which showing it must not do."""
    return "value" not in vars(result) and getattr(result, "_load", None) is not None


def is_absent(result: Result) -> bool:
    """Return whether there is no result at all."""
    # By name, for the same reason.
    return type(result).__name__ == "NoResultType"


def _value_html(result: Result) -> str:
    if is_secret(result):
        return "<em>secret</em>"
    if is_unread(result):
        return "<em>not read yet</em>"
    value = result.value
    shape = getattr(value, "shape", None)
    if type(value).__module__.partition(".")[0] in ("pandas", "polars") and isinstance(shape, tuple):
        rows, columns = (*shape, 1)[:2]
        if hasattr(value, "_repr_html_") and rows * columns <= _CELLS:
            return str(value._repr_html_())
    if isinstance(shape, tuple) and hasattr(value, "dtype") and getattr(value, "size", 0) > _CELLS:
        return _code(f"{_name(value)} {value.dtype}, shape {shape}")
    if isinstance(shape, tuple) and hasattr(value, "columns"):
        return _code(f"{_name(value)}, shape {shape}")
    return _code(short_repr(value))


def _result_rows(state: State) -> str:
    return "" if is_absent(state._result) else result_html(state._result)


def _task_runs(state: State) -> list[tuple[str, State]] | None:
    """Return names and states of a flow's tasks, if that is what a state holds."""
    if is_unread(state._result):
        return None
    found = state._result.value
    if not isinstance(found, dict) or not found:
        return None
    if not all(
        hasattr(run, "is_finished") and isinstance(getattr(task, "name", None), str) for task, run in found.items()
    ):
        return None
    return [(task.name, run) for task, run in found.items()]


def _runs_table(runs: list[tuple[str, State | None]] | list[tuple[str, State]], count: int | None = None) -> str:
    count = len(runs) if count is None else count
    lines = []
    for name, state in runs[:_ROWS]:
        if state is None:
            lines.append((_escape(name), "", "", ""))
            continue
        children = getattr(state, "map_states", None) or ()
        location = state._result.location
        place = "" if location is None else _code(short_text(str(location), 120))
        message = _escape(short_text(str(state.message or ""), 120))
        mapped = f" {len(children):,} children{_tally(children)}" if children else ""
        lines.append((_escape(short_text(name, 80)), badge(type(state)) + mapped, message, place))
    body = "".join(f"<tr>{''.join(f'<td style={_CELL!r}>{cell}</td>' for cell in line)}</tr>" for line in lines)
    heads = "".join(f"<th style={_CELL!r}>{head}</th>" for head in ("task", "state", "message", "location"))
    more = f"<p><em>and {count - _ROWS:,} more</em></p>" if count > _ROWS else ""
    return f"<table style={_TABLE!r}><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>{more}"


def _tally(children: Iterable[State | None]) -> str:
    counts: dict[str, int] = {}
    for child in children:
        name = "not run" if child is None else type(child).__name__
        counts[name] = counts.get(name, 0) + 1
    return "" if len(counts) == 1 else f" ({', '.join(f'{count:,} {_escape(name)}' for name, count in counts.items())})"


def _table(rows: list[tuple[str, str]]) -> str:
    body = "".join(f"<tr><th style={_CELL!r}>{name}</th><td style={_CELL!r}>{cell}</td></tr>" for name, cell in rows)
    return f"<table style={_TABLE!r}>{body}</table>"


def _code(text: str) -> str:
    return f"<code>{_escape(text)}</code>"


def _escape(text: str) -> str:
    from html import escape

    return escape(text)


def _name(value: Any) -> str:
    cls = type(value)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
