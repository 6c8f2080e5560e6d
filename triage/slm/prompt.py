"""The prompt: numbered facts and the guideline statements that hold, the same for every engine and in training.

Everything constant comes first, so that an engine can keep it as a ready key-value state (embedded) or find it
in its prefix cache (vLLM). Canonical units are implied: they are fixed for each kind of fact, and every token
costs time on a CPU.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from data_schemas import AcuityScale, Fact, FactKind, IntakeRecord, RuleFinding, RuleTier
from triage.slm.tokenizer import neutralise

PROMPT_VERSION = "2026.11-1"
"""Raise it with any change to the text below: stored assessments and adapters name the version they used."""

PREFIX = "<|im_start|>user\nEmergency triage. Level 1 (now) to 5 (can wait), with evidence.\n"
SUFFIX = "<|im_end|>\n<|im_start|>assistant\n"

MAX_STATEMENTS = 4
MAX_TEXT = 160
MAX_NOTE = 600
_LIMITS = {FactKind.CONDITION: 4, FactKind.MEDICATION: 4, FactKind.ALLERGY: 2, FactKind.TRIAGE_NOTE: 1}
_LABELS = {
    FactKind.HEART_RATE: "HR",
    FactKind.RESPIRATORY_RATE: "RR",
    FactKind.OXYGEN_SATURATION: "SpO2",
    FactKind.OXYGEN_FLOW: "O2",
    FactKind.INSPIRED_OXYGEN: "FiO2",
    FactKind.TEMPERATURE: "T",
    FactKind.SYSTOLIC_BP: "BP",
    FactKind.PAIN: "pain",
    FactKind.GCS: "GCS",
    FactKind.GLUCOSE: "glucose",
    FactKind.WEIGHT: "weight",
}
_NAMES = {
    FactKind.OXYGEN_SATURATION: "SpO2",
    FactKind.HEART_RATE: "HR",
    FactKind.RESPIRATORY_RATE: "RR",
    FactKind.TEMPERATURE: "T",
    FactKind.SYSTOLIC_BP: "BP",
    FactKind.CHIEF_COMPLAINT: "complaint",
    FactKind.AVPU: "AVPU",
    FactKind.PAIN: "pain",
    FactKind.AGE: "age",
    FactKind.SEX: "sex",
}
# Repeats of a kind, the parts of a summed score and the diastolic pressure (shown with the systolic one) cost
# tokens and add nothing at triage.
_UNSHOWN = {
    FactKind.DIASTOLIC_BP,
    FactKind.GCS_EYE,
    FactKind.GCS_VERBAL,
    FactKind.GCS_MOTOR,
    FactKind.IMMUNISATION,
}
_FREE_TEXT = {FactKind.CHIEF_COMPLAINT, *_LIMITS}
_TIERS = {RuleTier.DEMAND: 0, RuleTier.CONSIDER: 1, RuleTier.INFORM: 2}


# The survey's levels are mostly ESI and have no scale of their own to ask for. Training and evaluation must ask
# under the same name; the label keeps its own scale, and every report names it.
_ASKED_AS = {AcuityScale.NHAMCS: AcuityScale.ESI}


def asked_scale(scale: AcuityScale) -> AcuityScale:
    """The scale that the model is asked for when a case is labelled on ``scale``."""
    return _ASKED_AS.get(scale, scale)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question to the model, and what it may cite in the answer.

    ``statements`` maps the short label shown to the model (G1, G2, ...) to the statement's id.
    """

    prefix: str
    text: str
    fact_ids: tuple[str, ...]
    statements: dict[str, str]


