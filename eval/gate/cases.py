"""The cases of the gate, read from ``cases.yaml``."""

import hashlib
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from data_schemas import AcuityLevel, AcuityScale, FactKind, FactSource, IntakeRecord
from data_schemas._base import Frozen
from data_schemas.intake import Fact
from triage.facts import make_fact
from triage.training.corpus.record import RecordBuilder

_FILE = Path(__file__).with_name("cases.yaml")
DATASET = "gate"

_NUMBERS = {
    "hr": FactKind.HEART_RATE,
    "rr": FactKind.RESPIRATORY_RATE,
    "spo2": FactKind.OXYGEN_SATURATION,
    "temp": FactKind.TEMPERATURE,
    "sbp": FactKind.SYSTOLIC_BP,
    "dbp": FactKind.DIASTOLIC_BP,
    "pain": FactKind.PAIN,
    "glucose": FactKind.GLUCOSE,
}
_CODES = {
    "sex": FactKind.SEX,
    "pregnancy": FactKind.PREGNANCY,
    "arrival": FactKind.ARRIVAL_MODE,
    "injury": FactKind.INJURY,
    "avpu": FactKind.AVPU,
    "immunisation": FactKind.IMMUNISATION,
}
_TEXTS = {"complaint": FactKind.CHIEF_COMPLAINT, "note": FactKind.TRIAGE_NOTE}
_LISTS = {
    "conditions": FactKind.CONDITION,
    "medications": FactKind.MEDICATION,
    "allergies": FactKind.ALLERGY,
}


class GateError(ValueError):
    """The gate cannot be held: its files are broken, changed or missing. Names the file and the remedy."""


class GateCase(Frozen):
    """An invented arrival with its level by the ESI handbooks, v5 and v4 alike, and why.

    ``point``: the decision point that settles the level. ``resources``: different types expected (2: two or more),
    given where they settle it. Vital signs are in canonical units (temperature in degrees Celsius, glucose in mg/dL);
    ``age`` is a number and one of d, wk, mo, a. What is not given was not recorded.
    """

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)+$")
    level: AcuityLevel
    point: Literal["A", "B", "C", "D"]
    resources: Literal[0, 1, 2] | None = None
    why: str = Field(min_length=8)
    age: str = Field(pattern=r"^[1-9]\d* (d|wk|mo|a)$")
    sex: str
    complaint: str
    note: str
    pregnancy: str | None = None
    arrival: str | None = None
    injury: str | None = None
    immunisation: str | None = None
    avpu: str | None = None
    hr: Decimal | None = None
    rr: Decimal | None = None
    spo2: Decimal | None = None
    temp: Decimal | None = None
    sbp: Decimal | None = None
    dbp: Decimal | None = None
    pain: Decimal | None = None
    glucose: Decimal | None = None
    conditions: tuple[str, ...] = ()
    medications: tuple[str, ...] = ()
    allergies: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _path_leads_to_the_level(self) -> Self:
        by_resources = None if self.resources is None else 5 - self.resources
        leads = {
            "A": self.level == 1,
            "B": self.level == 2,
            "C": self.level == by_resources,
            "D": self.level == 2,
        }
        if not leads[self.point]:
            raise ValueError(f"decision point {self.point} does not lead to level {self.level}")
        return self

    @property
    def case_id(self) -> str:
        """The case's id."""
        return self.id

    @property
    def record(self) -> IntakeRecord:
        """What is known at triage; the level, the path and the reason never reach it."""
        builder = RecordBuilder(DATASET, self.id)
        builder.add(*self._facts())
        return builder.build()

    def _facts(self) -> Iterator[Fact]:
        number, unit = self.age.split()
        yield make_fact(1, FactKind.AGE, value=Decimal(number), unit=unit, source=_source("age"))
        for name, kind in _CODES.items():
            code = getattr(self, name)
            if code is not None:
                yield make_fact(1, kind, code=code, source=_source(name))
        for name, kind in _NUMBERS.items():
            value = getattr(self, name)
            if value is not None:
                yield make_fact(1, kind, value=value, source=_source(name))
        for name, kind in _TEXTS.items():
            yield make_fact(1, kind, text=getattr(self, name), source=_source(name))
        for name, kind in _LISTS.items():
            for text in getattr(self, name):
                yield make_fact(1, kind, text=text, source=_source(name))


SCALE = AcuityScale.ESI


@cache
def gate_cases() -> tuple[GateCase, ...]:
    """The shipped cases.

    Raises:
        GateError: the shipped file is broken.
    """
    return read_cases(_FILE)


def cases_sha256() -> str:
    """The hash of the shipped file of cases."""
    return hashlib.sha256(_FILE.read_bytes()).hexdigest()


def read_cases(path: Path) -> tuple[GateCase, ...]:
    """The cases of a file of the shipped one's form.

    Raises:
        GateError: not of the form, or an id is there twice; names the case.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    found: dict[str, GateCase] = {}
    for item in content["cases"]:
        try:
            case = GateCase.model_validate(item)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise GateError(f"{path.name}, {item.get('id', 'a case')}: {where} {first['msg']}") from None
        if case.id in found:
            raise GateError(f"{path.name}: {case.id} is there twice; give each case its own id")
        found[case.id] = case
    return tuple(found.values())


def _source(column: str) -> FactSource:
    return FactSource(resource_type=DATASET, path=column)
