"""Every figure against a plain recomputation with pandas and scikit-learn."""

import csv
import io
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, confusion_matrix

from agents.quality import (
    LOOKED_AT,
    AlertTimes,
    Outcome,
    Period,
    Rate,
    agreement,
    figures,
    read_truth,
    stability_index,
    subgroups,
    to_csv,
)
from agents.quality.drift import _CHI2_95
from agents.quality.subgroups import FEWEST, kept_back
from agents.quality.truth import TruthError, TruthFault
from data_schemas import LEVELS, AssessmentMode, OverrideReason

START = datetime(2026, 3, 1, tzinfo=UTC)

PERIOD = Period(START + timedelta(days=14), START + timedelta(days=28), START)
SEEDED = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LEVEL = st.integers(1, 5)


def frame(visits):
    """The same cases as a data frame."""
    rows = [
        {
            "case": v.case_id,
            "opened": v.opened_at,
            "arrived": v.arrived_at,
            "age": v.age_years,
            "sex": v.sex,
            "mode": None if v.suggested is None else v.suggested.mode.value,
            "top": None if v.suggested is None else v.suggested.top,
            "set": None if v.suggested is None else v.suggested.set_size,
            "suggested": None if v.suggested is None else v.suggested.level,
            "decided": None if v.decided is None else v.decided.level,
            "reason": None if v.decided is None or v.decided.reason is None else v.decided.reason.value,
            "at": None if v.decided is None else v.decided.at,
            "unaided": None if v.decided is None else v.decided.unaided_level,
            "runs": v.runs,
            **{f"no_{kind.value}": kind in v.missing for kind in LOOKED_AT},
        }
        for v in visits
    ]
    return pd.DataFrame(rows)


@SEEDED
@given(st.integers(0, 10_000), st.integers(30, 400))
def test_every_figure_is_what_pandas_gives(drawn, seed, n):
    visits = drawn(seed, n)
    found = figures(visits, [], PERIOD, resamples=100)
    all_rows = frame(visits)
    rows = all_rows[(all_rows.opened >= PERIOD.start) & (all_rows.opened < PERIOD.end)]
    before = all_rows[all_rows.opened < PERIOD.start]
    done = rows.dropna(subset=["decided"])

    assert found.volumes.cases == len(rows)
    assert found.volumes.decided == len(done)
    assert found.volumes.again == Rate(int((rows.runs > 1).sum()), len(rows))

    arrived = done.dropna(subset=["arrived"])
    waits = (
        pd.to_datetime(arrived["at"], utc=True) - pd.to_datetime(arrived.arrived, utc=True)
    ).dt.total_seconds() / 60
    waits = waits[waits >= 0]
    assert found.waits.all.n == len(waits)
    assert found.waits.left_out == len(done) - len(waits)
    if len(waits):
        assert found.waits.all.median == pytest.approx(waits.median())
        assert found.waits.all.p90 == pytest.approx(waits.quantile(0.9))
    for level, spread in found.waits.by_level:
        assert spread.n == int((arrived.decided.loc[waits.index] == level).sum())

    changes = found.overrides
    assert changes.changed.hits == int((done.suggested != done.decided).sum())
    assert changes.more_urgent.hits == int((done.decided < done.suggested).sum())
    assert changes.less_urgent.hits == int((done.decided > done.suggested).sum())
    for one in changes.by_level:
        part = done[done.suggested == one.level]
        assert one.changed == Rate(int((part.suggested != part.decided).sum()), len(part))
        assert one.more_urgent.hits + one.less_urgent.hits == one.changed.hits
    up, down = done[done.decided < done.suggested], done[done.decided > done.suggested]
    assert [r for r, _, _ in changes.reasons] == list(OverrideReason)
    for reason, more, less in changes.reasons:
        assert more == int((up.reason == reason.value).sum())
        assert less == int((down.reason == reason.value).sum())

    if len(done):
        wanted = confusion_matrix(done.suggested.astype(int), done.decided.astype(int), labels=list(LEVELS))
        assert np.array_equal(np.asarray(found.agreement.matrix), wanted)
    asked = done.dropna(subset=["unaided"])
    assert found.unaided.n == len(asked)
    differed = asked[asked.unaided != asked.suggested]
    assert found.swayed == Rate(int((differed.decided == differed.suggested).sum()), len(differed))

    for part, item in ((rows, found.drift.confidence), (before, found.drift.confidence_before)):
        model = part[part["mode"] == AssessmentMode.MODEL.value]
        assert item.model == len(model)
        if len(model):
            assert item.mean_top == pytest.approx(model.top.mean())
            assert item.mean_set_size == pytest.approx(model["set"].mean())
        said = part.dropna(subset=["mode"])
        assert item.rules_only == Rate(len(said) - len(model), len(said))
    for missing in found.drift.missing:
        column = f"no_{missing.kind.value}"
        assert missing.now == Rate(int(rows[column].sum()) if len(rows) else 0, len(rows))
        assert missing.before == Rate(int(before[column].sum()) if len(before) else 0, len(before))
    bands = pd.cut(rows.age.astype(float), [0, 18, 40, 65, 80, math.inf], right=False)
    assert found.drift.ages.now[:5] == tuple(bands.value_counts(sort=False).to_list())
    assert sum(found.drift.ages.now) == len(rows)
    assert sum(map(sum, found.hours)) == len(done)


