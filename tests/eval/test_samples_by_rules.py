"""The rules alone on the shipped samples: what they must never fall below."""

import pytest

from data_schemas import EsiVersion
from eval import predict_with_rules, sample_cases
from integrations.samples import samples


@pytest.mark.parametrize("version", list(EsiVersion))
def test_the_rules_under_triage_no_urgent_sample_and_are_mostly_exact(version):
    cases = sample_cases(version)
    predicted = predict_with_rules(cases, version)
    too_low = [c.case_id for c, p in zip(cases, predicted, strict=True) if c.truth <= 2 and p > c.truth]
    assert too_low == []
    exact = sum(case.truth == level for case, level in zip(cases, predicted, strict=True))
    assert exact / len(cases) >= 0.85


def test_every_sample_names_its_decision_point_and_its_source():
    for sample in samples():
        for version in EsiVersion:
            assert sample.decision_point(version)
        assert "ESI" in sample.source
        assert len(sample.why) > 20
