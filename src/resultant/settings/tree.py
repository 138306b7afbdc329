"""Questions to the schema: which keys there are, what each takes, and a tree with one value changed."""

from __future__ import annotations

import os
import types
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from resultant.errors import ConfigurationError
from resultant.settings.schema import Section, Settings, Wanted

__all__ = ["check", "flatten", "from_text", "known_keys", "nearest", "unknown", "with_value"]

Path = tuple[str, ...]


@cache
def known_keys() -> dict[Path, Any]:
    """Return the type of every setting by its path; a table's type is its class."""

    def walk(table: type[Section], path: Path) -> Iterator[tuple[Path, Any]]:
        for name, kind in table.types().items():
            here = (*path, name)
            if here == ("extra",):
                continue
            yield here, kind
            if is_table(kind):
                yield from walk(kind, here)

    return dict(walk(Settings, ()))


def is_table(kind: Any) -> bool:
    """Return whether a type found in the schema is a table rather than a single setting."""
    return isinstance(kind, type) and issubclass(kind, Section)


def leaf_of(path: Path) -> Path | None:
    """Return the path of the setting that holds ``path``: itself, or the mapping it lies in; ``None`` if unknown."""
    known = known_keys()
    if path in known:
        return path
    for end in range(len(path) - 1, 0, -1):
        kind = known.get(path[:end])
        if kind is not None:
            return path[:end] if get_origin(kind) is dict else None
    return None


def nearest(path: Path) -> str | None:
    """Return the known key that looks most like ``path``, dotted, or ``None`` when nothing does."""
    import difflib

    dotted = {".".join(key): key for key in known_keys()}
    wanted = ".".join(path)
    close = difflib.get_close_matches(wanted, dotted, n=1, cutoff=0.6)
    # The right name in the wrong table, or in none: 'checkpointing' for 'flows.checkpointing'.
    same = [name for name, key in dotted.items() if key[-1] == path[-1]]
    if same and not (close and close[0] in same and len(path) > 1):
        close = same
    return close[0] if close else None


def unknown(path: Path, where: str = "") -> ConfigurationError:
    """Return the error for a key that does not exist.

    Args:
        path: the key as it was written.
        where: where it was written, e.g. the name of a file; left out when empty.
    """
    best = nearest(path)
    hint = f"did you mean {best!r}?" if best else "resultant.config.to_dict() lists the settings there are."
    return ConfigurationError(f"There is no setting {'.'.join(path)!r}{f' ({where})' if where else ''}; {hint}")


def check(path: Path, value: Any, where: str = "") -> Any:
    """Return ``value`` if the setting at ``path`` takes it.

    Raises:
        ConfigurationError: it does not; the message names key, value and what is wanted.
    """
    kind = known_keys()[path]
    if is_table(kind):
        if isinstance(value, kind):
            return value
        raise ConfigurationError(
            f"{'.'.join(path)!r} is a table of settings and cannot be {value!r}{f' ({where})' if where else ''}; "
            f"set one of its keys instead, for example {'.'.join(path)}.{next(iter(kind.types()))}"
        )
    wanted = _wanted(kind)
    if path == ("stores",):
        return _stores(value, where)
    if path == ("home_dir",) and isinstance(value, str | os.PathLike) and os.fspath(value):
        # Absolute, because settings travel to workers that may stand in another folder.
        return os.path.abspath(os.path.expanduser(os.path.expandvars(os.fspath(value))))
    if wanted is not None:
        if wanted.accepts(value):
            return value
    elif path != ("home_dir",) and _fits(kind, value):
        return dict(value) if isinstance(value, Mapping) else value
    # Text in the place of the context may hold its secrets.
    shown = "" if path == ("context",) and isinstance(value, str) else f" = {value!r}"
    raise ConfigurationError(
        f"{'.'.join(path)}{shown}{f' ({where})' if where else ''}: "
        f"this setting takes {'the path of a folder' if path == ('home_dir',) else _describe(kind)}"
        f"{'' if isinstance(value, str) else f', not {type(value).__name__}'}"
    )


def _stores(value: Any, where: str) -> dict[str, Any]:
    """Return stores by name, each a table; the address alone will do. Their values are not shown: some are secret."""
    if not isinstance(value, Mapping):
        raise ConfigurationError(
            f"'stores' is a table of stores by name{f' ({where})' if where else ''}; set stores.NAME.url, for example."
        )
    found = {}
    for name, given in value.items():
        table = {"url": given} if isinstance(given, str) else given
        if not isinstance(table, Mapping) or not table:
            raise ConfigurationError(
                f"stores.{name}{f' ({where})' if where else ''}: a store is an address such as 's3://bucket/prefix', or a "
                "table with a `url` and options."
            )
        found[str(name)] = {str(key).lower(): inner for key, inner in table.items()}
    return found


