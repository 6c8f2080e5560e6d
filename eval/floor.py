"""The safety floor under test: how often a demand rule fires, how often it is right, and what it costs.

``check_floor`` reads labels; the agent's suggestion is made without them, by ``agents.nodes.reconcile.suggest`` with
the training prior in the model's place. The floor must hold whatever the model says: where one fires, the suggestion is
made again with every certain answer, level 5 included, and with none.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from agents.nodes.reconcile import suggest
from agents.state import Asked
from data_schemas import AcuityScale, LevelProbabilities, ModelIdentity, RuleTier, Screening
from data_schemas._base import Frozen
from eval.cases import EvaluationCase
from eval.predictors.prior import shipped_prior
from eval.predictors.stand_in import level_answer
from eval.scorecard import Proportion
from triage.esi import screen
from triage.guidelines import GuidelineLibrary
from triage.metrics import wilson_interval
from triage.metrics.paired import difference_interval
from triage.slm import Calibration
from triage.slm.prompt import PROMPT_VERSION


class StatementPrecision(Frozen):
    """Of the cases where one demand statement holds: how many have a true level that is at least that urgent.

    ``decisive``: in how many it alone sets the floor. ``near``: how many are at most one level less urgent.
    """

    statement_id: str
    level: int
    source: str
    fires: int
    decisive: int
    precision: Proportion
    near: Proportion


class Added(Frozen):
    """Over-triage with the floor minus over-triage without it, with Newcombe's paired 95 % interval."""

    without: float
    with_floor: float
    added: float
    low: float
    high: float


class FloorReport(Frozen):
    """What the floor does on one set of cases. Shares of all cases, unless said otherwise.

    ``precision``: of the cases with a floor, those whose true level is at least that urgent. ``recall_high``: of the
    cases whose true level is 1 or 2, those with a floor. ``over_rules``: over-triage of the rules' level.
    ``over_alone``: of the floor with nothing else, so cases whose floor is more urgent than their level.
    ``over_agent``: of the agent with the training prior as its model. ``checked``: the cases with a floor, each with
    ``answers`` answers in the model's place. ``below_floor``: ids of those with a suggestion, or a prediction set, that
    goes below their floor on any of the answers; there must be none.
    """

    data: str
    cases: int
    scale: AcuityScale
    fires: Proportion
    precision: Proportion | None
    recall_high: Proportion | None
    over_rules: Added
    over_alone: Proportion
    over_agent: Added
    checked: int
    answers: int
    below_floor: tuple[str, ...]
    statements: tuple[StatementPrecision, ...]


def check_floor(
    data: str,
    cases: Sequence[EvaluationCase],
    library: GuidelineLibrary,
    *,
    done: Callable[[int], None] = lambda count: None,
) -> FloorReport:
    """Screen every case, and compare its floor with its true level.

    Raises:
        ValueError: no cases, or of several scales.
    """
    scales = {case.scale for case in cases}
    if len(scales) != 1:
        raise ValueError("no case to check" if not scales else "cases of several scales: check them apart")
    (scale,) = scales
    prior = _Prior(scale)
    truth = np.array([case.truth for case in cases])
    levels: list[tuple[int, int, int | None, int, int]] = []
    seen: dict[str, list[tuple[int, bool]]] = {}
    refs: dict[str, tuple[int, str]] = {}
    below: list[str] = []
    for index, case in enumerate(cases):
        screening = screen(case.record, library.version, library)
        with_floor, without = prior.levels(case, screening)
        floor = screening.floor
        if floor is not None and not prior.holds(case, screening, floor):
            below.append(case.case_id)
        levels.append((screening.level, undemanded(screening, library), floor, with_floor, without))
        demands = [f for f in screening.findings if f.tier is RuleTier.DEMAND]
        at_floor = Counter(f.level for f in demands)[floor] if floor is not None else 0
        for finding in {f.statement.id: f for f in demands}.values():
            refs[finding.statement.id] = (finding.level, finding.statement.source)
            alone = finding.level == floor and at_floor == 1
            seen.setdefault(finding.statement.id, []).append((case.truth, alone))
        done(index + 1)
    rules, bare, floors, agent, agent_bare = (
        np.array(column, dtype=object) for column in zip(*levels, strict=True)
    )
    fired = np.array([floor is not None for floor in floors])
    right = np.array([floor is not None and t <= floor for t, floor in zip(truth, floors, strict=True)])
    high = truth <= 2
    return FloorReport(
        data=data,
        cases=len(cases),
        scale=scale,
        fires=_share(int(fired.sum()), len(cases)),
        precision=_share(int(right.sum()), int(fired.sum())) if fired.any() else None,
        recall_high=_share(int((fired & high).sum()), int(high.sum())) if high.any() else None,
        over_rules=_added(truth, bare, rules),
        over_alone=_share(int((fired & ~right).sum()), len(cases)),
        over_agent=_added(truth, agent_bare, agent),
        checked=int(fired.sum()),
        answers=prior.answers,
        below_floor=tuple(below),
        statements=tuple(
            sorted(
                (_precision(name, *refs[name], found) for name, found in seen.items()),
                key=lambda item: (-item.fires, item.statement_id),
            )
        ),
    )


