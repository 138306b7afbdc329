"""Values of results, as a command prints and compares them."""

from __future__ import annotations

from resultant.errors import safe_repr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["as_document", "difference", "pretty"]


def as_document(value: Any) -> dict[str, Any]:
    """Return what a JSON document says of a value: its ``repr``, and the ``value`` itself where JSON carries it back equal.

    Args:
        value: anything.
    """
    import json

    from resultant.engine.result import same

    try:
        carried = json.loads(json.dumps(value, allow_nan=False))
        shown = {"value": carried} if same(value, carried) else {}
    except Exception:  # noqa: BLE001 - JSON has no such thing, or the value's own code fails when it is compared
        shown = {}
    return {**shown, "repr": safe_repr(value)}


def pretty(value: Any) -> str:
    """Return a value as text for people."""
    from pprint import pformat

    try:
        return pformat(value, width=100, sort_dicts=False)
    except Exception:  # noqa: BLE001 - a repr is the value's own code
        return safe_repr(value)


def difference(one: Any, other: Any, names: tuple[str, str]) -> list[str]:
    """Return the lines in which two values differ.

    Args:
        one: a value.
        other: another.
        names: what they are called above the lines.
    """
    from difflib import unified_diff

    return list(unified_diff(pretty(one).splitlines(), pretty(other).splitlines(), *names, lineterm=""))
