"""``DotDict``: a mapping with attribute access, and the functions that go with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

__all__ = ["DotDict", "as_nested_dict", "merge_dicts"]


class DotDict(MutableMapping[Any, Any]):
    """A mapping whose keys can be read and set as attributes.

    Args:
        given: a mapping, or pairs, to start with.
        **keys: further keys.
    """

    def __init__(self, given: Any = None, **keys: Any) -> None:
        if given is not None:
            self.update(given)
        self.update(keys)

    def __getitem__(self, key: Any) -> Any:
        return self.__dict__[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.__dict__[key] = value

    def __delitem__(self, key: Any) -> None:
        del self.__dict__[key]

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.__dict__)

    def __len__(self) -> int:
        return len(self.__dict__)

    def __repr__(self) -> str:
        if not self:
            return f"<{type(self).__name__}>"
        return f"<{type(self).__name__}: {', '.join(sorted(map(repr, self)))}>"

    def copy(self) -> DotDict:
        """Return a shallow copy."""
        return type(self)(self)

    def to_dict(self) -> dict[Any, Any]:
        """Return plain dictionaries all the way down, through lists, tuples and sets too."""
        plain: dict[Any, Any] = as_nested_dict(self, dct_class=dict)
        return plain


def as_nested_dict(obj: Any, dct_class: type[Any] = DotDict) -> Any:
    """Return a copy of nested mappings, made of one class of mapping.

    Args:
        obj: a mapping, or a list, tuple or set that may hold some; anything else comes back as it is.
        dct_class: the class.
    """
    if isinstance(obj, list | tuple | set):
        return type(obj)([as_nested_dict(item, dct_class) for item in obj])
    if isinstance(obj, Mapping):
        return dct_class({key: as_nested_dict(value, dct_class) for key, value in obj.items()})
    return obj


def merge_dicts(d1: Mapping[Any, Any], d2: Mapping[Any, Any]) -> Any:
    """Return a copy of the first mapping with the second laid over it, nested keys one by one.

    Args:
        d1: the mapping below; its class is that of the outcome.
        d2: the mapping above.
    """
    merged: Any = d1.copy() if hasattr(d1, "copy") else dict(d1)
    for key, value in d2.items():
        below = merged.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        merged[key] = merge_dicts(below, value) if both else value
    return merged
