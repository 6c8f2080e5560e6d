"""What answers cost: time, tokens, money, energy. Whether a figure was measured always stands beside it."""

from eval.comparison.result import Estimate
from eval.report import words
from eval.report.document import Block, Cell, Mark, Paragraph, Plot, Section, Table
from eval.report.plots import Line, intervals
from eval.suite.result import EnergyRow, ModelRow, SuiteResult

_MARKS: dict[str, Mark] = {"measured": "good", "modelled": "", "estimate": "bad"}


def cost(result: SuiteResult) -> Section:
    """Time and money by task, then energy."""
    blocks: list[Block] = [
        Paragraph(
            f"Machine: {result.versions.machine}. Times are of this machine with what else ran on it.",
            tone="soft",
        )
    ]
    asked = [(task.title, model) for task in result.tasks for model in task.models if _known(model)]
    if asked:
        blocks.append(
            Table(
                "cost-time",
                "Time, tokens and price",
                ("Row", "On", "Cases", "Cached", "Failed", "Cases a second", "p50, s", "p95, s",
                 "Tokens in", "Tokens out", "USD"),
                tuple((words.row_name(model.name, run=True), title, *_time(model)) for title, model in asked),
                "p50 and p95: seconds from asking to answer of one case; a dash where cases were "
                "answered in batches. Cached: "
                "taken from an earlier run. Recorded rows are left out: what they cost is not known. "
                "USD: price of an API’s tokens; a dash where nothing is billed.",
            )
        )  # fmt: skip
    if result.energy:
        blocks += [_energy_plot(result), _energy(result)]
    else:
        blocks.append(Paragraph("Energy was not measured in this run.", tone="note"))
    return Section("cost", "Cost, time and energy", tuple(blocks))


def _known(model: ModelRow) -> bool:
    """Recorded answers and a nurse's levels cost nothing that this run could see."""
    return any(v is not None for v in (model.seconds, model.latency_p50, model.input_tokens, model.usd))


def _time(model: ModelRow) -> tuple[str, ...]:
    return (
        words.count(model.cases),
        words.count(model.cached),
        words.count(model.failed),
        words.number(model.cases_per_second, 2),
        words.number(model.latency_p50, 3),
        words.number(model.latency_p95, 3),
        words.count(model.input_tokens),
        words.count(model.output_tokens),
        words.NONE if model.usd is None else f"{model.usd:,.4f}",
    )


def _energy_plot(result: SuiteResult) -> Plot:
    content = [
        Line(
            f"{words.row_name(item.row)} ({item.source})",
            ((0, Estimate(value=item.wh_per_1000, low=item.low, high=item.high)),),
        )
        for item in result.energy
    ]
    values = [item.wh_per_1000 for item in result.energy]
    log = min(values) > 0 and max(values) / min(values) > 50
    svg = intervals(
        "energy", [(0, "")], content,
        x_label="Wh per 1,000 patients" + (", logarithmic" if log else ""), x_limit=None, log=log,
    )  # fmt: skip
    told = [f"{words.row_name(i.row)} {_wh(i.wh_per_1000)} ({i.source})" for i in result.energy]
    return Plot("energy", "Energy for 1,000 patients", f"Wh per 1,000 patients: {words.listed(told)}.", svg)


def _energy(result: SuiteResult) -> Table:
    return Table(
        "energy-table",
        "Energy",
        ("Row", "Source", "Wh per 1,000", "Range", "Cases", "Seconds", "Ratio", "What was metered"),
        tuple(
            (
                words.row_name(item.row), Cell(item.source, _MARKS[item.source]), _wh(item.wh_per_1000), _range(item),
                words.count(item.cases), words.number(item.seconds, 1), _ratio(item),
                item.meter + (f" ({item.reference})" if item.reference else ""),
            )
            for item in result.energy
        ),
        "measured: a meter read the hardware; modelled: time multiplied by a stated power; estimate: nothing ran here.",
    )  # fmt: skip


def _wh(value: float | None) -> str:
    return words.NONE if value is None else f"{value:,.3g}" if value < 100 else f"{value:,.0f}"


def _range(item: EnergyRow) -> str:
    return words.NONE if item.low is None or item.high is None else f"{_wh(item.low)} to {_wh(item.high)}"


def _ratio(item: EnergyRow) -> str:
    if item.ratio is None or item.against is None:
        return words.NONE
    return f"{item.ratio:,.3g} × {words.row_name(item.against)}"
