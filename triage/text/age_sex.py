"""Age and sex written as one: "62yoM", "35F", "Pt is a 19M stabbed".

With a word of years in it ("62yoM") it can be nothing else. Bare ("35F") it is also a temperature, a catheter, a
distance, a flat or a number of months, so it is taken only where the words before and after are those that introduce a
patient. What is not certain is left out: a missing age is asked for, a wrong one moves every limit of the rules.
"""

import re
from decimal import Decimal

from data_schemas.intake import FactKind
from triage.text.mention import KIN, Mention, clause_before, sentence_around

_BEGIN = r"(?<![\w.,/$#+\u2013-])(?<!\d, )"
_AGE = r"(0|[1-9]\d{0,2})"  # "007M" and "00F" are codes
_NOT_INSIDE = r"(?![\w/'\u2019-])"
_WITH_YEARS = re.compile(
    rf"{_BEGIN}{_AGE}[\s-]?(?:y(?:ea)?rs?|y|Y(?:EA)?RS?|Y)"
    r"(?:\.?[\s/-]?(?:o(?:ld)?|O(?:LD)?)\.?[\s/,-]{0,2}([MFmf])|[\s/-]?([MF]))"
    rf"{_NOT_INSIDE}"
)
_BARE = re.compile(rf"{_BEGIN}{_AGE}\s?([MF]){_NOT_INSIDE}")

_START = re.compile(
    r"(?:^|[.;!?\n]|^(?:tall|thin|obese|elderly|frail|healthy|young)\s|\b(?:EMS|HPI|CC|Hx|triage|report|note|summary|pt|patient|hand-?over|radio|referral)\s*:)[\s\"'\u201c(*-]*$",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"\b(?:(?:pts?|patient|he|she|who)(?:\s+(?:is|was)|['\u2019]s)?(?:\s+an?)?|an?|this|our|another|"
    r"BIBA|BIBEMS|BIB|EMS(?:\s+(?:brings?|brought|with|reports?))?|brings?(?:\s+in)?|brought(?:\s+in)?|regarding)\s+"
    r"(?:(?:is\s+)?(?:an?\s+)?(?:(?:otherwise|previously)\s+)?(?:healthy|well|obese|homeless|frail|known|intoxicated|"
    r"pleasant|elderly|pregnant|diabetic|asthmatic)\s+)?$",
    re.IGNORECASE,
)
_ENDS = re.compile(r"\s*(?:[,;:.)\n]|$)")
_GOES_ON = re.compile(
    r",?\s+(?:(?:w|c|p|s|h|r)/|with\b|who\b|whose\b|presents?\b|presented\b|presenting\b|complain|reports?\b|reporting\b|"
    r"states?\b|stating\b|hx\b|pmhx?\b|brought\b|BIB|found\b|fell\b|s/p\b|after\b|c[/.]o\b|arriv|here\b|involved\b|"
    r"struck\b|hit\b|stabbed\b|shot\b|kicked\b|thrown\b|bitten\b|stung\b|burn(?:ed|t)\b|trapped\b|crushed\b|pulled\b|escaped\b|"
    r"collapsed\b|slipped\b|tripped\b|woke\b|ate\b|assaulted\b|walked\b|walks\b|known\b|otherwise\b|previously\b|healthy\b|"
    r"pedestrian\b|driver\b|passenger\b|(?:un)?restrained\b|cyclist\b|G\d|pregnant\b|having\b|sent\b|referred\b|"
    r"transferred\b|unresponsive\b|unconscious\b|status post\b|complaining\b|coming\b|came\b|comes\b|"
    r"was (?:brought|found|hit|struck|stabbed|shot|assaulted|involved|seen|sent)\b)",
    re.IGNORECASE,
)
_WORD_NEXT = re.compile(r"\s+[a-z]{3,}\b")
_OTHER = (
    r"(?:temp(?:erature)?s?|fever(?:s|ish)?|febrile|afebrile|degrees?|tmax|ambient|weather|outside|water|"
    r"foley|catheters?|french|tubes?|needles?|sheaths?|bougie|cannula|drain|chest tube|"
    r"apt|apartment|room|rm|bed|unit|seat|gate|size|shoes?|"
    r"swam|swim\w*|ran|sprint\w*|dived?|diving|laps?|race|pool|metres?|meters?|million|company|tape|mask|respirator)"
)
_SOMETHING_ELSE = re.compile(rf"\b{_OTHER}\b", re.IGNORECASE)
_SOMETHING_ELSE_NEXT = re.compile(rf"[\s-]+{_OTHER}\b", re.IGNORECASE)
_DEVICE_NEXT = re.compile(
    r"[\s-]+(?:(?!with\b|who\b)\w+\s+)?(?:foley|catheters?|tubes?|needles?|sheaths?|drain|cannula)\b",
    re.IGNORECASE,
)
_WARM = re.compile(r"\b(?:temp|fever|febrile|degrees?|tmax|T\b)", re.IGNORECASE)
_YOUNG = re.compile(
    r"\b(?:mothers?|mom|mum|father|dad|parents?|infants?|bab(?:y|ies)|toddlers?|child|newborn|neonate|crib|bottles?|"
    r"feeds?|feeding|breastfe\w+|diapers?|nappy|nappies|day-?care)\b",
    re.IGNORECASE,
)
_KIN_BEFORE = re.compile(rf"\b{KIN}\s*,?\s*(?:(?:who\s+)?(?:is|was)\s+)?(?:an?\s+)?\(?$", re.IGNORECASE)
_KIN_AFTER = re.compile(rf"\s*{KIN}\b", re.IGNORECASE)

