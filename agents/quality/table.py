"""The figures as a table for spreadsheets: no name, no identifier, no case; small groups as ``<10``."""

import csv
import io
import math
from collections.abc import Iterator

from agents.quality.decisions import Agreement
from agents.quality.drift import Confidence, Mix
from agents.quality.figures import Figures
from agents.quality.rates import Rate, Spread
from agents.quality.subgroups import FEWEST, Subgroup
from agents.quality.truth import AgainstTruth
from data_schemas import LEVELS

COLUMNS = ("section", "figure", "group", "value", "low", "high", "hits", "n")
Line = tuple[str, str, str, float | str | None, float | None, float | None, int | None, int | str | None]


def to_csv(figures: Figures) -> str:
    """One line a figure; rates with their 95 % interval and counts. Codes, not words: the same in every language."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in _lines(figures):
        writer.writerow(["" if cell is None else _cell(cell) for cell in line])
    return out.getvalue()


def _lines(figures: Figures) -> Iterator[Line]:
    volumes, waits = figures.volumes, figures.waits
    for name, at in (
        ("start", figures.period.start),
        ("end", figures.period.end),
        ("reference", figures.period.before),
    ):
        yield "period", name, "", at.isoformat(), None, None, None, None
    yield "volumes", "cases", "", volumes.cases, None, None, None, volumes.cases
    yield "volumes", "decided", "", volumes.decided, None, None, None, volumes.cases
    yield _rate("volumes", "assessed_again", "", volumes.again)
    yield "volumes", "scripted", "", volumes.scripted, None, None, None, volumes.decided
    for day, count in volumes.by_day:
        yield "volumes", "cases", day.isoformat(), count, None, None, None, count
    for hour, counts in enumerate(figures.hours):
        for level, count in zip(LEVELS, counts, strict=True):
            yield "hours", f"level_{level}", f"{hour:02}", count, None, None, None, sum(counts)
    yield from _spread("arrival_to_decision_minutes", "", waits.all)
    for level, spread in waits.by_level:
        yield from _spread("arrival_to_decision_minutes", f"level_{level}", spread)
    yield "arrival_to_decision_minutes", "left_out", "", waits.left_out, None, None, None, volumes.decided
    for name, rate in (
        ("changed", figures.overrides.changed),
        ("more_urgent", figures.overrides.more_urgent),
        ("less_urgent", figures.overrides.less_urgent),
    ):
        yield _rate("overrides", name, "", rate)
    for item in figures.overrides.by_level:
        yield _rate("overrides", "changed", f"level_{item.level}", item.changed)
        yield _rate("overrides", "more_urgent", f"level_{item.level}", item.more_urgent)
        yield _rate("overrides", "less_urgent", f"level_{item.level}", item.less_urgent)
    for reason, up, down in figures.overrides.reasons:
        changed = figures.overrides.changed.hits
        yield "override_reasons", "more_urgent", reason.value, up, None, None, None, changed
        yield "override_reasons", "less_urgent", reason.value, down, None, None, None, changed
    yield from _agreement("suggestion_and_decision", figures.agreement)
    yield from _agreement("unaided_and_suggestion", figures.unaided)
    yield _rate("unaided_and_suggestion", "then_decided_on_the_suggestion", "", figures.swayed)
    if figures.truth is not None:
        yield "truth", "matched", "", figures.truth.matched, None, None, None, None
        yield from _against("truth_decision", figures.truth.decision)
        yield from _against("truth_suggestion", figures.truth.suggestion)
    for attribute in figures.subgroups:
        for group in attribute.groups:
            yield from _subgroup(attribute.name, group)
    yield from _drift(figures)
    for alert in figures.alerts:
        yield _rate("alerts", "acknowledged", alert.code, alert.acknowledged)
        yield from _spread("alert_minutes", alert.code, alert.minutes)


def _drift(figures: Figures) -> Iterator[Line]:
    drift = figures.drift
    for item in drift.missing:
        yield _rate("missing", "now", item.kind.value, item.now)
        yield _rate("missing", "reference", item.kind.value, item.before)
    for name, mix in (("ages", drift.ages), ("suggested", drift.suggested), ("decided", drift.decided)):
        yield from _mix(name, mix)
    yield from _confidence("now", drift.confidence)
    yield from _confidence("reference", drift.confidence_before)


def _mix(name: str, mix: Mix) -> Iterator[Line]:
    section = f"mix_{name}"
    yield section, "psi", "", mix.psi, None, None, None, sum(mix.now)
    yield section, "psi_by_chance", "", mix.by_chance, None, None, None, sum(mix.now)
    for when, counts in (("now", mix.now), ("reference", mix.before)):
        if name == "ages" and any(0 < count < FEWEST for count in counts):
            continue  # a band of few people; the index still says whether the mix moved
        for group, count in zip(mix.groups, counts, strict=True):
            yield _rate(section, when, group, Rate(count, sum(counts)))


def _confidence(when: str, item: Confidence) -> Iterator[Line]:
    yield "confidence", "mean_top_probability", when, item.mean_top, None, None, None, item.model
    yield "confidence", "mean_set_size", when, item.mean_set_size, None, None, None, item.model
    yield _rate("confidence", "rules_only", when, item.rules_only)


def _subgroup(attribute: str, group: Subgroup) -> Iterator[Line]:
    section = f"subgroup_{attribute}"
    if group.n is None or group.changed is None:
        yield section, "decided", group.name, None, None, None, None, f"<{FEWEST}"
        return
    yield section, "decided", group.name, group.n, None, None, None, group.n
    yield _rate(section, "changed", group.name, group.changed)
    if group.more_urgent is not None and group.less_urgent is not None:
        yield _rate(section, "more_urgent", group.name, group.more_urgent)
        yield _rate(section, "less_urgent", group.name, group.less_urgent)
    if group.wait is not None:
        yield (
            section,
            "median_minutes",
            group.name,
            _number(group.wait.median),
            None,
            None,
            None,
            group.wait.n,
        )
    if group.under is not None:
        yield _rate(section, "under_triage", group.name, group.under)


def _against(section: str, item: AgainstTruth) -> Iterator[Line]:
    yield _rate(section, "exact", "", item.exact)
    yield _rate(section, "under_triage", "", item.under)
    yield _rate(section, "over_triage", "", item.over)
    yield _rate(section, "severe_under_triage", "", item.severe_under)
    yield _rate(section, "missed_critical", "", item.missed_critical)


def _agreement(section: str, item: Agreement) -> Iterator[Line]:
    yield section, "kappa", "", item.kappa, item.low, item.high, None, item.n
    yield _rate(section, "exact", "", item.exact)
    for first, row in zip(LEVELS, item.matrix, strict=True):
        for second, count in zip(LEVELS, row, strict=True):
            yield section, "cell", f"{first}-{second}", count, None, None, None, item.n


def _rate(section: str, figure: str, group: str, rate: Rate) -> Line:
    low, high = rate.interval or (None, None)
    return section, figure, group, rate.value, low, high, rate.hits, rate.n


def _spread(section: str, group: str, spread: Spread) -> Iterator[Line]:
    yield section, "median", group, _number(spread.median), None, None, None, spread.n
    yield section, "p90", group, _number(spread.p90), None, None, None, spread.n


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _cell(cell: float | str) -> str:
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)
