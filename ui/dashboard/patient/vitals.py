"""Vital signs: the last values beside the limits of the age, charts of those measured more than once, and tables."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from data_schemas import FactKind
from ui.dashboard.look import Safe, chip, section, table, tag
from ui.dashboard.look.line import line_mask
from ui.dashboard.patient.courses import Course
from ui.dashboard.patient.words import fact_value, number, spoken, with_unit
from ui.dashboard.strings import text, word
from ui.dashboard.times import clock_time

_MARGIN = 0.12


def vital_signs(found: Sequence[Course], now: datetime, ruled: Mapping[str, int] | None = None) -> Safe:
    """The section. ``ruled``: by fact, the most urgent level that a rule asks for because of it."""
    rows = [
        [_name(course), _value(course, ruled or {}), _limit(course), _when(course, now)] for course in found
    ]
    columns = [text("patient.sign"), text("patient.value"), text("patient.limit"), text("patient.measured")]
    charted = [course for course in found if len(course.points) > 1]
    sources = dict.fromkeys(course.limit.source for course in found if course.limit is not None)
    return section(
        text("patient.vitals"),
        table(text("patient.vitals-caption"), columns, rows, cls="pt-vitals"),
        tag("div", *(chart(course, now) for course in charted), cls="pt-charts") if charted else None,
        _as_table(charted, now) if charted else None,
        tag(
            "p",
            text("patient.limit-sources"),
            " ",
            *(spoken("span", f"{source}. ") for source in sources),
            cls="pt-source",
        ),
    )


def chart(course: Course, now: datetime) -> Safe:
    """Values over time with the danger zone behind them; every value is written beside its point.

    HTML and a mask, because Streamlit removes inline SVG; its words are the accessible name, and the table below it
    holds the same.
    """
    values = [float(value) for _, value in course.points]
    edges = [*values, float(course.limit.value)] if course.limit else values
    low, high = min(edges), max(edges)
    pad = (high - low or 1.0) * _MARGIN
    low, high = low - pad, high + pad
    first, last = course.points[0][0], course.points[-1][0]
    length = (last - first).total_seconds() or 1.0
    at = [4 + 92 * (when - first).total_seconds() / length for when, _ in course.points]
    height = [100 * (high - value) / (high - low) for value in values]
    dots = [
        tag(
            "i",
            tag("b", number(course.kind, value)),
            cls="pt-dot pt-beyond" if course.limit and course.limit.beyond(value) else "pt-dot",
            style=f"left:{x:.1f}%;top:{y:.1f}%",
        )
        for x, y, (_, value) in zip(at, height, course.points, strict=True)
    ]
    return tag(
        "figure",
        tag("figcaption", word("fact", course.kind.value), tag("small", _limit_words(course))),
        tag(
            "div",
            _zone(course, low, high),
            tag("span", cls="pt-line", style=line_mask(list(zip(at, height, strict=True)))),
            *dots,
            cls="pt-plot",
            role="img",
            aria_label=_told(course, now),
        ),
        tag("div", tag("span", clock_time(first, now)), tag("span", clock_time(last, now)), cls="pt-axis"),
        cls="pt-chart",
    )


def _zone(course: Course, low: float, high: float) -> Safe | None:
    if course.limit is None:
        return None
    edge = 100 * (high - float(course.limit.value)) / (high - low)
    place = f"top:0;height:{edge:.1f}%" if course.limit.above else f"top:{edge:.1f}%;bottom:0"
    return tag("span", cls=f"pt-zone pt-zone-{'above' if course.limit.above else 'below'}", style=place)


def _told(course: Course, now: datetime) -> str:
    told = ", ".join(
        text("patient.point", value=with_unit(course.kind, value), at=clock_time(when, now))
        for when, value in course.points
    )
    return f"{word('fact', course.kind.value)}: {told}. {_limit_words(course)}"


def _as_table(found: Sequence[Course], now: datetime) -> Safe:
    rows = [
        [
            word("fact", course.kind.value),
            clock_time(when, now),
            with_unit(course.kind, value),
            _beyond(course, value),
        ]
        for course in found
        for when, value in course.points
    ]
    columns = [text("patient.sign"), text("patient.measured"), text("patient.value"), text("patient.zone")]
    return tag(
        "details",
        tag("summary", text("patient.as-table")),
        table(text("patient.courses"), columns, rows),
    )


def _beyond(course: Course, value: object) -> str:
    if course.limit is None:
        return text("patient.no-limit")
    beyond = course.limit.beyond(value)  # type: ignore[arg-type]
    return text("patient.in-zone" if beyond else "patient.not-in-zone")


def _name(course: Course) -> Safe:
    return tag("span", word("fact", course.kind.value))


def _value(course: Course, ruled: Mapping[str, int]) -> Safe:
    """The value; a table may set no limit where a rule does, so what a rule rests on is marked too."""
    if course.latest is None:
        return chip(text("patient.not-measured"), "warn")
    parts: list[object] = [tag("b", fact_value(course.latest))]
    if course.beyond:
        low = course.kind is FactKind.SYSTOLIC_BP
        parts += [" ", chip(text("patient.low-for-age" if low else "patient.danger"), "danger")]
    level = ruled.get(course.latest.id)
    if level is not None:
        parts += [" ", chip(text("patient.rule-on", level=level), "danger" if level == 1 else "warn")]
    return tag("span", *parts)


def _limit(course: Course) -> str:
    return _limit_words(course) or text("patient.no-limit")


def _limit_words(course: Course) -> str:
    if course.age_lacking:
        return text("patient.limit-needs-age")
    if course.limit is None:
        return ""
    key = "patient.limit-above" if course.limit.above else "patient.limit-below"
    return text(key, value=with_unit(course.kind, course.limit.value))


def _when(course: Course, now: datetime) -> str:
    if course.latest is None:
        return "–"
    at = course.latest.observed_at
    return clock_time(at, now) if at is not None else text("patient.time-unknown")
