"""What the quality page shows of changes since the reference period."""

from collections.abc import Callable

from agents.quality import ACT, FEWEST, WATCH, Drift, Mix
from ui.dashboard.look import Safe, chip, section, table, tag
from ui.dashboard.quality_parts.words import group, number, rate
from ui.dashboard.strings import text, word


def drifts(item: Drift) -> Safe:
    """Inputs and confidence, now and before."""
    lead = text("quality.no-reference") if not item.before_n else text("quality.reference", n=item.before_n)
    return section(
        text("quality.drift"),
        tag("p", lead, cls="ed-soft"),
        tag("div", _missing(item), _mixes(item), _confidence(item), cls="ed-stack"),
        tag("p", text("quality.psi-note", watch=WATCH, act=ACT), cls="ed-soft"),
    )


def _missing(item: Drift) -> Safe:
    columns = [text(f"quality.{name}") for name in ("sign", "now", "before")]
    rows = [[word("fact", one.kind.value), rate(one.now), rate(one.before)] for one in item.missing]
    return table(text("quality.missing"), columns, rows)


def _mixes(item: Drift) -> Safe:
    columns = [text(f"quality.{name}") for name in ("mix", "now", "before", "psi", "verdict")]
    rows = [
        _mix(text("quality.mix-of.ages"), item.ages, lambda code: group("age", code), small=True),
        _mix(text("quality.mix-of.suggested"), item.suggested, str),
        _mix(text("quality.mix-of.decided"), item.decided, str),
    ]
    return table(text("quality.mixes"), columns, rows)


def _mix(name: str, item: Mix, words: Callable[[str], str], *, small: bool = False) -> list[object]:
    return [
        name,
        _shares(item.groups, item.now, words, small=small),
        _shares(item.groups, item.before, words, small=small),
        number(item.psi, 3),
        _verdict(item),
    ]


def _shares(
    groups: tuple[str, ...], counts: tuple[int, ...], words: Callable[[str], str], *, small: bool
) -> Safe:
    total = sum(counts)
    if not total:
        return tag("span", text("quality.no-case"))
    # Bands of people: few of them could be recognised. Whoever sees all others and the sum could work one out.
    hidden = small and any(0 < count < FEWEST for count in counts)
    if hidden:
        return tag("span", text("quality.hidden-mix", n=total))
    lines = [
        tag("span", text("quality.share", name=words(one), value=f"{100 * count / total:.0f}", n=count))
        for one, count in zip(groups, counts, strict=True)
        if count
    ]
    return tag("span", *lines, cls="ed-shares")


def _verdict(item: Mix) -> Safe:
    if item.psi is None or item.by_chance is None:
        return tag("span", text("quality.no-case"))
    words = text("quality.by-chance", value=f"{item.by_chance:.3f}")
    if not item.moved:
        return tag("span", chip(text("quality.stable"), "good"), tag("small", words, cls="ed-soft ed-below"))
    tone, key = ("danger", "moved") if item.psi > ACT else ("warn", "watch")
    return tag("span", chip(text(f"quality.{key}"), tone), tag("small", words, cls="ed-soft ed-below"))


def _confidence(item: Drift) -> Safe:
    now, before = item.confidence, item.confidence_before
    columns = [text(f"quality.{name}") for name in ("measure", "now", "before")]
    rows = [
        [text("quality.top"), _mean(now.mean_top, now.model), _mean(before.mean_top, before.model)],
        [
            text("quality.set-size"),
            _mean(now.mean_set_size, now.model),
            _mean(before.mean_set_size, before.model),
        ],
        [text("quality.rules-only"), rate(now.rules_only), rate(before.rules_only)],
    ]
    return table(text("quality.confidence"), columns, rows)


def _mean(value: float | None, n: int) -> str:
    return text("quality.no-case") if value is None else text("quality.mean", value=f"{value:.2f}", n=n)
