"""How a true claim is made of a record and how it is made false, kind by kind, with a check of each falsehood.

Written apart from ``triage.verifying`` on purpose (see ``planted``).
"""

import random
import re
from collections.abc import Sequence
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from data_schemas import (
    AcuityScale,
    Check,
    Claim,
    Direction,
    EsiVersion,
    Fact,
    FactKind,
    IntakeRecord,
    Screening,
)
from eval.citations.phrases import NUMBERS, phrase, plain, said
from triage.guidelines import GuidelineLibrary


class Pair(NamedTuple):
    """A true claim and a false one that differs in one thing."""

    true: Claim
    false: Claim


_DAYS = {"d": Decimal(1), "wk": Decimal(7), "mo": Decimal("30.4375"), "a": Decimal("365.25")}
_PREGNANCY = re.compile(
    r"pregnan|gravid|gestation|part(?:um|al)|birth|labou?r|deliver|period|lmp|miscarr|abort|eclamp|c.section|fet(?:al|us)"
    r"|foet|contraction|water(?:s)? broke|crowning|iup|ega|puerper|wks|weeks|mother|baby",
    re.IGNORECASE,
)
_DENIAL = re.compile(
    r"\b(?:no|not|den\w+|without|w/o|never|neg\w*|nor|none|free|absen\w*|resolved|if|family|mother|father|history|hx|"
    r"unlikely|stopped|lack\w*|prior|previous\w*|ago|risk|r/o|possible|n't|rule|screen|\?)",
    re.IGNORECASE,
)
_DENIED_FINDING = re.compile(
    r"\b(?:denies|no) ((?:chest pain|abdominal pain|fever|vomiting|nausea|headache|rash|cough|bleeding|weakness|"
    r"stridor|rigors|syncope|dyspn\w+|swelling|numbness))\b",
    re.IGNORECASE,
)
_FINDING = re.compile(
    r"\b(chest pain|abdominal pain|back pain|headache|fever|vomiting|cough|nausea|rash|shortness of breath|dyspnea|"
    r"dizziness|sore throat|laceration|weakness|seizure|syncope|diarrhea|palpitations|wheez\w+|hives|knee pain|"
    r"shoulder pain|leg pain|toothache|earache|vaginal bleeding|abd(?:\.|ominal)? pain|epigastric pain|neck pain|"
    r"anxiety|depression|swelling|dysuria|hematuria|melena|epistaxis|low back pain|ankle sprain|dyspnoea)\b",
    re.IGNORECASE,
)
_SWAPPED = {
    FactKind.TEMPERATURE: ("[degF]", "/min"),
    FactKind.HEART_RATE: ("mm[Hg]", "%"),
    FactKind.RESPIRATORY_RATE: ("%", "mm[Hg]"),
    FactKind.OXYGEN_SATURATION: ("/min", "mm[Hg]"),
    FactKind.SYSTOLIC_BP: ("kPa", "/min"),
    FactKind.DIASTOLIC_BP: ("kPa", "/min"),
    FactKind.GLUCOSE: ("mmol/L",),
    FactKind.WEIGHT: ("[lb_av]",),
}
_LATER = ("yesterday", "last week", "3 days ago", "2 hours ago", "last night")


def _numbers(record: IntakeRecord) -> list[Fact]:
    """The current facts with a number, ages apart."""
    return [
        f for f in record.facts if f.kind in NUMBERS and f.value is not None and record.first(f.kind) is f
    ]


def _pick(record: IntakeRecord, rng: random.Random) -> Fact | None:
    facts = _numbers(record)
    return rng.choice(facts) if facts else None


def _number_of(fact: Fact) -> Decimal:
    if fact.value is None:
        raise ValueError(f"a {fact.kind.value} without a number cannot be planted")
    return fact.value


def _claim(fact: Fact, value: Decimal, rng: random.Random) -> Claim:
    """The value of a fact, as structure or as words."""
    if rng.random() < 0.5:
        return Claim(fact_id=fact.id, kind=fact.kind, value=value, unit=fact.unit)
    return Claim(fact_id=fact.id, text=phrase(fact.kind, value, rng))


def wrong_fact(record: IntakeRecord, rng: random.Random) -> Pair | None:
    """The same words, pointed at a fact of another kind."""
    fact = _pick(record, rng)
    others = [f for f in record.facts if fact is not None and f.kind is not fact.kind and f.kind in NUMBERS]
    if fact is None or not others:
        return None
    true = _claim(fact, _number_of(fact), rng)
    return Pair(true, true.model_copy(update={"fact_id": rng.choice(others).id}))


