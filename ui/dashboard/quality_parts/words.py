"""Figures in words: never without their cases."""

import math

from agents.quality import UNKNOWN, Rate, Spread
from ui.dashboard.strings import has_text, text, word


def rate(item: Rate | None) -> str:
    """A percentage with its 95 % interval and counts; says so where there is no case."""
    if item is None or item.value is None or item.interval is None:
        return text("quality.no-case")
    low, high = item.interval
    return text(
        "quality.rate",
        value=f"{100 * item.value:.1f}",
        low=f"{100 * low:.1f}",
        high=f"{100 * high:.1f}",
        hits=item.hits,
        n=item.n,
    )


def rate_below(item: Rate) -> str:
    """The interval and counts that stand below ``percent``."""
    if item.interval is None:
        return text("quality.no-case")
    low, high = item.interval
    return text(
        "quality.rate-below", low=f"{100 * low:.1f}", high=f"{100 * high:.1f}", hits=item.hits, n=item.n
    )


def percent(item: Rate) -> str:
    """The percentage alone, for the large number of a tile that has the rest below it."""
    return (
        text("quality.no-case")
        if item.value is None
        else text("quality.percent", value=f"{100 * item.value:.1f}")
    )


def minutes(value: float) -> str:
    """``12 min``; a dash where there is no value."""
    return text("time.minutes", minutes=f"{value:.0f}") if math.isfinite(value) else text("quality.no-case")


def spread(item: Spread) -> str:
    """Median, 90th percentile and cases."""
    if not item.n:
        return text("quality.no-case")
    return text("quality.spread", median=minutes(item.median), p90=minutes(item.p90), n=item.n)


def number(value: float | None, digits: int = 2) -> str:
    """A number, or that there is no case."""
    return text("quality.no-case") if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def group(attribute: str, code: str) -> str:
    """The words of a subgroup."""
    if code == UNKNOWN:
        return text("quality.unknown")
    if attribute == "sex":
        return word("sex", code)
    key = f"quality.arrival.{code}"
    return text(key) if has_text(key) else code