def build_prompt(
    record: IntakeRecord,
    findings: Iterable[RuleFinding],
    short: dict[str, str],
    scale: AcuityScale = AcuityScale.ESI,
) -> Prompt:
    """The prompt for one arrival.

    Args:
        record: what was known at triage.
        findings: the rules that hold; at most ``MAX_STATEMENTS`` are shown, demands first.
        short: the short wording of each statement, by id.
        scale: the scale the level is wanted on.
    """
    shown = list(_shown_facts(record))
    parts = [f"{fact.id} {_wording(fact, record)}" for fact in shown]
    if record.missing:
        names = [_NAMES[kind] for kind in record.missing if kind in _NAMES]
        if names:
            parts.append("missing " + " ".join(names))
    chosen = choose_statements(findings)
    labels = {f"G{number}": finding.statement.id for number, finding in enumerate(chosen, start=1)}
    lines = [f"{scale.value}: " + ", ".join(parts)]
    lines += [f"{label} {short[statement_id]}" for label, statement_id in labels.items()]
    return Prompt(
        prefix=PREFIX,
        text="\n".join(lines) + SUFFIX,
        fact_ids=tuple(fact.id for fact in shown),
        statements=labels,
    )


def choose_statements(findings: Iterable[RuleFinding]) -> Sequence[RuleFinding]:
    """The findings shown to the model: demands before considerations, urgent first, one per statement."""
    ranked = sorted(findings, key=lambda f: (_TIERS[f.tier], f.level))
    unique = {finding.statement.id: finding for finding in reversed(ranked)}
    kept = [finding for finding in ranked if unique[finding.statement.id] is finding]
    return kept[:MAX_STATEMENTS]


def unread_facts(record: IntakeRecord) -> tuple[Fact, ...]:
    """The free-text facts that the prompt leaves out or cuts short: the rules read them whole, the model does not."""
    shown = {fact.id for fact in _shown_facts(record)}
    complaint = record.first(FactKind.CHIEF_COMPLAINT)
    repeated = {
        fact.id
        for fact in record.all(FactKind.TRIAGE_NOTE)
        if complaint is not None and fact.text == complaint.text
    }
    return tuple(
        fact
        for fact in record.facts
        if fact.kind in _FREE_TEXT
        and fact.id not in repeated
        and (fact.id not in shown or len(" ".join(neutralise(fact.text).split())) > _most(fact.kind))
    )


def _most(kind: FactKind) -> int:
    return MAX_NOTE if kind is FactKind.TRIAGE_NOTE else MAX_TEXT


def _shown_facts(record: IntakeRecord) -> Iterable[Fact]:
    seen: dict[FactKind, int] = {}
    complaint = record.first(FactKind.CHIEF_COMPLAINT)
    for fact in record.facts:
        if fact.kind in _UNSHOWN:
            continue
        if fact.kind is FactKind.TRIAGE_NOTE and complaint is not None and fact.text == complaint.text:
            continue  # a note of one sentence is its own complaint: the model need not read it twice
        count = seen[fact.kind] = seen.get(fact.kind, 0) + 1
        if count <= _LIMITS.get(fact.kind, 1):
            yield fact


def _wording(fact: Fact, record: IntakeRecord) -> str:
    if fact.kind is FactKind.SYSTOLIC_BP:
        diastolic = record.number(FactKind.DIASTOLIC_BP)
        return f"BP {_plain(fact.value)}" + (f"/{_plain(diastolic)}" if diastolic is not None else "")
    if fact.kind in _LABELS and fact.value is not None:
        return f"{_LABELS[fact.kind]} {_plain(fact.value)}"
    words = " ".join(neutralise(fact.text).split())[: _most(fact.kind)]
    match fact.kind:
        case FactKind.CONDITION:
            return f"history {words}"
        case FactKind.MEDICATION:
            return f"takes {words}"
        case FactKind.ALLERGY:
            return f"allergy {words}"
        case FactKind.INJURY:
            return "injury" if fact.code == "yes" else "no injury"
        case FactKind.TRIAGE_NOTE:
            return f"note {words}"
        case _:
            return words


def _plain(value: Decimal | None) -> str:
    if value is None:
        return "?"
    rounded = value.quantize(Decimal("0.1"))
    return f"{rounded:f}".rstrip("0").rstrip(".")
