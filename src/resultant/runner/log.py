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

    #: What it was made from.
    wanted: LoggingSettings


def show_log(wanted: LoggingSettings) -> None:
    """Have the package's records appear on standard error, if a level, format or date format was asked for.

    A program that has configured handlers of its own, on the root logger or on the package's, keeps its say: nothing is
    added to them.

    Args:
        wanted: the settings.

    Raises:
        ConfigurationError: the level is none.
    """
    logger = get_logger()
    own = [handler for handler in logger.handlers if isinstance(handler, _Handler)]
    if own and own[0].wanted == wanted:
        return
    for handler in own:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    if _plain(wanted) or logger.handlers or logging.getLogger().handlers:
        return
    handler = _Handler()
    handler.wanted = wanted
    handler.setFormatter(logging.Formatter(wanted.format, wanted.datefmt))
    level = wanted.level.upper() if isinstance(wanted.level, str) else wanted.level
    try:
        logger.setLevel(level)
    except ValueError as error:
        raise ConfigurationError(
            f"The setting logging.level is {wanted.level!r}, which is no level; use DEBUG, INFO, WARNING, ERROR or CRITICAL."
        ) from error
    logger.addHandler(handler)


def _plain(wanted: LoggingSettings) -> bool:
    default = type(wanted)()
    return (wanted.level, wanted.format, wanted.datefmt) == (default.level, default.format, default.datefmt)
