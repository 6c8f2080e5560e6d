"""A small pattern language over tokens, and the index that finds many patterns in one pass.

A pattern is a row of words: ``chest pain``; ``a|b`` either word; ``the?`` optional; ``suicid*`` a beginning;
``..3`` up to three other words between (never across a mark); ``,?`` an optional comma. A word of two or three
capitals (``CP``) matches capitals only, or the whole of a terse complaint.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from triage.text.normal_form import normalise
from triage.text.tokens import Token

_MAX_CAPITALS = 3
_PREFIX = 3


@dataclass(frozen=True, slots=True)
class _Element:
    """One position of a pattern."""

    words: frozenset[str]
    prefixes: tuple[str, ...]
    capitals: frozenset[str]
    optional: bool
    gap: int

    def accepts(self, token: Token, *, whole: bool) -> bool:
        """Whether ``token`` may stand here; ``whole`` says that it is the entire text."""
        if token.norm in self.words:
            return True
        if self.capitals and (token.raw in self.capitals or (whole and token.raw.upper() in self.capitals)):
            return True
        return any(token.norm.startswith(prefix) for prefix in self.prefixes)


def _element(source: str) -> _Element:
    if source.startswith("..") and source[2:].isdigit():
        return _Element(frozenset(), (), frozenset(), True, int(source[2:]))
    optional = source.endswith("?") and len(source) > 1
    words: set[str] = set()
    prefixes: list[str] = []
    capitals: set[str] = set()
    for choice in source.removesuffix("?").split("|") if optional else source.split("|"):
        if choice.endswith("*") and len(choice) > 1:
            prefixes.append(normalise(choice[:-1] + "x")[:-1])
        elif choice.isupper() and 1 < len(choice) <= _MAX_CAPITALS and choice.isalpha():
            capitals.add(choice)
        else:
            words.add(normalise(choice))
    return _Element(frozenset(words), tuple(prefixes), frozenset(capitals), optional, 0)


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a pattern was found: token positions, half-open."""

    key: str
    first: int
    last: int


class PatternIndex:
    """Finds every pattern of a keyed collection in a row of tokens."""

    def __init__(self, patterns: Iterable[tuple[str, str]]) -> None:
        """Compile ``patterns``: pairs of key and pattern.

        Raises:
            ValueError: a pattern is empty or all of it is optional.
        """
        self._by_word: dict[str, list[tuple[str, tuple[_Element, ...]]]] = defaultdict(list)
        self._by_capital: dict[str, list[tuple[str, tuple[_Element, ...]]]] = defaultdict(list)
        self._by_prefix: dict[str, list[tuple[str, tuple[_Element, ...]]]] = defaultdict(list)
        capitals: set[str] = set()
        for key, source in patterns:
            elements = tuple(_element(part) for part in source.split())
            if all(element.optional for element in elements):
                raise ValueError(
                    f"the pattern {source!r} of {key!r} needs at least one word that is required"
                )
            capitals.update(*(element.capitals for element in elements))
            self._add(key, elements)
            while elements[0].optional:
                elements = elements[1:]
                self._add(key, elements)
        self._capitals = frozenset(capitals)

    def _add(self, key: str, elements: tuple[_Element, ...]) -> None:
        head = elements[0]
        for word in head.words:
            self._by_word[word].append((key, elements))
        for word in head.capitals:
            self._by_capital[word].append((key, elements))
        for prefix in head.prefixes:
            self._by_prefix[prefix[:_PREFIX]].append((key, elements))

    @property
    def capitals(self) -> frozenset[str]:
        """The words of two or three capitals that the patterns hold."""
        return self._capitals

    def find(self, tokens: Sequence[Token]) -> Iterator[Hit]:
        """Every hit, the longest for each key and position."""
        whole = len(tokens) == 1
        for at, token in enumerate(tokens):
            longest: dict[str, int] = {}
            for key, elements in self._candidates(token):
                if not elements[0].accepts(token, whole=whole):
                    continue
                end = _match(elements, 1, tokens, at + 1, whole=whole)
                if end is not None and end > longest.get(key, -1):
                    longest[key] = end
            for key, end in longest.items():
                yield Hit(key, at, end)

    def _candidates(self, token: Token) -> Iterator[tuple[str, tuple[_Element, ...]]]:
        yield from self._by_word.get(token.norm, ())
        if self._by_capital:
            yield from self._by_capital.get(token.raw.upper(), ())
        yield from self._by_prefix.get(token.norm[:_PREFIX], ())


def _match(
    elements: Sequence[_Element], index: int, tokens: Sequence[Token], at: int, *, whole: bool
) -> int | None:
    """The end of the longest match of ``elements[index:]`` at token ``at``, or None."""
    if index == len(elements):
        return at
    element = elements[index]
    if element.gap:
        for skipped in range(element.gap + 1):
            end = _match(elements, index + 1, tokens, at + skipped, whole=whole)
            if end is not None:
                return end
            if at + skipped >= len(tokens) or not tokens[at + skipped].is_word:
                break
        return None
    if at < len(tokens) and element.accepts(tokens[at], whole=whole):
        end = _match(elements, index + 1, tokens, at + 1, whole=whole)
        if end is not None:
            return end
    if element.optional:
        return _match(elements, index + 1, tokens, at, whole=whole)
    return None
