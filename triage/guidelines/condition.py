"""Conditions of statements: data in YAML, evaluated against a record in three values.

``all`` and ``any`` combine; ``not`` is strict (unknown stays unknown); ``unless`` blocks only what is known to
be true, so a missing exclusion never silences a warning. A leaf that looks at a missing fact is UNKNOWN.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from data_schemas.intake import CANONICAL_UNITS, FactKind
from triage.guidelines.ages import AgeBand
from triage.guidelines.truth import FALSE, UNKNOWN, Outcome, Span, Truth, merged
from triage.guidelines.view import HISTORY_KINDS, TEXT_KINDS, RecordView
from triage.guidelines.vital_limits import danger_limit, hypotension_limit
from triage.text.context import Assertion
from triage.text.terms import default_matcher

_SAID_TO_BE_SO = frozenset({Assertion.PRESENT, Assertion.POSSIBLE})
_DANGER_KINDS = (FactKind.HEART_RATE, FactKind.RESPIRATORY_RATE, FactKind.OXYGEN_SATURATION)
_RATIO_INPUTS = (FactKind.HEART_RATE, FactKind.SYSTOLIC_BP)
"""What the shock index is a ratio of."""
_NAMES = {
    FactKind.OXYGEN_SATURATION: "SpO2",
    FactKind.AVPU: "AVPU",
    FactKind.GCS: "GCS",
    FactKind.SYSTOLIC_BP: "systolic blood pressure",
}


class _Node(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def evaluate(self, view: RecordView, full: RecordView) -> Outcome:
        """How the condition comes out on ``view``; exclusions are looked up in ``full``."""
        raise AssertionError(f"{type(self).__name__} does not say how it is evaluated")


class AllOf(_Node):
    """Every part holds, and no ``unless`` is known to hold."""

    all: tuple["Condition", ...] = Field(min_length=1)
    unless: tuple["Condition", ...] = ()

    def evaluate(self, view: RecordView, full: RecordView) -> Outcome:
        """FALSE where one part is, else UNKNOWN where one is, else TRUE with the evidence of all parts."""
        outcomes = []
        unknown = False
        for part in self.all:
            outcome = part.evaluate(view, full)
            if outcome.truth is Truth.FALSE:
                return FALSE
            unknown = unknown or outcome.truth is Truth.UNKNOWN
            outcomes.append(outcome)
        if unknown:
            return UNKNOWN
        if any(part.evaluate(full, full).truth is Truth.TRUE for part in self.unless):
            return FALSE
        return merged(Truth.TRUE, outcomes)


class AnyOf(_Node):
    """At least ``at_least`` parts hold."""

    any: tuple["Condition", ...] = Field(min_length=1)
    at_least: int = Field(default=1, ge=1)

    def evaluate(self, view: RecordView, full: RecordView) -> Outcome:
        """TRUE with the evidence of every part that holds; UNKNOWN where the missing ones could still make it."""
        outcomes = [part.evaluate(view, full) for part in self.any]
        held = [outcome for outcome in outcomes if outcome.truth is Truth.TRUE]
        if len(held) >= self.at_least:
            return merged(Truth.TRUE, held)
        unknown = sum(outcome.truth is Truth.UNKNOWN for outcome in outcomes)
        return UNKNOWN if len(held) + unknown >= self.at_least else FALSE


class Not(_Node):
    """The part is known not to hold."""

    not_: "Condition" = Field(alias="not")

    def evaluate(self, view: RecordView, full: RecordView) -> Outcome:
        """The opposite; UNKNOWN stays UNKNOWN."""
        truth = self.not_.evaluate(full, full).truth
        if truth is Truth.UNKNOWN:
            return UNKNOWN
        return Outcome(Truth.FALSE if truth is Truth.TRUE else Truth.TRUE)


class Number(_Node):
    """A fact's number in its canonical unit, compared."""

    fact: FactKind
    gt: Decimal | None = None
    ge: Decimal | None = None
    lt: Decimal | None = None
    le: Decimal | None = None

    @model_validator(mode="after")
    def _comparable(self) -> Self:
        if self.fact not in CANONICAL_UNITS:
            raise ValueError(f"{self.fact.value} is not a number; ages go into `age`, codes into `code`")
        if all(limit is None for limit in (self.gt, self.ge, self.lt, self.le)):
            raise ValueError("give at least one of gt, ge, lt, le")
        return self

    def evaluate(self, view: RecordView, full: RecordView) -> Outcome:
        """UNKNOWN where the number is missing."""
        known = view.number(self.fact)
        if known is None:
            return UNKNOWN
        value, fact = known
        words = []
        for limit, holds, word in (
            (self.gt, self.gt is None or value > self.gt, "above"),
            (self.ge, self.ge is None or value >= self.ge, "at or above"),
            (self.lt, self.lt is None or value < self.lt, "below"),
            (self.le, self.le is None or value <= self.le, "at or below"),
        ):
            if not holds:
                return FALSE
            if limit is not None:
                words.append(f"{word} {_plain(limit)}")
        return Outcome(Truth.TRUE, (fact.id,), (f"{_said(self.fact, value)}, {' and '.join(words)}",))


