"""Every step of a case, with its evidence checked against the chain."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from agents import HistoryStep
from ui.dashboard.look import Safe, callout, chip, section, table, tag
from ui.dashboard.strings import has_text, many, text, word
from ui.dashboard.times import clock_time

_FACTS = {"missing"}
_CODED = {
    "role": "role",
    "reason": "reason",
    "code": "quality.alert-of",
    "phase": "audit.phase",
    "decision": "audit.decision",
}
_LEFT_OUT = {"alert", "number"}


def timeline(steps: Sequence[HistoryStep], now: datetime) -> Safe:
    """The steps in order; runs of the same case are told apart by a line."""
    broken = sum(step.intact is False for step in steps)
    columns = [text(f"audit.columns.{name}") for name in ("entry", "at", "step", "what", "evidence", "took")]
    return section(
        text("audit.timeline"),
        tag(
            "div",
            callout(many("audit.changed", broken), text("audit.changed-help"), tone="danger"),
            cls="ed-stack",
        )
        if broken
        else None,
        table(many("audit.steps", len(steps)), columns, _rows(steps, now), cls="ed-timeline"),
    )


def _rows(steps: Iterable[HistoryStep], now: datetime) -> Iterable[list[object]]:
    for step in steps:
        yield [
            step.sequence,
            clock_time(step.at, now),
            tag("b", text(f"audit.step.{step.step}")),
            _detail(step),
            _intact(step.intact),
            "" if step.seconds is None else text("audit.milliseconds", ms=f"{1000 * step.seconds:.0f}"),
        ]


def _detail(step: HistoryStep) -> Safe:
    parts = [
        tag("span", tag("small", _name(key), cls="ed-soft"), _value(key, value), cls="ed-detail-part")
        for key, value in step.detail.items()
        if key not in _LEFT_OUT and value not in (None, [], "")
    ]
    return tag("span", *parts, cls="ed-detail")


def _name(key: str) -> str:
    full = f"audit.detail.{key}"
    return text(full) if has_text(full) else key.replace("_", " ")


def _value(key: str, value: object) -> str:
    if isinstance(value, bool):
        return text("audit.yes") if value else text("audit.no")
    if isinstance(value, list):
        return ", ".join(word("fact", item) if key in _FACTS else str(item) for item in value)
    full = f"{_CODED[key]}.{value}" if key in _CODED else ""
    return text(full) if full and has_text(full) else str(value)


def _intact(intact: bool | None) -> Safe:
    if intact is None:
        return tag("span", text("audit.own-detail"), cls="ed-soft")
    return chip(text("audit.intact"), "good") if intact else chip(text("audit.not-intact"), "danger")
