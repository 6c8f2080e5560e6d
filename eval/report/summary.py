"""The summary: sentences made from the numbers, for people who read nothing else.

No sentence says that two rows differ unless the interval of their paired difference leaves zero out and the corrected p
is below 0.05. Every share stands with its number of cases and its interval.
"""

from collections.abc import Iterator

from eval.comparison.result import Estimate, RowResult
from eval.report import words
from eval.report.document import Bullets, Cell, Paragraph, Section, Table
from eval.report.rows import Chosen, chosen, subject
from eval.suite.result import SuiteResult, TaskResult

_GLANCE = ("accuracy", "recall_high", "strict_under_triage", "over_triage")


def summary(result: SuiteResult) -> Section:
    """One part a task, then what none of it can say."""
    parts = tuple(
        Section(
            f"summary-{words.slug(task.name)}",
            task.title,
            (Bullets(tuple(_sentences(task))), _glance(task)),
        )
        for task in result.tasks
    )
    limits = Section("summary-limits", "What this cannot say", (Bullets(tuple(_limits(result))),))
    return Section("summary", "Summary", _opening(result), (*parts, limits))


def _opening(result: SuiteResult) -> tuple[Paragraph, ...]:
    cases = sum(task.comparison.cases for task in result.tasks)
    asked = sum(len(task.models) for task in result.tasks)
    said = (
        f"Suite {result.suite}: {words.count(cases)} patients in {len(result.tasks)} "
        f"{_plural(len(result.tasks), 'set', 'sets')} of cases, {asked} "
        f"{_plural(asked, 'row', 'rows')} of answers. A level runs from 1 (now) to 5 (can wait). "
        "Under-triage is a level "
        "that is less urgent than it should be: it is the error that hurts patients. Ranges in brackets "
        "are 95 % intervals; "
        "differences are of the same patients."
    )
    found = [Paragraph(said)]
    if result.not_run:
        missing = len(result.not_run)
        found.append(
            Paragraph(
                f"{missing} {_plural(missing, 'part', 'parts')} of what was asked for did not run: see "
                "“What did not run”.",
                "Not complete.",
                "warn",
            )
        )
    return tuple(found)


def _sentences(task: TaskResult) -> Iterator[Paragraph]:
    found = task.comparison
    main = subject(task)
    name = words.said(main.name, first=True)
    cases = words.count(found.cases)
    mix = words.listed([f"{words.count(n)} of level {level}" for level, n in enumerate(found.levels, 1)])
    yield Paragraph(f"{cases} patients: {mix}. {task.sample}", "Who.")
    accuracy = main.result.scores["accuracy"]
    yield Paragraph(
        f"{name} gave {words.percent(accuracy)} of {cases} patients the right level.", "Right level."
    )
    yield from _apart(task, "accuracy", "Right level, compared.", "gave the right level to")
    high = found.levels[0] + found.levels[1]
    if high:
        yield Paragraph(_sickest(main, high), "The sickest.")
        others = [item for item in chosen(task) if item.name != main.name]
        if others:
            told = words.listed([f"{words.said(o.name)} {words.count(_low(o.result))}" for o in others])
            yield Paragraph(
                f"Of the same {words.count(high)} patients others put at level 4 or 5: {told}.",
                "The sickest, others.",
            )
        yield from _apart(task, "recall_high", "Finding the sickest, compared.", "found, of levels 1 and 2,")
    over = main.result.scores["over_triage"]
    yield Paragraph(
        f"{name} put {words.percent(over)} of {cases} patients at a more urgent level than theirs.",
        "Too urgent.",
    )


def _sickest(main: Chosen, high: int) -> str:
    """Counts of levels 1-2 that were put too low, with the interval of the share that was found."""
    scores, counts = main.result.scores, main.result.counts
    strict, cases = scores["strict_under_triage"], words.count(main.result.cases)
    return (
        f"Of {words.count(high)} patients of level 1 or 2, {words.said(main.name)} found "
        f"{words.percent(scores['recall_high'])} and put {words.count(counts.get('significant_under_triage_high'))} at "
        f"level 3, 4 or 5, {words.count(_low(main.result))} of them at 4 or 5: that is {words.percent(strict)} of all "
        f"{cases} patients."
    )


def _low(row: RowResult) -> float | None:
    return row.counts.get("strict_under_triage")


