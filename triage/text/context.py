"""Whether a finding in a text is present, denied, past, a relative's or only imagined.

An implementation of the published ConText algorithm (Harkema et al., J Biomed Inform 2009;42:839), which
extends NegEx (Chapman et al., J Biomed Inform 2001;34:301). Where a scope is in doubt the finding counts as
present: a denial read into a text hides a sick patient, a denial missed costs a look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise

import yaml

from triage.text.normal_form import normalise
from triage.text.patterns import Hit, PatternIndex
from triage.text.tokens import Token, ends_sentence


class Assertion(StrEnum):
    """What the text says about a finding."""

    PRESENT = "present"
    POSSIBLE = "possible"
    RESOLVED = "resolved"
    HISTORICAL = "historical"
    HYPOTHETICAL = "hypothetical"
    FAMILY = "family"
    NEGATED = "negated"


_PRECEDENCE = (
    Assertion.NEGATED,
    Assertion.FAMILY,
    Assertion.HYPOTHETICAL,
    Assertion.HISTORICAL,
    Assertion.RESOLVED,
    Assertion.POSSIBLE,
)
_NEAR_LIMIT = 6
"""Words a `near` trigger reaches within one item of a list."""
_NEXT_LIMIT = 1
"""Words between a `next` trigger and its finding ("a colleague had a massive heart attack")."""
_POST_LIMIT = 5
_OWN_DENIAL_WITHIN = 4
_COMPARES = frozenset(
    {
        "like",
        "as",
        "than",
        "similar",
        "same",
        "since",
        "after",
        "who",
        "had",
        "has",
        "and",
        "at",
        "of",
        "where",
        "on",
        "with",
    }
)
"""Between a finding and a date: the date is of something else ("chest pain like his heart attack in 2018")."""
_AGAIN_WITHIN = 6
_DISEASES = frozenset(
    {
        "afib",
        "anxiety",
        "asthma",
        "bipolar",
        "cad",
        "chf",
        "ckd",
        "copd",
        "depression",
        "diabete",
        "dm",
        "esrd",
        "etoh",
        "hld",
        "htn",
        "hypertension",
        "schizophrenia",
    }
)
"""In normal form. What a history is of, beside the lexicon's own conditions."""
_HERE_AND_NOW = frozenset({"who", "now", "today", "with", "came", "come", "here", "found"})
_CLOSERS = frozenset({"or", "nor"})
_SCOPE_LIMIT = 120
"""Tokens that any scope reaches: a text without a full stop is not denied to its end, nor read for minutes."""
_DENIES_NEXT = frozenset(
    {"no", "neg", "negative", "none", "deny", "denied", "denying", "absent", "unlikely"}
)  # in normal form: "denies" is "deny"
_NOT_DENIED = frozenset(
    {
        "by",
        "at",
        "on",
        "in",
        "per",
        "when",
        "today",
        "now",
        "currently",
        "and",
        "or",
        "but",
        "with",
        "also",
        "x",
    }
)
"""After a denial, these are not what it denies: "facial droop denied by pt"."""
_RELATIVES_OWN = frozenset({"family", "fhx", "f/h"})
_THE_PATIENT = frozenset({"pt", "patient", "now"})
_BREAKS = frozenset({",", "and", ":", "(", ")", "plus", "+"})
_BETWEEN_DENIALS = frozenset(
    {"having", "have", "has", "had", "being", "he", "she", "is", "was", "there", "that", "to"}
)
_NEGATION_ITEM_AFFIRMED = frozenset({"x", "since", "for", "rated", "rate", "started", "began", "onset"})


@dataclass(frozen=True, slots=True)
class _Trigger:
    assertion: Assertion
    scope: str
    first: int
    last: int


_DATA = yaml.safe_load((files("triage.text") / "context.yaml").read_text("utf-8"))
_ALWAYS_END = frozenset(normalise(word) for word in _DATA["scope_ends"]["always"].split())
_END_AFTER_BREAK = frozenset(normalise(word) for word in _DATA["scope_ends"]["after_break"].split())


@lru_cache(maxsize=1)
def _index() -> PatternIndex:
    data = {key: value for key, value in _DATA.items() if key != "scope_ends"}
    patterns: list[tuple[str, str]] = [("pseudo/", item) for item in data.pop("pseudo")]
    for assertion, scopes in data.items():
        for scope, items in scopes.items():
            patterns += [(f"{Assertion(assertion)}/{scope}", item) for item in items]
    return PatternIndex(patterns)


