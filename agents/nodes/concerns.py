"""What the clinician must look at: flags for everything notable, ``needs_human`` for what needs a deliberate look."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from agents.state import Asked, Verified
from data_schemas import (
    VITAL_SIGNS,
    FactKind,
    Flag,
    IntakeRecord,
    QualityIssue,
    ReasonOrigin,
    RuleTier,
    Screening,
)
from data_schemas._base import Frozen
from triage.slm.guard import FREE_TEXT
from triage.slm.prompt import unread_facts
from triage.text.spelling import find_slips

_REFUSED_VALUES = {
    QualityIssue.IMPOSSIBLE,
    QualityIssue.CONTRADICTORY,
    QualityIssue.UNIT_MISSING,
    QualityIssue.UNIT_UNKNOWN,
    QualityIssue.NOT_NUMERIC,
    QualityIssue.UNREADABLE,
    QualityIssue.TRUNCATED,
    QualityIssue.NOT_FINAL,
    QualityIssue.FUTURE,
}
"""Something was sent and could not be used: it may be the very value that matters."""


_TO_KNOW = {"path-misses-resources"}
"""Said, not insisted on: the rules name what a complaint usually needs, and of 2,872 visits that nurses put at level 4
or 5 (NHAMCS 2016-2020, 8,000 drawn) a third had more types named than the level allows."""

_WHY_THEY_CAME = {FactKind.CHIEF_COMPLAINT, FactKind.TRIAGE_NOTE}


class Concerns(Frozen):
    """Flags, and why a deliberate decision is needed."""

    flags: tuple[Flag, ...]
    needs_human: tuple[str, ...]

    def also(self, flag: Flag, *, deliberate: bool) -> "Concerns":
        """These and one more."""
        human = (*self.needs_human, flag.message) if deliberate else self.needs_human
        return Concerns(flags=_unique((*self.flags, flag)), needs_human=_unique(human))


def collect(
    record: IntakeRecord,
    screening: Screening,
    asked: Asked,
    verified: Verified,
    level: int,
    model_level: int | None,
    *,
    calibration_doubt: Flag | None = None,
) -> Concerns:
    """Everything notable about one suggestion, most serious first.

    ``level`` is the suggestion after the floor, ``model_level`` the model's calibrated one before it.
    """
    flags: list[Flag] = []
    human: list[str] = []

    def raise_flag(code: str, message: str, *, deliberate: bool) -> None:
        flags.append(Flag(code=code, message=message))
        if deliberate:
            human.append(message)

    for code, message, deliberate in _participation(record, asked, level):
        raise_flag(code, message, deliberate=deliberate)
    for code, message in _missing(record):
        raise_flag(code, message, deliberate=code in {"missing-critical-data", "missing-age"})
    for code, message, deliberate in _disagreements(screening, asked, level, model_level):
        raise_flag(code, message, deliberate=deliberate)
    for finding in screening.findings:
        if finding.tier is RuleTier.CONSIDER and finding.level < level:
            raise_flag(
                "consider",
                f"Consider level {finding.level}: {finding.explanation} ({finding.statement.id}).",
                deliberate=True,
            )
    argued = {reason.argues_for(screening) for reason in verified.reasons} - {None}
    if level not in argued:
        others = " or ".join(str(other) for other in sorted(filter(None, argued)))
        instead = f"; what was checked argues for level {others}" if others else ""
        raise_flag("no-evidence", f"No checked evidence supports level {level}{instead}.", deliberate=True)
    if asked.answer is not None and not _model_evidence(verified):
        cited = any(citation.statement_id is not None for citation in asked.answer.citations)
        raise_flag(
            "no-guideline-evidence",
            "None of the model's guideline citations stood up to the check."
            if cited
            else "The model cited no guideline statement for its level.",
            deliberate=False,
        )
    if calibration_doubt is not None:
        deliberate = calibration_doubt.code == "calibration-mismatch"
        raise_flag(calibration_doubt.code, calibration_doubt.message, deliberate=deliberate)
    for flag in verified.flags:
        raise_flag(flag.code, flag.message, deliberate=flag.code not in _TO_KNOW)
    if read := _respelled(record):
        raise_flag("respelled", read, deliberate=False)
    for item in record.findings:
        deliberate = item.issue in _REFUSED_VALUES or item.issue is QualityIssue.INSTRUCTION_IN_TEXT
        code = (
            "instruction-in-text"
            if item.issue is QualityIssue.INSTRUCTION_IN_TEXT
            else f"quality-{item.issue.value}"
        )
        raise_flag(code, item.message, deliberate=deliberate)
    return Concerns(flags=_unique(flags), needs_human=_unique(human))


_Concern = tuple[str, str, bool]
"""Code, message, whether a deliberate decision is needed."""


def _participation(record: IntakeRecord, asked: Asked, level: int) -> Iterator[_Concern]:
    """Whether the model took part, and in full."""
    if asked.answer is None:
        message = f"The model did not take part ({asked.failure}); level {level} is that of the rules alone."
        yield "rules-only", message, True
        return
    unread = unread_facts(record)
    if unread:
        names = ", ".join(f"{fact.id} ({fact.kind.value.replace('_', ' ')})" for fact in unread)
        message = f"Too long for the model, which did not read all of it: {names}. The rules did."
        yield "model-did-not-read", message, any(fact.kind in _WHY_THEY_CAME for fact in unread)


def _disagreements(
    screening: Screening, asked: Asked, level: int, model_level: int | None
) -> Iterator[_Concern]:
    """Where the model's level is not what the floor, its own answer or the rules say."""
    if asked.answer is None or model_level is None:
        return
    floor, said = screening.floor, asked.answer.level
    if floor is not None and model_level > floor:
        names = ", ".join(
            f.statement.id for f in screening.findings if f.tier is RuleTier.DEMAND and f.level == floor
        )
        message = f"The model said level {model_level}; a rule that must hold raised it to {floor} ({names})."
        yield "raised-by-floor", message, True
    elif level < model_level:
        message = (
            f"The model said level {model_level} and was not sure; the rules alone say level {screening.level}: "
            f"level {level} is suggested."
        )
        yield "raised-by-caution", message, False
    if model_level != said:
        message = (
            f"The model's own answer says level {said}; its calibrated probabilities give level {model_level}. "
            f"Its yes-or-no answers belong to level {said}."
        )
        yield "calibration-changed-level", message, model_level > said
    if abs(model_level - screening.level) >= 2:
        message = f"The model says level {model_level}, the rules alone say level {screening.level}."
        yield "rules-disagree", message, True


