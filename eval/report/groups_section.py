"""Who the patients are, what became of them, and what local labels would buy."""

from eval.comparison.labels import AGE_BANDS, UNKNOWN
from eval.report import words
from eval.report.document import Block, Cell, Mark, Paragraph, Plot, Section, Table
from eval.report.plots import Line, intervals
from eval.report.rows import chosen, plotted
from eval.suite.result import TaskResult

FOREST_ROWS = 4
FOREST_SCORES = ("accuracy", "recall_high", "under_triage")
SITE_SCORES = ("accuracy", "quadratic_weighted_kappa", "recall_high", "over_triage")


def subgroups(task: TaskResult) -> Section:
    """Forest plots by age, sex and more, then the widest gaps, then every rate."""
    found = task.comparison.subgroups
    blocks: list[Block] = []
    if found:
        blocks.append(
            Paragraph(
                "The same scores among parts of the patients, with 95 % intervals. Small groups have "
                "wide ones: a point "
                "apart from the others is no finding while its interval reaches them.",
                tone="soft",
            )
        )
        blocks += [plot for score in FOREST_SCORES if (plot := _forest(task, score)) is not None]
    gaps = _gaps(task)
    if gaps is not None:
        blocks.append(gaps)
    if found:
        blocks.append(_rates(task))
    return Section(f"{task.name}-subgroups", "Subgroups", tuple(blocks))


def _forest(task: TaskResult, score: str) -> Plot | None:
    found = [item for item in task.comparison.subgroups if item.score == score]
    names = [name for name in plotted(task) if any(item.row == name for item in found)][:FOREST_ROWS]
    if not names:
        return None
    colours = {name: plotted(task).index(name) for name in names}
    content: list[Line] = []
    for attribute in dict.fromkeys(item.attribute for item in found):
        content.append(Line(attribute.replace("_", " "), heading=True))
        own = [
            item
            for item in found
            if item.attribute == attribute and item.row in names and item.estimate.value is not None
        ]
        for group in sorted(dict.fromkeys(item.subgroup for item in own), key=_place):
            values = [item for item in own if item.subgroup == group]
            label = f"{group} (n = {words.count(values[0].cases)})"
            content.append(Line(label, tuple((colours[item.row], item.estimate) for item in values)))
    title = words.score_name(score)
    key = f"{task.name}-forest-{score.replace('_', '-')}"
    svg = intervals(
        key, [(colours[name], words.row_name(name)) for name in names], content, x_label=title.lower()
    )
    first = [item for item in found if item.row == names[0] and item.estimate.value is not None]
    told = [f"{item.subgroup} {words.number(item.estimate.value, 2)}" for item in first]
    alt = (
        f"{title} by subgroup with 95 % intervals. {words.row_name(names[0])}: {words.listed(told)}. "
        "All rows are in the table."
    )
    return Plot(key, f"{title} by subgroup", alt, svg)


def _place(group: str) -> int:
    """Age bands by age, the unknown last; everything else in the order of the comparison."""
    bands = [name for _, name in AGE_BANDS]
    return bands.index(group) if group in bands else len(bands) + (group == UNKNOWN)


def _gaps(task: TaskResult) -> Table | None:
    names = {item.name for item in chosen(task)}
    found = [item for item in task.comparison.gaps if item.row in names]
    if not found:
        return None
    rows: list[tuple[str | Cell, ...]] = []
    for item in found:
        apart = item.difference
        clear = apart.low is not None and apart.low > 0
        mark: Mark = "bad" if clear else "soft"
        rows.append(
            (
                words.row_name(item.row), item.attribute.replace("_", " "), words.score_name(item.score), item.highest,
                item.lowest, Cell(words.estimate(apart) + ("" if clear else " – not shown"), mark),
            )
        )  # fmt: skip
    return Table(
        f"{task.name}-gaps",
        f"{task.title}. Widest gap between two subgroups of at least 30 cases, 95 % interval",
        ("Row", "By", "Score", "Highest", "Lowest", "Gap"),
        tuple(rows),
        "The two groups were chosen because they differ most, which the interval does not correct for.",
        folded=len(rows) > 15,
    )


def _rates(task: TaskResult) -> Table:
    found = task.comparison.subgroups
    scores = list(dict.fromkeys(item.score for item in found))
    cells = {(item.row, item.attribute, item.subgroup, item.score): item.estimate for item in found}
    keys = dict.fromkeys((item.row, item.attribute, item.subgroup, item.cases) for item in found)
    return Table(
        f"{task.name}-subgroups",
        f"{task.title}. Every rate of every subgroup, 95 % intervals",
        ("Row", "By", "Subgroup", "n", *(words.score_name(score) for score in scores)),
        tuple(
            (
                words.row_name(row), by.replace("_", " "), name, words.count(n),
                *(words.estimate(cells.get((row, by, name, score))) for score in scores),
            )
            for row, by, name, n in keys
        ),
        folded=True,
    )  # fmt: skip


def outcomes(task: TaskResult) -> Section:
    """Whether a row's urgency ranks what became of the patients better than the nurse's level."""
    found = task.comparison.rankings
    blocks: tuple[Block, ...] = ()
    if found:
        blocks = (
            Paragraph(
                "The chance that a patient with the outcome was called more urgent than one without "
                "(area under the ROC "
                "curve; 0.5 is chance). An expected level has finer steps than any level, the nurse's included.",
                tone="soft",
            ),
            Table(
                f"{task.name}-outcomes",
                f"{task.title}. Ranking of outcomes, 95 % intervals",
                ("Row", "Urgency", "Outcome", "Events of cases", "AUC", "Against the nurse's level, p after Holm"),
                tuple(
                    (
                        words.row_name(item.row), item.urgency, item.outcome.replace("_", " "),
                        f"{words.count(item.events)} of {words.count(item.cases)}",
                        words.estimate(item.auc), words.difference(item.against_nurse),
                    )
                    for item in found
                ),
            ),
        )  # fmt: skip
    return Section(f"{task.name}-outcomes", "Outcomes", blocks)


def site_labels(task: TaskResult) -> Section:
    """Scores with and without some labels of the site."""
    found = [item for item in task.comparison.site_labels if item.score in SITE_SCORES]
    blocks: tuple[Block, ...] = ()
    if found:
        blocks = (
            Table(
                f"{task.name}-site-labels",
                f"{task.title}. With {words.count(found[0].labels)} labels of the site to calibrate on, "
                f"{words.count(found[0].draws)} draws",
                ("Row", "Score", "Without", "With", "Gain"),
                tuple(
                    (
                        words.row_name(item.row), words.score_name(item.score), words.estimate(item.without),
                        words.estimate(item.with_labels), words.estimate(item.gain, signed=True),
                    )
                    for item in found
                ),
                "Mean over draws; the range is of the draws (2.5 to 97.5 %) and is no confidence interval.",
            ),
        )  # fmt: skip
    return Section(f"{task.name}-site-labels", "What local labels would buy", blocks)
