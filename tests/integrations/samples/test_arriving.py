"""A sample that arrives today is the same patient at the same age."""

from datetime import UTC, datetime, timedelta

import pytest

from data_schemas import IntakeRecord
from integrations.fhir import read_bundle
from integrations.samples import samples
from integrations.samples.arriving import arriving, at_the_desk
from integrations.samples.live import mixed


def read(bundle, now):
    return read_bundle(bundle, source="x", now=now)


def said(result):
    if not isinstance(result, IntakeRecord):
        return str(result)
    return (
        [(f.kind, f.text) for f in result.facts],
        [(f.issue, f.kind) for f in result.findings],
        result.missing,
    )


@pytest.mark.parametrize("days", [0, 1, 29, 100, 366, 1461])
def test_the_record_is_the_same_on_another_day(days):
    for sample in samples():
        at = datetime(2026, 11, 20, 12, 0, tzinfo=UTC) + timedelta(days=days, hours=3)
        then = read(sample.bundle(), sample.arrived_at + timedelta(minutes=15))
        now = read(arriving(sample, at), at + timedelta(minutes=15))
        assert list(map(said, now)) == list(map(said, then)), sample.id


def test_everybody_comes_and_the_first_are_mixed():
    order = mixed(samples())
    assert sorted(sample.id for sample in order) == sorted(sample.id for sample in samples())
    assert "47" in {sample.id for sample in order[:6]}


def test_nobody_comes_with_vital_signs_of_the_future():
    now = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
    for sample in samples():
        if "future" in sample.findings:
            continue
        for result in read(arriving(sample, now - at_the_desk(sample)), now):
            if isinstance(result, IntakeRecord):
                times = [fact.observed_at for fact in result.facts if fact.observed_at is not None]
                assert all(time <= now for time in times), sample.id
