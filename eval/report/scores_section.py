"""The scores of a task: comparison table, errors that hurt, paired differences, bars, strata."""

from collections.abc import Iterator, Sequence

from eval.comparison.result import Comparison, RowResult
from eval.report import words
from eval.report.document import Block, Cell, Mark, Paragraph, Section, Table
from eval.report.rows import chosen, kind_of
from eval.suite.result import TaskResult

AGREEMENT = ("accuracy", "within_one", "quadratic_weighted_kappa", "macro_f1")
SAFETY = ("recall_high", "under_triage", "over_triage")
RARE = (
    "significant_under_triage",
    "significant_under_triage_high",
    "strict_under_triage",
    "significant_over_triage",
    "unreadable",
)
COMPARED = ("accuracy", "quadratic_weighted_kappa", "recall_high", "over_triage", "strict_under_triage")


def scores(task: TaskResult) -> Section:
    """All scores, the rows that matter first."""
    found = task.comparison
    first = [item.result for item in chosen(task)]
    rest = [row for row in found.rows if row not in first]
    blocks: list[Block] = [
        Paragraph(how(found), tone="soft"),
        _main(task, "scores", "Scores with 95 % intervals", first),
        _rare(task, "rare", "Errors that hurt, cases and share of all", first),
        _differences(task, "differences", f"Paired difference to {words.row_name(found.reference)}", first),
    ]
    if rest:
        blocks += [
            _main(
                task,
                "scores-rest",
                "Further rows: recorded runs, their means, decision rules",
                rest,
                folded=True,
            ),
            _rare(task, "rare-rest", "Further rows: errors that hurt", rest, folded=True),
            _differences(task, "differences-rest", "Further rows: paired differences", rest, folded=True),
        ]
    return Section(f"{task.name}-scores", "Scores", tuple(block for block in blocks if _has(block)))


def strata(task: TaskResult) -> Section:
    """Parts of the cases, each against its own reference."""
    names = {item.name for item in chosen(task)}
    blocks = []
    for index, stratum in enumerate(task.comparison.strata):
        rows = [row for row in stratum.rows if row.name in names]
        title = f"Only {stratum.name}, {words.count(stratum.cases)} cases: 95 % intervals"
        blocks.append(_main(task, f"stratum-{index}", title, rows))
    return Section(f"{task.name}-strata", "Children and adults", tuple(blocks))


def bars(task: TaskResult) -> Section:
    """Figures of other models and of the nurse on the very same cases, and who is above them."""
    found = task.comparison.bars
    if not found:
        return Section(f"{task.name}-bars", "Bars")
    scored = tuple(dict.fromkeys(name for item in found for name in item.wanted))
    names = [item.name for item in chosen(task)]
    kept = [item for item in found if item.row in names]
    lines: list[tuple[str | Cell, ...]] = []
    for item in kept:
        told = (
            _reached(item.values.get(name), item.wanted.get(name), item.reached.get(name), name)
            for name in scored
        )
        lines.append((item.bar, words.row_name(item.row), *told))
    sources = dict.fromkeys(f"{item.bar}: {item.source}." for item in kept)
    table = Table(
        f"{task.name}-bars",
        "Each row against each bar: reached / wanted",
        ("Bar", "Row", *(words.score_name(name) for name in scored)),
        tuple(lines),
        "Recall is judged at the bar's own over-triage, on the row's curve where it gave probabilities.",
        folded=len(lines) > 12,
    )
    lead = (
        "What other models and the triage nurse reach on the same cases. Only point values are set as bars."
    )
    return Section(
        f"{task.name}-bars",
        "Bars",
        (Paragraph(lead, tone="soft"), table, Paragraph(" ".join(sources), tone="soft")),
    )


def how(found: Comparison) -> str:
    """How intervals and tests come about, in words."""
    drawn = f"{words.count(found.units)} hospitals" if found.clustered else "cases"
    worth = " of as many cases as the hospitals are worth" if found.clustered else ""
    tests = sorted({item.test for row in found.rows for item in row.differences.values()})
    by = f" p by {' or '.join(tests)}, after Holm over all rows." if tests else ""
    return (
        f"n = {words.count(found.cases)}. Intervals are 95 %: of shares Wilson's{worth}, of kappa and F1 by resampling "
        f"{drawn} ({words.count(found.resamples)} bootstrap draws, or jackknife where they are few). "
        "Differences are paired "
        f"on the same cases, against {words.said(found.reference)}.{by} An answer that is missing or "
        "cannot be read counts "
        "as wrong."
    )


def _has(block: Block) -> bool:
    return not isinstance(block, Table) or bool(block.rows)


def _main(
    task: TaskResult, key: str, title: str, rows: Sequence[RowResult], *, folded: bool = False
) -> Table:
    return Table(
        f"{task.name}-{key}",
        f"{task.title}. {title}",
        ("Row", "Kind", "n", *(words.score_name(name) for name in (*AGREEMENT, *SAFETY))),
        tuple(
            (
                words.row_name(row.name, run=folded),
                words.KIND_NAMES.get(kind_of(task, row), row.kind),
                words.count(row.cases),
                *(words.estimate(row.scores[name]) for name in (*AGREEMENT, *SAFETY)),
            )
            for row in rows
        ),
        folded=folded,
    )


def _rare(
    task: TaskResult, key: str, title: str, rows: Sequence[RowResult], *, folded: bool = False
) -> Table:
    return Table(
        f"{task.name}-{key}",
        f"{task.title}. {title}",
        ("Row", *(words.score_name(name) for name in RARE)),
        tuple(
            (words.row_name(row.name, run=folded), *(_counted(row, name) for name in RARE)) for row in rows
        ),
        "True level → answered level.",
        folded=folded,
    )


def _differences(
    task: TaskResult, key: str, title: str, rows: Sequence[RowResult], *, folded: bool = False
) -> Table:
    return Table(
        f"{task.name}-{key}",
        f"{task.title}. {title}: 95 % interval, p after Holm",
        ("Row", *(words.score_name(name) for name in COMPARED)),
        tuple((words.row_name(row.name, run=folded), *(_cells(row))) for row in rows if row.differences),
        "▲ better, ▼ worse: shown only where the interval leaves zero out and p is below 0.05.",
        folded=folded,
    )


def _cells(row: RowResult) -> Iterator[Cell]:
    for name in COMPARED:
        item = row.differences.get(name)
        good = words.better(name, words.direction(item))
        sign = {True: "▲ ", False: "▼ ", None: ""}[good]
        mark: Mark = "good" if good else "bad" if good is False else "soft"
        yield Cell(sign + words.difference(item), mark)


def _counted(row: RowResult, score: str) -> str:
    share = row.scores[score]
    if share.value is None:
        return words.NONE
    return f"{words.count(round(share.value * row.cases, 1))}: {words.estimate(share)}"


def _reached(value: float | None, wanted: float | None, reached: bool | None, name: str) -> Cell | str:
    if wanted is None:
        return ""
    digits = 0 if name == "strict_under_triage_cases" else 3
    text = f"{words.number(value, digits)} / {words.number(wanted, digits)}"
    if reached is None:
        return Cell(text, "soft")
    return Cell(f"{'✓' if reached else '✗'} {text}", "good" if reached else "bad")
