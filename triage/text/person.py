"""Who the patient is and how they come, in prose: age, sex, pregnancy, way of arrival."""

import re
from collections.abc import Iterator
from decimal import Decimal

from data_schemas.intake import AGE_UNITS_IN_DAYS, FactKind
from triage.text.age_sex import age_and_sex
from triage.text.mention import KIN, Mention, clause_before

_AGE = re.compile(
    r"(?<![\d./-])(\d{1,3})\s*-?\s*(years?|yrs?|y|months?|mos?|weeks?|wks?|days?|d)\.?\s*[-/.]?\s*-?\s*"
    r"(?:(?:ol[df]\b|of age\b|o\b\.?)(?:\s*[-/]?\s*(?:[MF]\b))?)|"
    r"\b(?:aged?|age of)[\s:]+(\d{1,3})\s*(years?|months?|weeks?|days?)?\b",
    re.IGNORECASE,
)
_SMALL = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SPELLED = {word: n for n, word in enumerate(_SMALL, 1)} | {word: n * 10 for n, word in enumerate(_TENS, 2)}
_AGE_IN_WORDS = re.compile(
    rf"\b(?:({'|'.join(_TENS)})(?:-({'|'.join(_SMALL[:9])}))?|({'|'.join(_SMALL)}))"
    r"[\s-](years?|months?|weeks?|days?)[\s-]old\b",
    re.IGNORECASE,
)
_UNITS = {"y": "a", "m": "mo", "w": "wk", "d": "d"}
_NOT_A_PERSON = re.compile(
    r"[\s-]+(?:(?:stab|dog|cat|healing|surgical|puncture|gunshot|infected|open)\s+)?"
    r"(?:wound|injury|burn|lac(?:eration)?|fracture|scar|incision|cast|bite|car|house|bruise|rash|suture|stitche|"
    r"dressing|tattoo|piercing|vehicle|kitten|pupp(?:y|ie)|dog|cat|horse)s?\b",
    re.IGNORECASE,
)
_KIN_AFTER = re.compile(rf"[\s,]*(?:\w+\s+)?({KIN})\b", re.IGNORECASE)
_KIN_BEFORE = re.compile(rf"\b{KIN}\s*,?\s*(?:(?:who )?(?:is|was)|aged?)?\s*(?:an?\s+)?$", re.IGNORECASE)
_CHILD = re.compile(r"^(?:sons?|daughters?|grandson|granddaughter)$", re.IGNORECASE)

_FEMALE, _MALE = r"female|woman|girl|lady", r"male|man|boy|gentleman"
_SEX_AFTER_AGE = re.compile(
    rf"[\s,-]*(?:(?!transgender|trans\b|with\b|whose\b|who\b)[\w-]+[\s,]+){{0,6}}?(?:({_FEMALE}|daughter)|({_MALE}|son))\b",
    re.IGNORECASE,
)
_SEX_LETTER = re.compile(r"\s*[-/]?\s*([MF])\b(?!\w)")
_SEX_AT_START = re.compile(
    rf"^\W*(?:(?:an?|the)\s+)?(?:(?!transgender|trans\b|with\b)[\w-]+\s+){{0,4}}?(?:({_FEMALE})|({_MALE}))\b",
    re.IGNORECASE,
)

_PREGNANT = re.compile(
    r"(?:\b\d{1,2}\s*(?:weeks?|wks?|months?)\s+)?\bpregnant\b|\b\d{1,2}\s*(?:weeks?|wks?)'?\s+(?:gestation|gravid|EGA)\b",
    re.IGNORECASE,
)
_POSTPARTUM = re.compile(
    r"\b(\d{1,2})\s*(days?|weeks?|wks?|months?)\s+post[\s-]?partum\b|"
    r"\b(?:had a baby|gave birth|delivered(?: a baby)?)\s+(\d{1,2})\s*(days?|weeks?|wks?|months?)\s+ago\b",
    re.IGNORECASE,
)
_NOT_PREGNANT = re.compile(r"\b(?:not|isn['\u2019]?t)\s+(?:currently\s+)?pregnant\b", re.IGNORECASE)
_UNSURE = re.compile(
    r"\b(?:not|isn['\u2019]?t|think|thinks|may|might|could|if|possibl[ey]|whether|never|ever|trying|"
    r"when(?: she| I)? (?:was|were))\b",
    re.IGNORECASE,
)
POSTPARTUM_DAYS = 42
"""Six weeks after birth."""

