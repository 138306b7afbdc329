"""What a task computes with besides its inputs, as one digest: its code, and everything of the project that this leads to.

The task's function or class counts with its defaults, closures and attributes; so do the functions, classes and values
among the globals that they use, and so on, as long as they belong to the project. Libraries count by name.
"""

from __future__ import annotations

import functools
import sys
import types

from resultant.engine.digests import Undigestible, digest
from resultant.engine.digests.code import INCIDENTAL, global_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

__all__ = ["code_tree_digest"]

#: Attributes of every task, none of which changes what it computes.
OPTIONS = frozenset(
    (
        "auto_generated", "cache_for", "cache_ignores_code", "cache_key", "cache_validator", "checkpoint", "log_stdout",
        "logger", "max_retries", "name", "nout", "result", "retry_delay", "retry_on", "run", "skip_on_upstream_skip", "slug",
        "state_handlers", "tags", "target", "task_run_name", "timeout", "trigger",
    )
)  # fmt: skip

#: What a decorator copies from the function, and what the library notes down at a class.
_COPIED = frozenset(("__name__", "__qualname__", "__wrapped__", "_signature", "_class_signature", "_slot_names"))


def code_tree_digest(task: Any) -> str:
    """Return the digest of what a task computes with besides its inputs.

    Args:
        task: the task.

    Raises:
        Undigestible: a default, a closure or an attribute of it has no canonical form; the message says which.
    """
    try:
        return digest(_Tree().task(task, strict=True))
    except RecursionError:
        raise Undigestible("its code leads to values that are nested too deeply") from None


