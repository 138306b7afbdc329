"""`config`: frozen settings behind a face that reads like a dictionary and can be assigned to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

from resultant.errors import ConfigurationError
from resultant.settings.schema import Section, Settings
from resultant.settings.tree import Path, flatten, lookup, unknown, with_value

__all__ = ["Config", "Table"]

#: Values by path, and whether a mapping among them is merged into what it lies over or takes its place.
_Layer = dict[Path, tuple[Any, bool]]

#: Which of two layers is the newer one.
_numbers = count()


class Table(Mapping[str, Any]):
    """One table of a configuration, with attribute access, always showing what holds now."""

    __slots__ = ("_path", "_root")
    _path: Path
    _root: Config

    def __init__(self, root: Config, path: Path) -> None:
        object.__setattr__(self, "_root", root)
        object.__setattr__(self, "_path", path)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "settings" and self._root is self:
            # The property failed with a ConfigurationError, which is an AttributeError too, and so led here.
            return self._root.compute()
        try:
            return self[name]
        except KeyError:
            raise unknown((*self._path, name)) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self._root.assign((*self._path, name), value)

    def __delattr__(self, name: str) -> None:
        raise ConfigurationError(f"The setting {'.'.join((*self._path, name))!r} cannot be deleted; assign its default")

    def __getitem__(self, name: str) -> Any:
        path = (*self._path, name)
        value = lookup(self._root.compute(), path)
        return Table(self._root, path) if isinstance(value, Section | Mapping) else value

    def __setitem__(self, name: str, value: Any) -> None:
        self._root.assign((*self._path, name), value)

    def __iter__(self) -> Iterator[str]:
        return iter(self.to_dict())

    def __len__(self) -> int:
        return len(self.to_dict())

    def __contains__(self, name: object) -> bool:
        return name in self.to_dict()

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self]

    def __repr__(self) -> str:
        # Secrets live below context, passwords in URLs: show the names only.
        return f"<Config{''.join(f' {name}' for name in self._path)}: {', '.join(map(str, self))}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and self.to_dict() == _plain(other)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        return Table, (self._root, self._path)

    def to_dict(self) -> dict[str, Any]:
        """Return this table as plain nested dictionaries, which may be changed at will."""
        settings = self._root.compute()
        if not self._path:
            return {**_merge(_plain(settings), settings.extra)}
        try:
            found: dict[str, Any] = _plain(lookup(settings, self._path))
        except KeyError:
            raise unknown(self._path) from None
        extra: Any = settings.extra
        for name in self._path:
            extra = extra.get(name, {}) if isinstance(extra, Mapping) else {}
        return _merge(found, extra) if extra else found


class Config(Table):
    """A whole configuration: settings from somewhere, and values laid over them.

    Assigning checks key and type, and counts from then on. Layers that :meth:`lay` adds count until they are taken off.
    """

    __slots__ = ("_accept_unknown", "_layers", "_lock", "_seen", "_source", "_under")
    _source: Callable[[], Settings]

    def __init__(
        self, source: Callable[[], Settings], accept_unknown: bool = False, under: Config | None = None
    ) -> None:
        super().__init__(self, ())
        put = object.__setattr__
        put(self, "_source", source)
        put(self, "_lock", threading.RLock())
        put(self, "_accept_unknown", accept_unknown)
        put(self, "_under", under)
        # Each layer: the thread it belongs to (None: everyone's, and never taken off), its values by path, its number.
        put(self, "_layers", [(None, {}, next(_numbers))])
        put(self, "_seen", None)

    @property
    def settings(self) -> Settings:
        """The settings this configuration amounts to, frozen."""
        return self.compute()

    def compute(self) -> Settings:
        """Return the settings this configuration amounts to; unchanged ones are the same object.

        Raises:
            ConfigurationError: file or environment, read now, cannot be understood.
        """
        base = self._source()
        seen = self._seen
        if seen is not None and seen[0] is base:
            result: Settings = seen[1]
            return result
        with self._lock:
            result = base
            # A block that began after this configuration was laid over another one counts more than it does.
            later = [each for each in self._under._layers if each[2] > self._layers[0][2]] if self._under else []
            for _, values, _ in [*self._layers, *later]:
                for path, (value, merge) in values.items():
                    result = with_value(result, path, value, accept_unknown=True, merge=merge)
            object.__setattr__(self, "_seen", (base, result))
            return result

    def assign(self, path: Path, value: Any) -> None:
        """Set one value, or several where ``value`` is a mapping.

        Raises:
            ConfigurationError: a key does not exist, or a value is of the wrong type. Nothing has been set then.
        """
        self._put(self._own_layer(), path, value)

    def lay(self, values: Mapping[str, Any], accept_unknown: bool = False) -> object:
        """Add a layer of values that count until :meth:`take_off`; dotted keys and nested mappings both work.

        Returns:
            what :meth:`take_off` wants.
        """
        layer: tuple[int | None, _Layer, int] = (threading.get_ident(), {}, next(_numbers))
        with self._lock:
            self._layers.append(layer)
            try:
                for path, value in flatten(values):
                    self._put(layer[1], path, value, accept_unknown)
            except BaseException:
                self.take_off(layer)
                raise
        return layer

    def take_off(self, layer: object) -> None:
        """Take a layer off again, and with it everything its thread assigned while it was the newest one."""
        with self._lock:
            self._layers[:] = [each for each in self._layers if each is not layer]
            object.__setattr__(self, "_seen", None)

    def clear(self) -> None:
        """Forget all values laid over the source."""
        with self._lock:
            self._layers[:] = [(None, {}, self._layers[0][2])]
            object.__setattr__(self, "_seen", None)

    def merged(self, values: Mapping[str, Any]) -> Config:
        """Return another configuration: this one, now and later, with ``values`` over it; nested keys one by one.

        Raises:
            ConfigurationError: a key does not exist, or a value is of the wrong type.
        """
        result = Config(self.compute, accept_unknown=self._accept_unknown, under=self._under or self)
        for path, value in flatten(_plain(values)):
            result._put(result._own_layer(), path, value, merge=True)
        return result

    def accept_unknown_keys(self, accept: bool = True) -> None:
        """Choose whether keys that do not exist may be assigned, as flows written for another library expect."""
        object.__setattr__(self, "_accept_unknown", accept)

    def __reduce__(self) -> Any:
        return _detached, (self.compute(), self._accept_unknown)

    def _own_layer(self) -> _Layer:
        me = threading.get_ident()
        return next(values for owner, values, _ in reversed(self._layers) if owner == me or owner is None)

    def _put(self, layer: _Layer, path: Path, value: Any, accept_unknown: bool = False, merge: bool = False) -> None:
        accept_unknown = accept_unknown or self._accept_unknown
        with self._lock:
            flat = dict(flatten({path[-1]: _plain(value)}, path[:-1]))
            checked = self.compute()
            for here, inner in flat.items():
                checked = with_value(checked, here, inner, accept_unknown=accept_unknown, merge=merge)
            for here, inner in flat.items():
                # The newest value stands last, after a mapping that holds it.
                layer.pop(here, None)
                layer[here] = (inner, merge)
            object.__setattr__(self, "_seen", None)


def _detached(settings: Settings, accept_unknown: bool) -> Config:
    return Config(lambda: settings, accept_unknown)


def _plain(value: Any) -> Any:
    if isinstance(value, Table):
        return value.to_dict()
    if isinstance(value, Section):
        return {name: _plain(getattr(value, name)) for name in value.types() if name != "extra"}
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return value


def _merge(under: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        result[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, Mapping) else value
    return result