_ANOTHER_PATIENT = re.compile(r"\s*(?:and|&|\+)\s*\d{1,3}\s?[MF]\b")

_SURE_OF_YEARS = 12
"""A bare "3M" to "12M" may be months; a bare letter F may not."""
_SURE_OF_YEARS_NEAR_A_CHILD = 24
_LARGEST_FRENCH_SIZE = 40
_FEVERISH = range(93, 116)
"""Degrees Fahrenheit that a living patient has: where "98F" is more than a number and a letter."""


def age_and_sex(text: str) -> tuple[Mention, Mention] | None:
    """The first age in years with its sex letter that is certain to be the patient's, or None."""
    for match in _WITH_YEARS.finditer(text):
        if not _of_kin(text, match):
            return _both(text, match, 2 if match[2] else 3)
    for match in _BARE.finditer(text):
        if _introduces_a_patient(text, match) and not _of_kin(text, match):
            return _both(text, match, 2)
    return None


def _introduces_a_patient(text: str, match: re.Match[str]) -> bool:
    number, female = int(match[1]), match[2] == "F"
    before = text[: match.start()]
    if _SOMETHING_ELSE.search(clause_before(text, match.start())):
        return False
    following = [_SOMETHING_ELSE_NEXT, _ANOTHER_PATIENT]
    if female and number <= _LARGEST_FRENCH_SIZE:
        following.append(_DEVICE_NEXT)
    if any(pattern.match(text, match.end()) for pattern in following):
        return False
    if not female and (
        number <= _SURE_OF_YEARS or (number <= _SURE_OF_YEARS_NEAR_A_CHILD and _YOUNG.search(text))
    ):
        return False
    goes_on = _GOES_ON.match(text, match.end()) is not None
    if female and number in _FEVERISH:
        warm = _WARM.search(sentence_around(text, match.start(), match.end()))
        return goes_on and warm is None and bool(_START.search(before) or _SUBJECT.search(before))
    if not before.strip():
        return True
    if _START.search(before) or _SUBJECT.search(before):
        opens = (
            number > _LARGEST_FRENCH_SIZE and _START.search(before) and _WORD_NEXT.match(text, match.end())
        )
        return goes_on or bool(opens) or _ENDS.match(text, match.end()) is not None
    return goes_on and before.rstrip().endswith(",")


def _of_kin(text: str, match: re.Match[str]) -> bool:
    before = clause_before(text, match.start())
    return bool(_KIN_BEFORE.search(before) or _KIN_AFTER.match(text, match.end()))


def _both(text: str, match: re.Match[str], letter: int) -> tuple[Mention, Mention]:
    start, end = match.span(1)
    age = Mention(FactKind.AGE, Decimal(match[1]), "a", None, text[start:end], start, end)
    start, end = match.span(letter)
    code = "female" if match[letter] in "Ff" else "male"
    return age, Mention(FactKind.SEX, None, None, code, text[start:end], start, end)