_ARRIVALS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (code, re.compile(pattern, re.IGNORECASE))
    for code, pattern in (
        ("helicopter", r"\b(?:by|via) helicopter\b|\bair-?lifted\b|\bmedevac\w*"),
        (
            "ambulance",
            r"\b(?:by|via|per)\s+(?:\w+\s+)?(?:ambulance|EMS|paramedics)\b(?=\W|$)|"
            r"\b(?:EMS|ambulance|paramedics)\s+(?:arrives?|brings?|presents?|brought)\b",
        ),
        (
            "police",
            r"\bbrought (?:in |to \w+ )?by (?:the )?(?:local )?police\b|\bpolice (?:arrive|bring|brought)\w*",
        ),
        (
            "wheelchair",
            r"\bwheeled in(?:to)?\b|\b(?:arriv|present|com)(?:es|ed|ing) (?:in|by) (?:a )?wheelchair\b",
        ),
        ("walk-in", r"\bwalk(?:s|ed) in(?:to)?\b|\bambulat(?:es|ed) in(?:to)?\b"),
        ("private", r"\b(?:by|via) (?:private (?:vehicle|car)|car)\b|\bdrove (?:him|her|them)self\b"),
    )
)
_OTHER_CARE = re.compile(
    r"\b(?:started|given|defibrillated|treated|intubated|evaluated|seen|declined)\b[^.]*$", re.IGNORECASE
)


def person(text: str) -> Iterator[Mention]:
    """Every statement on the person, in no fixed order; one age and one sex at most."""
    found, child = _age(text)
    short = None if found is not None else age_and_sex(text)
    age, sex = short or (found or child, _sex(text, found or child))
    if age is not None:
        yield age
    if sex is not None:
        yield sex
    yield from _pregnancy(text)
    yield from _arrival(text)


def _coded(kind: FactKind, code: str, text: str, start: int, end: int) -> Mention:
    return Mention(kind, None, None, code, text[start:end], start, end)


def _age(text: str) -> tuple[Mention | None, Mention | None]:
    """The first age that is the patient's, and one of a child named by kinship: to use where no other is given."""
    child: Mention | None = None
    for match, number, unit in sorted(_ages(text), key=lambda found: found[0].start()):
        mention = Mention(FactKind.AGE, number, unit, None, match.group(), match.start(), match.end())
        if _NOT_A_PERSON.match(text, match.end()) or _KIN_BEFORE.search(clause_before(text, match.start())):
            continue
        kin = _KIN_AFTER.match(text, match.end())
        if kin is None:
            return mention, child
        if child is None and _CHILD.match(kin[1]):
            child = mention
    return None, child


def _ages(text: str) -> Iterator[tuple[re.Match[str], Decimal, str]]:
    """Every age, in figures or in words ("five-week-old"), with its unit."""
    for match in _AGE.finditer(text):
        number, word = (match[1], match[2]) if match[1] else (match[3], match[4] or "y")
        yield match, Decimal(number), _UNITS[word[0].lower()]
    for match in _AGE_IN_WORDS.finditer(text):
        parts = (_SPELLED[part.lower()] for part in match.group(1, 2, 3) if part)
        yield match, Decimal(sum(parts)), _UNITS[match[4][0].lower()]


def _sex(text: str, age: Mention | None) -> Mention | None:
    if age is None:
        match = _SEX_AT_START.match(text)
    else:
        letter = _SEX_LETTER.match(text, age.end) or re.search(r"\b([MFmf])$", age.as_received)
        if letter is not None:
            at = letter.start(1) + (age.start if letter.string is age.as_received else 0)
            return _coded(FactKind.SEX, "female" if letter[1].upper() == "F" else "male", text, at, at + 1)
        match = _SEX_AFTER_AGE.match(text, age.end)
    if match is None:
        return None
    group = 1 if match[1] else 2
    return _coded(
        FactKind.SEX, "female" if group == 1 else "male", text, match.start(group), match.end(group)
    )


def _pregnancy(text: str) -> Iterator[Mention]:
    for match in _NOT_PREGNANT.finditer(text):
        yield _coded(FactKind.PREGNANCY, "not-pregnant", text, match.start(), match.end())
    for match in _PREGNANT.finditer(text):
        before = clause_before(text, match.start())
        if not _UNSURE.search(before) and not re.search(rf"\b{KIN}\b", before, re.IGNORECASE):
            yield _coded(FactKind.PREGNANCY, "pregnant", text, match.start(), match.end())
    for match in _POSTPARTUM.finditer(text):
        number, word = (match[1], match[2]) if match[1] else (match[3], match[4])
        days = Decimal(number) * AGE_UNITS_IN_DAYS[_UNITS[word[0].lower()]]
        if days <= POSTPARTUM_DAYS and not re.search(
            rf"\b{KIN}\b", clause_before(text, match.start()), re.IGNORECASE
        ):
            yield _coded(FactKind.PREGNANCY, "postpartum", text, match.start(), match.end())


def _arrival(text: str) -> Iterator[Mention]:
    for code, pattern in _ARRIVALS:
        match = pattern.search(text)
        if match is not None and not _OTHER_CARE.search(clause_before(text, match.start())):
            yield _coded(FactKind.ARRIVAL_MODE, code, text, match.start(), match.end())
            return
