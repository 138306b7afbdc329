"""What code and objects consist of, and whose they are."""

from __future__ import annotations

import functools
import sys
import types

from resultant.engine.digests.encoder import SCALARS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = [
    "COPIED",
    "attributes_of",
    "filled",
    "imports_in",
    "is_project",
    "leads_to_code",
    "names_in",
    "source_digest",
]

#: What a decorator copies from the function, and what the library notes down at a class.
COPIED = frozenset(("__name__", "__qualname__", "__wrapped__", "_signature", "_class_signature", "_slot_names"))

_CODE = (types.FunctionType, types.MethodType, types.ModuleType, type, functools.partial)
#: Items of a library's container that are looked at for code.
_LOOK = 10_000


def attributes_of(value: Any) -> dict[str, Any]:
    """Return the attributes that an instance has of its own, in slots as well."""
    found: dict[str, Any] = {}
    for cls in type(value).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            member = cls.__dict__.get(name)
            if isinstance(member, types.MemberDescriptorType):
                try:
                    found[name] = member.__get__(value, cls)
                except AttributeError:
                    continue
    try:
        found.update(object.__getattribute__(value, "__dict__"))
    except (AttributeError, TypeError):
        pass
    return {str(name): each for name, each in found.items() if name not in COPIED or name == "__wrapped__"}


def leads_to_code(value: Any) -> bool:
    """Return whether something that a library's object holds may be code of the project's."""
    if isinstance(value, _CODE):
        return True
    if isinstance(value, dict):
        return len(value) <= _LOOK and any(isinstance(each, _CODE) or _is_ours(each) for each in value.values())
    if isinstance(value, (list, tuple, set, frozenset)):
        return len(value) <= _LOOK and any(isinstance(each, _CODE) or _is_ours(each) for each in value)
    return _is_ours(value)


def _is_ours(value: Any) -> bool:
    return type(value) not in SCALARS and is_project(type(value).__module__)


def filled(cells: Any) -> Iterator[tuple[str, Any]]:
    """Yield names and contents of a closure's cells."""
    for name, cell in cells:
        try:
            yield name, cell.cell_contents
        except ValueError:
            yield name, "empty"


def names_in(code: types.CodeType) -> Iterator[str]:
    """Yield the names that a code object uses, those of functions inside it as well."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from names_in(constant)


def is_project(module: str | None, file: str | None = None) -> bool:
    """Return whether a module is one of the user's own: neither this library, nor Python's, nor installed.

    Args:
        module: its name.
        file: the file of some code in it; default the module's.
    """
    top = str(module).partition(".")[0]
    if top in ("resultant", "builtins") or top in sys.stdlib_module_names:
        return top == "__main__"
    if file is None:
        file = getattr(sys.modules.get(str(module)), "__file__", None) or ""
    return "site-packages" not in file and "dist-packages" not in file


def imports_in(code: types.CodeType) -> Iterator[tuple[int, str]]:
    """Yield level and name of the modules that a code object imports, those of functions inside it as well."""
    import dis

    level: Any = 0
    before: Any = 0
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME":
            yield (level if type(level) is int else 0), str(instruction.argval)
        level, before = before, instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from imports_in(constant)


def source_digest(name: str) -> str:
    """Return what tells the file of a module that is not imported yet from others; a library's counts by its name."""
    import importlib.util
    from hashlib import blake2b

    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        spec = None
    file = None if spec is None else spec.origin
    if file is None or not is_project(name, file):
        return name
    try:
        with open(file, "rb") as source:
            return blake2b(source.read(), digest_size=16).hexdigest()
    except OSError:
        return name