class Context:
    """The context triggers of one text, ready to be asked about any span of tokens.

    ``consumed`` are the token spans of findings: a trigger inside one ("not breathing") belongs to that
    finding and denies nothing else.
    """

    def __init__(self, tokens: Sequence[Token], consumed: Sequence[tuple[int, int]]) -> None:
        self._tokens = tokens
        self._consumed = tuple(consumed)
        self._triggers = _triggers(tokens, consumed)

    def assertion(
        self, first: int, last: int, *, is_condition: bool = False, is_observed: bool = False
    ) -> Assertion:
        """What the text says about the finding at tokens ``[first, last)``.

        ``is_condition`` marks a disease or treatment: only those continue a comma-separated history.
        ``is_observed`` marks what nobody says of himself ("unresponsive"): no list of denials holds it.
        """
        reached = {
            trigger.assertion
            for trigger in self._triggers
            if not (trigger.first < last and first < trigger.last)
            and self._reaches(trigger, first, last, is_condition=is_condition)
            and not (
                is_observed
                and trigger.assertion is Assertion.NEGATED
                and trigger.last <= first
                and self._after_comma(trigger.last, first)
            )
        }
        if Assertion.NEGATED in reached and self._denied_twice(first, last):
            reached.discard(Assertion.NEGATED)
        return next((found for found in _PRECEDENCE if found in reached), Assertion.PRESENT)

    def _reaches(self, trigger: _Trigger, first: int, last: int, *, is_condition: bool) -> bool:
        if trigger.scope == "post":
            return trigger.first >= last and self._post(trigger, last, is_condition=is_condition)
        if not trigger.last <= first <= trigger.last + _SCOPE_LIMIT:
            return False
        if trigger.assertion is Assertion.HISTORICAL:
            return self._history(trigger, first, is_condition=is_condition)
        if trigger.scope == "next":
            between = self._tokens[trigger.last : first]
            return len(between) <= _NEXT_LIMIT and all(token.is_word for token in between)
        if trigger.scope == "list":
            return self._list(trigger, first, last, is_condition=is_condition)
        return self._near(trigger, first)

    def _post(self, trigger: _Trigger, last: int, *, is_condition: bool) -> bool:
        between = self._tokens[last : trigger.first]
        if len(between) > _POST_LIMIT or _denies_what_follows(self._tokens, trigger.last):
            return False  # "chest pain - no radiation": the denial is about what follows
        if trigger.assertion is Assertion.NEGATED and any(
            token.norm in _BREAKS or token.norm in _ALWAYS_END for token in between
        ):
            return False
        if trigger.assertion is Assertion.HISTORICAL and (
            any(token.norm in _COMPARES for token in between)
            or self._again(trigger.last)
            or (not is_condition and self._another(last, trigger.first))
        ):
            return False
        return not any(
            ends_sentence(token) or token.norm in _ALWAYS_END or token.norm in {","} for token in between
        )

    def _again(self, start: int) -> bool:
        """Whether the sentence goes on to say that it is back ("a stroke in 2015 and again today")."""
        for token in self._tokens[start : start + _AGAIN_WITHIN]:
            if ends_sentence(token):
                return False
            if token.norm == "again":
                return True
        return False

    def _another(self, start: int, stop: int) -> bool:
        """Whether a finding stands between: the date is its own ("facial droop stroke 2 yrs ago")."""
        return any(start <= first and last <= stop for first, last in self._consumed)

    def _after_comma(self, start: int, first: int) -> bool:
        return any(token.norm == "," for token in self._tokens[start:first])

    def _ended(self, start: int, stop: int) -> bool:
        """Whether a scope that starts at ``start`` has ended before ``stop``."""
        broken = False
        for at in range(start, stop):
            token = self._tokens[at]
            if ends_sentence(token) or token.norm in _ALWAYS_END:
                return True
            if token.norm == "due" or (token.norm == "since" and broken):
                return True
            if broken and token.norm in _END_AFTER_BREAK:
                return True
            if token.norm in _BREAKS:
                broken = True
        return False

    def _list(self, trigger: _Trigger, first: int, last: int, *, is_condition: bool) -> bool:
        if self._ended(trigger.last, first):
            return False
        after_comma = self._after_comma(trigger.last, first)
        if trigger.assertion is Assertion.FAMILY and self._tokens[trigger.first].norm not in _RELATIVES_OWN:
            if any(token.norm in _THE_PATIENT for token in self._tokens[trigger.last : first]):
                return False
            if after_comma and not is_condition:  # "wife has covid, severe SOB"
                return False
        if trigger.assertion is Assertion.HYPOTHETICAL and after_comma:
            return self._closed_by_or(trigger.last, first)
        if after_comma and not is_condition and self._about_history(trigger):
            return self._closed_by_or(trigger.last, first)  # "no hx of trauma, facial droop"
        return not (trigger.assertion is Assertion.NEGATED and after_comma and self._given_value(last))

    def _about_history(self, trigger: _Trigger) -> bool:
        """Whether it denies a history ("no hx of", "denies hx of") rather than a finding."""
        return trigger.assertion is Assertion.NEGATED and any(
            token.norm in {"history", "hx", "h/o"} for token in self._tokens[trigger.first : trigger.last + 1]
        )

    def _given_value(self, last: int) -> bool:
        """Whether what follows measures the finding ("chest pain 8/10", "cough x 2 days"): then it is there."""
        after = self._tokens[last : last + 2]
        if [token.norm for token in after] in (["with", "plan"], ["with", "intent"]):
            return True
        for token in after:
            if ends_sentence(token) or token.norm in _BREAKS:
                return False
            if token.norm in _NEGATION_ITEM_AFFIRMED or token.norm[0].isdigit():
                return True
        return False

    def _near(self, trigger: _Trigger, first: int) -> bool:
        if self._ended(trigger.last, first):
            return False
        between = self._tokens[trigger.last : first]
        words = 0
        for token in between:
            words = 0 if token.norm in {",", "or", "nor", "and"} else words + 1
            if words > _NEAR_LIMIT or token.norm in {"with", "for"}:
                return False
        if any(token.norm == "," for token in between):
            return self._closed_by_or(trigger.last, first)
        return True

    def _closed_by_or(self, start: int, first: int) -> bool:
        """Whether the comma-separated list that holds ``first`` is closed by "or" at or after its last comma."""
        last_comma = max(at for at in range(start, first) if self._tokens[at].norm == ",")
        commas_before_or = 0
        for at in range(last_comma + 1, min(len(self._tokens), first + _SCOPE_LIMIT)):
            token = self._tokens[at]
            if ends_sentence(token) or token.norm in _ALWAYS_END or token.norm in _END_AFTER_BREAK:
                return False
            if token.norm in _CLOSERS:
                return True
            commas_before_or += token.norm == ","
        return False

    def _history(self, trigger: _Trigger, first: int, *, is_condition: bool) -> bool:
        if self._ended(trigger.last, first):
            return False
        between = self._tokens[trigger.last : first]
        if any(token.norm in _HERE_AND_NOW for token in between):
            return False
        if not is_condition and not self._after_comma(trigger.last, first):
            known = any(token.norm in _DISEASES for token in between)
            if known or self._another(trigger.last, first):
                return False  # the history is of what stands between: "hx DM unresponsive"
        if self._tokens[trigger.first].norm in {"previou", "previously", "prior", "past", "remote"}:
            return len(between) <= 2
        return is_condition or not any(token.norm in {",", "and"} for token in between)

    def _denied_twice(self, first: int, last: int) -> bool:
        """Two denials side by side cancel ("denies having no pain")."""
        before = [
            trigger
            for trigger in self._triggers
            if trigger.assertion is Assertion.NEGATED
            and trigger.scope != "post"
            and trigger.last <= first
            and self._reaches(trigger, first, last, is_condition=False)
        ]
        if len(before) < 2:
            return False
        left, right = before[-2], before[-1]
        between = self._tokens[left.last : right.first]
        return len(between) <= 2 and all(token.norm in _BETWEEN_DENIALS for token in between)


