"""The error browser's cases: the worst under-triage first."""

from eval.report.document import Bullets, Mistake, Mistakes, Paragraph, Section
from eval.report.rows import chosen
from eval.suite.result import ErrorCase, SuiteResult

MOST = 60
"""Cases shown of one row on one task; ``results.json`` has all."""

STRICT, UNDER, NO_ANSWER, OVER = "1-2 put at 4-5", "under-triage", "no answer", "over-triage"
KINDS = (STRICT, UNDER, NO_ANSWER, OVER)


def kind_of(case: ErrorCase) -> str:
    """What kind of error it is."""
    if case.predicted is None:
        return NO_ANSWER
    if case.predicted < case.truth:
        return OVER
    return STRICT if case.truth <= 2 and case.predicted >= 4 else UNDER


def order(case: ErrorCase) -> tuple[int, int, int, str]:
    """Strict under-triage, under-triage, no answer, over-triage; in each the widest and most urgent first."""
    kind = KINDS.index(kind_of(case))
    gap = 0 if case.predicted is None else abs(case.predicted - case.truth)
    return kind, -gap, case.truth, case.case_id


def mistakes(result: SuiteResult, *, cases: bool) -> Section:
    """The browser, or the sentence that says why it is not here."""
    if not cases:
        said = "This copy was written without cases: no record of a patient is in it."
        return Section("errors", "Error browser", (Paragraph(said, tone="note"),))
    items: list[Mistake] = []
    left = 0
    for task in result.tasks:
        names = {item.name for item in chosen(task)} | {item.name for item in task.models}
        for row in dict.fromkeys(case.row for case in task.errors if case.row in names):
            own = sorted((case for case in task.errors if case.row == row), key=order)
            left += max(0, len(own) - MOST)
            items += [Mistake(task.name, task.title, kind_of(case), case) for case in own[:MOST]]
    if not items:
        return Section("errors", "Error browser", (Paragraph("No case to show.", tone="note"),))
    items.sort(key=lambda item: order(item.case))
    lead = Bullets(
        (
            Paragraph(
                "Cases that a row got wrong, the worst under-triage first, with what was known and what was cited."
            ),
            Paragraph(
                "A reason that is struck through did not survive verification: it does not count as evidence."
            ),
            Paragraph(
                "This part holds what the records say. Keep it where the records may be kept.", tone="warn"
            ),
        )
    )
    return Section("errors", "Error browser", (lead, Mistakes(tuple(items), left)))
