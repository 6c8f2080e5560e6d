"""Whether the record affirms or denies a finding that a claim names."""

from collections.abc import Iterable, Iterator

from data_schemas import Check, Claim, Fact, FactKind, IntakeRecord, Refusal
from triage.text.context import Assertion, Context
from triage.text.terms import default_matcher, find_terms
from triage.text.tokens import tokenise
from triage.verifying.reading import PROSE, WORDS
from triage.verifying.words import fact_words, kind_words

AFFIRMED = frozenset({Assertion.PRESENT, Assertion.POSSIBLE, Assertion.RESOLVED, Assertion.HISTORICAL})
_WORDS_FOR = {
    Assertion.NEGATED: "denies it",
    Assertion.FAMILY: "says it of a relative",
    Assertion.HYPOTHETICAL: "only imagines it",
}
_MEASURED_AS = {"fever": FactKind.TEMPERATURE}
"""Findings that a number may affirm as well as words."""


def finding(claim: Claim, cited: Iterable[Fact], record: IntakeRecord) -> Refusal | None:
    """Whether the facts cited say of the finding what the claim says, and nothing in the record affirms a denied one.

    A denial must be read in the record: silence is none.
    """
    words = claim.finding
    if words is None or claim.present is None:
        return None
    facts = [fact for fact in cited if fact.kind in WORDS]
    found = [(fact, said) for fact in facts for said in assertions(fact.text, words)]
    said_here = {said for _, said in found}
    if not found:
        return _unmentioned(words, facts, record)
    if claim.present:
        if said_here & AFFIRMED:
            return None
        fact, said = found[0]
        how = _WORDS_FOR.get(said, "does not affirm it")
        return Refusal(
            check=Check.NEGATION, why=f"it says that {words} is present; the {kind_words(fact.kind)} {how}"
        )
    elsewhere = [
        (fact, said)
        for fact in record.facts
        if fact.kind in PROSE
        for said in assertions(fact.text, words)
        if said in {Assertion.PRESENT, Assertion.POSSIBLE}
    ]
    if Assertion.NEGATED in said_here and not elsewhere:
        return None
    fact = elsewhere[0][0] if elsewhere else found[0][0]
    return Refusal(
        check=Check.NEGATION,
        why=f"it says that {words} is denied; the {fact_words(fact)} does not",
    )


def _unmentioned(words: str, cited: list[Fact], record: IntakeRecord) -> Refusal:
    holders = [fact for fact in record.facts if fact.kind in WORDS and any(assertions(fact.text, words))]
    if holders:
        return Refusal(
            check=Check.FACT,
            why=f"it speaks of {words}; that is in the {fact_words(holders[0])}, which it does not cite",
        )
    where = fact_words(cited[0]) if cited else "fact cited"
    return Refusal(check=Check.FACT, why=f"it speaks of {words}; the {where} does not mention it")


def assertions(text: str, words: str) -> Iterator[Assertion]:
    """What ``text`` says of each mention of the finding: by the concept where the lexicon has one, else word for word.

    What a text says outright comes with its own denial: "no fever" asked of in "no fever" is affirmed word for word,
    so words that deny are looked up without the denial.
    """
    names = {match.concept for match in find_terms(words)}
    known = [match for match in find_terms(text) if match.concept in names]
    literal = list(_literal(text, words))
    if literal:
        yield from literal
        return
    yield from (match.assertion for match in known)


def _literal(text: str, words: str) -> Iterator[Assertion]:
    wanted = [token.norm for token in tokenise(words) if token.is_word]
    tokens = tokenise(text)
    if not wanted:
        return
    hits = [
        (at, at + len(wanted))
        for at in range(len(tokens) - len(wanted) + 1)
        if [token.norm for token in tokens[at : at + len(wanted)]] == wanted
    ]
    chronic = any(default_matcher().concepts[match.concept].chronic for match in find_terms(words))
    context = Context(tokens, hits)
    for first, last in hits:
        yield context.assertion(first, last, is_condition=chronic)


def measured_as(words: str) -> FactKind | None:
    """The vital sign that may affirm a finding by its number."""
    return next((kind for name, kind in _MEASURED_AS.items() if name in words.lower()), None)
