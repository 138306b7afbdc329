"""The log on standard error that the settings ask for."""

from __future__ import annotations

import logging

from resultant.errors import ConfigurationError
from resultant.runtime import get_logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.settings.schema import LoggingSettings

__all__ = ["show_log"]


class _Handler(logging._StderrHandler):  # type: ignore[name-defined, misc]
    """Writes to whatever standard error is at the moment."""


#: What was asked for last, while it is more than the defaults.
_shown: list[LoggingSettings] = []


def show_log(wanted: LoggingSettings) -> None:
    """Give the package's logger the level that was asked for, and have its records appear on standard error.

    A program that has configured handlers of its own, on the root logger or on the package's, keeps its say: nothing is
    added to them.

    Args:
        wanted: the settings.

    Raises:
        ConfigurationError: the level is none.
    """
    if wanted in _shown:
        return
    logger = get_logger()
    for handler in [handler for handler in logger.handlers if isinstance(handler, _Handler)]:
        logger.removeHandler(handler)
    if _shown:
        logger.setLevel(logging.NOTSET)
        _shown.clear()
    if _plain(wanted):
        return
    level = wanted.level.upper() if isinstance(wanted.level, str) else wanted.level
    try:
        logger.setLevel(level)
    except ValueError as error:
        raise ConfigurationError(
            f"The setting logging.level is {wanted.level!r}, which is no level; use DEBUG, INFO, WARNING, ERROR or CRITICAL."
        ) from error
    _shown.append(wanted)
    if not logger.handlers and not logging.getLogger().handlers:
        shown = _Handler()
        shown.setFormatter(logging.Formatter(wanted.format, wanted.datefmt))
        logger.addHandler(shown)


def _plain(wanted: LoggingSettings) -> bool:
    default = type(wanted)()
    return (wanted.level, wanted.format, wanted.datefmt) == (default.level, default.format, default.datefmt)
