"""What changed since the assessment before, and what the second look said."""

from collections.abc import Iterable

from agents import Changes, RecordChange, Trend
from data_schemas import LookVerdict, SecondLook, Way
from ui.dashboard.look import Safe, chip, section, table, tag
from ui.dashboard.patient.suggestion import percent
from ui.dashboard.patient.words import spoken
from ui.dashboard.strings import text, word

_TONES = {Trend.WORSE: "danger", Trend.BETTER: "good", Trend.UNCLEAR: "plain"}


def changed(changes: Changes | None, *, levels: bool = True) -> Safe | None:
    """The section; None where there is only one assessment. ``levels``: whether suggested levels may be shown."""
    if changes is None:
        return None
    rows = [*_levels(changes)] if levels else []
    rows += [_record(change) for change in changes.record]
    if levels:
        for score in changes.scores:
            before = text("patient.none") if score.before is None else f"{score.before.normalize():f}"
            after = text("patient.none") if score.after is None else f"{score.after.normalize():f}"
            rows.append([score.name, before, after, _trend(score.trend)])
        rows += _rules(changes)
    title = text("patient.changed")
    if not rows:
        return section(title, tag("p", text("patient.nothing-changed")))
    decided = (
        None if changes.decided is None else tag("p", text("patient.last-decided", level=changes.decided))
    )
    columns = [text("patient.what"), text("patient.before"), text("patient.now"), text("patient.trend")]
    return section(title, decided, table(text("patient.changed-caption"), columns, rows))


def second_look(look: SecondLook | None) -> Safe | None:
    """Why the case was asked again, every answer, and whether they agree."""
    if look is None:
        return None
    why = ", ".join(text(f"patient.doubt.{doubt}") for doubt in look.why)
    tones = {LookVerdict.AGREES: "good", LookVerdict.DISAGREES: "danger", LookVerdict.NOT_DONE: "warn"}
    verdict = chip(text(f"patient.look.{look.verdict}"), tones[look.verdict])
    parts: list[object] = [
        tag("p", text("patient.look-help"), cls="ed-soft"),
        tag("p", verdict, " ", text("patient.look-why", why=why)),
    ]
    if look.not_done is not None:
        parts.append(
            tag("p", text("patient.look-not-done"), " ", spoken("span", look.not_done), cls="ed-soft")
        )
    if look.looks:
        first = [text("patient.look-first"), str(look.first_level), percent(look.first_high), ""]
        rows = [
            first,
            *(
                [_way(one.way), str(one.level), percent(one.high), _against(one.way, look.against)]
                for one in look.looks
            ),
        ]
        columns = [text("patient.asked"), text("patient.level"), text("patient.high"), text("patient.agrees")]
        parts.append(table(text("patient.look-caption"), columns, rows))
    return section(text("patient.second-look"), *parts)


def _levels(changes: Changes) -> Iterable[list[object]]:
    if changes.level_before != changes.level_after:
        before, after = (
            text("patient.none") if level is None else str(level)
            for level in (changes.level_before, changes.level_after)
        )
        yield [
            tag("b", text("patient.suggested-level")),
            before,
            tag("b", after),
            _trend(changes.level_trend),
        ]


def _rules(changes: Changes) -> Iterable[list[object]]:
    for rule in changes.rules_appeared:
        yield [
            text("patient.rule-named", rule=rule),
            text("patient.did-not-hold"),
            text("patient.holds"),
            "–",
        ]
    for rule in changes.rules_vanished:
        yield [text("patient.rule-named", rule=rule), text("patient.held"), text("patient.holds-not"), "–"]


def _record(change: RecordChange) -> list[object]:
    nothing = text("patient.not-recorded")
    return [
        word("fact", change.kind.value),
        change.before or nothing,
        change.after or nothing,
        tag("span", _trend(change.trend), " ", spoken("small", change.why, "ed-soft")),
    ]


def _trend(trend: Trend) -> Safe:
    return chip(text(f"patient.trend-word.{trend}"), _TONES[trend])


def _way(way: Way) -> str:
    return text(f"patient.way.{way}")


def _against(way: Way, against: tuple[Way, ...]) -> str:
    return text("patient.no" if way in against else "patient.yes")
