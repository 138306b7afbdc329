"""The context of a run: one ContextVar that holds a frame, and the dictionary-like face users see.

A *frame* answers look-ups. A block (``with context(a=1)``) is a frame with a dictionary of its own, which starts as a
copy of what was in force, so that leaving the block is one reset and whatever was changed inside is gone. The frame of
a task run (:mod:`resultant.runner.frame`) computes its keys when they are asked for: building them as a dictionary for
each task costs more than everything else in a task run.
"""

from __future__ import annotations

from contextvars import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from logging import Logger
    from types import TracebackType
    from typing import Any

    from resultant.settings import Config, Settings

__all__ = ["Context", "Frame", "context", "enter", "frame", "get_logger", "leave", "settings"]

_MISSING = object()

#: Output caches of this process, by cache key: what ``context.caches`` shows everywhere.
CACHES: dict[str, list[Any]] = {}


class Frame:
    """Keys in force for a block of code.

    Args:
        keys: the keys; the frame owns the dictionary.
    """

    __slots__ = ("keys",)

    def __init__(self, keys: dict[str, Any]) -> None:
        self.keys = keys

    def lookup(self, key: str) -> Any:
        """Return the value of `key`, or raise ``KeyError``."""
        return self.keys[key]

    def assign(self, key: str, value: Any) -> None:
        """Set `key` for the rest of the block."""
        self.keys[key] = value

    def flat(self) -> dict[str, Any]:
        """Return every key and value as a new dictionary."""
        return dict(self.keys)


class _Base(Frame):
    """What is in force outside every block: keys set there, and below them those that the settings supply by now."""

    __slots__ = ()

    def lookup(self, key: str) -> Any:
        keys = self.keys
        return keys[key] if key in keys else _configured()[key]

    def flat(self) -> dict[str, Any]:
        return {**_configured(), **self.keys}


def _configured() -> dict[str, Any]:
    from resultant.settings import current

    return current().context


_frame: ContextVar[Frame | None] = ContextVar("resultant_context", default=None)


def frame() -> Frame:
    """Return the frame in force; a thread that has none gets one."""
    current = _frame.get()
    if current is None:
        current = _Base({"caches": CACHES})
        _frame.set(current)
    return current


def enter(new: Frame) -> Frame | None:
    """Put `new` in force and return what :func:`leave` needs."""
    old = _frame.get()
    _frame.set(new)
    return old


def leave(old: Frame | None) -> None:
    """Put back what was in force before :func:`enter`."""
    _frame.set(old)


def is_outside() -> bool:
    """Return whether this thread is in no block of the context and no run, as one that a task has started is."""
    return type(_frame.get()) in (type(None), _Base)


def peek(key: str, default: Any = None) -> Any:
    """Return `key` of the frame in force without making one where there is none."""
    current = _frame.get()
    if current is None:
        return default
    if type(current) is Frame:
        # Building a flow asks for absent keys several times a task: no exception for those.
        return current.keys.get(key, default)
    try:
        return current.lookup(key)
    except KeyError:
        return default


def config() -> Config:
    """Return the configuration in force: the global one, or the one a context block merged over it."""
    from resultant.settings import config as global_config

    face: Config = peek("config", global_config)
    return face


def settings() -> Settings:
    """Return the frozen settings in force here."""
    return config().settings


def get_logger(name: str | None = None) -> Logger:
    """Return the logger `name` below the package's root logger, or the root logger itself.

    Args:
        name: the part after ``resultant.``; ``None`` for the package's own logger.
    """
    import logging

    return logging.getLogger("resultant" if name is None else f"resultant.{name}")


class Context:
    """The keys of the run in force, as a dictionary with attribute access; one for each thread.

    ``with context(a=1):`` sets keys for a block. The key ``config`` is special: a mapping given for it is merged into
    the configuration in force. It cannot be pickled: pass ``context.to_dict()`` or single values instead.
    """

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        if key == "config":
            return config()
        return frame().lookup(key)

    def __setitem__(self, key: str, value: Any) -> None:
        frame().assign(key, _merged_config(value) if key == "config" else value)

    def __delitem__(self, key: str) -> None:
        current = frame()
        keys = current.flat()
        del keys[key]
        self._install(current, keys)

    def __getattr__(self, name: str) -> Any:
        # Dunder look-ups come from copy, pickle and inspect, which must not start loading the settings.
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"The context has no key {name!r}.") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(f"The context has no key {name!r}.") from None

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key, _MISSING) is not _MISSING

    def __iter__(self) -> Iterator[str]:
        return iter(self.to_dict())

    def __len__(self) -> int:
        return len(self.to_dict())

    def __repr__(self) -> str:
        return f"<Context: {', '.join(repr(key) for key in sorted(self.to_dict()))}>"

    def __reduce__(self) -> str:
        raise TypeError("The context cannot be pickled; pass `context.to_dict()` or the values that are needed.")

    def __call__(self, *mappings: Mapping[str, Any], **keys: Any) -> _Block:
        """Return a block in which the given keys are set."""
        given: dict[str, Any] = {}
        for mapping in mappings:
            given.update(mapping.items())
        given.update(keys)
        return _Block(given)

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of `key`, or `default`."""
        try:
            return self[key]
        except KeyError:
            return default

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the value of `key`; set it to `default` first where it is missing."""
        value = self.get(key, _MISSING)
        if value is _MISSING:
            self[key] = value = default
        return value

    def update(self, *mappings: Mapping[str, Any], **keys: Any) -> None:
        """Set several keys for the rest of the block in force."""
        for mapping in (*mappings, keys):
            for key, value in mapping.items():
                self[key] = value

    def pop(self, key: str, *default: Any) -> Any:
        """Remove `key` for the rest of the block and return its value, or the default given."""
        value = self.get(key, _MISSING)
        if value is _MISSING:
            if default:
                return default[0]
            raise KeyError(key)
        del self[key]
        return value

    def clear(self) -> None:
        """Remove every key for the rest of the block."""
        self._install(frame(), {})

    def keys(self) -> Any:
        """Return the keys in force."""
        return self.to_dict().keys()

    def values(self) -> Any:
        """Return the values in force."""
        return self.to_dict().values()

    def items(self) -> Any:
        """Return the keys and values in force."""
        return self.to_dict().items()

    def to_dict(self) -> dict[str, Any]:
        """Return the keys and values in force as a new dictionary."""
        return {"config": config(), **frame().flat()}

    copy = to_dict

    @staticmethod
    def _install(current: Frame, keys: dict[str, Any]) -> None:
        if type(current) is Frame:
            current.keys = keys
        else:
            # A computed frame cannot forget a key: a plain one stands in for the rest of the block.
            enter(Frame(keys))


class _Block:
    """A ``with`` block over the context."""

    __slots__ = ("given", "outer")

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self.outer: list[Frame | None] = []

    def __enter__(self) -> Context:
        keys = frame().flat()
        given = self.given
        if "config" in given:
            given = {**given, "config": _merged_config(given["config"])}
        keys.update(given)
        self.outer.append(enter(Frame(keys)))
        return context

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        leave(self.outer.pop())


def _merged_config(value: Any) -> Any:
    return config().merged(value) if isinstance(value, dict) else value


#: The context of the code that runs now.
context = Context()
