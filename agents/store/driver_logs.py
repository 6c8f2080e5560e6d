"""Keeps what database drivers write about rows out of every log."""

import logging

_NAMES = ("aiosqlite", "sqlalchemy.engine.Engine")


class _OnlyWarnings(logging.Filter):
    """Lets warnings and worse pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING


_ONLY_WARNINGS = _OnlyWarnings()


def silence_driver_logging() -> None:
    """Keep statements, their values and rows out of the logs, whatever level somebody sets.

    aiosqlite logs every call with its values at DEBUG, whole checkpoints among them; SQLAlchemy logs rows at DEBUG. A
    filter holds where a level does not; a logger's filters do not reach its children, so each is named.
    """
    for name in _NAMES:
        logger = logging.getLogger(name)
        if _ONLY_WARNINGS not in logger.filters:
            logger.addFilter(_ONLY_WARNINGS)
