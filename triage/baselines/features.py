"""From intake records to the sparse matrix of the boosting comparator: facts, words, and optionally the rules."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from pydantic import Field
from scipy import sparse  # type: ignore[import-untyped, unused-ignore]
from sklearn.feature_extraction.text import CountVectorizer

from data_schemas import FactKind, IntakeRecord, Screening
from data_schemas._base import Frozen
from triage.baselines.facts_table import FACT_NAMES, RULE_NAMES, fact_table, rule_table

_SAID = (FactKind.CHIEF_COMPLAINT, FactKind.TRIAGE_NOTE)
_HISTORY = (FactKind.CONDITION, FactKind.MEDICATION, FactKind.ALLERGY)
_WORD = r"(?u)\b\w+\b"


class FeatureConfig(Frozen):
    """What a row is made of.

    ``words``, ``parts`` and ``history``: the most columns for words and word pairs of complaint and note, for word
    parts of 3-5 characters of the same, and for words of conditions, drugs and allergies; 0 leaves them out.
    ``min_count``: in how many records a column must occur. ``rules``: add what the rules find.
    """

    words: int = Field(default=1500, ge=0)
    parts: int = Field(default=1000, ge=0)
    history: int = Field(default=300, ge=0)
    min_count: int = Field(default=10, ge=1)
    rules: bool = False


class FeatureSpace(Frozen):
    """The columns, fixed at fitting: all that is needed to make the same row from the same record again."""

    config: FeatureConfig
    facts: tuple[str, ...]
    words: tuple[str, ...]
    parts: tuple[str, ...]
    history: tuple[str, ...]
    statements: tuple[str, ...]

    @classmethod
    def fit(
        cls,
        config: FeatureConfig,
        records: Sequence[IntakeRecord],
        screenings: Sequence[Screening] | None = None,
    ) -> Self:
        """The columns that ``records`` (and with ``config.rules`` their ``screenings``) fill.

        Raises:
            ValueError: ``config.rules`` without screenings, or not one for each record.
        """
        found = _checked(config, records, screenings)
        said, history = [_text(r, _SAID) for r in records], [_text(r, _HISTORY) for r in records]
        return cls(
            config=config,
            facts=FACT_NAMES,
            words=_vocabulary("words", said, config.words, config.min_count),
            parts=_vocabulary("parts", said, config.parts, config.min_count),
            history=_vocabulary("history", history, config.history, config.min_count),
            statements=tuple(sorted({f.statement.id for s in found for f in s.findings})),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each column of ``transform``."""
        return (
            *self.facts,
            *(f"word:{term}" for term in self.words),
            *(f"part:{term}" for term in self.parts),
            *(f"history:{term}" for term in self.history),
            *(RULE_NAMES if self.config.rules else ()),
            *(f"statement:{statement}" for statement in self.statements),
        )

    def transform(
        self, records: Sequence[IntakeRecord], screenings: Sequence[Screening] | None = None
    ) -> Any:
        """A ``scipy.sparse.csr_matrix`` of shape (n, len(names)); NaN is not known, a cell not stored is 0.

        Raises:
            ValueError: the columns were fitted by another version of this module; or as ``fit``.
        """
        if self.facts != FACT_NAMES:
            raise ValueError("the columns are of another version of the features: fit the model again")
        found = _checked(self.config, records, screenings)
        said, history = [_text(r, _SAID) for r in records], [_text(r, _HISTORY) for r in records]
        blocks = [sparse.csr_matrix(fact_table(records))]
        for kind, terms, texts in (
            ("words", self.words, said),
            ("parts", self.parts, said),
            ("history", self.history, history),
        ):
            if terms:
                blocks.append(_vectoriser(kind, vocabulary=list(terms)).transform(texts))
        if self.config.rules:
            blocks.append(sparse.csr_matrix(rule_table(found, self.statements)))
        return sparse.csr_matrix(sparse.hstack(blocks, format="csr", dtype="float64"))


def _checked(
    config: FeatureConfig, records: Sequence[IntakeRecord], screenings: Sequence[Screening] | None
) -> Sequence[Screening]:
    if not config.rules:
        return ()
    if screenings is None or len(screenings) != len(records):
        raise ValueError("rule features need one screening for each record")
    return screenings


def _text(record: IntakeRecord, kinds: Sequence[FactKind]) -> str:
    return " ; ".join(fact.text for kind in kinds for fact in record.all(kind))


def _vectoriser(kind: str, **options: Any) -> CountVectorizer:
    if kind == "parts":
        return CountVectorizer(analyzer="char_wb", ngram_range=(3, 5), binary=True, **options)
    return CountVectorizer(token_pattern=_WORD, ngram_range=(1, 2), binary=True, **options)


def _vocabulary(kind: str, texts: Sequence[str], most: int, min_count: int) -> tuple[str, ...]:
    """The terms that occur in ``min_count`` texts or more, the ``most`` frequent of them, in alphabetical order."""
    if not most:
        return ()
    vectoriser = _vectoriser(kind)
    try:
        counts = vectoriser.fit_transform(texts)
    except ValueError:  # scikit-learn's word for "no text holds a word": a set of records without complaints
        return ()
    terms = vectoriser.get_feature_names_out()
    found = np.asarray(counts.sum(axis=0)).ravel()
    ranked = sorted(
        ((-int(n), str(term)) for n, term in zip(found, terms, strict=True) if n >= min_count),
    )
    return tuple(sorted(term for _, term in ranked[:most]))
