"""Clinical concepts in a complaint or note: what is said, where, and whether it is said to be so."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import yaml

from triage.text.context import Assertion, Context
from triage.text.patterns import PatternIndex
from triage.text.tokens import tokenise

_CACHED_TEXTS = 4096
_IGNORED = "_ignored"
"""Look-alikes of every concept; ``_ignored.NAME`` holds those of one concept."""


@dataclass(frozen=True, slots=True)
class Concept:
    """A clinical idea with the ways in which it is written.

    ``chronic`` marks a disease, state or treatment that counts even as history ("history of COPD") and is
    also looked for among recorded conditions and drugs. ``observed`` marks what others see and nobody says of himself
    ("unresponsive"): it is not among what a patient denies after a comma.
    """

    name: str
    patterns: tuple[str, ...]
    chronic: bool = False
    observed: bool = False


@dataclass(frozen=True, slots=True)
class TermMatch:
    """One mention of a concept. ``start`` and ``end`` are character offsets, half-open, in the text as given."""

    concept: str
    start: int
    end: int
    text: str
    assertion: Assertion


class TermMatcher:
    """Finds the concepts of a lexicon in clinical text."""

    def __init__(self, concepts: Mapping[str, Concept]) -> None:
        self.concepts = dict(concepts)
        self._index = PatternIndex(
            (concept.name, pattern) for concept in concepts.values() for pattern in concept.patterns
        )
        self._cached = lru_cache(maxsize=_CACHED_TEXTS)(self._find)

    @property
    def abbreviations(self) -> frozenset[str]:
        """What the lexicon reads in capitals only."""
        return self._index.capitals

    def find(self, text: str) -> tuple[TermMatch, ...]:
        """Every mention in ``text``, denied ones too, in order of appearance. Never raises."""
        return self._cached(text)

    def _find(self, text: str) -> tuple[TermMatch, ...]:
        tokens = tokenise(text)
        found_all = list(self._index.find(tokens))
        ignored = [hit for hit in found_all if hit.key.startswith(_IGNORED)]
        hits = [
            hit
            for hit in found_all
            if not hit.key.startswith(_IGNORED)
            and not any(
                cover.first <= hit.first and hit.last <= cover.last
                for cover in ignored
                if cover.key in (_IGNORED, f"{_IGNORED}.{hit.key}")
            )
        ]
        if not hits:
            return ()
        context = Context(tokens, [(hit.first, hit.last) for hit in hits])
        found = []
        for hit in hits:
            start, end = tokens[hit.first].start, tokens[hit.last - 1].end
            concept = self.concepts[hit.key]
            assertion = context.assertion(
                hit.first, hit.last, is_condition=concept.chronic, is_observed=concept.observed
            )
            found.append(TermMatch(hit.key, start, end, text[start:end], assertion))
        return tuple(found)


@lru_cache(maxsize=1)
def default_matcher() -> TermMatcher:
    """The matcher over the shipped lexicon, ``triage/text/lexicon/*.yaml``.

    Raises:
        ValueError: two files define the same concept, or a pattern is malformed.
    """
    concepts: dict[str, Concept] = {}
    folder = files("triage.text") / "lexicon"
    for path in sorted(folder.iterdir(), key=lambda item: item.name):
        if not path.name.endswith(".yaml"):
            continue
        for name, entry in yaml.safe_load(path.read_text("utf-8")).items():
            if name in concepts:
                raise ValueError(f"{path.name}: the concept {name!r} is defined twice")
            body = entry if isinstance(entry, dict) else {"patterns": entry}
            concepts[name] = Concept(
                name=name,
                patterns=tuple(str(pattern) for pattern in body["patterns"]),
                chronic=bool(body.get("chronic", False)),
                observed=bool(body.get("observed", False)),
            )
    return TermMatcher(concepts)


def find_terms(text: str) -> tuple[TermMatch, ...]:
    """Every mention of a known concept in ``text``, denied ones too. See ``TermMatch``."""
    return default_matcher().find(text)
