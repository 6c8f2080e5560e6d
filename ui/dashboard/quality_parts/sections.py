"""What the quality page shows of the decisions, piece by piece."""

from collections.abc import Iterable

from agents.quality import FEWEST, Agreement, Attribute, Figures, Subgroup, TruthFigures
from data_schemas import AcuityScale
from ui.dashboard.look import Safe, callout, panel, section, table, tag
from ui.dashboard.quality_parts.charts import days, hours, matrix, tile, tiles
from ui.dashboard.quality_parts.words import group, minutes, number, percent, rate, rate_below, spread
from ui.dashboard.strings import text, word


def summary(figures: Figures) -> Safe:
    """The few numbers to begin with."""
    volumes, waits, changed = figures.volumes, figures.waits, figures.overrides
    kappa = figures.agreement
    return tiles(
        tile(text("quality.cases"), str(volumes.cases), text("quality.decided", n=volumes.decided)),
        tile(
            text("quality.wait"),
            minutes(waits.all.median),
            text("quality.wait-below", p90=minutes(waits.all.p90), n=waits.all.n),
        ),
        tile(text("quality.changed"), percent(changed.changed), rate_below(changed.changed)),
        tile(text("quality.less-urgent"), percent(changed.less_urgent), rate_below(changed.less_urgent)),
        tile(text("quality.kappa"), number(kappa.kappa), _interval(kappa)),
    )


def volumes(figures: Figures, scale: AcuityScale, *, as_table: bool) -> Safe:
    """Cases by day, levels by hour."""
    notes = [text("quality.again", words=rate(figures.volumes.again))]
    if figures.volumes.scripted:
        notes.append(text("quality.scripted", n=figures.volumes.scripted))
    by_day = [(day.isoformat(), count) for day, count in figures.volumes.by_day]
    return section(
        text("quality.volumes"),
        tag(
            "div",
            days(by_day, as_table=as_table),
            hours(figures.hours, scale, as_table=as_table),
            cls="ed-pair",
        ),
        *(tag("p", note, cls="ed-soft") for note in notes),
    )


def waits(figures: Figures) -> Safe:
    """Arrival to decision by level."""
    rows = [
        [text("level.short", level=level), *_spread_cells(item)] for level, item in figures.waits.by_level
    ]
    rows.append([text("quality.all"), *_spread_cells(figures.waits.all)])
    columns = [text("quality.decided-level"), text("quality.median"), text("quality.p90"), text("quality.n")]
    return section(
        text("quality.wait"),
        table(text("quality.wait-caption"), columns, rows),
        tag("p", text("quality.left-out", n=figures.waits.left_out), cls="ed-soft"),
    )


def overrides(figures: Figures) -> Safe:
    """Changes of the suggestion by level, and why."""
    item = figures.overrides
    rows = [
        [
            text("level.short", level=one.level),
            rate(one.changed),
            rate(one.more_urgent),
            rate(one.less_urgent),
        ]
        for one in item.by_level
    ]
    rows.append([text("quality.all"), rate(item.changed), rate(item.more_urgent), rate(item.less_urgent)])
    columns = [
        text(f"quality.{name}") for name in ("suggested-level", "changed", "more-urgent", "less-urgent")
    ]
    reasons = [[word("reason", reason.value), up, down] for reason, up, down in item.reasons if up or down]
    why = (
        table(
            text("quality.reasons", n=item.changed.hits),
            [text("quality.reason"), text("quality.more-urgent"), text("quality.less-urgent")],
            reasons,
        )
        if reasons
        else tag("p", text("quality.no-change"), cls="ed-soft")
    )
    return section(
        text("quality.overrides"),
        table(text("quality.overrides-caption"), columns, rows),
        tag("div", why, cls="ed-gap"),
    )


def agreed(figures: Figures) -> Safe:
    """Suggestion against decision; and where the site asks for it, the level given before."""
    item = figures.agreement
    return section(
        text("quality.agreement"),
        matrix(
            item,
            text("quality.agreement-caption", n=item.n),
            text("quality.suggestion"),
            text("quality.decision"),
        ),
        tag("p", text("quality.agreement-words", kappa=_kappa(item), exact=rate(item.exact)), cls="ed-soft"),
        tag("p", text("quality.agreement-note"), cls="ed-soft"),
    )


