"""The second look: the same case asked again in other ways, and whether the answers agree."""

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from data_schemas._base import Frozen
from data_schemas.acuity import AcuityLevel


class Doubt(StrEnum):
    """Why a case is looked at twice."""

    RULES_DISAGREE = "rules-disagree"
    """Two levels or more between model and rules, or the border between levels 2 and 3."""
    WIDE_SET = "wide-set"
    FLOOR_MOVED_LEVEL = "floor-moved-level"
    UNDECIDED = "undecided"
    """The probabilities are spread over many levels."""
    UNREAD_TEXT = "unread-text"
    SUSPICIOUS_TEXT = "suspicious-text"
    """The text says how urgent the patient is, or speaks to a program."""
    FOREIGN_TEXT = "foreign-text"
    UNUSUAL_VALUES = "unusual-values"
    """Beyond what the model was trained on."""
    NO_COMPLAINT = "no-complaint"


class Way(StrEnum):
    """How the case is put again. The first three hold the same facts, the others leave some out."""

    WITHOUT_RULES = "without-rules"
    REORDERED = "reordered"
    ANOTHER_MODEL = "another-model"
    WITHOUT_VITAL_SIGNS = "without-vital-signs"
    WITHOUT_HISTORY = "without-history"
    WITHOUT_NOTE = "without-note"


SAME_FACTS = frozenset({Way.WITHOUT_RULES, Way.REORDERED, Way.ANOTHER_MODEL})


class LookVerdict(StrEnum):
    """What came of the second look."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    NOT_DONE = "not-done"


class Look(Frozen):
    """One answer: the level by the same calibration and thresholds, and the probability of level 1 or 2."""

    way: Way
    level: AcuityLevel
    high: float = Field(ge=0.0, le=1.0)
    model: str | None = None
    """Which model answered, where it is another one."""


class SecondLook(Frozen):
    """Why the case was asked again, what was answered, and whether it agrees.

    ``spread`` is the number of levels between the most and the least urgent answer, ``spread_high`` the same of the
    probability of level 1 or 2; both include the first answer (``first_level``, ``first_high``). ``not_done`` says why
    there is no answer; with ``NOT_DONE`` there is none at all, else only some are missing. ``against`` names the
    answers that disagree. A second look never makes a suggestion less urgent.
    """

    why: tuple[Doubt, ...] = Field(min_length=1)
    first_level: AcuityLevel
    first_high: float = Field(ge=0.0, le=1.0)
    looks: tuple[Look, ...] = ()
    verdict: LookVerdict
    against: tuple[Way, ...] = ()
    not_done: str | None = None

    @property
    def spread(self) -> int:
        """Levels between the most and the least urgent answer."""
        levels = [self.first_level, *(look.level for look in self.looks)]
        return max(levels) - min(levels)

    @property
    def spread_high(self) -> float:
        """The same of the probability of level 1 or 2."""
        high = [self.first_high, *(look.high for look in self.looks)]
        return max(high) - min(high)

    @property
    def most_urgent(self) -> int:
        """The most urgent of all answers."""
        return min([self.first_level, *(look.level for look in self.looks)])

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.verdict is LookVerdict.NOT_DONE) != (not self.looks):
            raise ValueError("a second look is not done exactly when it has no answer")
        if self.verdict is LookVerdict.NOT_DONE and self.not_done is None:
            raise ValueError("a second look that was not done says why")
        if bool(self.against) != (self.verdict is LookVerdict.DISAGREES):
            raise ValueError("a second look disagrees exactly when an answer does")
        if not set(self.against) <= {look.way for look in self.looks}:
            raise ValueError("only an answer that is there can disagree")
        return self
