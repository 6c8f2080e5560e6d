"""A database's errors as ``StoreError``: what is wrong and what to do, without a value that a driver quotes."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError

from agents.errors import StoreError

_REMEDIES = {
    "SQLITE_FULL": "the disk is full; free some space and run the command again. What was stored is kept",
    "SQLITE_NOTADB": "the file is damaged or no database; put it aside and restore it from a backup",
    "SQLITE_CORRUPT": "the file is damaged; put it aside and restore it from a backup",
    "SQLITE_BUSY": "another process holds it; run the command again",
    "SQLITE_READONLY": "give this user the right to write it and its folder, or set TRIAGE_DATA_DIR",
    "SQLITE_CANTOPEN": "give this user the right to write the folder, or set TRIAGE_DATA_DIR",
}
_OTHERWISE = "check TRIAGE_DATABASE_URL and that the database answers, then run the command again"


@contextmanager
def named(url: str) -> Iterator[None]:
    """Raise what the database at ``url`` reports as ``StoreError``; ``IntegrityError`` is the caller's."""
    try:
        yield
    except IntegrityError:
        raise
    except (DBAPIError, ArgumentError, sqlite3.Error) as error:
        cause = getattr(error, "orig", None) or error
        # The driver's own words are left out: PostgreSQL quotes the row.
        code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
        reason = str(code or type(cause).__name__)
        known = next((words for name, words in _REMEDIES.items() if reason.startswith(name)), _OTHERWISE)
        raise StoreError(place(url), reason, known) from None


def place(url: str) -> str:
    """The file of a SQLite URL, or the URL without its password."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return "the configured URL"
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        return parsed.database
    return parsed.render_as_string(hide_password=True)
