"""From the name in a record to the serializer. Never by importing a path that a record gives."""

from __future__ import annotations

from resultant.engine.serializers.base import Serializer
from resultant.errors import UnreadableResultError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["BUILT_IN", "ENTRY_POINTS", "from_description"]

#: Name in records, module here, class.
BUILT_IN = {
    "pickle": ("pickle", "PickleSerializer"),
    "json": ("json", "JSONSerializer"),
    "datetime": ("datetime", "DateTimeSerializer"),
    "pandas": ("pandas", "PandasSerializer"),
    "compressed": ("compressed", "CompressedSerializer"),
    "mapped": ("mapped", "MappedSerializer"),
}

#: Installed packages offer serializers under this group; the entry point's name is the serializer's.
ENTRY_POINTS = "resultant.serializers"


def from_description(description: dict[str, Any], types: Iterable[type[Serializer]] = ()) -> Serializer:
    """Make the serializer that a record describes.

    Args:
        description: what :meth:`Serializer.describe` gave.
        types: classes that may be meant besides the built-in ones and those of installed packages.

    Raises:
        UnreadableResultError: nothing here has that name, or what has it does not take the options.
    """
    name = description.get("name")
    options = description.get("options", {})
    types = tuple(types)
    cls = _find(name, types)
    if cls is None:
        raise UnreadableResultError(
            f"The bytes were written by a serializer named {name!r}, and nothing here has that name. Install the package "
            f"that offers it (entry points {ENTRY_POINTS!r}), or read with the result that the flow itself was given."
        )
    try:
        return cls.from_options(options, types)
    except UnreadableResultError:
        raise
    except Exception as error:
        raise UnreadableResultError(
            f"The serializer {name!r} cannot be made from options {options!r}: {error}"
        ) from error


def _find(name: Any, types: tuple[type[Serializer], ...]) -> type[Serializer] | None:
    if not isinstance(name, str):
        return None
    if name in BUILT_IN:
        module, attribute = BUILT_IN[name]
        from importlib import import_module

        found: type[Serializer] = getattr(import_module(f"{__package__}.{module}"), attribute)
        return found
    for each in types:
        if each.name == name:
            return each
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINTS, name=name):
        loaded = point.load()
        if isinstance(loaded, type) and issubclass(loaded, Serializer):
            return loaded
    return None
