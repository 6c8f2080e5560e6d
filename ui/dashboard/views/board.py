"""Everybody who waits."""

from ui.dashboard.auth import Permission
from ui.dashboard.here import Here, Page
from ui.dashboard.look import heading, level_badge, show, table
from ui.dashboard.strings import text

PAGE = Page("board", ":material/view_list:", Permission.SEE_BOARD, order=10)


def render(here: Here) -> None:
    """Draw it."""
    show(heading(text("board.title")))
    board = here.service.board(here.actor)
    rows = [[level_badge(row.level, row.scale), row.name or "-"] for row in board.rows]
    show(table(text("board.title"), [text("board.title")], rows))