def _denies_what_follows(tokens: Sequence[Token], last: int) -> bool:
    """Whether the denial that ends before ``last`` is about the word that follows it: "chest pain - denies SOB".

    Not where that word has a denial of its own after it ("SI: no HI: no").
    """
    if tokens[last - 1].norm not in _DENIES_NEXT or last >= len(tokens):
        return False
    if not tokens[last].is_word or tokens[last].norm in _NOT_DENIED:
        return False
    return not any(
        mark.norm == ":" and denial.norm in _DENIES_NEXT
        for mark, denial in pairwise(tokens[last + 1 : last + 1 + _OWN_DENIAL_WITHIN])
    )


def _denies_next(hit: Hit, tokens: Sequence[Token]) -> bool:
    """Whether a denial after a mark (": no") is about the word that follows: "Neuro: no weakness"."""
    return (
        hit.key.endswith("/post") and not tokens[hit.first].is_word and _denies_what_follows(tokens, hit.last)
    )


def _triggers(tokens: Sequence[Token], consumed: Sequence[tuple[int, int]]) -> tuple[_Trigger, ...]:
    hits = list(_index().find(tokens))
    shields = [(hit.first, hit.last) for hit in hits if hit.key == "pseudo/"] + list(consumed)
    spans = [(hit.first, hit.last) for hit in hits if not _denies_next(hit, tokens)]
    found: list[_Trigger] = []
    for hit in hits:
        if hit.key == "pseudo/" or any(a <= hit.first and hit.last <= b for a, b in shields):
            continue
        if any(a <= hit.first and hit.last <= b and (a, b) != (hit.first, hit.last) for a, b in spans):
            continue  # part of a longer trigger: "no" in "no sign of"
        kind, scope = hit.key.split("/")
        found.append(_Trigger(Assertion(kind), scope, hit.first, hit.last))
    return tuple(sorted(found, key=lambda trigger: trigger.first))
