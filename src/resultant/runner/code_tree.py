"""What a task computes with besides its inputs, as one digest: its code, and everything of the project that this leads to.

The task's function or class counts with its defaults, closures and attributes; so do the functions, classes and values
among the globals that they use, and so on, as long as they belong to the project. Libraries count by name.
"""

from __future__ import annotations

import collections
import contextvars
import functools
import importlib.util
import sys
import types

from resultant.engine.digests import Undigestible, digest
from resultant.engine.digests.code import INCIDENTAL, global_names
from resultant.engine.digests.encoder import SCALARS

from .code_parts import COPIED, attributes_of, filled, imports_in, is_project, leads_to_code, names_in, source_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["OPTIONS", "code_tree_digest"]

#: Attributes of every task, none of which changes what it computes.
OPTIONS = frozenset(
    (
        "auto_generated", "cache_for", "cache_ignores_code", "cache_key", "cache_validator", "checkpoint", "log_stdout",
        "logger", "max_retries", "name", "nout", "result", "retry_delay", "retry_on", "run", "skip_on_upstream_skip", "slug",
        "state_handlers", "tags", "target", "task_run_name", "timeout", "trigger",
    )
)  # fmt: skip

#: Characters of a text that is data.
_LONG = 1 << 10

#: Values that one digest may lead to: beyond that nobody waits for the beginning of a run.
_MOST = 20_000


def code_tree_digest(task: Any, most: int = _MOST, tables: bool = True) -> str:
    """Return the digest of what a task computes with besides its inputs.

    Args:
        task: the task.
        most: how many values it may lead to.
        tables: whether data counts: lists, dictionaries, long texts and objects, which may be large, and change as code runs.

    Raises:
        Undigestible: a default, a closure or an attribute of it has no canonical form, or it leads to too much; the message
            says which.
    """
    try:
        return digest(_Tree(Budget(most), tables).task(task, strict=True))
    except RecursionError:
        raise Undigestible("its code leads to values that are nested too deeply") from None
    except _TooMuch:
        raise Undigestible(f"its code leads to more than {most:,} values") from None


class _TooMuch(Exception):
    """Not a matter of one value: whoever passes over values that cannot be told apart does not pass over this."""


class Budget:
    """How many values may still be met."""

    def __init__(self, most: int) -> None:
        self.left = most

    def spend(self) -> None:
        """Count one.

        Raises:
            _TooMuch: it is one too many.
        """
        self.left -= 1
        if self.left < 0:
            raise _TooMuch


