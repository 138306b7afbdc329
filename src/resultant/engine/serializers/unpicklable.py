"""After a value could not be pickled: which part of it was to blame, where it is, and what to do about it."""

from __future__ import annotations

from resultant.errors import UnpicklableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["explain_pickling"]

#: Bounds of the search: parts tried, steps down, seconds.
_MOST_PARTS = 10_000
_DEEPEST = 60
_LONGEST = 5.0

_CURES = {
    "generator": "Return a list instead: list(generator).",
    "async_generator": "Collect its items into a list first.",
    "coroutine": "Await it first and return what it gives.",
    "lock": "Leave it out with __getstate__ and make a new one in __setstate__.",
    "RLock": "Leave it out with __getstate__ and make a new one in __setstate__.",
    "Condition": "Leave it out with __getstate__ and make a new one in __setstate__.",
    "_local": "Leave it out with __getstate__ and make a new one in __setstate__.",
    "module": "Import the module where it is used.",
    "socket": "Open the connection in the task that uses it.",
    "SSLSocket": "Open the connection in the task that uses it.",
    "SSLContext": "Make the context in the task that uses it.",
    "Connection": "Open the connection in the task that uses it, or use a resource manager.",
    "Cursor": "Fetch the rows and return those.",
    "Thread": "Start the thread in the task that uses it.",
    "frame": "Return text instead, for example traceback.format_exc().",
    "traceback": "Return text instead, for example traceback.format_exc().",
    "weakref": "Return what it points to.",
    "ReferenceType": "Return what it points to.",
}
_FILES = ("TextIOWrapper", "BufferedReader", "BufferedWriter", "BufferedRandom", "FileIO", "_TemporaryFileWrapper")
_CURE = (
    "Leave it out with __getstate__, return plain data instead, give the task's result another serializer, or do not "
    "store this task's value: @task(checkpoint=False)."
)


def explain_pickling(value: Any, error: Exception) -> UnpicklableError:
    """Return the error that names the culprit inside a value.

    Args:
        value: what could not be pickled.
        error: what pickling raised.
    """
    if isinstance(error, RecursionError) or "recursion" in str(error).lower():
        return UnpicklableError(
            f"The value ({_type_name(value)}) is nested too deeply to be pickled. Return a flat structure, "
            "for example a list of its parts, or raise sys.setrecursionlimit()."
        )
    path, culprit, said = _Search().descend(value)
    if said is None:
        return UnpicklableError(
            f"The value ({_type_name(value)}) could not be pickled: {_said(error)}. It could be just afterwards, so "
            "something else was changing it meanwhile; return a copy."
        )
    return UnpicklableError(f"{path} cannot be pickled: {_said(said)}. It is a {_type_name(culprit)}. {_cure(culprit)}")


class _Search:
    """One walk down a value, from what fails to the part of it that fails, until no part does."""

    def __init__(self) -> None:
        from time import monotonic

        self.monotonic = monotonic
        self.until = monotonic() + _LONGEST
        self.left = _MOST_PARTS
        # Parts made on the fly are kept: another object at the address of a dead one would be taken for it.
        self.failing: dict[int, Any] = {}
        self.fine: dict[int, Any] = {}

    def descend(self, value: Any) -> tuple[str, Any, Exception | None]:
        said = self.failure(value)
        if said is None:
            return "value", value, None
        return self.blame("value", value, said, 0) or ("value", value, said)

    def blame(self, path: str, node: Any, said: Exception, depth: int) -> tuple[str, Any, Exception] | None:
        """Return the culprit in a part that fails; ``None`` where the part merely leads back to what holds it."""
        self.failing[id(node)] = node
        leads_back = False
        for step, part in _parts(node):
            if id(part) in self.fine:
                continue
            if id(part) in self.failing:
                leads_back = True
                continue
            if self.left <= 0 or self.monotonic() > self.until:
                return f"Something in {path}", node, said
            failure = self.failure(part)
            if failure is None:
                self.fine[id(part)] = part
            elif depth >= _DEEPEST:
                return path + step, part, failure
            else:
                found = self.blame(path + step, part, failure, depth + 1)
                if found is not None:
                    return found
        return None if leads_back else (path, node, said)

    def failure(self, part: Any) -> Exception | None:
        from cloudpickle import Pickler

        self.left -= 1
        try:
            Pickler(_Nowhere(), protocol=5).dump(part)
        except Exception as error:  # noqa: BLE001 - pickling runs code that may raise anything
            return error
        return None


