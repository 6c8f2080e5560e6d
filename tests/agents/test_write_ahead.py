"""Write-ahead mode when several processes open a new file at the same moment."""

import sqlite3
import threading

import pytest

from agents.store.wal import use_write_ahead_log

FILES = 300
"""Enough of them: switched without another try, about one new file in forty answered SQLITE_BUSY."""


def mode(path: str) -> str:
    connection = sqlite3.connect(path)
    try:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])
    finally:
        connection.close()


def test_a_new_file_that_many_open_at_once(tmp_path):
    failures: list[sqlite3.Error] = []

    def switch(path: str, together: threading.Barrier) -> None:
        together.wait()
        try:
            use_write_ahead_log(path)
        except sqlite3.Error as error:
            failures.append(error)

    for number in range(FILES):
        path = str(tmp_path / f"{number}.db")
        together = threading.Barrier(6)
        threads = [threading.Thread(target=switch, args=(path, together)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert mode(path) == "wal"
    assert failures == []


def test_a_file_that_stays_locked_is_named_busy(tmp_path, monkeypatch):
    path = str(tmp_path / "locked.db")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr("agents.store.wal.BUSY_SECONDS", 0.2)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        use_write_ahead_log(path)
    holder.close()
    use_write_ahead_log(path)
    assert mode(path) == "wal"


def test_a_file_that_is_no_database_is_not_tried_again(tmp_path):
    path = tmp_path / "notes.db"
    path.write_text("not a database, but long enough to have a header of one hundred bytes " * 3)
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        use_write_ahead_log(str(path))
    assert path.read_text().startswith("not a database")
