"""The claims that a sentence makes: its numbers and codes, sides of a limit, findings, times and persons.

Read with the same readers as a triage note. What is read is checked against the facts cited; a number that is in
none of them is refused too, so that nothing measured can be slipped in between.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from data_schemas import VITAL_SIGNS, Check, Claim, Direction, Fact, FactKind, IntakeRecord, Refusal
from triage.text.context import Assertion
from triage.text.mention import KIN
from triage.text.terms import find_terms
from triage.text.vitals import mentions
from triage.verifying.denials import unknown_words
from triage.verifying.reading import WORDS, readings
from triage.verifying.units import to_canonical
from triage.verifying.words import kind_words

_NAMES: tuple[tuple[FactKind, str], ...] = (
    (FactKind.HEART_RATE, r"HR|heart ?rate|pulse(?: rate)?"),
    (FactKind.RESPIRATORY_RATE, r"RR|resp(?:iratory)? rate|respirations?"),
    (FactKind.OXYGEN_SATURATION, r"SpO2|SaO2|(?:oxygen|O2) sat(?:uration|s)?|saturation|sats?"),
    (FactKind.TEMPERATURE, r"T|temp(?:erature)?"),
    (FactKind.DIASTOLIC_BP, r"DBP|diastolic(?: (?:blood )?pressure| BP)?"),
    (FactKind.SYSTOLIC_BP, r"SBP|BP|systolic(?: (?:blood )?pressure| BP)?|blood pressure"),
    (FactKind.PAIN, r"pain(?: score)?"),
    (FactKind.GCS, r"GCS"),
    (FactKind.GLUCOSE, r"glucose|blood sugar"),
    (FactKind.WEIGHT, r"weight"),
)
_SIDES: tuple[tuple[Direction, str], ...] = (
    (Direction.AT_OR_ABOVE, r"at or above|at least|not below|>=|≥"),
    (Direction.AT_OR_BELOW, r"at or below|at most|not above|<=|≤"),
    (Direction.ABOVE, r"above|over|greater than|more than|higher than|exceed(?:s|ing)|>"),
    (Direction.BELOW, r"below|under|less than|lower than|<"),
)
_NUMBER = r"-?\d+(?:\.\d+)?"
_UNIT = (
    r"(?:/10|/15|(?:beats|breaths)?/min|bpm|per minute|mmHg|mm\[Hg\]|kPa|%|percent|\[degF\]|°\s?[CF]\b|Cel\b|[CF]\b|"
    r"mg/dL|mmol/L|kg\b|lbs?\b|\[lb_av\]|g\b|L/min|years?\b|months?\b|weeks?\b|days?\b)"
)
_VALUE = re.compile(
    r"\b(?P<name>" + "|".join(f"(?P<k{i}>{pattern})" for i, (_, pattern) in enumerate(_NAMES)) + r")\b"
    rf"(?:\s*(?:is|was|of|at|:|=))*\s*(?P<number>{_NUMBER})(?:/(?P<lower>\d{{2,3}})\b)?\s*(?P<unit>{_UNIT})?",
    re.IGNORECASE,
)
_SIDE = re.compile(
    r"(?P<side>" + "|".join(f"(?P<d{i}>{pattern})" for i, (_, pattern) in enumerate(_SIDES)) + r")\s*"
    rf"(?:(?:the )?(?:(?:age|usual|danger(?:-zone)?) )?limit(?: (?:of|for))?(?: (?:the|his|her) age)?\s*(?:of )?)?"
    rf"(?P<number>{_NUMBER})?\s*(?P<unit>{_UNIT})?",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"\b(?:" + "|".join(f"(?P<k{i}>{pattern})" for i, (_, pattern) in enumerate(_NAMES)) + r")\b",
    re.IGNORECASE,
)
_JUDGED: tuple[tuple[re.Pattern[str], FactKind, Direction], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind, side)
    for pattern, kind, side in (
        (r"\btachycard\w+", FactKind.HEART_RATE, Direction.ABOVE),
        (r"\bbradycard\w+", FactKind.HEART_RATE, Direction.BELOW),
        (r"\btachypn\w+", FactKind.RESPIRATORY_RATE, Direction.ABOVE),
        (r"\b(?:hypox\w+|desaturat\w+)", FactKind.OXYGEN_SATURATION, Direction.BELOW),
        (r"\bhypotens\w+", FactKind.SYSTOLIC_BP, Direction.BELOW),
        (r"\bhypotherm\w+", FactKind.TEMPERATURE, Direction.BELOW),
        (r"\bafebrile\b", FactKind.TEMPERATURE, Direction.AT_OR_BELOW),
    )
)
_RAISED = re.compile(
    r"\b(?:"
    + "|".join(f"(?P<k{i}>{pattern})" for i, (_, pattern) in enumerate(_NAMES))
    + r")\s+(?:is |was )?"
    r"(?:(?P<up>elevated|raised|high|fast|rapid)|(?P<down>low|reduced|slow))\b|"
    r"\b(?:(?P<up2>elevated|raised|high|fast|rapid)|(?P<down2>low|reduced|slow))\s+(?:"
    + "|".join(f"(?P<n{i}>{pattern})" for i, (_, pattern) in enumerate(_NAMES))
    + r")\b",
    re.IGNORECASE,
)
_OPPOSITE = {
    Direction.ABOVE: Direction.AT_OR_BELOW,
    Direction.BELOW: Direction.AT_OR_ABOVE,
    Direction.AT_OR_ABOVE: Direction.BELOW,
    Direction.AT_OR_BELOW: Direction.ABOVE,
}
_CALM = r"(?:normal|unremarkable|within normal limits|stable|reassuring|not? (?:in the )?danger(?:[- ]zone)?)"
_ALL_NORMAL = re.compile(
    rf"\b{_CALM}\s+(?:vital signs|vitals|obs(?:ervations)?)\b|"
    rf"\b(?:vital signs|vitals|obs(?:ervations)?)\s+(?:(?:are|is|all|were)\s+)*{_CALM}|"
    r"\bno danger[- ]zone (?:vital signs?|vitals?)|\bno (?:vital signs?|vitals?) in the danger zone",
    re.IGNORECASE,
)
_ONE_NORMAL = re.compile(
    r"\b(?:" + "|".join(f"(?P<k{i}>{pattern})" for i, (_, pattern) in enumerate(_NAMES)) + r")\s+"
    rf"(?:is |was )?{_CALM}\b|\bnormal\s+(?:"
    + "|".join(f"(?P<n{i}>{pattern})" for i, (_, pattern) in enumerate(_NAMES))
    + r")\b",
    re.IGNORECASE,
)
_DENIED_BEFORE = re.compile(r"\b(?:no|not|never|without|denies)\s+(?:\w+\s+){0,1}$", re.IGNORECASE)
_OTHER_TIME = re.compile(
    r"\b(?:yesterday|last (?:night|week|month|year|visit)|at home|at baseline|baseline|previous(?:ly)?|"
    r"(?:\w+ )?(?:minutes?|hours?|days?|weeks?|months?|years?) (?:ago|earlier|before|later)|tomorrow|"
    r"(?:on|at) (?:arrival|discharge)|earlier today|after treatment)\b",
    re.IGNORECASE,
)
_OTHER_PERSON = re.compile(rf"\b{KIN}\b(?:'s|’s)?|\banother patient\b|\bf(?:o)?etal\b", re.IGNORECASE)
_LOOSE = re.compile(rf"(?<![\w.\[/-]){_NUMBER}")
_NOT_A_VALUE = re.compile(
    r"\b(?:ESI|KTAS|CTAS|level|points?|decision point|v|version|F|NEWS ?2?|qSOFA)(?:\s+(?:of|or))?\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a sentence claims, part by part, and what it says that nothing cited can bear out."""

    claims: tuple[Claim, ...]
    refusals: tuple[Refusal, ...]


