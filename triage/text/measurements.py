"""Numbers in prose: vital signs, pain, coma scale, glucose, weight, oxygen.

Every pattern wants the name of the sign beside the number, so a dose, a duration or an address is never a sign. A
range ("90 to 91 %"), a rounded decade ("in the 140s") and anything said of another time or person is not taken.
"""

import re
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal

from data_schemas.intake import CANONICAL_UNITS, FactKind
from triage.text.mention import Mention, is_about_now, sentence_around

_LINK = r"[\s:=,.]*(?:(?:is|was|are|of|at|reads?|reading|now|currently|to be|a rate of)\b[\s:=]*){0,3}"
_END = r"(?![\d.]*\d|s\b|\s*(?:-|\u2013|\u2014|to)\s*\d)"
_DEGREE = r"(?:\s*(?:\u00b0|\u02da|\u00ba|degrees?|deg\.?)\s*)?"

_SIMPLE: tuple[tuple[FactKind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (
            FactKind.HEART_RATE,
            rf"\b(?:HR|heart ?rate|pulse(?: rate)?(?: is (?:tachycardic|bradycardic|regular|irregular))?){_LINK}"
            rf"(\d{{1,3}}){_END}(?!\s*/)",
        ),
        (
            FactKind.RESPIRATORY_RATE,
            rf"\b(?:RR|resp(?:iratory)?\.? rate|resps?|respirations?){_LINK}(\d{{1,3}}){_END}(?!\s*/\s*\d)",
        ),
        (
            FactKind.OXYGEN_SATURATION,
            rf"\b(?:SpO2|SaO2|(?:O2|oxygen) sat(?:uration|s)?(?: level)?|pulse ox(?:imetry)?|sats?|saturation)"
            rf"{_LINK}(\d{{1,3}}(?:\.\d)?){_END}(?:\s*(?:%|percent))?",
        ),
        (FactKind.OXYGEN_SATURATION, rf"\bO2{_LINK}(\d{{2,3}}){_END}\s*%"),
        (
            FactKind.GCS,
            rf"\b(?:GCS|Glasgow Coma (?:Scale|Score))(?:\s+score)?{_LINK}(\d{{1,2}}){_END}(?:\s*/\s*15)?",
        ),
    )
)
_PULSE_LETTER = re.compile(r"\bP[\s:]?(\d{2,3})\b(?!\s*/)[\s,;]+R[\s:]?(\d{1,2})\b")
_PRESSURE = re.compile(
    rf"(?:\b(?:BP|blood pressure|B/P){_LINK}|\b(?:VS|vital signs|vitals)\b[\s:]*)"
    r"(\d{2,3})\s*(?:/\s*(?:(\d{2,3})(?!\d)|(p(?:al\w*)?\b))|(palp\w*|systolic)\b)",
    re.IGNORECASE,
)
_TEMPERATURE = re.compile(
    r"\b(?:T(?:emp(?:erature)?(?:\s+(?:at the desk|at triage|in triage|on arrival|here|taken \w+))?)?\.?|"
    rf"(?:fever|febrile)(?: to| at| of))(?![a-z]){_LINK}"
    rf"(\d{{2,3}}(?:\.\d{{1,2}})?)(?!\.?\d){_DEGREE}(F\b|C\b|Fahrenheit|Celsius|Centigrade)?"
    rf"(?:\s*\(\s*\d{{2,3}}(?:\.\d{{1,2}})?{_DEGREE}[FC]\s*\))?"
    r"(?!\s*(?:-|\u2013|to)\s*\d)",
    re.IGNORECASE,
)
_PAIN_OF_TEN = re.compile(r"(?<![\d/.])(\d{1,2}(?:\.5)?)\s*(?:/|out of)\s*(?:10|ten)(?![\d/])", re.IGNORECASE)
_PAIN_SCORE = re.compile(
    rf"\bpain(?: (?:score|scale|level|rating|severity){_LINK}|\s*[:=]\s*)(\d{{1,2}}){_END}(?!\s*/)",
    re.IGNORECASE,
)
_PAIN_WORD = re.compile(
    r"pain|\bache|aching|hurt|sore|headache|migraine|discomfort|cramp|tender|severity|rates?\b", re.IGNORECASE
)
_COMPONENTS = re.compile(r"\bE\s?([1-4])\s?,?\s?V\s?([1-5])\s?,?\s?M\s?([1-6])\b")
_FLOW = re.compile(
    r"(?<![\d.])(\d{1,2}(?:\.\d{1,2})?)\s*(?:L|lit(?:er|re)s?)\b(?:\s*(?:/\s*min|per min(?:ute)?))?"
    r"(?:\s+(?:of|by|via|on|per))?\s*(?:a\s+)?(?:oxygen|O2|nasal|NC\b|NRB\b|non-?\s*re-?breather|(?:face)?\s*mask)|"
    r"(?<=%)\s*on\s+(\d{1,2}(?:\.\d{1,2})?)\s*L\b",
    re.IGNORECASE,
)
_ROOM_AIR = re.compile(r"\s*,?\s*\(?(?:on|in)?\s*\b(room air|RA)\b")
_GLUCOSE = re.compile(
    rf"\b(?:blood (?:glucose|sugar)|glucose|BGL|FSBG|finger ?stick|accu-?check)(?: level| reading)?{_LINK}"
    rf"(\d{{1,4}}(?:\.\d)?){_END}\s*(mg/dl|mmol/l)?",
    re.IGNORECASE,
)
_WEIGHT = re.compile(
    rf"\b(?:weighs|weight|wt\.?){_LINK}(\d{{1,3}}(?:\.\d{{1,3}})?){_END}\s*(kg|kilograms?|kilos?|lbs?|pounds?)\b",
    re.IGNORECASE,
)

