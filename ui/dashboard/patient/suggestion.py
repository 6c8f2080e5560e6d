"""The suggestion: level, why in a line or two, how sure, and what to look at before deciding."""

from collections.abc import Iterable, Sequence

from data_schemas import LEVELS, Flag, IntakeRecord, TriageAssessment
from triage.slm.calibration import UNCALIBRATED
from ui.dashboard.look import Safe, bars, callout, chip, level_badge, level_look, tag
from ui.dashboard.patient.exhibits import Exhibit
from ui.dashboard.patient.words import kinds, label_of_evidence, prediction_set, rules_only, spoken
from ui.dashboard.strings import many, text

_SHOWN = 3
_PERCENT_ONE = 0.995


def suggestion(assessment: TriageAssessment, found: Sequence[Exhibit], *, decided: bool = False) -> Safe:
    """The panel that is read first; ``decided``: what holds is another panel's, this one says what was suggested."""
    open_note = "patient.suggested-rules" if rules_only(assessment) else "patient.suggested"
    note = text("patient.was-suggested" if decided else open_note)
    return tag(
        "section",
        tag(
            "div",
            level_badge(assessment.level, assessment.scale, note=note, large=True),
            tag("div", tag("b", prediction_set(assessment)), _raised(assessment), cls="pt-set"),
            cls="pt-level",
        ),
        look_closely(assessment, decided=decided),
        _because(assessment, found),
        _probabilities(assessment),
        cls="ed-panel pt-suggestion",
        aria_label=text("patient.suggestion"),
    )


def look_closely(assessment: TriageAssessment, *, decided: bool = False) -> Safe | None:
    """What needs (``decided``: needed) a deliberate look, each in its own line; rules only above all."""
    if not assessment.needs_human and not rules_only(assessment):
        return None
    lines = [spoken("span", reason) for reason in _others(assessment)]
    shown: list[str | Safe] = [*lines[:_SHOWN]]
    if lines[_SHOWN:]:
        rest = tag("ul", *(tag("li", line) for line in lines[_SHOWN:]))
        shown.append(tag("details", tag("summary", many("patient.more-points", len(lines) - _SHOWN)), rest))
    if rules_only(assessment):
        reason = assessment.mode_reason or text("patient.no-reason")
        why = text("patient.rules-only-why", why=reason)
        return callout(text("patient.rules-only"), why, *shown, tone="danger")
    key = "patient.looked-closely" if decided else "patient.look-closely"
    return callout(many(key, len(lines)), *shown, tone="warn")


def missing(record: IntakeRecord, assessment: TriageAssessment | None) -> Safe | None:
    """What is not known, by name; what could make the suggestion more urgent first."""
    asked = () if assessment is None else assessment.ask_for
    rest = [kind for kind in record.missing if kind not in asked]
    if not asked and not rest:
        return None
    lines = [text("patient.ask-for", kinds=kinds(asked))] if asked else []
    if rest:
        lines.append(text("patient.missing-list", kinds=kinds(rest)))
    return callout(text("patient.missing"), *lines, tone="warn")


def other_flags(assessment: TriageAssessment) -> tuple[Flag, ...]:
    """Flags that are good to know and ask for nothing."""
    shown = set(assessment.needs_human)
    return tuple(flag for flag in assessment.flags if flag.message not in shown)


def _others(assessment: TriageAssessment) -> Iterable[str]:
    said = {flag.message for flag in assessment.flags if flag.code == "rules-only"}
    return [reason for reason in assessment.needs_human if reason not in said]


def _raised(assessment: TriageAssessment) -> Safe | None:
    if not assessment.raised_words:
        return None
    rules = ", ".join(assessment.raised_by) or text("patient.raised-assumed")
    return chip(text("patient.raised", level=assessment.model_level, rules=rules), "warn")


def _because(assessment: TriageAssessment, found: Sequence[Exhibit]) -> Safe:
    """The first sentences of evidence for the level, one a statement."""
    mine = [exhibit for exhibit in found if exhibit.argues_for == assessment.level]
    by_statement: dict[str, Exhibit] = {}
    for exhibit in mine:
        statement = exhibit.reason.statement
        by_statement.setdefault(exhibit.reason.text if statement is None else statement.id, exhibit)
    if not by_statement:
        return tag("p", chip(text("patient.no-evidence", level=assessment.level), "danger"))
    shown = list(by_statement.values())
    lines = [
        tag(
            "li",
            spoken("b", exhibit.reason.statement.text if exhibit.reason.statement else exhibit.reason.text),
            _quotes(exhibit),
            _origin(exhibit, assessment),
        )
        for exhibit in shown[:_SHOWN]
    ]
    more = len(shown) - _SHOWN
    return tag(
        "div",
        tag("h2", text("patient.because", level=assessment.level)),
        tag("ol", *lines, cls="pt-because"),
        tag("p", many("patient.more-reasons", more), cls="ed-soft") if more > 0 else None,
    )


def _origin(exhibit: Exhibit, assessment: TriageAssessment) -> Safe:
    """Whose evidence it is; the model's is never shown without its label."""
    if not exhibit.by_model:
        return tag("small", text("patient.by-rules"), cls="pt-origin")
    label = label_of_evidence(assessment.identity)
    return tag("small", text("patient.by-model", label=label), cls="pt-origin")


def _quotes(exhibit: Exhibit) -> Safe:
    quotes = dict.fromkeys(place.quote for place in exhibit.places)
    return tag("span", *(tag("q", quote) for quote in list(quotes)[:5]), cls="pt-quotes")


def _probabilities(assessment: TriageAssessment) -> Safe | None:
    """Five bars; the levels of the prediction set are said to be in it."""
    if assessment.probabilities is None:
        return None
    rows = []
    for level in LEVELS:
        share = assessment.probabilities.of(level)
        look = level_look(level, assessment.scale)
        inside = assessment.set_most_urgent <= level <= assessment.set_least_urgent
        name = tag(
            "span",
            tag("b", level),
            " ",
            look.word,
            cls="pt-in-set" if inside else "ed-soft",
        )
        rows.append((name, share, percent(share)))
    calibration = assessment.identity.calibration if assessment.identity else None
    how = (
        text("patient.uncalibrated")
        if calibration in {None, UNCALIBRATED}
        else text("patient.calibrated", name=calibration)
    )
    return tag(
        "details",
        tag("summary", text("patient.probabilities")),
        bars(text("patient.probabilities"), rows),
        tag("p", how, cls="ed-soft"),
        open=True,
    )


def percent(share: float) -> str:
    """``31 %``; never 0 or 100 where it is not."""
    if 0 < share < 1 - _PERCENT_ONE:
        return "< 1 %"
    if _PERCENT_ONE < share < 1:
        return "> 99 %"
    return f"{share:.0%}".replace("%", " %")