@dataclass(slots=True)
class _Span:
    kind: FactKind
    value: Decimal | None
    unit: str | None
    code: str | None
    start: int
    end: int


def read_sentence(text: str, cited: Sequence[Fact], record: IntakeRecord) -> Sentence:
    """The parts of ``text``, each pointed at the fact cited that it speaks of."""
    claims: list[Claim] = []
    covered: list[tuple[int, int]] = []

    refusals: list[Refusal] = []

    def claim(
        kind: FactKind,
        *,
        value: Decimal | None = None,
        unit: str | None = None,
        code: str | None = None,
        direction: Direction | None = None,
        limit: Decimal | None = None,
        paired: bool = False,
    ) -> None:
        fact = _fact_for(kind, cited, record, paired=paired)
        if fact is None:
            refusals.append(_nothing_cited(kind, record))
            return
        claims.append(
            Claim(
                fact_id=fact.id,
                kind=kind,
                value=value,
                unit=unit,
                code=code,
                direction=direction,
                limit=limit,
            )
        )

    spans = list(_values(text))
    pressed = {span.start for span in spans if span.kind is FactKind.SYSTOLIC_BP}
    for span in spans:
        claim(span.kind, value=span.value, unit=span.unit, code=span.code, paired=span.start in pressed)
        covered.append((span.start, span.end))
    for kind, side, limit, unit, start, end in _sides(text):
        claim(kind, direction=side, limit=limit, unit=unit if limit is not None else None)
        covered.append((start, end))
    words = list(covered)
    for pattern, kind, side in _JUDGED:
        for match in pattern.finditer(text):
            denied = _DENIED_BEFORE.search(text[: match.start()])
            claim(kind, direction=_OPPOSITE[side] if denied else side)
            words.append(match.span())
    for match in _RAISED.finditer(text):
        prefix = "k" if match["up"] or match["down"] else "n"
        side = Direction.ABOVE if match["up"] or match["up2"] else Direction.BELOW
        denied = _DENIED_BEFORE.search(text[: match.start()])
        claim(_kind_of(match, prefix), direction=_OPPOSITE[side] if denied else side)
        words.append(match.span())
    for kind, start, end in _normals(text):
        claim(kind, direction=Direction.NORMAL)
        words.append((start, end))
    claims += _findings(text, words, cited)
    words += [(match.start, match.end) for match in find_terms(text)]
    refusals += (
        *unknown_words(text, words, cited),
        *_elsewhere(text, cited),
        *_loose(text, covered, cited),
    )
    return Sentence(tuple(claims), tuple(refusals))