MMOL_TO_MG = Decimal("18.016")
"""mg/dL of glucose in 1 mmol/L (molar mass 180.16 g/mol)."""
POUND_IN_KG = Decimal("0.45359237")


def celsius(number: Decimal, unit: str | None) -> Decimal | None:
    """Degrees Celsius, to one decimal where converted; None where the scale is not certain.

    A written unit decides. Without one, 25-45 can only be Celsius (45 degrees Fahrenheit is 7 Celsius) and 77-115 only
    Fahrenheit (77 degrees Celsius is no body); no living patient makes these overlap. Anything else is not taken:
    ``T 991`` is a typing error that nobody may guess away.
    """
    scale = unit[0].upper() if unit else None
    if scale is None:
        scale = "C" if 25 <= number <= 45 else "F" if 77 <= number <= 115 else None
    if scale is None:
        return None
    if scale == "C":
        return number
    return ((number - 32) * 5 / 9).quantize(Decimal("0.1"), ROUND_HALF_EVEN)


def measurements(text: str) -> Iterator[Mention]:
    """Every number that ``text`` gives for a sign of the patient now, in no fixed order."""
    for mention in _candidates(text):
        if is_about_now(text, mention.start, mention.end):
            yield mention


def _mention(kind: FactKind, value: Decimal, match: re.Match[str]) -> Mention:
    as_received = match.group().strip()
    start = match.start() + match.group().index(as_received)
    return Mention(kind, value, CANONICAL_UNITS[kind], None, as_received, start, start + len(as_received))


def _candidates(text: str) -> Iterator[Mention]:
    for kind, pattern in _SIMPLE:
        for match in pattern.finditer(text):
            found = _mention(kind, Decimal(match[1]), match)
            yield found
            air = _ROOM_AIR.match(text, match.end()) if kind is FactKind.OXYGEN_SATURATION else None
            if air is not None:
                fraction = FactKind.INSPIRED_OXYGEN
                yield Mention(
                    fraction, Decimal(21), CANONICAL_UNITS[fraction], None, air[1], air.start(1), air.end(1)
                )
    for match in _PULSE_LETTER.finditer(text):
        yield _mention(FactKind.HEART_RATE, Decimal(match[1]), match)
        yield _mention(FactKind.RESPIRATORY_RATE, Decimal(match[2]), match)
    for match in _PRESSURE.finditer(text):
        yield _mention(FactKind.SYSTOLIC_BP, Decimal(match[1]), match)
        if match[2]:
            yield _mention(FactKind.DIASTOLIC_BP, Decimal(match[2]), match)
    for match in _COMPONENTS.finditer(text):
        kinds = (FactKind.GCS_EYE, FactKind.GCS_VERBAL, FactKind.GCS_MOTOR)
        for kind, number in zip(kinds, match.groups(), strict=True):
            yield _mention(kind, Decimal(number), match)
    for match in _FLOW.finditer(text):
        yield _mention(FactKind.OXYGEN_FLOW, Decimal(match[1] or match[2]), match)
    yield from _temperatures(text)
    yield from _pains(text)
    yield from _glucoses_and_weights(text)


def _temperatures(text: str) -> Iterator[Mention]:
    for match in _TEMPERATURE.finditer(text):
        value = celsius(Decimal(match[1]), match[2])
        if value is not None:
            yield _mention(FactKind.TEMPERATURE, value, match)


def _pains(text: str) -> Iterator[Mention]:
    for match in _PAIN_OF_TEN.finditer(text):
        if _PAIN_WORD.search(sentence_around(text, match.start(), match.end())):
            yield _mention(FactKind.PAIN, Decimal(match[1]), match)
    for match in _PAIN_SCORE.finditer(text):
        yield _mention(FactKind.PAIN, Decimal(match[1]), match)


def _glucoses_and_weights(text: str) -> Iterator[Mention]:
    for match in _GLUCOSE.finditer(text):
        number, unit = Decimal(match[1]), (match[2] or "").lower()
        # Without a unit: below 10 no laboratory means mg/dL, from 70 on no patient has mmol/L; between, it is not said.
        if unit == "mmol/l" or (not unit and number < 10):
            yield _mention(FactKind.GLUCOSE, (number * MMOL_TO_MG).quantize(Decimal("0.1")), match)
        elif unit == "mg/dl" or number >= 70:
            yield _mention(FactKind.GLUCOSE, number, match)
    for match in _WEIGHT.finditer(text):
        number, unit = Decimal(match[1]), match[2].lower()
        in_kg = number if unit.startswith("k") else (number * POUND_IN_KG).quantize(Decimal("0.01"))
        yield _mention(FactKind.WEIGHT, in_kg, match)