def undemanded(screening: Screening, library: GuidelineLibrary) -> int:
    """The level of the rules alone if no demand rule held: expected resources, or an escalating consider rule."""
    escalated = [
        finding.level
        for finding in screening.findings
        if finding.tier is RuleTier.CONSIDER
        and (statement := library.by_id(finding.statement.id)) is not None
        and statement.escalates
    ]
    return min([5 - screening.resources.count, *escalated])


class _Prior:
    """The agent's own suggestion with the training prior as its model, with and without demand rules."""

    def __init__(self, scale: AcuityScale) -> None:
        prior = shipped_prior(scale)
        identity = ModelIdentity(
            engine="stand-in", model="training prior", weights_sha256="0" * 64, prompt_version=PROMPT_VERSION
        )
        self._asked = Asked(answer=level_answer(prior.probabilities, identity), failure=None, seconds=0.0)
        self._calibration = Calibration.none()
        certain = [
            LevelProbabilities(p=tuple(float(n == level) for n in range(1, 6))) for level in range(1, 6)
        ]
        self._every = (
            self._asked,
            Asked(answer=None, failure="no model", seconds=0.0),
            *(Asked(answer=level_answer(p, identity), failure=None, seconds=0.0) for p in certain),
        )

    @property
    def answers(self) -> int:
        """How many answers ``holds`` puts in the model's place."""
        return len(self._every)

    def holds(self, case: EvaluationCase, screening: Screening, floor: int) -> bool:
        """Whether no answer makes the suggestion, or the last level of its set, less urgent than the floor."""
        made = (suggest(case.record, screening, asked, self._calibration) for asked in self._every)
        return all(max(found.level, found.least_urgent) <= floor for found in made)

    def levels(self, case: EvaluationCase, screening: Screening) -> tuple[int, int]:
        found = suggest(case.record, screening, self._asked, self._calibration)
        if screening.floor is None:
            return found.level, found.level
        rest = tuple(f for f in screening.findings if f.tier is not RuleTier.DEMAND)
        bare = screening.model_copy(update={"findings": rest})
        return found.level, suggest(case.record, bare, self._asked, self._calibration).level


def _precision(
    statement_id: str, level: int, source: str, found: Sequence[tuple[int, bool]]
) -> StatementPrecision:
    return StatementPrecision(
        statement_id=statement_id,
        level=level,
        source=source,
        fires=len(found),
        decisive=sum(alone for _, alone in found),
        precision=_share(sum(truth <= level for truth, _ in found), len(found)),
        near=_share(sum(truth <= level + 1 for truth, _ in found), len(found)),
    )


def _added(truth: np.ndarray, without: np.ndarray, with_floor: np.ndarray) -> Added:
    before, after = (without < truth).astype(bool), (with_floor < truth).astype(bool)
    bounds = difference_interval(before, after)
    return Added(
        without=float(before.mean()),
        with_floor=float(after.mean()),
        added=float(after.mean() - before.mean()),
        low=bounds.low,
        high=bounds.high,
    )


def _share(count: int, total: int) -> Proportion:
    bounds = wilson_interval(count, total)
    return Proportion(value=count / total, low=bounds.low, high=bounds.high, total=total)
