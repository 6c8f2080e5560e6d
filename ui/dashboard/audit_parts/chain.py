"""The verdict on the audit chain."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agents import ChainReport
from ui.dashboard.look import Safe, callout, definition, panel, tag
from ui.dashboard.strings import many, text
from ui.dashboard.times import clock_time

_ENTRY = re.compile(r"\bentr(?:y|ies) (\d+)")
_HEAD = "head"
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Checked:
    """A report, when it was made, and how many seconds that took."""

    report: ChainReport
    at: datetime
    seconds: float


def first_bad(problems: Sequence[str]) -> int | None:
    """The first entry that a problem names; None where none does (a cut tail, a case without its entry)."""
    named = [
        int(found[1])
        for problem in problems
        if (found := _ENTRY.search(problem)) and _HEAD not in problem.split()
    ]
    return min(named, default=None)


def verdict(checked: Checked, now: datetime) -> Safe:
    """Whether it holds, and where it breaks."""
    report = checked.report
    facts = definition(
        [
            (text("audit.checked-at"), clock_time(checked.at, now)),
            (text("audit.took"), text("audit.seconds", seconds=f"{checked.seconds:.1f}")),
            (text("audit.entries"), report.entries),
            (text("audit.erased"), report.erased),
        ]
    )
    head = [tag("p", text("audit.head"), cls="ed-soft ed-hash-name"), tag("p", report.head, cls="ed-hash")]
    if report.ok:
        return tag(
            "div",
            callout(text("audit.holds"), text("audit.holds-help"), tone="good", live=True),
            panel(facts, *head),
            cls="ed-stack",
        )
    bad = first_bad(report.problems)
    where = text("audit.no-entry") if bad is None else text("audit.first-bad", entry=bad)
    lines = [tag("li", problem) for problem in report.problems[:_SHOWN]]
    more = len(report.problems) - _SHOWN
    return tag(
        "div",
        callout(text("audit.broken"), where, text("audit.broken-help"), tone="danger", live=True),
        panel(
            facts,
            *head,
            tag("h3", many("audit.problems", len(report.problems)), cls="ed-gap"),
            tag("ul", *lines, cls="ed-list", lang="en"),
            tag("p", text("audit.more", n=more), cls="ed-soft") if more > 0 else None,
            tone="danger",
        ),
        cls="ed-stack",
    )
