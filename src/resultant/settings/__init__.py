"""Settings: frozen values, loaded on first use from defaults < ``<home_dir>/config.toml`` < environment.

:func:`current` gives the settings in force for runs that start now; :data:`config` is the mutable, checked face.
Nothing is read before one of them is asked.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager

from resultant.settings.face import Config, Table
from resultant.settings.load import env_prefixes, load
from resultant.settings.schema import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

__all__ = [
    "Config",
    "Settings",
    "Table",
    "config",
    "current",
    "env_prefixes",
    "load",
    "reload",
    "replace",
    "reread",
    "set_temporary_config",
]


class _GlobalConfig(Config):
    """The one configuration of the process."""

    __slots__ = ()

    def __reduce__(self) -> str:
        # A function sent to a worker means the worker's configuration.
        return "config"


_lock = threading.Lock()
_loaded: Settings | None = None


def _load_once() -> Settings:
    global _loaded
    settings = _loaded
    if settings is None:
        with _lock:
            settings = _loaded
            if settings is None:
                settings = _loaded = load(accept_unknown=config._accept_unknown)
    return settings


#: The configuration of this process: ``config.flows.checkpointing = True`` counts for runs that start afterwards.
config = _GlobalConfig(_load_once)


def current() -> Settings:
    """Return the settings in force for runs that start now.

    Raises:
        ConfigurationError: on first use, when file or environment cannot be understood.
    """
    return config.compute()


def reload() -> None:
    """Forget everything, so that file and environment are read again at the next use."""
    global _loaded
    with _lock:
        _loaded = None
    config.clear()


def reread() -> None:
    """Read file and environment again at the next use; what was assigned since stays laid over them."""
    global _loaded
    with _lock:
        _loaded = None


def replace(settings: Settings) -> None:
    """Install settings wholesale, as a worker does with those of its driver."""
    global _loaded
    with _lock:
        _loaded = settings
    config.clear()


@contextmanager
def set_temporary_config(values: Mapping[str, Any]) -> Iterator[Config]:
    """Change settings for the length of a block.

    Args:
        values: new values by dotted key, e.g. ``{"flows.checkpointing": True}``.

    Returns:
        a context manager that gives :data:`config`. At its end the values are as they were before, also those that
        the block itself assigned.

    Raises:
        ConfigurationError: a key does not exist, or a value is of the wrong type.
    """
    layer = config.lay(values)
    try:
        yield config
    finally:
        config.take_off(layer)
