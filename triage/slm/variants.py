"""The same case put in other ways, for a second look."""

from collections.abc import Iterator, Sequence

from data_schemas import VITAL_SIGNS, Fact, FactKind, IntakeRecord, Screening, Way

_MEASURED = frozenset(
    {
        *VITAL_SIGNS,
        FactKind.OXYGEN_FLOW,
        FactKind.INSPIRED_OXYGEN,
        FactKind.PAIN,
        FactKind.AVPU,
        FactKind.GCS,
        FactKind.GLUCOSE,
    }
)
_HISTORY = frozenset({FactKind.CONDITION, FactKind.MEDICATION, FactKind.ALLERGY})

Put = tuple[Way, IntakeRecord, Screening | None]
"""A way, and what the prompt is made of."""


def ways_to_ask(record: IntakeRecord, screening: Screening) -> Sequence[Put]:
    """Every way that differs from the first question, in the order of ``Way``; the same case gives the same ones.

    What is left out is named missing, as in training. A way that would leave nothing to cite is not among them.
    """
    return [(way, put, rules) for way, put, rules in _all(record, screening) if put.facts]


def _all(record: IntakeRecord, screening: Screening) -> Iterator[Put]:
    yield Way.WITHOUT_RULES, record, None
    kinds = list(FactKind)
    # Backwards by kind only: the first of a kind is the latest and must stay the first.
    turned = tuple(sorted(record.facts, key=lambda fact: -kinds.index(fact.kind)))
    if turned != record.facts:
        yield Way.REORDERED, record.model_copy(update={"facts": turned}), screening
    for way, left_out in (
        (Way.WITHOUT_VITAL_SIGNS, _MEASURED),
        (Way.WITHOUT_HISTORY, _HISTORY),
        (Way.WITHOUT_NOTE, frozenset({FactKind.TRIAGE_NOTE})),
    ):
        kept: tuple[Fact, ...] = tuple(fact for fact in record.facts if fact.kind not in left_out)
        if len(kept) < len(record.facts):
            gone = (
                {fact.kind for fact in record.facts} & left_out & {*VITAL_SIGNS, FactKind.PAIN, FactKind.AVPU}
            )
            missing = tuple(sorted({*record.missing, *gone}, key=kinds.index))
            # Without the rules: their line would tell what was left out.
            yield way, record.model_copy(update={"facts": kept, "missing": missing}), None
