"""Bins hold every value once, and what is not known in no bin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas import FactKind
from triage.baselines.fact_bins import FactBins
from triage.guidelines import record_from
from triage.training.corpus import LabelledCase


def test_every_number_is_in_one_bin_and_the_unknown_in_none(cases: list[LabelledCase]) -> None:
    records = [case.record for case in cases]
    bins = FactBins.fit(records)
    table = bins.transform(records)
    assert not np.isnan(table).any()
    at = 0
    for name, cuts in zip(bins.facts, bins.cuts, strict=True):
        width = max(len(cuts) + 1, 1)
        block, unknown = table[:, at : at + width], table[:, at + width]
        if cuts:
            assert np.array_equal(block.sum(axis=1) + unknown, np.ones(len(records))), name
        if name == "pain":
            assert np.array_equal(unknown, [record.number(FactKind.PAIN) is None for record in records])
        at += width + 1
    assert at == table.shape[1]


@given(first=st.integers(20, 250), second=st.integers(20, 250))
def test_bins_are_in_the_order_of_the_values(first: int, second: int) -> None:
    bins = FactBins.fit([record_from({"complaint": "x", "hr": rate}) for rate in range(40, 160, 2)])
    start = sum(
        len(cuts) + 2 for cuts, name in zip(bins.cuts, bins.facts, strict=True) if name == "age_years"
    )
    assert bins.facts[1] == "heart_rate"
    width = len(bins.cuts[1]) + 1

    def bin_of(rate: int) -> int:
        row = bins.transform([record_from({"complaint": "x", "hr": rate})])[0, start : start + width]
        assert row.sum() == 1
        return int(row.argmax())

    low, high = sorted((first, second))
    assert bin_of(low) <= bin_of(high)


def test_a_record_with_nothing_is_unknown_everywhere_but_in_codes_and_counts() -> None:
    bins = FactBins.fit([record_from({"complaint": "x", "hr": rate}) for rate in (60, 70, 80)])
    empty = record_from({"complaint": "x"})
    row = bins.transform([empty])[0]
    assert set(np.unique(row)) == {0.0, 1.0}


def test_bins_of_another_version_are_refused(cases: list[LabelledCase]) -> None:
    bins = FactBins.fit([case.record for case in cases])
    other = bins.model_copy(update={"facts": bins.facts[1:]})
    with pytest.raises(ValueError, match="another version"):
        other.transform([cases[0].record])