def wrong_value(record: IntakeRecord, rng: random.Random) -> Pair | None:
    """A value that is off by a fifth or more (a temperature by half a degree), or another code."""
    coded = [
        f for f in record.facts if f.kind in {FactKind.AVPU, FactKind.SEX} and f.code not in {None, "unknown"}
    ]
    if coded and rng.random() < 0.15:
        fact = rng.choice(coded)
        codes = "ACVPU" if fact.kind is FactKind.AVPU else ("male", "female")
        other = rng.choice([code for code in codes if code != fact.code])
        true = Claim(fact_id=fact.id, kind=fact.kind, code=fact.code)
        return Pair(true, true.model_copy(update={"code": other}))
    found = _pick(record, rng)
    if found is None:
        return None
    value = _number_of(found)
    step = Decimal("0.5") if found.kind is FactKind.TEMPERATURE else max(Decimal(2), value * Decimal("0.2"))
    off = (step * Decimal(rng.choice((1, 1, 2, 3)))).quantize(Decimal("0.1"), ROUND_HALF_UP)
    changed = value + off if rng.random() < 0.5 else value - off
    if found.kind is not FactKind.TEMPERATURE:
        changed = changed.quantize(Decimal(1), ROUND_HALF_UP)
    if changed < 0:
        changed = value + off.quantize(Decimal(1), ROUND_HALF_UP) + 1
    structured = rng.random() < 0.5
    if structured:
        true = Claim(fact_id=found.id, kind=found.kind, value=value, unit=found.unit)
        return Pair(true, true.model_copy(update={"value": changed}))
    pattern = rng.choice(NUMBERS[found.kind])
    return Pair(
        Claim(fact_id=found.id, text=pattern.format(plain(value))),
        Claim(fact_id=found.id, text=pattern.format(plain(changed))),
    )


def wrong_unit(record: IntakeRecord, rng: random.Random) -> Pair | None:
    """The number as it is, in a unit that it is not in; the true claim is sometimes converted as it should be."""
    facts = [f for f in _numbers(record) if f.kind in _SWAPPED]
    if not facts:
        return None
    fact = rng.choice(facts)
    value, unit = _number_of(fact), rng.choice(_SWAPPED[fact.kind])
    if fact.kind is FactKind.TEMPERATURE and rng.random() < 0.4:
        fahrenheit = (value * 9 / 5 + 32).quantize(Decimal("0.1"), ROUND_HALF_UP)
        if rng.random() < 0.5:
            true = Claim(fact_id=fact.id, kind=fact.kind, value=fahrenheit, unit="[degF]")
            return Pair(true, true.model_copy(update={"unit": "Cel"}))
        words = f"temperature {plain(fahrenheit)}"
        return Pair(Claim(fact_id=fact.id, text=f"{words} °F"), Claim(fact_id=fact.id, text=f"{words} °C"))
    if rng.random() < 0.5:
        true = Claim(fact_id=fact.id, kind=fact.kind, value=value, unit=fact.unit)
        return Pair(true, true.model_copy(update={"unit": unit}))
    return Pair(
        Claim(fact_id=fact.id, text=said(fact.kind, value, fact.unit or "")),
        Claim(fact_id=fact.id, text=said(fact.kind, value, unit)),
    )


def wrong_side(record: IntakeRecord, rng: random.Random) -> Pair | None:
    """Above for below and the other way round, with a limit or with the word for it."""
    fact = _pick(record, rng)
    if fact is None:
        return None
    value, age = _number_of(fact), record.age_years
    words = {
        FactKind.HEART_RATE: ("tachycardic", "not tachycardic", value > 100),
        FactKind.RESPIRATORY_RATE: ("tachypnoeic", "not tachypnoeic", value > 20),
        FactKind.SYSTOLIC_BP: ("hypotensive", "not hypotensive", value < 90),
        FactKind.OXYGEN_SATURATION: ("hypoxic", "not hypoxic", value < 92),
    }
    if fact.kind in words and age is not None and age >= 16 and rng.random() < 0.3:
        yes, no, holds = words[fact.kind]
        pair = Claim(fact_id=fact.id, text=yes), Claim(fact_id=fact.id, text=no)
        return Pair(*pair) if holds else Pair(pair[1], pair[0])
    gap = Decimal("0.5") if fact.kind is FactKind.TEMPERATURE else Decimal(rng.choice((1, 5, 20)))
    limit = value - gap if rng.random() < 0.5 else value + gap
    right, wrong = (Direction.ABOVE, Direction.BELOW) if value > limit else (Direction.BELOW, Direction.ABOVE)
    if limit < 0:
        return None
    if rng.random() < 0.5:
        true = Claim(fact_id=fact.id, kind=fact.kind, direction=right, limit=limit)
        return Pair(true, true.model_copy(update={"direction": wrong}))
    start = phrase(fact.kind, value, rng)
    over, under = rng.choice((("above", "below"), ("more than", "less than"), ("over", "under"), (">", "<")))
    say = {Direction.ABOVE: over, Direction.BELOW: under}
    return Pair(
        Claim(fact_id=fact.id, text=f"{start}, {say[right]} {plain(limit)}"),
        Claim(fact_id=fact.id, text=f"{start}, {say[wrong]} {plain(limit)}"),
    )


