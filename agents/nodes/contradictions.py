"""Where the model's decision path contradicts the record, the rules, or its own level."""

from data_schemas import DecisionPath, DecisionPoint, Flag, ModelAnswer, RuleTier, Screening


def contradictions(answer: ModelAnswer, screening: Screening) -> tuple[Flag, ...]:
    """One flag for each contradiction; an empty tuple where there is none."""
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
    return tuple(flags)


def path_levels(path: DecisionPath) -> frozenset[int]:
    """The levels that the ESI algorithm allows for these answers (v5 handbook, algorithm figure).

    A gives 1, B gives 2; else resources give 3, 4 or 5, which danger-zone vital signs may raise to 2.
    """
    if path.life_saving:
        return frozenset({1})
    if path.high_risk:
        return frozenset({2})
    by_resources = {0: 5, 1: 4, 2: 3}[path.resources]
    return frozenset({by_resources, 2}) if path.danger_zone else frozenset({by_resources})