def _missing(record: IntakeRecord) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if record.first(FactKind.CHIEF_COMPLAINT) is None:
        found.append(("missing-critical-data", "No chief complaint is recorded: ask why the patient came."))
    if record.age_days is None:
        found.append(
            (
                "missing-age",
                "The age is not recorded: limits of vital signs and fever that depend on it were not judged. "
                "Ask for it.",
            )
        )
    absent = [kind for kind in VITAL_SIGNS if record.number(kind) is None]
    if len(absent) == len(VITAL_SIGNS):
        found.append(
            (
                "missing-critical-data",
                f"No vital sign is recorded: measure {_names(VITAL_SIGNS)}.",
            )
        )
    elif absent:
        found.append(("missing-vital-signs", f"Not recorded, so not reassuring: {_names(absent)}."))
    beside = [kind for kind in (FactKind.AVPU, FactKind.PAIN) if kind in record.missing]
    if FactKind.AVPU in beside and record.number(FactKind.GCS) is not None:
        beside.remove(FactKind.AVPU)  # the same question, answered on another scale
    if beside:
        found.append(("missing-observations", f"Not recorded, so not reassuring: {_names(beside)}."))
    return found


def _respelled(record: IntakeRecord) -> str:
    """Which words rules and model read as others; empty where there is none."""
    read = [
        f'"{slip.written}" as "{slip.read_as}" ({fact.kind.value.replace("_", " ")})'
        for fact in record.facts
        if fact.kind in FREE_TEXT
        for slip in find_slips(fact.text)
    ]
    if not read:
        return ""
    return f"Taken for slips of the hand: {', '.join(dict.fromkeys(read))}. Correct the text where that is wrong."


def _names(kinds: Iterable[FactKind]) -> str:
    return ", ".join(_WORDS.get(kind, kind.value.replace("_", " ")) for kind in kinds)


_WORDS = {
    FactKind.SYSTOLIC_BP: "systolic blood pressure",
    FactKind.DIASTOLIC_BP: "diastolic blood pressure",
    FactKind.AVPU: "consciousness (AVPU)",
}


def _model_evidence(verified: Verified) -> bool:
    return any(
        reason.origin is ReasonOrigin.MODEL and reason.statement is not None and reason.struck is None
        for reason in verified.reasons
    )


_Item = TypeVar("_Item", Flag, str)


def _unique(items: Iterable[_Item]) -> tuple[_Item, ...]:
    return tuple(dict.fromkeys(items))