class _Tree:
    """Builds nested tuples of plain values; what was met before is named by its number."""

    def __init__(self, budget: Budget, tables: bool = True) -> None:
        self._budget = budget
        self._tables = tables
        self._met: dict[int, int] = {}
        #: An identity holds as long as its object does.
        self._kept: list[Any] = []
        self._modules: set[tuple[str, str, int]] = set()
        #: Whether what cannot be told apart is an error where we are.
        self._strict = False

    def task(self, task: Any, strict: bool = False) -> Any:
        if self._again(task):
            return self._number(task)
        attributes = {
            name: self._owned(f"its attribute {name!r}", value, strict)
            for name, value in sorted(vars(task).items())
            if name not in OPTIONS and name not in COPIED and name not in INCIDENTAL
        }
        classes = tuple(self.part(cls) for cls in type(task).__mro__ if is_project(cls.__module__))
        run = getattr(task.run, "__func__", task.run)
        code = self.function(run, strict) if isinstance(run, types.FunctionType) else self._owned("it", run, strict)
        return ("task", type(task).__qualname__, classes, code, attributes)

    def part(self, value: Any) -> Any:
        """Return what tells a value from others: code for what the project's code makes, else its digest."""
        if type(value) in SCALARS:
            return ("scalar", type(value).__name__, value)
        self._budget.spend()
        handler = _HANDLERS.get(type(value))
        if handler is not None:
            return handler(self, value)
        if isinstance(value, type):
            return self._class(value)
        return self.task(value) if _is_task(value) else self._instance(value)

    def _owned(self, what: str, value: Any, strict: bool) -> Any:
        """Return the part of something that belongs to one function or task.

        Raises:
            Undigestible: it cannot be told from others, and `strict` says that it has to.
        """
        if not self._tables and _may_change(value):
            return ("object", type(value).__module__, type(value).__qualname__)
        before, self._strict = self._strict, strict
        try:
            return self.part(value)
        except Undigestible as error:
            if strict:
                raise Undigestible(f"{what} cannot be compared: {error}" if what else str(error)) from error
            return ("opaque", type(value).__module__, type(value).__qualname__)
        finally:
            self._strict = before

    def _shared(self, value: Any) -> Any:
        # A connection, a lock, a client: one for the whole module, which the code names. Its kind has to do.
        return self._owned("", value, strict=False)

    def _inner(self, value: Any) -> Any:
        """Return a part of a value: by the rule that holds for the value."""
        return self._owned("", value, self._strict)

    def _instance(self, value: Any) -> Any:
        """Return the part of an instance: its class, what it holds, and, piece by piece, its attributes."""
        cls = type(value)
        ours = is_project(cls.__module__)
        if not ours and not any(map(leads_to_code, attributes_of(value).values())) and not isinstance(value, _HOLDERS):
            return ("value", digest(value), cls.__module__, cls.__qualname__)
        if self._again(value):
            return self._number(value)
        held = _held(self, value)
        attributes = {name: self._inner(each) for name, each in sorted(attributes_of(value).items())}
        if held is None and not attributes and not ours:
            held = digest(value)
        return ("instance", self.part(cls), held, attributes)

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
        own = is_project(function.__module__, code.co_filename)
        strict = strict and own
        cells = {
            key: self._owned(f"its closure variable {key!r}", value, strict)
            for key, value in filled(zip(code.co_freevars, function.__closure__ or (), strict=True))
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
            {key: self._shared(value) for key, value in sorted(vars(function).items()) if key not in COPIED},
            {
                f"{'.' * level}{name}": self._import(function, level, name)
                for level, name in sorted(set(imports_in(code)))
            },
        )

    def _global(self, function: types.FunctionType, name: str) -> Any:
        if name not in function.__globals__:
            return "absent"
        value = function.__globals__[name]
        return self._module(value, function.__code__) if isinstance(value, types.ModuleType) else self._shared(value)

    def _module(self, module: types.ModuleType, code: types.CodeType | None = None) -> Any:
        """Return what code may use of a module: whatever in it has a name that occurs in the code.

        Args:
            module: the module.
            code: the code; ``None`` where nobody can say which, so that all of the module counts.
        """
        if not is_project(module.__name__):
            return ("module", module.__name__)
        known = vars(module)
        names = {name for name in known if not name.startswith("__")}
        if code is not None:
            names &= set(names_in(code))
        if "__getattr__" in known:
            names.add("__getattr__")
        parts = {}
        for name in sorted(names):
            value = known[name]
            # Other code may use other names of a module that was met before.
            key = module.__name__, name, id(code) if isinstance(value, types.ModuleType) else 0
            if key in self._modules:
                parts[name] = "again"
                continue
            self._modules.add(key)
            self._budget.spend()
            parts[name] = self._module(value, code) if key[2] else self._shared(value)
        return ("module", module.__name__, parts)

    def _import(self, function: types.FunctionType, level: int, name: str) -> Any:
        """Return the part of a module that code imports when it runs."""
        package = function.__globals__.get("__package__") or ""
        try:
            full = importlib.util.resolve_name("." * level + name, package)
        except ImportError:
            return "absent"
        module = sys.modules.get(full)
        if module is not None:
            return self._module(module, function.__code__)
        return ("module file", source_digest(full))

    def _class(self, cls: type) -> Any:
        if not is_project(cls.__module__):
            return ("library", cls.__module__, cls.__qualname__)
        if self._again(cls):
            return self._number(cls)
        own = {
            name: self._shared(value)
            for name, value in sorted(vars(cls).items())
            # What tools leave at a class has two underscores; so have methods, which count.
            if name not in COPIED and (not name.startswith("__") or type(value) in _METHODS or callable(value))
        }
        own = {name: part for name, part in own.items() if name not in INCIDENTAL}
        return (
            "class",
            cls.__qualname__,
            self._class(type(cls)),
            tuple(self._class(base) for base in cls.__bases__),
            own,
        )

    def _items(self, values: Any) -> Any:
        if all(type(value) in SCALARS for value in values):
            return ("items", type(values).__name__, digest(values))
        if self._again(values):
            return self._number(values)
        return (type(values).__name__, tuple(self._inner(value) for value in values))

    def _mapping(self, values: dict[Any, Any]) -> Any:
        if all(type(key) in SCALARS and type(value) in SCALARS for key, value in values.items()):
            # In their order, which code may hang on.
            return ("pairs", digest((tuple(values), tuple(values.values()))))
        if self._again(values):
            return self._number(values)
        return ("dict", tuple((self._inner(key), self._inner(value)) for key, value in values.items()))

    def _set(self, values: Any) -> Any:
        if all(type(value) in SCALARS for value in values):
            return ("items", type(values).__name__, digest(values))
        # Their order is another one in every process, and so would be the numbers that are given on the way.
        each = sorted(digest(_Tree(self._budget, self._tables)._owned("", value, self._strict)) for value in values)
        return (type(values).__name__, tuple(each))

    def _partial(self, value: Any) -> Any:
        return (type(value).__name__, self.part(value.func), self._inner(value.args), self._inner(value.keywords))

    def _method(self, value: types.MethodType) -> Any:
        return ("method", self._inner(value.__self__), self.part(value.__func__))

    def _property(self, value: property) -> Any:
        return ("property", self.part(value.fget), self.part(value.fset), self.part(value.fdel))

    def _context_variable(self, value: contextvars.ContextVar[Any]) -> Any:
        try:
            now = value.get()
        except LookupError:
            now = None
        return ("context variable", value.name, self._inner(now))