@given(st.lists(st.tuples(LEVEL, LEVEL), min_size=2, max_size=120))
@settings(max_examples=60, deadline=None)
def test_kappa_is_scikit_learns(pairs):
    found = agreement(pairs, resamples=100)
    first, second = zip(*pairs, strict=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        wanted = (
            cohen_kappa_score(first, second, labels=list(LEVELS), weights="quadratic")
            if len(set(first) | set(second)) > 1
            else 1.0
        )
    assert found.kappa == pytest.approx(wanted)
    assert (found.low is None) == (len(pairs) < 10)
    if found.low is not None and found.high is not None:
        assert found.low <= found.high


def test_no_case_gives_no_figure():
    found = figures([], [], PERIOD)
    assert found.agreement.kappa is None
    assert found.overrides.changed.value is None
    assert found.overrides.changed.interval is None
    assert found.waits.all.n == 0
    assert found.drift.ages.psi is None
    assert found.drift.confidence.mean_top is None
    assert found.truth is None


def test_a_period_has_a_length_and_a_reference():
    with pytest.raises(ValueError, match="period"):
        Period(START, START, START - timedelta(days=1))
    with pytest.raises(ValueError, match="period"):
        Period(START, START + timedelta(days=1), START)


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=11))
def test_the_stability_index(counts):
    now, before = zip(*counts, strict=True)
    index, chance = stability_index(now, before)
    if sum(now) == 0 or sum(before) == 0:
        assert index is None
        assert chance is None
        return
    kept = np.asarray([pair for pair in counts if sum(pair)], dtype=float)
    p, q = ((kept + 0.5) / (kept + 0.5).sum(axis=0)).T
    assert index == pytest.approx(float(((p - q) * np.log(p / q)).sum()), abs=1e-12)
    assert index >= -1e-12
    assert stability_index(before, now)[0] == pytest.approx(index)


def test_what_chance_gives_holds_in_95_of_100():
    from scipy.stats import chi2

    assert list(_CHI2_95) == pytest.approx([chi2.ppf(0.95, df) for df in range(1, 12)], abs=5e-4)
    rng = np.random.default_rng(1)
    shares = [0.03, 0.15, 0.45, 0.25, 0.12]
    above = 0
    for _ in range(1000):
        index, chance = stability_index(rng.multinomial(400, shares), rng.multinomial(800, shares))
        above += index > chance
    assert 0.03 < above / 1000 < 0.07


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 40)))
def test_a_small_group_cannot_be_worked_out_from_the_others(sizes):
    hidden = kept_back(sizes)
    small = {name for name, size in sizes.items() if 0 < size < FEWEST}
    assert small <= hidden
    present = {name for name, size in sizes.items() if size}
    together = sum(sizes[name] for name in hidden)
    assert not hidden or together >= FEWEST or hidden == present


@SEEDED
@given(st.integers(0, 10_000), st.integers(1, 120))
def test_small_groups_are_in_no_figure_and_in_no_export(drawn, seed, n):
    visits = drawn(seed, n)
    for attribute in subgroups(visits):
        for group in attribute.groups:
            assert group.n is None or group.n >= FEWEST
            assert (group.n is None) == (group.changed is None)
    for row in csv.DictReader(io.StringIO(to_csv(figures(visits, [], PERIOD, resamples=100)))):
        if row["section"].startswith("subgroup_") and row["figure"] == "decided":
            assert row["n"] == f"<{FEWEST}" or int(row["n"]) >= FEWEST


