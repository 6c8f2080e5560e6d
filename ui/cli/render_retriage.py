"""What the command line shows of a patient who waits: what changed, who is called, and when the next look is due."""

from collections.abc import Sequence
from datetime import datetime

from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agents import Alert, Case, Changes, Due, Question, Trend, calls, questions

_TREND = {Trend.WORSE: ("worse", "bold red"), Trend.BETTER: ("better", "green"), Trend.UNCLEAR: ("-", "dim")}


def changes_panel(changes: Changes) -> Panel:
    """Every fact, score, rule and level that is not what it was in the assessment before."""
    table = Table("What", "Before", "Now", "For the", "By", show_edge=False, pad_edge=False, expand=True)
    for change in changes.record:
        name = f"{change.kind.value.replace('_', ' ')} {change.change.value}"
        table.add_row(
            name,
            escape(change.before or "not recorded"),
            escape(change.after or "not recorded"),
            _trend(change.trend),
            change.why,
        )
    for score in changes.scores:
        before = "no value" if score.before is None else f"{score.before.normalize():f}"
        after = "no value" if score.after is None else f"{score.after.normalize():f}"
        table.add_row(score.name, before, after, _trend(score.trend), score.why)
    for rule in changes.rules_appeared:
        table.add_row(rule, "did not hold", "holds", Text("-", "dim"), "rule")
    for rule in changes.rules_vanished:
        table.add_row(rule, "held", "does not hold", Text("-", "dim"), "rule")
    if changes.level_before != changes.level_after:
        levels = (str(changes.level_before or "-"), str(changes.level_after or "-"))
        table.add_row("suggested level", *levels, _trend(changes.level_trend), "level")
    if not table.row_count:
        table.add_row("nothing that we know of", "", "", "", "")
    decided = "" if changes.decided is None else f"; last decided: level {changes.decided}"
    return Panel(table, title=f"Changed since the assessment before{decided}", title_align="left")


def alerts_table(alerts: Sequence[Alert]) -> Table:
    """One row a call: a deterioration with all its reasons and their sources, and who took note."""
    table = Table(title="Alerts", expand=True)
    for name in ("Alert", "Case", "Since", "Why, and by which source", "Acknowledged"):
        table.add_column(name, overflow="fold")
    for call in calls(alerts):
        who = dict.fromkeys(map(_taken, call.reasons))
        table.add_row(
            call.id,
            call.case_id,
            _time(call.since),
            Text("\n").join(Text(f"{alert.message} ({alert.source})") for alert in call.reasons),
            Text("; ".join(who), "bold red" if call.open else "dim"),
        )
    return table


def _taken(alert: Alert) -> str:
    taken = alert.acknowledged
    return "open" if taken is None else f"{taken.by} ({taken.role.value}), {_time(taken.at)}"


def due_table(due: Sequence[Due], source: str) -> Table:
    """When each waiting patient is to be looked at again. ``source`` says where the intervals come from."""
    table = Table(title="Reassessment", expand=True, caption=source)
    for name in ("Due", "Level", "Last looked at", "Case"):
        table.add_column(name, overflow="fold")
    for item in due:
        since = f"{_time(item.since)} ({'vital signs' if item.from_vital_signs else 'assessment'})"
        level = f"{item.level} {'decided' if item.decided else 'suggested'}"
        table.add_row(overdue_text(item) or Text(_time(item.due_at)), level, since, item.case_id)
    return table


def overdue_text(due: Due | None) -> Text | None:
    """``OVERDUE 12 min``, or None where it is not."""
    if due is None or not due.overdue:
        return None
    return Text(f"OVERDUE {due.overdue_minutes:.0f} min", "bold red")


def open_questions(case: Case) -> tuple[Question, ...]:
    """What the clinician is asked and has not answered: rules that ask to consider a more urgent level."""
    if case.assessment is None or case.review is None or case.review.why_not is not None:
        return ()
    return questions(case.assessment, case.review.level)


def _trend(trend: Trend) -> Text:
    word, style = _TREND[trend]
    return Text(word, style)


def _time(at: datetime) -> str:
    return at.isoformat(timespec="minutes")