def _nothing_cited(kind: FactKind, record: IntakeRecord) -> Refusal:
    if record.first(kind) is None:
        why = f"no {kind_words(kind)} is recorded; what is missing is neither normal nor anything else"
        return Refusal(check=Check.EXISTENCE, why=why)
    return Refusal(check=Check.FACT, why=f"it speaks of the {kind_words(kind)} and cites no fact")


def _values(text: str) -> Iterator[_Span]:
    spans = [
        _Span(m.kind, m.value, m.unit, m.code, m.start, m.end)
        for m in mentions(text)
        if m.kind is not FactKind.INSPIRED_OXYGEN
    ]
    for match in _VALUE.finditer(text):
        kind = _kind_of(match, "k")
        unit = match["unit"].replace(" ", "") if match["unit"] else None
        written = _Span(kind, Decimal(match["number"]), unit, None, match.start(), match.end())
        # As written, unit and all: the reader of notes converts, and leaves out what it does not understand.
        spans = [s for s in spans if not (s.kind is kind and s.start < match.end() and match.start() < s.end)]
        spans.append(written)
        if match["lower"] and kind is FactKind.SYSTOLIC_BP:
            lower = FactKind.DIASTOLIC_BP
            spans = [s for s in spans if s.kind is not lower or not match.start() <= s.start < match.end()]
            spans.append(_Span(lower, Decimal(match["lower"]), unit, None, match.start(), match.end()))
    yield from spans


def _sides(text: str) -> Iterator[tuple[FactKind, Direction, Decimal | None, str | None, int, int]]:
    """Each "above 100" with the last sign named before it in its sentence."""
    for match in _SIDE.finditer(text):
        start = max((text.rfind(mark, 0, match.start()) for mark in ".;!?"), default=-1)
        while start > 0 and text[start - 1].isdigit() and text[start + 1 : start + 2].isdigit():
            start = max((text.rfind(mark, 0, start) for mark in ".;!?"), default=-1)
        named = list(_NAME.finditer(text, start + 1, match.start()))
        if not named:
            continue
        direction = next(side for i, (side, _) in enumerate(_SIDES) if match[f"d{i}"])
        limit = Decimal(match["number"]) if match["number"] else None
        unit = match["unit"].replace(" ", "") if match["unit"] else None
        kind = _kind_of(named[-1], "k")
        if limit is not None and unit is not None and to_canonical(kind, limit, unit) is None:
            unit = None
        yield kind, direction, limit, unit, match.start(), match.end()


