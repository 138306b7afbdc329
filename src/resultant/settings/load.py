"""Settings as they stand outside this process: defaults < file < environment."""

from __future__ import annotations

import os

from resultant.errors import ConfigurationError
from resultant.settings.schema import Settings
from resultant.settings.tree import flatten, from_text, unknown, with_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from resultant.settings.tree import Path

__all__ = ["env_prefixes", "load", "read_file"]

NATIVE_PREFIX = "RESULTANT__"

#: Prefixes of the environment variables that count, lowest priority first. Unknown keys are an error under the native
#: prefix only: other prefixes belong to programs that have settings of their own.
env_prefixes: list[str] = [NATIVE_PREFIX]


def load(environ: Mapping[str, str] | None = None, accept_unknown: bool = False) -> Settings:
    """Read the settings from ``<home_dir>/config.toml`` and the environment.

    Args:
        environ: the environment to read, by default that of the process.
        accept_unknown: keep keys that do not exist in ``extra`` instead of refusing them.

    Returns:
        the settings, frozen.

    Raises:
        ConfigurationError: the file cannot be read, a key does not exist, or a value is of the wrong type.
    """
    variables = list(_variables(os.environ if environ is None else environ))
    settings = Settings()
    for path, text, _, _ in variables:
        if path == ("home_dir",):
            settings = with_value(settings, path, text, "environment")
    file = os.path.join(settings.home_dir, "config.toml")
    for path, value in flatten(read_file(file)):
        settings = with_value(settings, path, value, f"in {file}", accept_unknown)
    for path, text, name, foreign in variables:
        where = f"environment variable {name}"
        settings = with_value(settings, path, from_text(path, text), where, accept_unknown or foreign)
    return settings


def read_file(file: str) -> dict[str, Any]:
    """Return what a TOML file says; a file that does not exist says nothing.

    Raises:
        ConfigurationError: it exists and cannot be read; the message names file, line and column.
    """
    try:
        with open(file, "rb") as stream:
            text = stream.read()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror or error}") from error
    # Where there is no file, nobody waits for this.
    import tomllib

    try:
        return tomllib.loads(text.decode())
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).rpartition(" (at ")
        last = text.count(b"\n") + 1
        where = place.rstrip(")") if place.startswith("line") else f"line {last}"
        raise ConfigurationError(f"{file}, {where}: {message or error}. Correct the file: it must be TOML.") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigurationError(f"{file}, line {line}: this is not UTF-8 text. Save the file as UTF-8.") from error


def _variables(environ: Mapping[str, str]) -> list[tuple[Path, str, str, bool]]:
    found = []
    for prefix in env_prefixes:
        for name in sorted(environ):
            if name.startswith(prefix) and len(name) > len(prefix):
                parts = name.removeprefix(prefix).split("__")
                lowered = tuple(part.lower() for part in parts)
                # Names of secrets are the user's own and keep their case.
                path = (*lowered[:2], *parts[2:]) if lowered[:2] == ("context", "secrets") else lowered
                foreign = prefix != NATIVE_PREFIX
                if "" in path:
                    if foreign:
                        continue
                    raise unknown(path, f"environment variable {name}")
                found.append((path, environ[name], name, foreign))
    return found