class _Nowhere:
    def write(self, data: Any) -> None:
        """Forget the bytes."""


def _parts(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield what pickling a value pickles in turn, and how to get from the value to it."""
    kind = type(node)
    if kind is dict:
        yield from _items(node.items())
    elif kind in (list, tuple):
        for index, part in enumerate(node):
            yield f"[{index}]", part
    elif kind in (set, frozenset):
        for part in node:
            yield f" (element {_short(part)})", part
    elif hasattr(node, "__func__") and hasattr(node, "__self__"):
        yield ".__self__", node.__self__
        yield ".__func__", node.__func__
    elif hasattr(node, "__code__") and hasattr(node, "__closure__"):
        yield from _function_parts(node)
    elif isinstance(node, type):
        for name, part in list(vars(node).items()):
            if name not in ("__dict__", "__weakref__"):
                yield f".{name}", part
    else:
        yield from _reduced_parts(node)


def _items(items: Any) -> Iterator[tuple[str, Any]]:
    for key, part in list(items):
        yield f" (key {_short(key)})", key
        yield f"[{_short(key)}]", part


def _function_parts(node: Any) -> Iterator[tuple[str, Any]]:
    for name, cell in zip(node.__code__.co_freevars, node.__closure__ or (), strict=False):
        try:
            yield f" (its closure's {name!r})", cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    for name in node.__code__.co_names:
        if name in node.__globals__:
            yield f" (its global {name!r})", node.__globals__[name]
    for index, part in enumerate(node.__defaults__ or ()):
        yield f".__defaults__[{index}]", part
    for name, part in (node.__kwdefaults__ or {}).items():
        yield f".__kwdefaults__[{name!r}]", part
    for name, part in vars(node).items():
        yield f".{name}", part


def _reduced_parts(node: Any) -> Iterator[tuple[str, Any]]:
    try:
        reduced = node.__reduce_ex__(5)
    except Exception:  # noqa: BLE001 - then the node itself is the culprit
        return
    if not isinstance(reduced, tuple):
        return
    function, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
    for index, part in enumerate(arguments or ()):
        # The class that the first argument of copyreg.__newobj__ is has nothing to do with this instance.
        if part is not type(node):
            yield f" (argument {index} of its {getattr(function, '__name__', 'constructor')})", part
    states = state if isinstance(state, tuple) and len(state) == 2 else (state,)
    for each in states:
        if isinstance(each, dict):
            for name, part in list(each.items()):
                yield (
                    (f".{name}" if isinstance(name, str) and name.isidentifier() else f" (state {_short(name)})"),
                    part,
                )
        elif each is not None:
            yield ".__getstate__()", each
    for index, part in enumerate(items or ()):
        yield f"[{index}]", part
    yield from _items(pairs or ())
    yield ".__class__", type(node)


def _short(value: Any) -> str:
    from reprlib import Repr

    # Bounded, and safe where a repr is broken.
    short = Repr()
    short.maxstring = short.maxother = 40
    return short.repr(value)


def _type_name(value: Any) -> str:
    kind = type(value)
    return (
        kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    )


def _said(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__


def _cure(culprit: Any) -> str:
    names = [kind.__name__ for kind in type(culprit).__mro__]
    if any(name in _FILES for name in names):
        return "Return its path or its content instead, and open it in the task that uses it."
    return next((_CURES[name] for name in names if name in _CURES), _CURE)