def _held(tree: _Tree, value: Any) -> Any:
    """Return the part of what an instance holds as a container of its kind."""
    if isinstance(value, dict):
        return (tree._mapping(dict(value)), tree._inner(getattr(value, "default_factory", None)))
    if isinstance(value, (set, frozenset)):
        return tree._set(frozenset(value))
    if isinstance(value, (list, tuple, collections.deque)):
        return tree._items(tuple(value))
    return None


def _may_change(value: Any) -> bool:
    """Return whether something is data, which code may change while it runs, and which may be large."""
    kind = type(value)
    if kind in (list, dict, set) or (kind in (str, bytes) and len(value) > _LONG):
        return True
    known = kind in SCALARS or kind in _HANDLERS or callable(value)
    return not known and not isinstance(value, (tuple, frozenset))


def _wrapped(tree: _Tree, value: Any) -> Any:
    return (type(value).__name__, tree.part(value.__wrapped__))


def _nothing(tree: _Tree, value: Any) -> Any:
    return None


_METHODS = (types.FunctionType, staticmethod, classmethod, property)
_HOLDERS = (dict, list, tuple, set, frozenset, collections.deque)
_HANDLERS: dict[type, Callable[[_Tree, Any], Any]] = {
    types.FunctionType: _Tree.function,
    # What slots are called is said by the code that uses them.
    types.MemberDescriptorType: _nothing,
    types.GetSetDescriptorType: _nothing,
    types.MethodType: _Tree._method,
    types.ModuleType: _Tree._module,
    types.MappingProxyType: lambda tree, value: ("proxy", tree._mapping(dict(value))),
    staticmethod: lambda tree, value: ("static", tree.part(value.__func__)),
    classmethod: lambda tree, value: ("class method", tree.part(value.__func__)),
    property: _Tree._property,
    functools.partial: _Tree._partial,
    functools.partialmethod: _Tree._partial,
    functools.cached_property: lambda tree, value: ("cached property", tree.part(value.func)),
    functools.singledispatchmethod: lambda tree, value: (
        "dispatched",
        tree.part(value.func),
        tree._mapping(dict(value.dispatcher.registry)),
    ),
    functools._lru_cache_wrapper: _wrapped,
    contextvars.ContextVar: _Tree._context_variable,
    tuple: _Tree._items,
    list: _Tree._items,
    dict: _Tree._mapping,
    set: _Tree._set,
    frozenset: _Tree._set,
}


def _is_task(value: Any) -> bool:
    try:
        return "cache_validator" in object.__getattribute__(value, "__dict__")
    except AttributeError:
        return False
