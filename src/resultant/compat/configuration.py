"""``load_configuration``: a configuration of the user's own from TOML files, environment and references between keys."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from resultant.settings.tree import literal

__all__ = ["load_configuration"]

#: Names that a mapping needs for itself.
_RESERVED = frozenset({*(name for name in dir(dict) if not name.startswith("_")), "to_dict"})

#: The innermost of nested references.
_REFERENCE = re.compile(r"\$\{([^${}]*)\}")

#: References that lead in a circle stop being followed after so many steps.
_MOST_STEPS = 20

_UNKNOWN = object()


class Configuration(dict[str, Any]):
    """A nested dictionary with attribute access."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"The configuration has no key {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def to_dict(self) -> dict[str, Any]:
        """Return plain nested dictionaries."""
        return {key: value.to_dict() if isinstance(value, Configuration) else value for key, value in self.items()}

    def copy(self) -> Configuration:
        """Return a shallow copy."""
        return Configuration(self)


def load_configuration(
    path: str,
    user_config_path: str | None = None,
    backend_config_path: str | None = None,
    env_var_prefix: str | None = None,
) -> Configuration:
    """Read a configuration from TOML files and the environment.

    ``${a.b}`` in a text stands for the key ``b`` of the table ``a``, ``$VAR`` for a variable of the environment, ``~`` for
    the home folder.

    Args:
        path: the file with the defaults.
        user_config_path: a file laid over it, key by key; it need not exist.
        backend_config_path: a file laid over that; it need not exist.
        env_var_prefix: variables named ``PREFIX__TABLE__KEY`` are laid over the files.

    Raises:
        FileNotFoundError: the file with the defaults does not exist.
        ValueError: a key has the name of one of a mapping's methods, or a file is not TOML.
    """
    values = _read(path)
    for further in (user_config_path, backend_config_path):
        if further and os.path.isfile(os.path.expanduser(os.path.expandvars(further))):
            _lay_over(values, _read(further))
    for keys, value in _variables(env_var_prefix):
        node = values
        for key in keys[:-1]:
            below = node.get(key)
            node[key] = node = dict(below) if isinstance(below, dict) else {}
        node[keys[-1]] = value
    result = _resolved(values, values)
    assert isinstance(result, Configuration)
    return result


def _read(path: str) -> dict[str, Any]:
    with open(os.path.expanduser(os.path.expandvars(path)), "rb") as stream:
        values = tomllib.load(stream)
    _expand(values)
    return values


def _expand(values: dict[str, Any]) -> None:
    for key, value in values.items():
        if key in _RESERVED:
            raise ValueError(f'Invalid config key: "{key}" is a method of every mapping; choose another name')
        if isinstance(value, dict):
            _expand(value)
        elif isinstance(value, str):
            values[key] = _expanded(value)


def _lay_over(under: dict[str, Any], over: Mapping[str, Any]) -> None:
    for key, value in over.items():
        below = under.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            _lay_over(below, value)
        else:
            under[key] = value


def _variables(prefix: str | None) -> list[tuple[list[str], Any]]:
    if not prefix:
        return []
    found = []
    for name, text in sorted(os.environ.items()):
        if name.startswith(f"{prefix}__"):
            keys = name.removeprefix(f"{prefix}__").split("__")
            kept = 2 if [key.lower() for key in keys[:2]] == ["context", "secrets"] else len(keys)
            value = literal(_expanded(text))
            found.append(([*(key.lower() for key in keys[:kept]), *keys[kept:]], value))
    return found


def _expanded(text: str) -> str:
    return os.path.expanduser(os.path.expandvars(text))


def _resolved(node: Any, root: Mapping[str, Any]) -> Any:
    if isinstance(node, dict):
        return Configuration((key, _resolved(value, root)) for key, value in node.items())
    for _ in range(_MOST_STEPS):
        if not isinstance(node, str):
            break
        whole = _REFERENCE.fullmatch(node)
        if whole is not None:
            found = _look_up(root, whole[1])
            node = "" if found is _UNKNOWN else found
        elif _REFERENCE.search(node):
            node = _REFERENCE.sub(lambda match: _as_text(_look_up(root, match[1])), node)
        else:
            break
    return _resolved(node, root) if isinstance(node, dict) else node


def _look_up(root: Mapping[str, Any], dotted: str) -> Any:
    node: Any = root
    for key in dotted.split("."):
        if not isinstance(node, Mapping) or key not in node:
            return _UNKNOWN
        node = node[key]
    return node


def _as_text(value: Any) -> str:
    return "" if value is _UNKNOWN else str(value)
