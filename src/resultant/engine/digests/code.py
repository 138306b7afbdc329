"""Functions, classes and modules: by name where that can be imported, else by what they consist of."""

from __future__ import annotations

import builtins
import functools
import logging
import sys
import types

from .instances import importable
from .refusal import Undigestible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .encoder import Encoder

__all__ = ["HANDLERS", "INCIDENTAL", "encode_class", "global_names"]

_ABSENT = "absent"

#: Attributes of a class that say where it stands, what tools noted down, or what its other attributes say already.
INCIDENTAL = frozenset(
    (
        "__annotate__",
        "__annotate_func__",
        "__annotations__",
        "__annotations_cache__",
        "__classdictcell__",
        "__dict__",
        "__doc__",
        "__firstlineno__",
        "__module__",
        "__slotnames__",
        "__static_attributes__",
        "__weakref__",
        "_abc_impl",
    )
)


def encode_class(encoder: Encoder, cls: type) -> bytes:
    """Return the encoding of a class: its name if that can be imported, else its bases and its attributes.

    Args:
        encoder: encodes its parts.
        cls: the class.
    """
    if importable(cls):
        return encoder.node(b"class", cls.__module__, cls.__qualname__)
    own = {
        name: value
        for name, value in vars(cls).items()
        if name not in INCIDENTAL and not isinstance(value, types.MemberDescriptorType)
    }
    return encoder.node(b"local class", cls.__name__, type(cls), cls.__bases__, own)


def _function(encoder: Encoder, function: types.FunctionType) -> bytes:
    if importable(function):
        return encoder.node(b"function", function.__module__, function.__qualname__)
    cells = [_cell(cell) for cell in function.__closure__ or ()]
    own = {name: value for name, value in function.__dict__.items() if name != "__wrapped__"}
    used = _globals(function)
    return encoder.node(
        b"local function", function.__code__, function.__defaults__, function.__kwdefaults__, cells, own, used
    )


def _cell(cell: types.CellType) -> Any:
    try:
        return (cell.cell_contents,)
    except ValueError:
        return _ABSENT


def _globals(function: types.FunctionType) -> dict[str, Any]:
    """Return the globals that a function uses, by name: what would travel with it to another process."""
    found: dict[str, Any] = {}
    for name in global_names(function.__code__):
        if name in function.__globals__:
            found[name] = (function.__globals__[name],)
        elif not hasattr(builtins, name):
            found[name] = _ABSENT
    return found


def global_names(code: types.CodeType) -> Iterator[str]:
    """Yield the names of the globals that a code object loads, those of functions inside it as well.

    Args:
        code: the code.
    """
    import dis

    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from global_names(constant)


def _code(encoder: Encoder, code: types.CodeType) -> bytes:
    # Not where it was written, nor on which lines.
    return encoder.node(
        b"code",
        code.co_name,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        # Not how the module's annotations are kept: the code is the same.
        code.co_flags & 0xFFFF,
        code.co_code,
        code.co_exceptiontable,
        code.co_consts,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
    )


def _builtin(encoder: Encoder, function: types.BuiltinFunctionType) -> bytes:
    owner = function.__self__
    if owner is None or isinstance(owner, types.ModuleType):
        return encoder.node(b"function", function.__module__, function.__qualname__)
    return encoder.node(b"method", owner, function.__name__)


def _method(encoder: Encoder, method: types.MethodType) -> bytes:
    return encoder.node(b"method", method.__self__, method.__func__)


def _descriptor(encoder: Encoder, descriptor: Any) -> bytes:
    return encoder.node(b"descriptor", type(descriptor).__name__, descriptor.__objclass__, descriptor.__name__)


def _wrapper(encoder: Encoder, wrapper: Any) -> bytes:
    return encoder.node(b"wrapper", type(wrapper).__name__, wrapper.__func__)


def _property(encoder: Encoder, value: property) -> bytes:
    return encoder.node(b"property", value.fget, value.fset, value.fdel)


def _proxy(encoder: Encoder, value: types.MappingProxyType[Any, Any]) -> bytes:
    return encoder.node(b"proxy", dict(value))


def _partial(encoder: Encoder, value: functools.partial[Any]) -> bytes:
    return encoder.node(b"partial", value.func, value.args, value.keywords, value.__dict__)


def _cached(encoder: Encoder, value: Any) -> bytes:
    if importable(value):
        return encoder.node(b"function", value.__module__, value.__qualname__)
    return encoder.node(b"cached function", value.__wrapped__, value.cache_parameters())


def _module(encoder: Encoder, module: types.ModuleType) -> bytes:
    if sys.modules.get(module.__name__) is not module or module.__name__ == "__main__":
        raise Undigestible(f"The module {module.__name__!r} cannot be imported by that name.")
    return encoder.node(b"module", module.__name__)


def _logger(encoder: Encoder, logger: logging.Logger) -> bytes:
    return encoder.node(b"logger", logger.name)


HANDLERS: dict[type, Callable[[Encoder, Any], bytes]] = {
    types.FunctionType: _function,
    types.CodeType: _code,
    types.BuiltinFunctionType: _builtin,
    types.MethodType: _method,
    types.MethodDescriptorType: _descriptor,
    types.WrapperDescriptorType: _descriptor,
    types.ClassMethodDescriptorType: _descriptor,
    types.GetSetDescriptorType: _descriptor,
    types.MemberDescriptorType: _descriptor,
    types.MappingProxyType: _proxy,
    types.ModuleType: _module,
    staticmethod: _wrapper,
    classmethod: _wrapper,
    property: _property,
    functools.partial: _partial,
    functools._lru_cache_wrapper: _cached,
    logging.Logger: _logger,
    logging.RootLogger: _logger,
}
