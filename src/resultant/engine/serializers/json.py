"""`JSONSerializer`: standard JSON, for values that come back as they were."""

from __future__ import annotations

from resultant.engine.serializers.base import Serializer
from resultant.errors import CorruptResultError, SerializationError, UnreadableResultError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["JSONSerializer"]

_SCALARS = frozenset({str, int, float, bool, type(None)})
_TEXT = frozenset({str})

#: How a JSON document may begin, white space and byte order marks included.
_FIRST = frozenset(b'{["-0123456789tfnNI \t\r\n\xef\xfe\xff\0')

_encode: Callable[[Any], str] | None = None


class JSONSerializer(Serializer):
    """Writes what ``json.dumps`` writes, and refuses what JSON would give back changed.

    Text, whole numbers, finite floats, booleans, ``None``, lists, and dictionaries with text keys are taken. Tuples, NaN
    and infinities, other keys, enums and subclasses are not: they would come back as something else.
    """

    name = "json"

    def serialize(self, value: Any) -> bytes:
        """Return ``json.dumps(value).encode()``.

        Raises:
            SerializationError: JSON cannot carry the value, or would give it back changed; the message says where.
        """
        global _encode
        if _encode is None:
            from json import JSONEncoder

            _encode = JSONEncoder(allow_nan=False).encode
        try:
            data = _encode(value).encode()
        except RecursionError as error:
            raise SerializationError("The value is nested too deeply to be written as JSON. Flatten it.") from error
        except (TypeError, ValueError) as error:
            raise _refusal(value, error) from error
        if not _comes_back(value):
            raise _refusal(value, None)
        return data

    def deserialize(self, value: bytes) -> Any:
        """Return ``json.loads(value)``.

        Raises:
            CorruptResultError: the bytes are empty, or no whole JSON document.
            UnreadableResultError: the bytes are something else than JSON.
        """
        from json import loads

        data = bytes(value)
        try:
            return loads(data)
        except RecursionError as error:
            raise UnreadableResultError("The JSON is nested too deeply to be read here.") from error
        except ValueError as error:
            if not data.strip(b"\0 \t\r\n"):
                raise CorruptResultError("There is no JSON: the bytes are empty or blank.") from error
            if data[0] not in _FIRST:
                raise UnreadableResultError(
                    f"The bytes begin with {data[:8]!r} and are no JSON. Read them with the serializer that wrote them."
                ) from error
            raise CorruptResultError(f"The JSON is truncated or damaged ({len(data)} bytes): {error}") from error


def _comes_back(value: Any) -> bool:
    """Return whether JSON gives an equal value of equal types; whatever is no number, text or container was refused."""
    if type(value) in _SCALARS:
        return True
    stack = [value]
    while stack:
        node = stack.pop()
        if type(node) is dict:
            if not _TEXT.issuperset(map(type, node)):
                return False
            parts: Any = node.values()
        elif type(node) is list:
            parts = node
        else:
            return False
        kinds = set(map(type, parts))
        if not kinds <= _SCALARS:
            stack += [part for part in parts if type(part) not in _SCALARS]
    return True


def _refusal(value: Any, error: Exception | None) -> SerializationError:
    """Return the error that names the first part of the value that JSON cannot carry unchanged."""
    import math

    stack: list[tuple[str, Any, tuple[int, ...]]] = [("value", value, ())]
    while stack:
        path, node, above = stack.pop()
        kind = type(node)
        if kind is float and not math.isfinite(node):
            return SerializationError(f"{path} is {node}, which JSON does not have. Use None, or another serializer.")
        if kind in _SCALARS:
            continue
        if id(node) in above:
            return SerializationError(f"{path} contains itself, which JSON cannot say. Use PickleSerializer.")
        inside = (*above, id(node))
        if kind is dict:
            for key in node:
                if type(key) is not str:
                    return SerializationError(
                        f"{path} has the key {key!r} ({kind_name(key)}), and JSON gives every key back as text. "
                        "Use text keys, or PickleSerializer."
                    )
            stack += [(f"{path}[{key!r}]", part, inside) for key, part in reversed(node.items())]
        elif kind is list:
            stack += reversed([(f"{path}[{index}]", part, inside) for index, part in enumerate(node)])
        elif isinstance(node, str | int | float | list | tuple | dict):
            base = next(each for each in (str, int, float, list, tuple, dict) if isinstance(node, each))
            back = "list" if base is tuple else base.__name__
            return SerializationError(
                f"{path} is a {kind_name(node)} and would come back from JSON as a {back}. "
                f"Make it a {back} before returning it, or use PickleSerializer."
            )
        else:
            return SerializationError(
                f"{path} is a {kind_name(node)}, which JSON cannot carry. Return plain data, or use PickleSerializer."
            )
    return SerializationError(f"The value cannot be written as JSON: {error}. Use PickleSerializer.")


def kind_name(value: Any) -> str:
    """Return the name of a value's type, with its module where it is not a builtin."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