def wrong_denial(record: IntakeRecord, rng: random.Random) -> Pair | None:
    """A finding of complaint or note, affirmed where it is denied or denied where it is affirmed."""
    facts = [f for f in record.facts if f.kind in {FactKind.CHIEF_COMPLAINT, FactKind.TRIAGE_NOTE}]
    if not facts:
        return None
    fact = rng.choice(facts)
    denied = [match[1] for match in _DENIED_FINDING.finditer(fact.text)]
    affirmed = [] if _DENIAL.search(fact.text) else [match[1] for match in _FINDING.finditer(fact.text)]
    if denied and (not affirmed or rng.random() < 0.5):
        words, present = rng.choice(denied), False
        others = " ".join(f.text for f in facts if f is not fact)
        if words.lower() in (fact.text.lower().replace(f"no {words.lower()}", "") + others.lower()).replace(
            f"denies {words.lower()}", ""
        ):
            return None
    elif affirmed:
        words, present = rng.choice(affirmed), True
    else:
        return None
    if rng.random() < 0.5:
        true = Claim(fact_id=fact.id, finding=words, present=present)
        return Pair(true, true.model_copy(update={"present": not present}))
    yes = rng.choice((f"The patient has {words}", words, f"Complains of {words}"))
    no = rng.choice((f"Denies {words}", f"No {words}"))
    pair = Claim(fact_id=fact.id, text=yes), Claim(fact_id=fact.id, text=no)
    return Pair(*pair) if present else Pair(pair[1], pair[0])


def wrong_time(record: IntakeRecord, rng: random.Random) -> Pair | None:
    """Observed at another time, before it was, or on another day; a fact without a time has none to claim."""
    fact = _pick(record, rng)
    if fact is None:
        return None
    if rng.random() < 0.4:
        words = phrase(fact.kind, _number_of(fact), rng)
        return Pair(
            Claim(fact_id=fact.id, text=words), Claim(fact_id=fact.id, text=f"{words} {rng.choice(_LATER)}")
        )
    at, off = fact.observed_at, timedelta(hours=rng.choice((1, 3, 26, 72)))
    if at is None:
        true = Claim(fact_id=fact.id, kind=fact.kind, value=fact.value)
        return Pair(true, true.model_copy(update={"observed_at": record.read_at - off}))
    if rng.random() < 0.5:
        true = Claim(fact_id=fact.id, kind=fact.kind, observed_at=at)
        return Pair(true, true.model_copy(update={"observed_at": at + rng.choice((off, -off))}))
    true = Claim(fact_id=fact.id, kind=fact.kind, observed_after=at - off)
    return Pair(true, Claim(fact_id=fact.id, kind=fact.kind, observed_before=at - off))


def another_patient(record: IntakeRecord, rng: random.Random, records: Sequence[IntakeRecord]) -> Pair | None:
    """The visit or the source element of somebody else, or a relative's value."""
    fact, other = _pick(record, rng), rng.choice(records)
    if fact is None or other.encounter_key == record.encounter_key:
        return None
    way = rng.random()
    if way < 0.3:
        words = phrase(fact.kind, _number_of(fact), rng)
        return Pair(
            Claim(fact_id=fact.id, text=words),
            Claim(fact_id=fact.id, text=f"The {rng.choice(('mother', 'brother', 'wife'))}'s {words}"),
        )
    theirs = other.first(fact.kind)
    if way < 0.65 and theirs is not None and theirs.source.resource_id is not None:
        true = Claim(fact_id=fact.id, kind=fact.kind, value=fact.value, source=fact.source)
        return Pair(true, true.model_copy(update={"source": theirs.source}))
    true = Claim(fact_id=fact.id, kind=fact.kind, value=fact.value, encounter_key=record.encounter_key)
    return Pair(true, true.model_copy(update={"encounter_key": other.encounter_key}))