def silent(figures: Figures) -> Safe:
    """Suggestions that nobody had seen when the clinician gave a level."""
    item = figures.unaided
    if not item.n:
        return section(text("quality.silent"), panel(tag("p", text("quality.no-silent"))))
    return section(
        text("quality.silent"),
        matrix(
            item,
            text("quality.silent-caption", n=item.n),
            text("quality.unaided"),
            text("quality.suggestion"),
        ),
        tag(
            "p",
            text(
                "quality.silent-words",
                kappa=_kappa(item),
                exact=rate(item.exact),
                calmer=rate(item.first_more_urgent),
                swayed=rate(figures.swayed),
            ),
            cls="ed-soft",
        ),
    )


def truth(item: TruthFigures | None) -> Safe:
    """Under- and over-triage, where the truth is known; else that it is not."""
    if item is None:
        return callout(text("quality.truth-unknown"), text("quality.truth-unknown-help"), tone="plain")
    columns = [text(f"quality.{name}") for name in ("measure", "decision", "suggestion")]
    names = ("exact", "under", "over", "severe_under", "missed_critical")
    rows = [
        [
            text(f"quality.truths.{name}"),
            rate(getattr(item.decision, name)),
            rate(getattr(item.suggestion, name)),
        ]
        for name in names
    ]
    return tag(
        "div",
        table(text("quality.truth-caption", n=item.matched), columns, rows),
        tag("p", text("quality.truth-left", n=item.not_found), cls="ed-soft"),
    )


def attributes(items: Iterable[Attribute], *, with_truth: bool) -> Safe:
    """The subgroups."""
    names = ["n", "changed", "more-urgent", "less-urgent", "wait"] + (["under-triage"] if with_truth else [])
    tables = [
        table(
            text(f"quality.by.{item.name}"),
            [text(f"quality.group-of.{item.name}"), *(text(f"quality.{name}") for name in names)],
            [_subgroup(item.name, one, with_truth=with_truth) for one in item.groups],
        )
        for item in items
        if item.groups
    ]
    return section(
        text("quality.subgroups"),
        tag("div", *tables, cls="ed-stack"),
        tag("p", text("quality.kept-back", n=FEWEST), cls="ed-soft"),
    )


def alerts(figures: Figures) -> Safe:
    """Alerts by kind."""
    if not figures.alerts:
        return section(text("quality.alerts"), panel(tag("p", text("quality.no-alerts"))))
    columns = [text(f"quality.{name}") for name in ("alert", "n", "acknowledged", "minutes-to-note")]
    rows = [
        [
            text(f"quality.alert-of.{one.code}"),
            one.acknowledged.n,
            rate(one.acknowledged),
            spread(one.minutes),
        ]
        for one in figures.alerts
    ]
    return section(text("quality.alerts"), table(text("quality.alerts-caption"), columns, rows))


def _subgroup(attribute: str, item: Subgroup, *, with_truth: bool) -> list[str]:
    name = group(attribute, item.name)
    if item.n is None or item.wait is None:
        return [name, text("quality.fewer", n=FEWEST), *[text("quality.hidden")] * (5 if with_truth else 4)]
    cells = [
        name,
        str(item.n),
        rate(item.changed),
        rate(item.more_urgent),
        rate(item.less_urgent),
        spread(item.wait),
    ]
    return [*cells, rate(item.under) if item.under else text("quality.too-few")] if with_truth else cells


def _spread_cells(item: object) -> list[str]:
    median, p90, n = (getattr(item, name) for name in ("median", "p90", "n"))
    return [minutes(median), minutes(p90), str(n)]


def _kappa(item: Agreement) -> str:
    return text("quality.kappa-words", value=number(item.kappa), interval=_interval(item))


def _interval(item: Agreement) -> str:
    if item.low is None or item.high is None:
        return text("quality.no-interval", n=item.n)
    return text("quality.interval", low=f"{item.low:.2f}", high=f"{item.high:.2f}", n=item.n)