class Coded(_Node):
    """A fact's code is one of a list."""

    code: FactKind
    is_in: tuple[str, ...] = Field(alias="in", min_length=1)

    def evaluate(self, view: RecordView, full: RecordView) -> Outcome:
        """UNKNOWN where there is no code."""
        known = view.code(self.code)
        if known is None:
            return UNKNOWN
        code, fact = known
        if code not in self.is_in:
            return FALSE
        return Outcome(Truth.TRUE, (fact.id,), (fact.text,))


class AgeIs(_Node):
    """The age lies in a band."""

    age: AgeBand

    def evaluate(self, view: RecordView, full: RecordView) -> Outcome:
        """UNKNOWN where the age is missing."""
        fact = view.first(FactKind.AGE)
        if view.age_days is None or fact is None:
            return UNKNOWN
        if not self.age.holds(view.age_days):
            return FALSE
        return Outcome(Truth.TRUE, (fact.id,), (f"age {fact.text} ({self.age})",))


class Term(_Node):
    """One of the concepts is mentioned and said to be so.

    ``allow`` adds assertions that count too ("resolved" chest pain). A chronic concept counts as history as
    well, and is also looked for among conditions and drugs.
    """

    term: tuple[str, ...]
    allow: tuple[Assertion, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _one_or_more(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("term"), str):
            return {**data, "term": (data["term"],)}
        return data

    @model_validator(mode="after")
    def _known(self) -> Self:
        unknown = [name for name in self.term if name not in default_matcher().concepts]
        if unknown:
            raise ValueError(f"no such concept in the lexicon: {', '.join(unknown)}")
        return self

    def evaluate(self, view: RecordView, full: RecordView) -> Outcome:
        """UNKNOWN where there is no text at all to look in."""
        concepts = default_matcher().concepts
        facts: list[str] = []
        words: list[str] = []
        spans: list[Span] = []
        chronic = False
        for name in self.term:
            accepted = _SAID_TO_BE_SO | set(self.allow)
            if concepts[name].chronic:
                chronic = True
                accepted |= {Assertion.HISTORICAL}
            for fact, match in view.mentions.get(name, ()):
                in_history = fact.kind in HISTORY_KINDS
                if match.assertion in accepted and (concepts[name].chronic or not in_history):
                    facts.append(fact.id)
                    words.append(f'"{match.text}"')
                    spans.append(Span(fact.id, match.start, match.end))
        if facts:
            return Outcome(Truth.TRUE, tuple(dict.fromkeys(facts)), tuple(dict.fromkeys(words)), tuple(spans))
        searched = (*TEXT_KINDS, *HISTORY_KINDS) if chronic else TEXT_KINDS
        return FALSE if any(view.has(kind) for kind in searched) else UNKNOWN


class DangerZone(_Node):
    """A vital sign lies in the ESI danger zone of the patient's age."""

    danger_zone: Literal["heart_rate", "respiratory_rate", "oxygen_saturation"]

    def evaluate(self, view: RecordView, full: RecordView) -> Outcome:
        """UNKNOWN where the sign, or an age that its limit needs, is missing."""
        return _danger(FactKind(self.danger_zone), view)


class DangerCount(_Node):
    """At least so many vital signs lie in the danger zone."""

    danger_count: int = Field(ge=1, le=3)

    def evaluate(self, view: RecordView, full: RecordView) -> Outcome:
        """TRUE with the evidence of each sign in the zone."""
        outcomes = [_danger(kind, view) for kind in _DANGER_KINDS]
        held = [outcome for outcome in outcomes if outcome.truth is Truth.TRUE]
        if len(held) >= self.danger_count:
            return merged(Truth.TRUE, held)
        unknown = sum(outcome.truth is Truth.UNKNOWN for outcome in outcomes)
        return UNKNOWN if len(held) + unknown >= self.danger_count else FALSE


class Hypotension(_Node):
    """The systolic pressure lies below the limit of the patient's age."""

    hypotension: Literal[True]

    def evaluate(self, view: RecordView, full: RecordView) -> Outcome:
        """UNKNOWN where the pressure or the age is missing."""
        known = view.number(FactKind.SYSTOLIC_BP)
        if known is None or view.age_days is None:
            return UNKNOWN
        value, fact = known
        limit, band = hypotension_limit(view.age_days)
        if value >= limit:
            return FALSE
        words = f"{_said(FactKind.SYSTOLIC_BP, value)}, below {_plain(limit)} ({band})"
        return Outcome(Truth.TRUE, (fact.id,), (words,))


class Score(_Node):
    """A clinical score of the whole record reaches a value; an incomplete score counts by the least it can be."""

    score: str
    ge: Decimal

    def evaluate(self, view: RecordView, full: RecordView) -> Outcome:
        """UNKNOWN where the score is incomplete and still below; FALSE where it does not apply."""
        result = full.scores.get(self.score.lower())
        if result is None or not result.applicable:
            return FALSE
        if result.value is None or (result.value < self.ge and not result.complete):
            return UNKNOWN
        if result.value < self.ge:
            return FALSE
        parts = [part for part in result.parts if part.points > 0]
        if parts:
            facts = tuple(dict.fromkeys(fact for part in parts for fact in part.fact_ids))
        else:  # a ratio has no points: it rests on all of its inputs
            inputs = (full.first(kind) for kind in _RATIO_INPUTS)
            facts = tuple(fact.id for fact in inputs if fact is not None)
        if view.only is not None:
            cited = sum(part.points for part in parts if set(part.fact_ids) <= set(view.only))
            if cited < self.ge if parts else not set(facts) <= set(view.only):
                return UNKNOWN
        sign = "" if result.complete else "at least "
        return Outcome(Truth.TRUE, facts, (f"{result.name} {sign}{_plain(result.value)}",))


_TAGS = {
    "all": AllOf,
    "any": AnyOf,
    "not": Not,
    "fact": Number,
    "code": Coded,
    "age": AgeIs,
    "term": Term,
    "danger_zone": DangerZone,
    "danger_count": DangerCount,
    "hypotension": Hypotension,
    "score": Score,
}


def _tag(data: Any) -> str | None:
    if isinstance(data, BaseModel):
        return next((tag for tag, model in _TAGS.items() if isinstance(data, model)), None)
    return next((tag for tag in _TAGS if isinstance(data, dict) and tag in data), None)


Condition = Annotated[
    Annotated[AllOf, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[Not, Tag("not")]
    | Annotated[Number, Tag("fact")]
    | Annotated[Coded, Tag("code")]
    | Annotated[AgeIs, Tag("age")]
    | Annotated[Term, Tag("term")]
    | Annotated[DangerZone, Tag("danger_zone")]
    | Annotated[DangerCount, Tag("danger_count")]
    | Annotated[Hypotension, Tag("hypotension")]
    | Annotated[Score, Tag("score")],
    Discriminator(
        _tag,
        custom_error_type="condition",
        custom_error_message="a condition has exactly one of: " + ", ".join(_TAGS),
    ),
]
for _model in (AllOf, AnyOf, Not):
    _model.model_rebuild()


def _danger(kind: FactKind, view: RecordView) -> Outcome:
    known = view.number(kind)
    if known is None:
        return UNKNOWN
    value, fact = known
    if kind is not FactKind.OXYGEN_SATURATION and view.age_days is None:
        return UNKNOWN
    found = danger_limit(kind, view.age_days or Decimal(0), view.version)
    if found is None:
        return UNKNOWN
    limit, band = found
    low = kind is FactKind.OXYGEN_SATURATION
    if not (value < limit if low else value > limit):
        return FALSE
    word = "below" if low else "above"
    return Outcome(Truth.TRUE, (fact.id,), (f"{_said(kind, value)}, {word} {_plain(limit)} ({band})",))


def _said(kind: FactKind, value: Decimal) -> str:
    unit = CANONICAL_UNITS[kind]
    shown = {"Cel": " °C", "mm[Hg]": " mmHg", "{score}": "", "%": " %"}.get(unit, f" {unit}")
    return f"{_NAMES.get(kind, kind.value.replace('_', ' '))} {_plain(value)}{shown}"


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
