"""Puts a SQLite file into write-ahead mode, also when several processes do so at once."""

import random
import sqlite3
import time

BUSY_SECONDS = 10.0
"""How long a connection waits for another one's lock."""

_PAUSE_SECONDS = 0.05


def use_write_ahead_log(path: str) -> None:
    """Switch the file to WAL mode; the file remembers it, so that later connections need not ask.

    Two connections that switch a new file at the same moment would wait for each other: SQLite sees it and
    answers SQLITE_BUSY at once, without calling the busy handler (https://sqlite.org/c3ref/busy_handler.html).
    So we try again ourselves.

    Raises:
        sqlite3.OperationalError: the file cannot be used, or stayed locked for ``BUSY_SECONDS``.
        sqlite3.DatabaseError: it is no database.
    """
    end = time.monotonic() + BUSY_SECONDS
    while True:
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            # The lower byte is the primary code; SQLITE_BUSY has extended ones (recovery, snapshot).
            if (error.sqlite_errorcode & 0xFF) != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
        else:
            return
        finally:
            connection.close()
        time.sleep(random.uniform(0, _PAUSE_SECONDS))  # noqa: S311 - spreads the tries, hides nothing
