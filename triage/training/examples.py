"""Training examples: the agent's own prompt, and a target answer that agrees with the label.

The level is the label. The decision path follows it (resources from what the visit used, where recorded; the
danger zone from the rules). The cited facts and statements are a silver rationale grounded in the rules: a
statement is a target only where it argues for the labelled level, so the model never learns to cite against it.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass

from data_schemas import (
    VITAL_SIGNS,
    AcuityScale,
    DecisionPath,
    DecisionPoint,
    FactKind,
    IntakeRecord,
    RuleFinding,
    Screening,
)
from triage.esi import screen
from triage.guidelines import GuidelineLibrary
from triage.slm.answer import format_answer
from triage.slm.prompt import Prompt, asked_scale, build_prompt
from triage.training.corpus import LabelledCase
from triage.training.distract import distract
from triage.training.mistyping import mistype_record

_ALWAYS_TELLING = (FactKind.CHIEF_COMPLAINT, FactKind.TRIAGE_NOTE)
_CALM = (FactKind.AVPU, FactKind.PAIN, FactKind.INJURY, FactKind.ARRIVAL_MODE)


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """One prompt and its target; ``level`` is the label, ``group`` the site or hospital-year it came from.

    ``whole``: path and citations are targets too, not only the level. ``soft``: a teacher's probabilities of levels
    1-5 for the same facts, to learn from beside the label (Hinton et al. 2015, "Distilling the Knowledge in a Neural
    Network"). ``distracted``: the prompt of the same case with sentences in its text that must not matter; its level's
    probabilities are drawn to those of ``prompt``.
    """

    case_id: str
    prefix: str
    prompt: str
    target: str
    level: int
    scale: AcuityScale
    group: str
    whole: bool = True
    soft: tuple[float, float, float, float, float] | None = None
    distracted: str | None = None


def make_example(
    case: LabelledCase,
    library: GuidelineLibrary,
    rng: random.Random | None = None,
    *,
    drop: float = 0.0,
    unaided: float = 0.0,
    screening: Screening | None = None,
    distraction: float = 0.0,
    mistyped: float = 0.0,
) -> TrainingExample:
    """The training example of one labelled case.

    Args:
        case: its ``acuity`` must be known.
        library: the statements shown and cited.
        rng: with ``drop``, makes the choice of dropped vital signs repeatable.
        drop: the share of vital signs left out, so that missing is ordinary to the model.
        unaided: the share of prompts without what the rules found, so that the model can also be asked for a level
            of its own.
        distraction: the share of examples that also have a prompt with irrelevant sentences (``distract``).
        mistyped: the share of examples whose complaint and note have typing errors, for the rules too (``mistyping``).
        screening: of the very record, where it is there already and nothing is dropped.

    Raises:
        ValueError: the case has no level or no fact.
    """
    if case.acuity is None:
        raise ValueError(f"{case.case_id}: a training case needs a level")
    record = drop_vital_signs(case.record, rng, drop) if rng is not None and drop > 0 else case.record
    if rng is not None and mistyped and rng.random() < mistyped:
        record = mistype_record(record, rng)
    if screening is None or record is not case.record:
        screening = screen(record, library=library)
    scale = asked_scale(case.scale)
    aided = rng is None or rng.random() >= unaided
    prompt = build_prompt(record, screening if aided else None, library.short, scale)
    if not prompt.facts:
        raise ValueError(f"{case.case_id}: no fact to learn from")
    agreeing = [finding for finding in screening.findings if _agrees(finding, case.acuity)]
    target = format_answer(
        case.acuity,
        path_for(case.acuity, screening, case.resources_used),
        rationale_facts(record, agreeing, prompt),
        [label for label, sid in prompt.statements.items() if any(f.statement.id == sid for f in agreeing)],
        prompt,
    )
    distracted = None
    if rng is not None and distraction and rng.random() < distraction:
        shown = screening if aided else None
        distracted = build_prompt(distract(record, rng), shown, library.short, scale).text
    return TrainingExample(
        case_id=case.case_id,
        prefix=prompt.prefix,
        prompt=prompt.text,
        target=target,
        level=case.acuity,
        scale=case.scale,
        group=case.group,
        distracted=distracted,
    )


def path_for(level: int, screening: Screening, resources_used: int | None) -> DecisionPath:
    """The ESI decision path that leads to ``level``."""
    danger = any(f.decision_point is DecisionPoint.D for f in screening.findings)
    by_level = {1: 2, 2: 2, 3: 2, 4: 1, 5: 0}[level]
    return DecisionPath(
        life_saving=level == 1,
        high_risk=level <= 2,
        resources=by_level if resources_used is None or level >= 3 else resources_used,
        danger_zone=danger,
    )


def rationale_facts(record: IntakeRecord, agreeing: Iterable[RuleFinding], prompt: Prompt) -> list[str]:
    """Names of up to four facts that support the level: those of agreeing rules, the complaint, then calm signs."""
    names = {fact_id: name for name, fact_id in prompt.facts.items()}
    wanted: dict[str, None] = {}
    for finding in agreeing:
        wanted.update(dict.fromkeys(names[fact] for fact in finding.fact_ids if fact in names))
    for kinds in (_ALWAYS_TELLING, _CALM):
        for kind in kinds:
            fact = record.first(kind)
            if fact is not None and fact.id in names:
                wanted.setdefault(names[fact.id])
    chosen = list(wanted)[:4] or list(prompt.facts)[:1]
    return sorted(chosen, key=list(prompt.facts).index)


def drop_vital_signs(record: IntakeRecord, rng: random.Random, share: float) -> IntakeRecord:
    """The record without a random ``share`` of its vital signs and pain; what is dropped is named missing."""
    candidates = [k for k in (*VITAL_SIGNS, FactKind.PAIN, FactKind.AVPU) if record.first(k) is not None]
    gone = {kind for kind in candidates if rng.random() < share}
    if not gone:
        return record
    return record.model_copy(
        update={
            "facts": tuple(fact for fact in record.facts if fact.kind not in gone),
            "missing": tuple(sorted({*record.missing, *gone}, key=list(FactKind).index)),
        }
    )


def _agrees(finding: RuleFinding, level: int) -> bool:
    return finding.level == level or (level <= 2 and finding.level <= 2)
