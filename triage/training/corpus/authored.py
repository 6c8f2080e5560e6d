"""Teaching cases that ship with the project: invented arrivals, each with its level, the path to it and why.

Written for this project by its authors (Apache-2.0) after the logic of the ESI handbooks, v4 and v5; no sentence is
taken from them. A vignette is read as any other (see ``vignettes``): the level, the path and the reason never reach it.
"""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Self

from pydantic import Field, ValidationError, model_validator

from data_schemas._base import Frozen
from data_schemas.acuity import AcuityLevel, AcuityScale
from triage.training.corpus import vignettes
from triage.training.corpus.case import LabelledCase
from triage.training.corpus.tables import CorpusError

DATASET = "authored"


class AuthoredCase(Frozen):
    """One line of ``authored/*.jsonl``: what is told at the desk, and what it teaches.

    ``resources``: different types of ESI resources expected (2: two or more). ``danger_zone``: a vital sign is in the
    handbook's danger zone. The path must lead to the level: life-saving means 1, high risk without it 2; the rest by
    resources, where a danger zone may raise a 3 to 2.
    """

    case_id: str = Field(min_length=3)
    vignette: str = Field(min_length=20)
    acuity: AcuityLevel
    life_saving: bool
    high_risk: bool
    resources: int = Field(ge=0, le=2)
    danger_zone: bool
    why: str = Field(min_length=10)

    @model_validator(mode="after")
    def _path_leads_to_the_level(self) -> Self:
        if self.acuity not in self.reachable:
            raise ValueError("the path does not lead to the level")
        return self

    @property
    def reachable(self) -> frozenset[int]:
        """The levels that the path allows (ESI handbook, decision points A to D)."""
        if self.life_saving:
            return frozenset({1})
        if self.high_risk:
            return frozenset({2})
        if self.resources < 2:
            return frozenset({5 - self.resources})
        return frozenset({2, 3}) if self.danger_zone else frozenset({3})


def authored_cases() -> Iterator[AuthoredCase]:
    """Every shipped case, in the order of file and line.

    Raises:
        CorpusError: a line is not of the form, or an id is there twice; the message names file and line.
    """
    seen: set[str] = set()
    folder = files(__package__).joinpath("authored")
    for source in sorted(
        (item for item in folder.iterdir() if item.name.endswith(".jsonl")), key=lambda i: i.name
    ):
        for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), start=1):
            where = f"{source.name}, line {number}"
            if not line.strip():
                continue
            try:
                case = AuthoredCase.model_validate(json.loads(line))
            except json.JSONDecodeError as error:
                raise CorpusError(f"{where}: not JSON ({error.msg})") from None
            except ValidationError as error:
                first = error.errors()[0]
                raise CorpusError(
                    f"{where}: {'.'.join(map(str, first['loc']))} {first['msg']}".strip()
                ) from None
            if case.case_id in seen:
                raise CorpusError(f"{where}: {case.case_id} is there twice")
            seen.add(case.case_id)
            yield case


def read() -> Iterator[LabelledCase]:
    """Every shipped case as a labelled one, on the ESI scale; each is its own ``group``."""
    for case in authored_cases():
        yield LabelledCase(
            case_id=case.case_id,
            record=vignettes.to_record({"case_id": case.case_id, "vignette": case.vignette}),
            scale=AcuityScale.ESI,
            acuity=case.acuity,
            group=case.case_id,
            source=DATASET,
            resources_used=case.resources,
        )