def statement_claim(screening: Screening, rng: random.Random) -> Claim | None:
    """A statement that the rules found to hold, on the facts that make it hold."""
    found = [finding for finding in screening.findings if finding.fact_ids]
    if not found:
        return None
    finding = rng.choice(found)
    first, *rest = finding.fact_ids
    return Claim(fact_id=first, with_facts=tuple(rest), statement_id=finding.statement.id)


def out_of_age(
    true: Claim | None, record: IntakeRecord, rng: random.Random, library: GuidelineLibrary
) -> Pair | None:
    """A statement about people of another age."""
    years = _age_in_days(record)
    if true is None or years is None:
        return None
    others = [s.id for s in library if _outside(s.scope.age, years)]
    return Pair(true, true.model_copy(update={"statement_id": rng.choice(others)})) if others else None


def not_pregnant(
    true: Claim | None, record: IntakeRecord, rng: random.Random, library: GuidelineLibrary
) -> Pair | None:
    """A statement about pregnancy for somebody who is not pregnant, of an age that it is about."""
    days = _age_in_days(record)
    if true is None or days is None:
        return None
    about = [
        s.id
        for s in library
        if re.search(r"pregnan|postpartum|eclampsia", s.id) and not _outside(s.scope.age, days)
    ]
    return Pair(true, true.model_copy(update={"statement_id": rng.choice(about)})) if about else None


def other_scale(true: Claim | None, rng: random.Random, library: GuidelineLibrary) -> Pair | None:
    """A statement of the ESI quoted for another scale, or for another version of the handbook."""
    if true is None:
        return None
    other = next(version for version in EsiVersion if version is not library.version)
    if rng.random() < 0.4:
        stated = true.model_copy(update={"esi_version": library.version})
        return Pair(stated, stated.model_copy(update={"esi_version": other}))
    stated = true.model_copy(update={"scale": AcuityScale.ESI})
    scale = rng.choice((AcuityScale.KTAS, AcuityScale.CTAS, AcuityScale.MTS, AcuityScale.ATS))
    return Pair(stated, stated.model_copy(update={"scale": scale}))


def really_false(kind: Check, pair: Pair, record: IntakeRecord, library: GuidelineLibrary) -> bool:
    """Whether the changed claim is false of this record, told from the record's plain values."""
    true, false = pair
    fact = record.fact(false.fact_id or "")
    if false == true or fact is None:
        return False
    held = {(f.kind, f.value) for f in record.facts}
    match kind:
        case Check.FACT:
            right = record.fact(true.fact_id or "")
            return right is not None and right.kind is not fact.kind and fact.kind in NUMBERS
        case Check.VALUE if false.code is not None:
            return false.code != fact.code
        case Check.VALUE:
            number = false.value if false.value is not None else _number_in(false.text or "")
            return number is not None and all(
                abs(value - number) >= Decimal("0.5")
                for k, value in held
                if k is fact.kind and value is not None
            )
        case Check.UNIT:
            return false.unit != true.unit or false.text != true.text
        case Check.TIME:
            at = false.observed_at
            return (
                at is None or fact.observed_at is None or abs(at - fact.observed_at) >= timedelta(minutes=30)
            )
        case Check.PATIENT if false.source is not None:
            own = {(f.source.resource_type, f.source.resource_id) for f in record.facts}
            return (false.source.resource_type, false.source.resource_id) not in own
        case Check.PATIENT:
            return false.text is not None or false.encounter_key != record.encounter_key
        case Check.AGE:
            statement, days = library.by_id(false.statement_id or ""), _age_in_days(record)
            return statement is not None and days is not None and _outside(statement.scope.age, days)
        case Check.PREGNANCY:
            if record.code(FactKind.PREGNANCY) in {"pregnant", "postpartum"}:
                return False
            return not any(_PREGNANCY.search(f.text) for f in record.facts if f.value is None)
        case _:
            return True  # side, denial and scale are opposites of what is true


def _number_in(text: str) -> Decimal | None:
    found = re.findall(r"(?<![A-Za-z\d])\d+(?:\.\d+)?", text)
    return Decimal(found[0]) if found else None


def _age_in_days(record: IntakeRecord) -> Decimal | None:
    fact = record.first(FactKind.AGE)
    return None if fact is None or fact.value is None else fact.value * _DAYS[fact.unit or "a"]


def _outside(band: object, days: Decimal) -> bool:
    low, high = getattr(band, "min", None), getattr(band, "max", None)
    below = low is not None and days < low.value * _DAYS[low.unit]
    return below or (high is not None and days >= high.value * _DAYS[high.unit])
