"""From the fields of the form to what was entered, and to what has to be corrected or confirmed. No widgets here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from data_schemas import EXPECTED_FACTS, FactKind
from integrations.intake import UNITS, IntakeForm, Measured, Objection
from integrations.intake.checks import (
    AIR,
    age_in_years,
    check_gcs,
    check_length,
    check_oxygen,
    check_pressures,
    read_age,
    read_birth_date,
    read_number,
    unusual,
)
from integrations.intake.form import MAX_COMPLAINT, MAX_ITEM, MAX_ITEMS, MAX_NOTE

MISSING_WORDS = frozenset({"none", "nil", "no", "nka", "nkda", "ninguno", "ninguna", "nada", "-"})
"""Said in a list of conditions, medicines or allergies, these are no condition, medicine or allergy."""
PREGNANCY_YEARS = (Decimal(10), Decimal(60))
_GCS_PARTS = (FactKind.GCS_EYE, FactKind.GCS_VERBAL, FactKind.GCS_MOTOR)
_NAME = 80
_RECORD_NUMBER = 40


@dataclass(frozen=True)
class Collected:
    """What the fields hold; ``refused`` and ``asked`` by the field's name."""

    entered: Mapping[str, Any]
    refused: Mapping[str, Objection]
    asked: Mapping[str, Objection]
    missing: tuple[FactKind, ...]
    pregnancy_applies: bool = True

    @property
    def confirmable(self) -> frozenset[tuple[str, str]]:
        """The unusual values, each with its field: a confirmation of one number is none of another."""
        measured = self.entered["measured"]
        return frozenset((name, f"{measured[FactKind(name)]}") for name in self.asked)

    def form(self, **rest: Any) -> IntakeForm:
        """The form; ``rest`` is what does not come from its fields."""
        return IntakeForm(**self.entered, **rest)


def collect(values: Mapping[str, Any], today: date) -> Collected:
    """Read every field. ``values`` by the field's name; ``<kind>-unit`` holds a unit. Absent and empty are the same."""
    refused: dict[str, Objection] = {}
    asked: dict[str, Objection] = {}

    def kept(name: str, found: Any) -> Any:
        if isinstance(found, Objection):
            refused[name] = found
            return None
        return found

    born = kept("birth_date", read_birth_date(_words(values, "birth_date"), today))
    age = kept("age", read_age(_words(values, "age"), values.get("age-unit") or "a", born, today))
    years = age_in_years(born, age, today)
    measured: dict[FactKind, Measured] = {}
    for kind in UNITS:
        unit = values.get(f"{kind}-unit") or UNITS[kind][0]
        found = kept(kind.value, read_number(kind, _words(values, kind.value), unit))
        if found is not None:
            measured[kind] = found
    _oxygen(values, measured, kept)
    kept(
        FactKind.DIASTOLIC_BP.value,
        check_pressures(measured.get(FactKind.SYSTOLIC_BP), measured.get(FactKind.DIASTOLIC_BP)),
    )
    kept(FactKind.GCS.value, _coma_scale(measured))
    for kind, found in measured.items():
        question = unusual(kind, found, years)
        if question is not None and kind.value not in refused:
            asked[kind.value] = question
    sex = values.get("sex")
    applies = sex != "male" and (years is None or PREGNANCY_YEARS[0] <= years <= PREGNANCY_YEARS[1])
    entered = {
        "given": _text(values, "given", _NAME, kept),
        "family": _text(values, "family", _NAME, kept),
        "record_number": _text(values, "record_number", _RECORD_NUMBER, kept),
        "birth_date": born,
        "age": None if born is not None else age,
        "sex": sex,
        "pregnancy": values.get("pregnancy") if applies else None,
        "arrival_mode": values.get("arrival_mode"),
        "injury": values.get("injury"),
        "complaint": _text(values, "complaint", MAX_COMPLAINT, kept),
        "note": _text(values, "note", MAX_NOTE, kept),
        "measured": measured,
        "avpu": values.get("avpu"),
        "conditions": kept("conditions", _list(values, "conditions")) or (),
        "medications": kept("medications", _list(values, "medications")) or (),
        "allergies": kept("allergies", _list(values, "allergies")) or (),
        "no_known_allergies": bool(values.get("no_known_allergies")),
    }
    if entered["allergies"] and entered["no_known_allergies"]:
        refused["allergies"] = Objection("allergies-both")
    if entered["complaint"] is None and "complaint" not in refused:
        refused["complaint"] = Objection("complaint-needed")
    return Collected(entered, refused, asked, _missing(entered, measured), applies)


def is_empty(values: Mapping[str, Any]) -> bool:
    """Whether nothing was entered yet; units do not count."""
    return not any(value for name, value in values.items() if not name.endswith("-unit"))


def this_form(draft: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """The part of a form that its fields do not hold."""
    return {"token": draft["token"], "arrived_at": draft["begun"] or at, "measured_at": at}


def _oxygen(values: Mapping[str, Any], measured: dict[FactKind, Measured], kept: Any) -> None:
    """On room air the flow is 0, which somebody said; with oxygen it is what was typed; otherwise not known."""
    breathes, flow = values.get("breathes"), measured.get(FactKind.OXYGEN_FLOW)
    kept(FactKind.OXYGEN_FLOW.value, check_oxygen(breathes, flow))
    if breathes == AIR:
        measured[FactKind.OXYGEN_FLOW] = Measured(value=Decimal(0), unit="L/min")


def _coma_scale(measured: dict[FactKind, Measured]) -> Objection | None:
    """The total is made of its parts where all three are there and it was not typed."""
    parts = tuple(measured.get(kind) for kind in _GCS_PARTS)
    scores = [part.value for part in parts if part is not None]
    if FactKind.GCS not in measured and len(scores) == len(_GCS_PARTS):
        measured[FactKind.GCS] = Measured(value=sum(scores, Decimal(0)), unit="{score}")
    return check_gcs(measured.get(FactKind.GCS), parts)


def _missing(entered: Mapping[str, Any], measured: Mapping[FactKind, Measured]) -> tuple[FactKind, ...]:
    """What a triage nurse is expected to record and nobody entered."""
    known = set(measured)
    known |= {FactKind.AGE} if entered["birth_date"] or entered["age"] else set()
    known |= {FactKind.SEX} if entered["sex"] not in {None, "unknown"} else set()
    known |= {FactKind.AVPU} if entered["avpu"] else set()
    known |= {FactKind.CHIEF_COMPLAINT} if entered["complaint"] else set()
    return tuple(kind for kind in EXPECTED_FACTS if kind not in known)


def _words(values: Mapping[str, Any], name: str) -> str:
    return str(values.get(name) or "")


def _text(values: Mapping[str, Any], name: str, limit: int, kept: Any) -> str | None:
    words = _words(values, name).strip()
    too_long = check_length(words, limit)
    return kept(name, too_long) if too_long is not None else words or None


def _list(values: Mapping[str, Any], name: str) -> tuple[str, ...] | Objection:
    """Lines or pieces between semicolons, each once."""
    pieces = [piece.strip() for line in _words(values, name).splitlines() for piece in line.split(";")]
    items = {piece.casefold(): piece for piece in pieces if piece}
    if items.keys() & MISSING_WORDS:
        return Objection("none-in-list" if name != "allergies" else "none-in-allergies")
    if len(items) > MAX_ITEMS:
        return Objection("too-many", {"count": len(items), "limit": MAX_ITEMS})
    longest = max(map(len, items.values()), default=0)
    if longest > MAX_ITEM:
        return Objection("too-long", {"count": longest, "limit": MAX_ITEM})
    return tuple(items.values())