def _apart(task: TaskResult, score: str, lead: str, did: str) -> Iterator[Paragraph]:
    """The paired differences to the reference row, in three kinds: above, below, and not shown to differ."""
    reference = task.comparison.reference
    kinds: dict[str, list[str]] = {"higher": [], "lower": [], "none": []}
    for item in chosen(task):
        apart = item.result.differences.get(score)
        shown = words.direction(apart)
        if apart is not None and shown in kinds:
            by = words.points(apart, signed=shown == "none")
            join = ": " if shown == "none" else " by "
            kinds[shown].append(f"{words.said(item.name)}{_chosen_note(item)}{join}{by}")
    base = next((row for row in task.comparison.rows if row.name == reference), None)
    if base is None or not any(kinds.values()):
        return
    said = [f"{words.said(reference, first=True)} {did} {words.percent(base.scores[score])}."]
    if kinds["higher"]:
        said.append(f"Above that: {'; '.join(kinds['higher'])}.")
    if kinds["lower"]:
        said.append(f"Below that: {'; '.join(kinds['lower'])}.")
    if kinds["none"]:
        said.append(f"No difference to that is shown for {'; '.join(kinds['none'])}.")
    yield Paragraph(" ".join(said), lead)


def _chosen_note(item: Chosen) -> str:
    return f" (the best of its {item.best_of} recorded runs)" if item.best_of else ""


def _glance(task: TaskResult) -> Table:
    """A line a row: what anybody asks first."""
    rows = []
    for item in chosen(task):
        scores = item.result.scores
        cells: list[str | Cell] = [words.row_name(item.name) + _chosen_note(item)]
        cells += [_share(scores["accuracy"]), _share(scores["recall_high"])]
        cells.append(words.count(_low(item.result)))
        cells.append(_share(scores["over_triage"]))
        cells.append(_verdict(task, item))
        rows.append(tuple(cells))
    return Table(
        f"{words.slug(task.name)}-glance",
        f"{task.title} at a glance: share of {words.count(task.comparison.cases)} patients, with 95 % interval",
        (
            "Row", "Right level", "Found of levels 1-2", "1-2 put at 4-5, patients", "Too urgent",
            f"Right level, against {words.row_name(task.comparison.reference)}",
        ),
        tuple(rows),
    )  # fmt: skip


def _verdict(task: TaskResult, item: Chosen) -> Cell:
    if item.name == task.comparison.reference:
        return Cell("(the reference)", "soft")
    shown = words.direction(item.result.differences.get("accuracy"))
    text = {"higher": "▲ higher", "lower": "▼ lower", "none": "no difference shown"}.get(
        shown, "not compared"
    )
    mark = {"higher": "good", "lower": "bad"}.get(shown, "soft")
    return Cell(text, mark)  # type: ignore[arg-type]


def _share(item: Estimate) -> str:
    if item.value is None:
        return words.NONE
    value = words.number(100 * item.value, 1)
    if item.low is None or item.high is None:
        return f"{value} %"
    return f"{value} % ({words.number(100 * item.low, 1)} to {words.number(100 * item.high, 1)})"


def _limits(result: SuiteResult) -> Iterator[Paragraph]:
    for task in result.tasks:
        accuracy = subject(task).result.scores["accuracy"]
        if accuracy.low is not None and accuracy.high is not None:
            half = 50 * (accuracy.high - accuracy.low)
            yield Paragraph(
                f"With {words.count(task.comparison.cases)} patients a share of right levels is known to about "
                f"±{words.number(half, 1)} points; smaller differences stay unseen unless the same patients show them.",
                f"{task.title}.",
            )
        for notice in task.notices:
            yield Paragraph(notice, f"{task.title}.")
        for model in task.models:
            if model.notice:
                yield Paragraph(model.notice, f"{task.title}, {words.row_name(model.name)}.")
    yield Paragraph(
        "“No difference is shown” is not “they are equal”: these cases could not tell the two apart.",
        "Equality.",
    )
    yield Paragraph(
        "Levels were compared with levels on recorded cases. Whether use at a bedside helps or harms patients was not "
        "studied here, and clinicians may follow a wrong suggestion.",
        "Use.",
    )
    yield Paragraph(
        "The scores are of these patients. Another department has other patients, other writing and another mix of "
        "levels; it has to measure its own.",
        "Elsewhere.",
    )


def _plural(n: int, one: str, many: str) -> str:
    return one if n == 1 else many
