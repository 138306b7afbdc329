"""Parameters as JSON that comes back equal, types and all, or a note that they are not on record."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["NOT_RECORDED", "tagged", "untagged"]

#: Stands for a value that cannot be recorded; whoever resumes the run is asked for it again.
NOT_RECORDED: dict[str, Any] = {"!": "not recorded"}

#: Bytes of text beyond which a value is no business of a row.
_LIMIT = 64 * 1024


class _Unfit(Exception):
    """A value that JSON, with the tags below, cannot bring back equal."""


def tagged(value: Any) -> Any:
    """Return a value as JSON-able data, types that JSON does not know marked with a tag.

    Args:
        value: anything.

    Returns:
        What :func:`untagged` turns back into an equal value, or ``NOT_RECORDED``.
    """
    import json

    try:
        data = _tag(value, 0)
        if len(json.dumps(data)) > _LIMIT:
            return NOT_RECORDED
    except (_Unfit, ValueError):
        return NOT_RECORDED
    return data


def untagged(data: Any) -> Any:
    """Return the value that :func:`tagged` was given.

    Raises:
        ValueError: it was not recorded.
    """
    if isinstance(data, list):
        return [untagged(item) for item in data]
    if not isinstance(data, dict):
        return data
    if "!" not in data:
        return {key: untagged(item) for key, item in data.items()}
    kind = data["!"]
    content: Any = data.get("v")
    if kind == "tuple":
        return tuple(untagged(item) for item in content)
    if kind == "set":
        return {untagged(item) for item in content}
    if kind == "frozenset":
        return frozenset(untagged(item) for item in content)
    if kind == "dict":
        return {untagged(key): untagged(item) for key, item in content}
    if kind == "bytes":
        return bytes.fromhex(content)
    if kind == "float":
        return float(content)
    if kind in ("datetime", "date", "time"):
        import datetime

        return getattr(datetime, kind).fromisoformat(content)
    if kind == "timedelta":
        from datetime import timedelta

        days, seconds, microseconds = content
        return timedelta(days, seconds, microseconds)
    raise ValueError("This value was not recorded.")


def _tag(value: Any, depth: int) -> Any:
    if depth > 100:
        raise _Unfit
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if value - value == 0.0 else {"!": "float", "v": repr(value)}
    if kind is list:
        return [_tag(item, depth + 1) for item in value]
    if kind is dict:
        if all(type(key) is str for key in value) and "!" not in value:
            return {key: _tag(item, depth + 1) for key, item in value.items()}
        return {"!": "dict", "v": [[_tag(key, depth + 1), _tag(item, depth + 1)] for key, item in value.items()]}
    if kind in (tuple, set, frozenset):
        return {"!": kind.__name__, "v": [_tag(item, depth + 1) for item in value]}
    if kind in (bytes, bytearray):
        if kind is bytearray:
            raise _Unfit
        return {"!": "bytes", "v": value.hex()}
    return _moment(value, kind)


def _moment(value: Any, kind: type) -> Any:
    import datetime

    if kind in (datetime.datetime, datetime.date, datetime.time):
        zone = getattr(value, "tzinfo", None)
        if zone is not None and type(zone) is not datetime.timezone:
            raise _Unfit
        return {"!": kind.__name__, "v": value.isoformat()}
    if kind is datetime.timedelta:
        return {"!": "timedelta", "v": [value.days, value.seconds, value.microseconds]}
    raise _Unfit
