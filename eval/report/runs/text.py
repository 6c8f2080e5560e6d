"""The comparison of two runs in lines of text."""

from collections.abc import Iterator

from eval.report import words
from eval.report.runs.result import RowChange, RunComparison, ScoreChange


def described(found: RunComparison, *, ids: int = 40) -> list[str]:
    """Lines for a terminal or a log: scores that changed, cases by id (at most ``ids`` of each kind)."""
    return [*_lines(found, ids)]


def _lines(found: RunComparison, ids: int) -> Iterator[str]:
    yield f"before: {found.before}"
    yield f"after:  {found.after}"
    yield f"verdict: {found.verdict}"
    for row in found.rows:
        yield ""
        yield f"{row.task}, {words.row_name(row.row)}, n = {words.count(row.cases)}: {row.verdict} ({row.how})"
        yield from (f"  {_score(item)}" for item in row.scores)
        yield from _cases(row, ids)
    for what, items in (("only before", found.only_before), ("only after", found.only_after)):
        if items:
            yield ""
            yield f"{what}, not compared: {', '.join(items)}"
    for note in found.notes:
        yield f"note: {note}"


def _score(item: ScoreChange) -> str:
    before, after = words.number(item.before.value), words.number(item.after.value)
    return f"{words.score_name(item.score)}: {before} to {after}, {words.difference(item.difference)}: {item.verdict}"


def _cases(row: RowChange, most: int) -> Iterator[str]:
    kinds = (
        ("now at 4 or 5 or without an answer though of level 1 or 2", row.now_strict),
        ("right before, wrong now", row.now_wrong),
        ("wrong before, right now", row.now_right),
    )
    for what, found in kinds:
        if found:
            rest = f", and {len(found) - most} more" if len(found) > most else ""
            yield f"  {what} ({len(found)}): {', '.join(found[:most])}{rest}"
