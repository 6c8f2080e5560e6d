"""Acuity scales. On every scale 1 is the most urgent level."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from data_schemas._base import Frozen

AcuityLevel = Annotated[int, Field(ge=1, le=5, description="1 is the most urgent, 5 the least.")]

LEVELS: tuple[int, ...] = (1, 2, 3, 4, 5)


class AcuityScale(StrEnum):
    """The scale a level is expressed on. Levels of different scales are never mixed silently."""

    ESI = "ESI"
    KTAS = "KTAS"
    CTAS = "CTAS"
    MTS = "MTS"
    ATS = "ATS"
    NHAMCS = "NHAMCS"
    """The level that the US survey recorded: mostly ESI, some three- and four-level scales recoded."""


class EsiVersion(StrEnum):
    """The handbook whose tables apply (v4: AHRQ 2012; v5: Emergency Nurses Association 2023)."""

    V4 = "4"
    V5 = "5"


class ScaleDefinition(Frozen):
    """What a scale calls its levels and how long a patient may wait for a physician.

    ``target_minutes`` is empty where the scale sets none (ESI): reassessment is then configuration.
    """

    scale: AcuityScale
    words: tuple[str, str, str, str, str]
    target_minutes: tuple[int, int, int, int, int] | None
    source: str


_WORDS = ("resuscitation", "emergent", "urgent", "less urgent", "non-urgent")

SCALES: dict[AcuityScale, ScaleDefinition] = {
    definition.scale: definition
    for definition in (
        ScaleDefinition(
            scale=AcuityScale.ESI,
            words=_WORDS,
            target_minutes=None,
            source="Emergency Severity Index handbook v4 (AHRQ 2012) and v5 (ENA 2023)",
        ),
        ScaleDefinition(
            scale=AcuityScale.KTAS,
            words=_WORDS,
            target_minutes=(0, 15, 30, 60, 120),
            source="Korean Triage and Acuity Scale, after CTAS",
        ),
        ScaleDefinition(
            scale=AcuityScale.CTAS,
            words=_WORDS,
            target_minutes=(0, 15, 30, 60, 120),
            source="Canadian Triage and Acuity Scale",
        ),
        ScaleDefinition(
            scale=AcuityScale.MTS,
            words=("immediate", "very urgent", "urgent", "standard", "non-urgent"),
            target_minutes=(0, 10, 60, 120, 240),
            source="Manchester Triage System",
        ),
        ScaleDefinition(
            scale=AcuityScale.ATS,
            words=(
                "immediately life-threatening",
                "imminently life-threatening",
                "potentially life-threatening",
                "potentially serious",
                "less urgent",
            ),
            target_minutes=(0, 10, 30, 60, 120),
            source="Australasian Triage Scale",
        ),
        ScaleDefinition(
            scale=AcuityScale.NHAMCS,
            words=("immediate", "emergent", "urgent", "semi-urgent", "non-urgent"),
            target_minutes=None,
            source="CDC/NCHS NHAMCS emergency department public-use file documentation",
        ),
    )
}


def most_urgent(*levels: int) -> int:
    """The most urgent of ``levels``: the smallest number, on every scale.

    Raises:
        ValueError: no level was given.
    """
    return min(levels)


def is_more_urgent(level: int, than: int) -> bool:
    """Whether ``level`` is strictly more urgent than ``than``."""
    return level < than
