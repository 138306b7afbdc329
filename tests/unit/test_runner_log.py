"""The log that the settings ask for."""

from __future__ import annotations

import logging

import pytest

from resultant.errors import ConfigurationError
from resultant.runner.log import show_log
from resultant.settings.schema import LoggingSettings


@pytest.fixture(autouse=True)
def logger():
    found = logging.getLogger("resultant")
    before = found.level
    yield found
    show_log(LoggingSettings())
    found.setLevel(before)


def test_a_level_counts_although_the_program_has_handlers(logger, caplog):
    show_log(LoggingSettings(level="INFO"))
    assert logger.level == logging.INFO
    logging.getLogger("resultant.mine").info("the words")
    assert "the words" in caplog.text
    assert not [handler for handler in logger.handlers if type(handler).__name__ == "_Handler"]


def test_the_defaults_leave_logging_alone(logger):
    logger.setLevel(logging.ERROR)
    show_log(LoggingSettings())
    assert logger.level == logging.ERROR


def test_a_level_that_is_none_is_refused_each_time():
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="'LOUD', which is no level"):
            show_log(LoggingSettings(level="LOUD"))
