"""Invented ED arrivals that ship with the project, each with the level that the ESI handbooks ask for.

The levels are the authors' judgement by the handbooks' logic; they are for demonstration and regression, not for
measuring accuracy (curated vignettes flatter every model).
"""

import json
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from data_schemas import AcuityLevel, DecisionPoint, EsiVersion, FactKind, QualityIssue
from data_schemas._base import Frozen

__all__ = ["Sample", "samples"]


class Sample(Frozen):
    """One arrival: a FHIR R4 transaction Bundle and what is expected of whoever reads and triages it.

    ``special`` names what is deliberately odd in the record. ``findings`` and ``missing`` are the quality issues and
    the expected facts that an intake reader should name, besides ``QualityIssue.MISSING`` itself.
    """

    id: str
    file: str
    title: str
    arrived_at: datetime
    levels: dict[EsiVersion, AcuityLevel]
    decision_points: dict[EsiVersion, DecisionPoint]
    source: str
    why: str
    special: str | None = None
    findings: tuple[QualityIssue, ...] = ()
    missing: tuple[FactKind, ...] = ()

    def raw(self) -> str:
        """The Bundle's JSON text exactly as shipped."""
        return files(__name__).joinpath(self.file).read_text(encoding="utf-8")

    def bundle(self) -> dict[str, Any]:
        """The Bundle, a new copy at each call. It only puts resources under fixed ids: loading twice adds nothing."""
        parsed: dict[str, Any] = json.loads(self.raw())
        return parsed

    def expected_level(self, version: EsiVersion) -> int:
        """The ESI level, 1 (most urgent) to 5, that this arrival should get under ``version``."""
        return self.levels[version]

    def decision_point(self, version: EsiVersion) -> DecisionPoint:
        """The step of the algorithm that settles the level under ``version``."""
        return self.decision_points[version]


@cache
def samples() -> tuple[Sample, ...]:
    """Every sample arrival, in the order of its id (not of arrival)."""
    rows = yaml.safe_load(files(__name__).joinpath("samples.yaml").read_text(encoding="utf-8"))
    return tuple(Sample.model_validate(row) for row in rows)
