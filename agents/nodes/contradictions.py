"""Where the model's decision path contradicts the record, the rules, its own level or its own reasons."""

from collections.abc import Iterator, Sequence

from data_schemas import (
    DecisionPath,
    DecisionPoint,
    FactKind,
    Flag,
    IntakeRecord,
    ModelAnswer,
    Reason,
    RuleTier,
    Screening,
)
from triage.esi import path_levels

_DANGER_SIGNS = (FactKind.HEART_RATE, FactKind.RESPIRATORY_RATE, FactKind.OXYGEN_SATURATION)


def contradictions(
    answer: ModelAnswer,
    screening: Screening,
    *,
    record: IntakeRecord | None = None,
    reasons: Sequence[Reason] = (),
) -> tuple[Flag, ...]:
    """One flag for each contradiction; an empty tuple where there is none.

    With ``record`` a danger zone denied without a sign measured is one; with ``reasons``, the model's own checked
    ones, so is a reason that its level ignores.
    """
    path = answer.path
    flags: list[Flag] = []
    danger = any(f.decision_point is DecisionPoint.D for f in screening.findings)
    if danger and not path.danger_zone:
        flags.append(
            Flag(
                code="path-misses-danger-zone",
                message="The model says no vital sign is in the danger zone; the record has one.",
            )
        )
    if path.danger_zone and not danger:
        flags.append(
            Flag(
                code="path-invents-danger-zone",
                message="The model says a vital sign is in the danger zone; the record has none.",
            )
        )
    demanded = {f.decision_point for f in screening.findings if f.tier is RuleTier.DEMAND}
    if DecisionPoint.A in demanded and not path.life_saving:
        flags.append(
            Flag(
                code="path-misses-life-saving",
                message="The model sees no need for a life-saving intervention; a rule does.",
            )
        )
    if DecisionPoint.B in demanded and not (path.high_risk or path.life_saving):
        flags.append(
            Flag(
                code="path-misses-high-risk",
                message="The model does not call the situation high risk; a rule does.",
            )
        )
    allowed = path_levels(path)
    if answer.level not in allowed:
        words = " or ".join(str(level) for level in sorted(allowed))
        flags.append(
            Flag(
                code="path-contradicts-level",
                message=f"The model's own answers lead to level {words}, but it says level {answer.level}.",
            )
        )
    flags += _unmeasured(path, record)
    flags += _resources(path, screening)
    flags += _own_reasons(answer, screening, reasons)
    return tuple(flags)


def _unmeasured(path: DecisionPath, record: IntakeRecord | None) -> Iterator[Flag]:
    """A danger zone may be denied only of a sign that was measured."""
    if record is None or path.danger_zone:
        return
    if all(record.number(kind) is None for kind in _DANGER_SIGNS):
        yield Flag(
            code="path-unknown-danger-zone",
            message="The model says no vital sign is in the danger zone; heart rate, respiratory rate and SpO2 were "
            "not measured.",
        )


def _resources(path: DecisionPath, screening: Screening) -> Iterator[Flag]:
    """Fewer resources than types that the rules name. Only where the path came so far: A and B settle it before."""
    named = screening.resources.kinds
    if (
        path.life_saving
        or path.high_risk
        or path.resources >= 2
        or screening.resources.count <= path.resources
    ):
        return
    if len(named) > path.resources:
        yield Flag(
            code="path-misses-resources",
            message=f"The model expects {('no resource', 'one type of resource')[path.resources]}; the rules name "
            f"{len(named)}: {', '.join(named)}.",
        )


def _own_reasons(answer: ModelAnswer, screening: Screening, reasons: Sequence[Reason]) -> Iterator[Flag]:
    """A rule that demands more urgency than the model's level, cited by the model itself and borne out."""
    demanding = {f.statement.id for f in screening.findings if f.tier is RuleTier.DEMAND}
    for reason in reasons:
        statement, level = reason.statement, reason.level
        if reason.struck is not None or statement is None or level is None:
            continue
        if statement.id in demanding and level < answer.level:
            yield Flag(
                code="reason-contradicts-level",
                message=f"The model says level {answer.level} and cites a statement that demands level {level} "
                f"({statement.id}).",
            )
