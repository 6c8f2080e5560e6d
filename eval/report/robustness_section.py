"""Changed cases against the same cases unchanged, and the same cases asked again."""

from collections.abc import Sequence

from eval.report import words
from eval.report.document import Block, Cell, Mark, Paragraph, Plot, Section, Table
from eval.report.plots import adopted
from eval.report.rows import plotted
from eval.robustness import family_plots, variant_plot
from eval.suite.result import TaskResult, VariantResult

FAMILIES: dict[str, str] = {
    "counterfactual": "Only who the patient is was changed",
    "anchoring": "Someone minimises the complaint",
    "prompt": "Another wording of the prompt",
    "repeat": "Asked again",
    "missing": "Vital signs missing",
    "typing": "Typing errors",
    "units": "Other units",
    "injection": "Instructions hidden in the note",
}


def robustness(task: TaskResult) -> Section:
    """A plot of all changes and one a family, a table of all."""
    blocks: list[Block] = []
    if task.variants:
        blocks.append(
            Paragraph(
                "Each line is a change; the value is the share of cases whose level changed with it, and "
                "the share that "
                "became less urgent, against the same row's answer to the case it is compared with. "
                "Where nothing clinical "
                "was changed, 0 is right.",
                tone="soft",
            )
        )
        blocks += _plots(task)
        blocks.append(_table(task))
        doses = _by(task)
        if doses.rows:
            blocks.append(doses)
    if task.repeats:
        blocks.append(_repeats(task))
    return Section(f"{task.name}-robustness", "Robustness and repeatability", tuple(blocks))


def _plots(task: TaskResult) -> list[Plot]:
    """The pictures of ``eval.robustness``, rows in the order and by the names of this report."""
    order = plotted(task)
    found = [
        item.model_copy(update={"row": words.row_name(item.row)})
        for item in sorted(
            task.variants, key=lambda item: order.index(item.row) if item.row in order else len(order)
        )
    ]
    key = f"{task.name}-variants-plot"
    made = [Plot(key, "Every change", _alt("Every change", found), adopted(variant_plot(found), key))]
    for family, svg in family_plots(found).items():
        own = [item for item in found if item.family == family]
        title = FAMILIES.get(family, family)
        key = f"{task.name}-variants-{family}"
        made.append(Plot(key, title, _alt(title, own), adopted(svg, key)))
    return made


def _alt(title: str, found: Sequence[VariantResult]) -> str:
    told = [
        f"{item.variant}, {item.row}: {words.number(item.changed.value)} changed, "
        f"{words.number(item.less_urgent.value)} less urgent"
        for item in found
    ]
    return f"{title}: shares of cases with another level and with a less urgent one. {'; '.join(told)}."


def _table(task: TaskResult) -> Table:
    rows = []
    for item in task.variants:
        left = f", {words.count(item.unanswered)} unanswered" if item.unanswered else ""
        skipped = f" ({words.count(item.skipped)} not applicable{left})" if item.skipped or left else ""
        rows.append(
            (
                item.variant.replace("_", " "), words.row_name(item.row), item.wanted, item.against,
                f"{words.count(item.cases)}{skipped}", words.estimate(item.changed), _calmer(item),
                words.estimate(item.more_urgent), words.estimate(item.p_high_shift, signed=True),
            )
        )  # fmt: skip
    return Table(
        f"{task.name}-variants",
        f"{task.title}. Changed cases, 95 % intervals",
        (
            "Change",
            "Row",
            "Wanted",
            "Against",
            "Pairs",
            "Another level",
            "Less urgent",
            "More urgent",
            "Change of p(1-2)",
        ),
        tuple(rows),
        "▼ marks a share that became less urgent whose interval leaves zero out.",
        folded=len(rows) > 15,
    )


def _calmer(item: VariantResult) -> Cell:
    clear = item.less_urgent.low is not None and item.less_urgent.low > 0
    mark: Mark = "bad" if clear else ""
    return Cell(("▼ " if clear else "") + words.estimate(item.less_urgent), mark)


def _by(task: TaskResult) -> Table:
    return Table(
        f"{task.name}-variants-by",
        f"{task.title}. Share of cases with another level, by what was changed to, 95 % intervals",
        ("Change", "Row", "To", "Pairs", "Another level", "Less urgent"),
        tuple(
            (
                item.variant.replace("_", " "), words.row_name(item.row), name, words.count(item.by_cases.get(name)),
                words.estimate(found), words.estimate(item.by_less_urgent.get(name)),
            )
            for item in task.variants
            for name, found in item.by.items()
        ),
        folded=True,
    )  # fmt: skip


def _repeats(task: TaskResult) -> Table:
    return Table(
        f"{task.name}-repeats",
        f"{task.title}. The same cases asked again",
        ("Row", "Cases", "Runs", "Same level in all runs", "Share of variance between runs",
         "Largest change of p"),
        tuple(
            (
                words.row_name(item.row), words.count(item.cases), words.count(item.runs),
                words.estimate(item.same_in_all), words.number(item.share_model),
                "0" if item.largest_p_change == 0 else words.number(item.largest_p_change, 6),
            )
            for item in task.repeats
        ),
    )  # fmt: skip
