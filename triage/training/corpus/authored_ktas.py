"""Invented arrivals at another hospital, as a Korean triage nurse types them, each with its KTAS level and why.

Written for this project by its authors (Apache-2.0) after the modifiers of CTAS, on which KTAS is built: first order
(respiratory distress, haemodynamic stability, consciousness, temperature, bleeding disorder, mechanism, pain) and
second order (of one complaint). Read through the record builder of ``ktas``, so that the prompt is that of a KTAS row.
Source of the modifiers: Bullard MJ et al., CJEM 2008;10(2):136-151 and CJEM 2017;19(S2):S18-S27.
"""

import json
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from data_schemas._base import Frozen
from data_schemas.acuity import AcuityLevel, AcuityScale
from triage.training.corpus import ktas
from triage.training.corpus.case import LabelledCase
from triage.training.corpus.tables import CorpusError, Row

DATASET = "authored_ktas"


class AuthoredKtas(Frozen):
    """One line of ``authored_ktas/*.jsonl``.

    Age in years, or of infants in months. ``nrs_pain``: 0-10, 0 for no pain; None where it was not or could not be
    asked. Pressures in mm[Hg], ``pulse`` and ``resp_rate`` a minute, ``temp_c`` in degrees Celsius, ``spo2`` in per
    cent; None where not measured. ``level`` is KTAS, ``why`` names the modifier that decides it.
    """

    case_id: str = Field(min_length=3)
    sex: Literal["female", "male"]
    age_years: int | None = Field(default=None, ge=1, le=110)
    age_months: int | None = Field(default=None, ge=0, le=23)
    arrival_mode: Literal[
        "private vehicle",
        "public ambulance",
        "private ambulance",
        "walking",
        "wheelchair",
        "public transportation",
        "police",
        "other",
    ]
    injury: bool
    chief_complaint: str = Field(min_length=2, max_length=80)
    avpu: Literal["alert", "verbal", "pain", "unresponsive"]
    nrs_pain: int | None = Field(ge=0, le=10)
    sbp: int | None = Field(ge=0, le=300)
    dbp: int | None = Field(ge=0, le=200)
    pulse: int | None = Field(ge=0, le=260)
    resp_rate: int | None = Field(ge=0, le=90)
    temp_c: float | None = Field(ge=25, le=43)
    spo2: int | None = Field(ge=0, le=100)
    level: AcuityLevel
    why: str = Field(min_length=10)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.age_years is None) == (self.age_months is None):
            raise ValueError("give age_years or age_months, one of them")
        if (self.sbp is None) != (self.dbp is None):
            raise ValueError("give both pressures or neither")
        if self.sbp is not None and self.dbp is not None and not (self.dbp < self.sbp or self.sbp == 0):
            raise ValueError("diastolic pressure is not below systolic")
        return self

    def row(self) -> Row:
        """What the desk knows, in the columns of ``ktas.TRIAGE_COLUMNS`` (and ``age_months``); no level, no reason."""
        pain = self.nrs_pain
        return {
            "case_id": self.case_id,
            "sex": self.sex,
            "age_years": self.age_years,
            "age_months": self.age_months,
            "arrival_mode": self.arrival_mode,
            "injury": "yes" if self.injury else "no",
            "chief_complaint": self.chief_complaint,
            "avpu": self.avpu,
            "pain_present": None if pain is None else "yes" if pain else "no",
            "pain_0_10": pain or None,
            "sbp": self.sbp,
            "dbp": self.dbp,
            "pulse": self.pulse,
            "resp_rate": self.resp_rate,
            "temp_c": self.temp_c,
            "spo2": self.spo2,
        }


def authored_ktas_cases(folder: Traversable | None = None) -> Iterator[AuthoredKtas]:
    """Every case of ``folder`` (the shipped one where None), in the order of file and line.

    Raises:
        CorpusError: a line is not of the form, or an id is there twice; the message names file and line.
    """
    folder = files(__package__).joinpath("authored_ktas") if folder is None else folder
    seen: set[str] = set()
    sources = sorted(
        (item for item in folder.iterdir() if item.name.endswith(".jsonl")), key=lambda i: i.name
    )
    for source in sources:
        for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), start=1):
            if not line.strip():
                continue
            case = _case(line, f"{source.name}, line {number}")
            if case.case_id in seen:
                raise CorpusError(f"{source.name}, line {number}: {case.case_id} is there twice")
            seen.add(case.case_id)
            yield case


def read() -> Iterator[LabelledCase]:
    """Every shipped case as a labelled one, on the KTAS scale; each is its own ``group``."""
    for case in authored_ktas_cases():
        yield LabelledCase(
            case_id=case.case_id,
            record=ktas.to_record(case.row()),
            scale=AcuityScale.KTAS,
            acuity=case.level,
            group=case.case_id,
            source=DATASET,
        )


def _case(line: str, where: str) -> AuthoredKtas:
    try:
        return AuthoredKtas.model_validate(json.loads(line))
    except json.JSONDecodeError as error:
        raise CorpusError(f"{where}: not JSON ({error.msg})") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise CorpusError(f"{where}: {'.'.join(map(str, first['loc']))} {first['msg']}".strip()) from None