def _normals(text: str) -> Iterator[tuple[FactKind, int, int]]:
    for match in _ALL_NORMAL.finditer(text):
        if "danger" in match.group().lower():
            kinds: tuple[FactKind, ...] = (
                FactKind.HEART_RATE,
                FactKind.RESPIRATORY_RATE,
                FactKind.OXYGEN_SATURATION,
            )
        else:
            kinds = tuple(kind for kind in VITAL_SIGNS if kind is not FactKind.DIASTOLIC_BP)
        for kind in kinds:
            yield kind, match.start(), match.end()
    for match in _ONE_NORMAL.finditer(text):
        prefix = "k" if any(match[f"k{i}"] for i in range(len(_NAMES))) else "n"
        yield _kind_of(match, prefix), match.start(), match.end()


def _findings(text: str, taken: list[tuple[int, int]], cited: Sequence[Fact]) -> Iterator[Claim]:
    fever = [fact for fact in cited if fact.kind is FactKind.TEMPERATURE]
    prose = [fact for fact in cited if fact.kind in WORDS]
    matches = find_terms(text)
    for match in matches:
        if any(start < match.end and match.start < end for start, end in taken):
            continue
        longer = (m for m in matches if m.end - m.start > match.end - match.start)
        if any(m.start <= match.start and match.end <= m.end for m in longer):
            continue  # "chest" of "chest pain"
        if match.assertion in {Assertion.HYPOTHETICAL, Assertion.FAMILY}:
            continue
        present = match.assertion is not Assertion.NEGATED
        if match.concept == "fever" and fever and not any(find_terms(fact.text) for fact in prose):
            side = Direction.ABOVE if present else Direction.AT_OR_BELOW
            yield Claim(fact_id=fever[0].id, kind=FactKind.TEMPERATURE, direction=side)
            continue
        about = prose or list(cited[:1])
        if about:
            yield Claim(
                fact_id=about[0].id,
                with_facts=tuple(fact.id for fact in about[1:]),
                finding=match.text,
                present=present,
            )


def _elsewhere(text: str, cited: Sequence[Fact]) -> Iterator[Refusal]:
    """Another time or person that no cited text speaks of."""
    prose = " ".join(fact.text for fact in cited if fact.kind in WORDS).lower()
    for match in _OTHER_TIME.finditer(text):
        if match.group().lower() not in prose:
            yield Refusal(
                check=Check.TIME,
                why=f"it says “{match.group()}”; the facts cited are of now and do not say so",
            )
    for match in _OTHER_PERSON.finditer(text):
        if match.group().lower() not in prose:
            yield Refusal(
                check=Check.PATIENT, why=f"it speaks of “{match.group()}”; the facts cited are the patient's"
            )


def _loose(text: str, covered: list[tuple[int, int]], cited: Sequence[Fact]) -> Iterator[Refusal]:
    """Numbers beside no sign: they must stand in a fact cited."""
    known = {
        number.lstrip("-")
        for fact in cited
        for number in re.findall(_NUMBER, f"{fact.text} {_received(fact)} {fact.value or ''}")
    }
    for match in _LOOSE.finditer(text):
        if any(start <= match.start() < end for start, end in covered):
            continue
        if match.group().lstrip("-") in known or _NOT_A_VALUE.search(text[: match.start()]):
            continue
        yield Refusal(check=Check.VALUE, why=f"it says {match.group()}; no fact cited has that number")


def _received(fact: Fact) -> str:
    """What was sent, but a date of birth: its digits bear out nothing."""
    return "" if fact.kind is FactKind.AGE else fact.as_received or ""


def _kind_of(match: re.Match[str], prefix: str) -> FactKind:
    return next(kind for i, (kind, _) in enumerate(_NAMES) if match[f"{prefix}{i}"])


def _fact_for(kind: FactKind, cited: Sequence[Fact], record: IntakeRecord, *, paired: bool) -> Fact | None:
    """The cited fact that a part of the sentence is about; else the first cited, which will be the wrong one.

    ``paired``: the value stands with a systolic pressure ("152/92"), and the two are shown and cited as one.
    """
    own = next((fact for fact in cited if fact.kind is kind), None)
    if own is not None:
        return own
    said = next((fact for fact in cited if readings(fact, kind)), None)
    if said is not None:
        return said
    both = paired and kind is FactKind.DIASTOLIC_BP
    if both and any(fact.kind is FactKind.SYSTOLIC_BP for fact in cited) and record.first(kind) is not None:
        return record.first(kind)
    return next((fact for fact in cited if record.first(kind) is not None), None)
