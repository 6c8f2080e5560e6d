"""Whether the record affirms or denies a finding that a claim names."""

from collections.abc import Iterable, Iterator

from data_schemas import Check, Claim, Fact, IntakeRecord, Refusal
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
_GROUPS = frozenset({"nausea_vomiting", "weak_dizzy"})
_SYNONYMS = frozenset({"pregnancy_words", "postpartum_words", "sepsis_words", "severe_pain_words"})
"""Concepts of the lexicon named like a collection, whose words do mean the same."""


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
    """What ``text`` says of each mention of the finding, word for word and in the words that the lexicon has for it."""
    names = concepts_of(words)
    known = [match for match in find_terms(text) if match.concept in names]
    yield from (_literal(text, words) if not known else (match.assertion for match in known))


def concepts_of(words: str) -> frozenset[str]:
    """The concepts that mean what ``words`` do: the narrow ones, where there are any.

    A collection ("words of a hypertensive emergency": headache, chest pain) is no synonym: a headache does not bear
    out chest pain.
    """
    found = {
        match.concept
        for match in find_terms(words)
        if match.concept in _SYNONYMS or not match.concept.endswith(("_words", "_sites"))
    }
    return frozenset(found - _GROUPS or found)


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
