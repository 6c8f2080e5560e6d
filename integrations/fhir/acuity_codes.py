"""How an acuity level is coded in the hospital's record.

LOINC 75636-1 is "Emergency severity index [ESI]", its answers are list LL3056-0. They belong to ESI alone:
another scale goes under a code that the site configures, never under this one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data_schemas import SCALES, AcuityScale

LOINC = "http://loinc.org"
ESI_CODE = "75636-1"
ESI_DISPLAY = "Emergency severity index [ESI]"
ESI_ANSWERS: dict[int, str] = {
    1: "LA21567-5",
    2: "LA21752-3",
    3: "LA21753-1",
    4: "LA21754-9",
    5: "LA21755-6",
}
"""Answer code by level; 1 is the most urgent (LOINC answer list LL3056-0)."""

TRIAGE_NOTE_CODE = "54094-8"
TRIAGE_NOTE_DISPLAY = "Emergency department Triage note"


class AcuityScaleError(ValueError):
    """A scale has no code of its own here, or was given the code of another scale."""


@dataclass(frozen=True)
class AcuityCoding:
    """The code of one scale at one site.

    ``answers`` are the codes of levels 1 to 5 in ``answer_system``; without them the level is an integer.

    Raises:
        AcuityScaleError: the code is ESI's, or answers lack their system.
    """

    system: str
    code: str
    display: str
    answers: tuple[str, str, str, str, str] | None = None
    answer_system: str | None = None

    def __post_init__(self) -> None:
        esi = (LOINC, tuple(ESI_ANSWERS.values()))
        if self.code == ESI_CODE and (self.answer_system, self.answers) != esi:
            raise AcuityScaleError(f"LOINC {ESI_CODE} means ESI and nothing else; configure another code")
        if (self.answers is None) != (self.answer_system is None):
            raise AcuityScaleError("answers and answer_system go together")

    @property
    def concept(self) -> dict[str, Any]:
        """``Observation.code``."""
        coding = {"system": self.system, "code": self.code, "display": self.display}
        return {"coding": [coding], "text": self.display}

    def value(self, level: int, word: str) -> dict[str, Any]:
        """The ``value[x]`` element that says ``level``."""
        if self.answers is None:
            return {"valueInteger": level}
        coding = {"system": self.answer_system, "code": self.answers[level - 1]}
        return {"valueCodeableConcept": {"coding": [coding], "text": f"Level {level}: {word}"}}

    def level_of(self, observation: Mapping[str, Any]) -> int | None:
        """The level that an Observation under this code says; None where it says none that we know."""
        if not self.describes(observation):
            return None
        if self.answers is None:
            value = observation.get("valueInteger")
            return (
                value if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 5 else None
            )
        concept = observation.get("valueCodeableConcept") or {}
        levels = {
            self.answers.index(coding["code"]) + 1
            for coding in concept.get("coding") or ()
            if coding.get("system") == self.answer_system and coding.get("code") in self.answers
        }
        return levels.pop() if len(levels) == 1 else None

    def describes(self, observation: Mapping[str, Any]) -> bool:
        """Whether an Observation carries this code."""
        return any(
            coding.get("system") == self.system and coding.get("code") == self.code
            for coding in (observation.get("code") or {}).get("coding") or ()
        )


_ESI_ANSWER_CODES = (ESI_ANSWERS[1], ESI_ANSWERS[2], ESI_ANSWERS[3], ESI_ANSWERS[4], ESI_ANSWERS[5])
ESI_CODING = AcuityCoding(LOINC, ESI_CODE, ESI_DISPLAY, _ESI_ANSWER_CODES, LOINC)


def coding_for(scale: AcuityScale, site: Mapping[AcuityScale, AcuityCoding]) -> AcuityCoding:
    """The code under which a level of ``scale`` is written.

    Raises:
        AcuityScaleError: not ESI, and the site configured no code for it.
    """
    if scale is AcuityScale.ESI:
        return ESI_CODING
    if scale not in site or site[scale].code == ESI_CODE:
        raise AcuityScaleError(
            f"no code is configured for {scale} levels, and LOINC {ESI_CODE} is for ESI only; "
            f"configure the site's own code for {scale}"
        )
    return site[scale]


def word_for(scale: AcuityScale, level: int) -> str:
    """What the scale calls the level."""
    return SCALES[scale].words[level - 1]
