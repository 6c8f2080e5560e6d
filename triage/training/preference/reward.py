"""What an answer is worth: the level first, then whether its reasons stand.

Triage is not symmetric: an under-triaged patient waits untreated, an over-triaged one takes a bed. So the cost of the
level grows with the square of the distance, is larger towards less urgent, and larger still where a patient of level
1-2 is sent to wait (4-5: strict under-triage, ``triage.metrics``). Everything else together is worth less than one
level of over-triage, so no citation can buy a wrong level.
"""

from dataclasses import dataclass
from typing import Self

from pydantic import Field, model_validator

from data_schemas import DecisionPoint, IntakeRecord, Screening
from data_schemas._base import Frozen
from triage.esi import path_levels
from triage.guidelines import GuidelineLibrary
from triage.slm.answer import MAX_CITED_STATEMENTS, ParsedAnswer, parse_answer
from triage.slm.errors import AnswerError
from triage.slm.prompt import Prompt

_FARTHEST = 4  # levels between 1 and 5


class RewardWeights(Frozen):
    """The unit is the cost of over-triage by one level.

    ``under_triage``: how many times the same distance costs more towards less urgent. ``strict_under_triage``: on top,
    where a level 1-2 is answered as 4-5. ``path``: for a decision path that leads to the level and knows the danger
    zone. ``fact``: for resting on a fact that the prompt shows, once and not for each, or a longer list would pay.
    ``statement``: for each cited statement that the cited facts support and that argues for the answered level.
    ``unsupported``: cost of each cited statement that they do not support.
    """

    under_triage: float = Field(default=2.0, gt=1.0)
    strict_under_triage: float = Field(default=4.0, ge=0.0)
    path: float = Field(default=0.2, ge=0.0)
    fact: float = Field(default=0.05, ge=0.0)
    statement: float = Field(default=0.15, ge=0.0)
    unsupported: float = Field(default=0.2, gt=0.0)

    @property
    def most(self) -> float:
        """The most that path and citations can add."""
        return self.path + self.fact + MAX_CITED_STATEMENTS * self.statement

    @property
    def fine(self) -> float:
        """The most that unsupported citations can take away."""
        return MAX_CITED_STATEMENTS * self.unsupported

    @model_validator(mode="after")
    def _level_decides(self) -> Self:
        if self.most + self.fine >= 1.0:
            raise ValueError(
                f"path and citations move the reward by {self.most + self.fine:g}; it must be less than 1, the cost "
                "of one level of over-triage, or a wrong level could be paid for with citations"
            )
        return self

    def level_cost(self, answered: int, truth: int) -> float:
        """The cost of answering ``answered`` for a patient of level ``truth``; 0 for the right level."""
        distance = abs(answered - truth)
        if answered <= truth:
            return float(distance**2)
        strict = self.strict_under_triage if truth <= 2 and answered >= 4 else 0.0
        return self.under_triage * distance**2 + strict

    @property
    def unreadable(self) -> float:
        """The reward of an answer that cannot be read: below every answer that can."""
        worst = self.under_triage * _FARTHEST**2 + self.strict_under_triage
        return -worst - self.fine - 1.0


@dataclass(frozen=True, slots=True)
class JudgedCase:
    """A question with what is needed to judge its answer.

    ``level`` is the label; ``record`` is what the prompt was made of and ``screening`` what the rules found in it.
    """

    case_id: str
    prompt: Prompt
    record: IntakeRecord
    screening: Screening
    level: int


@dataclass(frozen=True, slots=True)
class Grade:
    """A reward with its parts. ``answer`` is None where the text could not be read."""

    total: float
    answer: ParsedAnswer | None = None
    path_holds: bool = False
    supported: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()


def reward(
    answer: str, case: JudgedCase, library: GuidelineLibrary, weights: RewardWeights | None = None
) -> float:
    """The reward of ``answer`` (the whole text, from its lead to its last citation)."""
    return grade(answer, case, library, weights).total


def grade(
    answer: str, case: JudgedCase, library: GuidelineLibrary, weights: RewardWeights | None = None
) -> Grade:
    """The reward with its parts. An answer that cites what the prompt does not show counts as unreadable."""
    weights = weights or RewardWeights()
    try:
        parsed = parse_answer(answer, case.prompt)
    except AnswerError:
        return Grade(weights.unreadable)
    supported, unsupported = judge_statements(parsed, case, library)
    arguing = sum(1 for sid in supported if _argues(sid, parsed.level, library))
    path = path_holds(parsed, case.screening)
    total = (
        -weights.level_cost(parsed.level, case.level)
        + (weights.path if path else 0.0)
        + weights.fact  # a readable answer cites at least one fact, and only facts shown
        + weights.statement * min(arguing, MAX_CITED_STATEMENTS)
        - weights.unsupported * min(len(unsupported), MAX_CITED_STATEMENTS)
    )
    return Grade(total, parsed, path, supported, unsupported)


def judge_statements(
    answer: ParsedAnswer, case: JudgedCase, library: GuidelineLibrary
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The cited statements that stand on the facts the answer cites itself, and those that do not.

    The same question that the agent asks before a clinician sees a citation.
    """
    facts = tuple(c.fact_id for c in answer.citations if c.fact_id is not None)
    supported: list[str] = []
    unsupported: list[str] = []
    for statement_id in (c.statement_id for c in answer.citations if c.statement_id is not None):
        statement = library.by_id(statement_id)
        stands = statement is not None and library.supports(statement, case.record, facts).ok
        (supported if stands else unsupported).append(statement_id)
    return tuple(supported), tuple(unsupported)


def path_holds(answer: ParsedAnswer, screening: Screening) -> bool:
    """Whether the path leads to the answered level, and says of the danger zone what the record says."""
    danger = any(finding.decision_point is DecisionPoint.D for finding in screening.findings)
    return answer.path.danger_zone == danger and answer.level in path_levels(answer.path)


def _argues(statement_id: str, level: int, library: GuidelineLibrary) -> bool:
    """As in the training targets: a statement argues for its own level, and one of levels 1-2 for both."""
    statement = library.by_id(statement_id)
    return statement is not None and (statement.level == level or (level <= 2 and statement.level <= 2))
