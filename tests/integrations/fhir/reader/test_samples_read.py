"""The samples that ship are read as their manifest says."""

import time
from datetime import timedelta

import pytest

from data_schemas import IntakeRecord, QualityIssue
from integrations.fhir.bundle import parse_json
from integrations.fhir.reader import read_bundle
from integrations.samples import samples


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.id)
def test_a_sample_is_read_as_expected(sample):
    now = sample.arrived_at + timedelta(minutes=15)
    (record,) = read_bundle(parse_json(sample.raw().encode()), source="sample", now=now)
    assert isinstance(record, IntakeRecord), str(record)
    assert record.missing == sample.missing
    named = {finding.issue for finding in record.findings} - {QualityIssue.MISSING}
    assert set(sample.findings) <= named
    assert named <= set(sample.findings) | {QualityIssue.ACUITY_STRIPPED}


def test_a_sample_is_read_in_under_15_ms():
    sample = samples()[0]
    times = []
    for _ in range(20):
        start = time.perf_counter()
        read_bundle(parse_json(sample.raw().encode()), source="sample", now=sample.arrived_at)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.015
