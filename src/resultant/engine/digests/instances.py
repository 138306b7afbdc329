"""Instances of any class: by the class and by what pickling would keep of them, part by part."""

from __future__ import annotations

import sys
from collections import OrderedDict
from copyreg import __newobj__, dispatch_table  # type: ignore[attr-defined]

from .refusal import Undigestible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .encoder import Encoder

__all__ = ["encode", "importable"]


def encode(encoder: Encoder, value: Any) -> bytes:
    """Return the encoding of an object that nothing special is known about.

    Args:
        encoder: encodes its parts.
        value: the object.

    Raises:
        Undigestible: it refuses to be taken apart, or two of its kind cannot be told apart.
    """
    cls = type(value)
    if cls is object:
        raise Undigestible("A bare object() has nothing but its identity, which no digest can carry.")
    if callable(value) and importable(value):
        return encoder.node(b"global", value.__module__, value.__qualname__)
    reduce = dispatch_table.get(cls)
    try:
        parts = value.__reduce_ex__(4) if reduce is None else reduce(value)
    except Exception as error:
        raise Undigestible(f"A {cls.__module__}.{cls.__qualname__} has no canonical form: {error}") from error
    if isinstance(parts, str):
        module = getattr(value, "__module__", None) or cls.__module__
        return encoder.node(b"named", cls, module, parts)
    maker, arguments, state, items, pairs = (*parts, None, None, None)[:5]
    if maker is __newobj__ and isinstance(state, tuple) and len(state) == 2:
        # Attributes count by name, whether they lie in a dictionary or in slots.
        state = {**(state[0] or {}), **(state[1] or {})}
    if pairs is not None:
        listed = list(pairs)
        ordered = isinstance(value, OrderedDict) or not isinstance(value, dict)
        pairs = listed if ordered else dict(listed)
    return encoder.node(b"object", cls, maker, arguments, state, None if items is None else list(items), pairs)


def importable(value: Any) -> bool:
    """Return whether importing a module and looking up a name leads to `value`, in any process.

    Args:
        value: a function, a class, or something that is called like one.
    """
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or module == "__main__":
        return False
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is value