class _Tree:
    """Builds nested tuples of plain values; what was met before is named by its number."""

    def __init__(self) -> None:
        self._met: dict[int, int] = {}
        #: An identity holds as long as its object does.
        self._kept: list[Any] = []

    def task(self, task: Any, strict: bool = False) -> Any:
        if self._again(task):
            return self._number(task)
        attributes = {
            name: self._owned(f"its attribute {name!r}", value, strict)
            for name, value in sorted(vars(task).items())
            if name not in OPTIONS and name not in _COPIED and name not in INCIDENTAL
        }
        classes = tuple(self.part(cls) for cls in type(task).__mro__ if _is_project(cls.__module__))
        run = getattr(task.run, "__func__", task.run)
        code = self.function(run, strict) if isinstance(run, types.FunctionType) else self._owned("it", run, strict)
        return ("task", type(task).__qualname__, classes, code, attributes)

    def part(self, value: Any) -> Any:
        """Return what tells a value from others: code for what the project's code makes, else its digest."""
        handler = _HANDLERS.get(type(value))
        if handler is not None:
            return handler(self, value)
        if isinstance(value, type):
            return self._class(value)
        return self.task(value) if _is_task(value) else self._value(value)

    def _owned(self, what: str, value: Any, strict: bool) -> Any:
        """Return the part of something that belongs to one function or task.

        Raises:
            Undigestible: it cannot be told from others, and `strict` says that it has to.
        """
        try:
            return self.part(value)
        except Undigestible as error:
            if strict:
                raise Undigestible(f"{what} cannot be compared: {error}") from error
            return ("opaque", type(value).__module__, type(value).__qualname__)

    def _shared(self, value: Any) -> Any:
        # A connection, a lock, a client: one for the whole module, which the code names. Its kind has to do.
        return self._owned("", value, strict=False)

    def _value(self, value: Any) -> Any:
        plain = digest(value)
        cls = type(value)
        return ("value", plain, self.part(cls) if _is_project(cls.__module__) else cls.__qualname__)

    def _again(self, value: Any) -> bool:
        if id(value) in self._met:
            return True
        self._met[id(value)] = len(self._met)
        self._kept.append(value)
        return False

    def _number(self, value: Any) -> Any:
        return ("again", self._met[id(value)])

    def function(self, function: types.FunctionType, strict: bool = False) -> Any:
        if self._again(function):
            return self._number(function)
        code = function.__code__
        own = _is_project(function.__module__, code.co_filename)
        strict = strict and own
        cells = {
            key: self._owned(f"its closure variable {key!r}", value, strict)
            for key, value in _filled(zip(code.co_freevars, function.__closure__ or (), strict=True))
        }
        if not own:
            # A decorator of a library's holds the project's function, and what it was told.
            return ("library", function.__module__, function.__qualname__, cells)
        return (
            "function",
            digest(code),
            self._owned("a default", function.__defaults__, strict),
            {
                key: self._owned(f"the default of {key!r}", value, strict)
                for key, value in (function.__kwdefaults__ or {}).items()
            },
            cells,
            {key: self._global(function, key) for key in sorted(set(global_names(code)))},
        )

    def _global(self, function: types.FunctionType, name: str) -> Any:
        if name not in function.__globals__:
            return "absent"
        value = function.__globals__[name]
        return self._module(value, function.__code__) if isinstance(value, types.ModuleType) else self._shared(value)

    def _module(self, module: types.ModuleType, code: types.CodeType) -> Any:
        """Return what code may use of a module: whatever in it has a name that occurs in the code."""
        if not _is_project(module.__name__):
            return ("module", module.__name__)
        parts = {}
        for name in sorted(set(_names(code)) & set(vars(module))):
            value = vars(module)[name]
            if isinstance(value, types.ModuleType):
                parts[name] = self._number(value) if self._again(value) else self._module(value, code)
            else:
                parts[name] = self._shared(value)
        return ("module", module.__name__, parts)

    def _class(self, cls: type) -> Any:
        if not _is_project(cls.__module__):
            return ("library", cls.__module__, cls.__qualname__)
        if self._again(cls):
            return self._number(cls)
        own = {
            name: self._shared(value)
            for name, value in sorted(vars(cls).items())
            # What tools leave at a class has two underscores; so have methods, which count.
            if name not in _COPIED and (not name.startswith("__") or type(value) in _METHODS)
        }
        own = {name: part for name, part in own.items() if name not in INCIDENTAL}
        return ("class", cls.__qualname__, tuple(self._class(base) for base in cls.__bases__), own)

    def _items(self, values: Any) -> Any:
        if len(values) > _MANY:
            return self._value(values)
        return (type(values).__name__, tuple(self.part(value) for value in values))

    def _mapping(self, values: dict[Any, Any]) -> Any:
        if len(values) > _MANY:
            return self._value(values)
        return ("dict", tuple((self.part(key), self.part(value)) for key, value in values.items()))

    def _partial(self, value: functools.partial[Any]) -> Any:
        return ("partial", self.part(value.func), self.part(value.args), self.part(value.keywords))

    def _method(self, value: types.MethodType) -> Any:
        return ("method", self.part(value.__self__), self.part(value.__func__))

    def _property(self, value: property) -> Any:
        return ("property", self.part(value.fget), self.part(value.fset), self.part(value.fdel))


def _wrapped(tree: _Tree, value: Any) -> Any:
    return (type(value).__name__, tree.part(value.__wrapped__))


def _nothing(tree: _Tree, value: Any) -> Any:
    return None


_METHODS = (types.FunctionType, staticmethod, classmethod, property)
#: Containers of more than so many items are data: whatever code is in them counts by name.
_MANY = 1000

_HANDLERS: dict[type, Callable[[_Tree, Any], Any]] = {
    types.FunctionType: _Tree.function,
    # What slots are called is said by the code that uses them.
    types.MemberDescriptorType: _nothing,
    types.GetSetDescriptorType: _nothing,
    types.MethodType: _Tree._method,
    staticmethod: lambda tree, value: ("static", tree.part(value.__func__)),
    classmethod: lambda tree, value: ("class method", tree.part(value.__func__)),
    property: _Tree._property,
    functools.partial: _Tree._partial,
    functools._lru_cache_wrapper: _wrapped,
    tuple: _Tree._items,
    list: _Tree._items,
    dict: _Tree._mapping,
}


def _is_task(value: Any) -> bool:
    try:
        return "cache_validator" in object.__getattribute__(value, "__dict__")
    except AttributeError:
        return False


def _filled(cells: Any) -> Iterator[tuple[str, Any]]:
    for name, cell in cells:
        try:
            yield name, cell.cell_contents
        except ValueError:
            yield name, "empty"


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _is_project(module: str | None, file: str | None = None) -> bool:
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