def test_the_export_names_nobody(drawn):
    visits = drawn(3, 200)
    text = to_csv(figures(visits, [], PERIOD, truth={"case-1": Outcome(2, None)}, resamples=100))
    assert "case-" not in text
    assert "Encounter" not in text
    rows = list(csv.DictReader(io.StringIO(text)))
    rates = [row for row in rows if row["hits"] and int(row["n"])]
    assert rates
    for row in rates:
        assert 0 <= float(row["low"]) <= float(row["value"]) + 1e-6
        assert float(row["value"]) <= float(row["high"]) + 1e-6


def test_alerts_by_code():
    at = PERIOD.start + timedelta(hours=1)
    found = figures(
        [],
        [
            AlertTimes("a", at, at + timedelta(minutes=4)),
            AlertTimes("a", at, at + timedelta(minutes=6)),
            AlertTimes("a", at, None),
            AlertTimes("b", at, None),
            AlertTimes("b", START, None),
        ],
        PERIOD,
    ).alerts
    assert [(one.code, one.acknowledged, one.minutes.n) for one in found] == [
        ("a", Rate(2, 3), 2),
        ("b", Rate(0, 1), 0),
    ]
    assert found[0].minutes.median == 5


@SEEDED
@given(st.integers(0, 10_000), st.integers(5, 200))
def test_against_the_truth(drawn, seed, n):
    visits = drawn(seed, n)
    truth = {
        v.case_id: Outcome(seed % 5 + 1 if i % 2 else None, bool(i % 3))
        for i, v in enumerate(visits)
        if i % 4
    }
    truth["nobody"] = Outcome(1, None)
    found = figures(visits, [], PERIOD, truth=truth, resamples=100).truth
    rows = [
        (truth[v.case_id], v.suggested.level, v.decided.level)
        for v in visits
        if v.case_id in truth
        and v.decided is not None
        and v.suggested is not None
        and v.opened_at >= PERIOD.start
    ]
    assert found.matched == len(rows)
    for index, item in ((1, found.suggestion), (2, found.decision)):
        known = [(row[0].level, row[index]) for row in rows if row[0].level is not None]
        assert item.under == Rate(sum(given > true for true, given in known), len(known))
        assert item.over == Rate(sum(given < true for true, given in known), len(known))
        assert item.exact.hits + item.under.hits + item.over.hits == len(known)
        assert item.severe_under.hits == sum(true <= 2 and given >= 4 for true, given in known)
        ill = [row[index] for row in rows if row[0].critical]
        assert item.missed_critical == Rate(sum(level >= 3 for level in ill), len(ill))


def test_a_table_of_outcomes_is_read_and_its_faults_are_named():
    table = read_truth(
        "\ufeffCase;True_Level;critical\r\na;2;yes\r\nb;;no\r\n\r\nc;7;\r\n;2;\r\nd;3;perhaps\r\ne;1;\r\ne;2;\r\ne;3;\r\n".encode()
    )
    assert table.rows == {"a": Outcome(2, True), "b": Outcome(None, False)}
    assert table.faults == (
        (5, TruthFault.BAD_LEVEL),
        (6, TruthFault.NO_CASE),
        (7, TruthFault.BAD_CRITICAL),
        (9, TruthFault.TWICE),
        (10, TruthFault.TWICE),
    )


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"", TruthFault.COLUMNS),
        (b"case\na\n", TruthFault.COLUMNS),
        (b"true_level\n2\n", TruthFault.COLUMNS),
        (b"case,case,true_level\na,b,2\n", TruthFault.COLUMNS),
        (b"case,true_level\n\xff\xfe,2\n", TruthFault.NOT_TEXT),
        (b"x" * (8 * 1024 * 1024 + 1), TruthFault.TOO_LARGE),
    ],
)
def test_a_table_that_is_none_is_refused(raw, fault):
    with pytest.raises(TruthError) as refused:
        read_truth(raw)
    assert refused.value.fault is fault


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(raw):
    for head in (b"", b"case,true_level\n"):
        try:
            table = read_truth(head + raw)
        except TruthError:
            continue
        assert all(outcome.level in {None, *LEVELS} for outcome in table.rows.values())
