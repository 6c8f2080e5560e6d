"""What a triage note or teaching vignette says in prose, as facts with character offsets.

Rules, not a model: each number has the name of its sign beside it, each finding points at the very characters.
What is said of another time (baseline, at home, last night) or another person (mother, fetus) is left out, and what
is not understood is left out: a sign that is not found stays missing, it is never taken as normal.
"""

from data_schemas.intake import (
    AGE_UNITS_IN_DAYS,
    DataQualityFinding,
    Fact,
    FactKind,
    FactSource,
    QualityIssue,
)
from triage.facts import make_fact
from triage.plausibility import contradictory_pressures, implausible, implausible_age
from triage.text.consciousness import consciousness
from triage.text.measurements import measurements
from triage.text.mention import Mention
from triage.text.person import person

__all__ = ["Mention", "facts_in_text", "mentions"]


def mentions(text: str) -> tuple[Mention, ...]:
    """Everything understood in ``text``, by kind in ``FactKind`` order, within a kind the one to use first.

    Notes are written in the order of time, so a later mention comes before an earlier one ("fever of 103 ... T 101.6");
    new confusion comes before alert wherever they stand. A value may be impossible; equal spans count once.

    Temperatures without a unit: 25-45 are Celsius and 77-115 Fahrenheit, which no living patient makes ambiguous;
    any other number is not taken. Converted temperatures have one decimal.
    """
    found = {(m.kind, m.start): m for m in (*measurements(text), *person(text), *consciousness(text))}
    return tuple(sorted(found.values(), key=_rank))


def facts_in_text(
    text: str, *, resource_type: str, path: str, resource_id: str | None = None
) -> tuple[tuple[Fact, ...], tuple[DataQualityFinding, ...]]:
    """The facts in ``text`` (ids not final: see ``number_facts``) and what is impossible in it.

    ``resource_type``, ``path`` and ``resource_id`` say which element the text is; each fact's source adds the offsets.
    Pressures of one mention that contradict each other are both left out.
    """
    facts: list[Fact] = []
    findings: list[DataQualityFinding] = []
    found = mentions(text)
    crossed = _crossed_pressures(found)
    for mention in found:
        source = FactSource(
            resource_type=resource_type,
            resource_id=resource_id,
            path=path,
            start=mention.start,
            end=mention.end,
        )
        issue, problem = QualityIssue.IMPOSSIBLE, _problem(mention)
        if problem is None and mention.kind in _PRESSURES and mention.start in crossed:
            issue, problem = QualityIssue.CONTRADICTORY, crossed[mention.start]
        if problem is not None:
            findings.append(
                DataQualityFinding(issue=issue, kind=mention.kind, message=problem, source=source)
            )
            continue
        facts.append(
            make_fact(
                1,
                mention.kind,
                value=mention.value,
                unit=mention.unit,
                code=mention.code,
                source=source,
                as_received=mention.as_received,
            )
        )
    return tuple(facts), tuple(findings)


_KIND_ORDER = {kind: position for position, kind in enumerate(FactKind)}
_PRESSURES = frozenset({FactKind.SYSTOLIC_BP, FactKind.DIASTOLIC_BP})


def _rank(mention: Mention) -> tuple[int, bool, int]:
    confusion_first = mention.kind is FactKind.AVPU and mention.code == "A"
    return (_KIND_ORDER[mention.kind], confusion_first, -mention.start)


def _problem(mention: Mention) -> str | None:
    if mention.value is None:
        return None
    if mention.kind is FactKind.AGE and mention.unit is not None:
        return implausible_age(mention.value * AGE_UNITS_IN_DAYS[mention.unit] / AGE_UNITS_IN_DAYS["a"])
    return implausible(mention.kind, mention.value)


def _crossed_pressures(found: tuple[Mention, ...]) -> dict[int, str]:
    upper = {m.start: m.value for m in found if m.kind is FactKind.SYSTOLIC_BP}
    crossed = {}
    for mention in found:
        systolic = upper.get(mention.start)
        if mention.kind is FactKind.DIASTOLIC_BP and systolic is not None and mention.value is not None:
            problem = contradictory_pressures(systolic, mention.value)
            if problem is not None:
                crossed[mention.start] = problem
    return crossed