def from_text(path: Path, text: str) -> Any:
    """Turn the text of an environment variable into what the setting at ``path`` takes, as far as that can be.

    Text that does not fit is returned as it is, for :func:`check` to complain about.
    """
    if path[0] == "stores":
        # Keys and passwords may look like numbers; the client library takes text for everything.
        return text
    leaf = leaf_of(path)
    kinds = _kinds(known_keys()[leaf]) if leaf == path else {Any}
    if str in kinds and len(kinds) == 1:
        return text
    value = literal(text)
    if value is None and types.NoneType not in kinds and Any not in kinds:
        return text
    if str in kinds and type(value) not in kinds:
        return text
    return value


def literal(text: str) -> Any:
    """Read text as ``true``/``false``, ``none``, a number or another Python literal; anything else stays text."""
    word = text.strip().lower()
    if word in ("true", "false"):
        return word == "true"
    if word in ("none", "null"):
        return None
    from ast import literal_eval

    try:
        return literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def flatten(values: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of every setting in nested mappings; what lies inside one setting stays whole."""
    known = known_keys()
    for key, value in values.items():
        here = (*path, *str(key).split("."))
        if isinstance(value, Mapping) and (is_table(known.get(here)) or leaf_of(here) is None):
            yield from flatten(value, here)
        else:
            yield here, value


def with_value(
    settings: Settings, path: Path, value: Any, where: str = "", accept_unknown: bool = False, merge: bool = True
) -> Settings:
    """Return the settings with one value changed.

    Args:
        settings: left as they are.
        path: which setting; it may end inside a setting that is a mapping.
        value: its new value.
        where: where the value comes from, for messages.
        accept_unknown: keep a key that does not exist in ``extra`` instead of refusing it.
        merge: a mapping given for a mapping is merged into it, key by key, instead of taking its place.

    Raises:
        ConfigurationError: there is no such setting, or it does not take this value.
    """
    leaf = leaf_of(path)
    if leaf is None:
        if not accept_unknown:
            raise unknown(path, where)
        return settings.replaced(extra=_merged(settings.extra, path, value, merge))
    current = lookup(settings, leaf)
    if leaf != path:
        value = _merged(current, path[len(leaf) :], value, merge)
    elif merge and isinstance(value, Mapping) and isinstance(current, Mapping):
        for key, inner in value.items():
            current = _merged(current, (key,), inner, merge)
        value = current
    changed: Settings = _replaced(settings, leaf, check(leaf, value, where))
    return changed


def lookup(settings: Settings, path: Path) -> Any:
    """Return what stands at ``path``.

    Raises:
        KeyError: nothing does.
    """
    node: Any = settings
    for name in path:
        if isinstance(node, Section):
            if name not in node.types() or name == "extra":
                break
            node = getattr(node, name)
        elif isinstance(node, Mapping) and name in node:
            node = node[name]
        else:
            break
    else:
        return node
    node = settings.extra
    for name in path:
        if not isinstance(node, Mapping):
            raise KeyError(name)
        node = node[name]
    return node


def _replaced(node: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    return node.replaced(**{path[0]: _replaced(getattr(node, path[0]), path[1:], value)})


def _merged(mapping: Any, path: Path, value: Any, merge: bool) -> dict[str, Any]:
    result = dict(mapping) if isinstance(mapping, Mapping) else {}
    if len(path) > 1:
        result[path[0]] = _merged(result.get(path[0]), path[1:], value, merge)
    elif merge and isinstance(value, Mapping) and isinstance(result.get(path[0]), Mapping):
        for key, inner in value.items():
            result[path[0]] = _merged(result[path[0]], (key,), inner, merge)
    else:
        result[path[0]] = value
    return result


def _wanted(kind: Any) -> Wanted | None:
    return next((extra for extra in getattr(kind, "__metadata__", ()) if isinstance(extra, Wanted)), None)


def _kinds(kind: Any) -> set[Any]:
    if _wanted(kind) is not None or get_origin(kind) is dict:
        return {Any}
    if isinstance(kind, types.UnionType) or get_origin(kind) is Union:
        return set(get_args(kind))
    return {str} if get_origin(kind) is Literal else {kind}


def _fits(kind: Any, value: Any) -> bool:
    """Return whether a value is of a type as it is: no text stands for a number, and no truth value for a whole number."""
    if get_origin(kind) is Literal:
        return isinstance(value, str) and value in get_args(kind)
    if get_origin(kind) is dict:
        return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)
    return any(isinstance(value, each) and (each is bool or not isinstance(value, bool)) for each in _kinds(kind))


def _describe(kind: Any) -> str:
    wanted = _wanted(kind)
    if wanted is not None:
        return wanted.text
    if get_origin(kind) is Literal:
        return " or ".join(repr(choice) for choice in get_args(kind))
    names = {bool: "true or false", int: "a whole number", str: "text", types.NoneType: "nothing"}
    kinds = get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    return " or ".join(names.get(each, "a table of keys and values") for each in kinds)
