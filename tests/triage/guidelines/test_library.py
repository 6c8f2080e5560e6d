"""The library: what it supports, and what it refuses in a hospital's own folder."""

from pathlib import Path

import pytest

from data_schemas import EsiVersion
from triage.guidelines import GuidelineError, GuidelineLibrary, record_from

LIBRARY = GuidelineLibrary.load()

OWN = """
- id: hospital.b.snow
  text: Avalanche victims are high risk in our hospital.
  short: Avalanche victim
  tier: consider
  decision_point: B
  level: 2
  condition: {fact: temperature, lt: 34}
  source: "Our hospital's own rule 7"
  examples:
    holds: [{age: 30 a, temp: 33}]
    fails: [{age: 30 a, temp: 36}]
"""


def statement(statement_id: str):  # type: ignore[no-untyped-def]
    found = LIBRARY.by_id(statement_id)
    assert found is not None
    return found


def test_support_needs_the_fact_that_makes_it_hold() -> None:
    record = record_from({"age": "40 a", "sex": "male", "complaint": "cough", "hr": 128, "rr": 16})
    heart_rate = next(fact.id for fact in record.facts if fact.kind.value == "heart_rate")
    breathing = next(fact.id for fact in record.facts if fact.kind.value == "respiratory_rate")
    assert LIBRARY.supports(statement("esi.d.hr"), record, (heart_rate,)).ok
    wrong = LIBRARY.supports(statement("esi.d.hr"), record, (breathing,))
    assert not wrong.ok
    assert "not by the facts cited" in wrong.why
    assert not LIBRARY.supports(statement("esi.d.hr"), record, ()).ok
    assert not LIBRARY.supports(statement("esi.d.rr"), record, (breathing,)).ok
    gone = LIBRARY.supports(statement("esi.d.hr"), record, ("F99",))
    assert not gone.ok
    assert "F99" in gone.why


def test_a_statement_about_others_is_refused_with_the_reason() -> None:
    record = record_from({"age": "40 a", "temp": 39})
    support = LIBRARY.supports(statement("esi5.b.fever-90-days"), record, ("F2",))
    assert not support.ok
    assert "28 days" in support.why
    man = record_from({"age": "40 a", "sex": "male", "pregnancy": "pregnant", "sbp": 160})
    refused = LIBRARY.supports(
        statement("esi5.b.pregnancy-pressure-high"), man, tuple(f.id for f in man.facts)
    )
    assert not refused.ok
    assert "female" in refused.why


def test_an_exclusion_counts_although_it_was_not_cited() -> None:
    record = record_from({"age": "17 a", "avpu": "A", "note": "found unresponsive"})
    note = next(fact.id for fact in record.facts if fact.kind.value == "triage_note")
    assert not LIBRARY.supports(statement("esi.a.unresponsive-said"), record, (note,)).ok


def test_an_older_value_supports_nothing() -> None:
    record = record_from({"age": "40 a", "hr": [80, 130]})
    older = [fact.id for fact in record.facts if fact.kind.value == "heart_rate"][1]
    assert not LIBRARY.supports(statement("esi.d.hr"), record, (older,)).ok


def test_a_score_is_supported_only_by_enough_of_its_parts() -> None:
    record = record_from(
        {"age": "70 a", "rr": 26, "spo2": 90, "sbp": 95, "hr": 115, "temp": 38.5, "avpu": "A"}
    )
    match = next(m for m in LIBRARY.applicable(record) if m.statement.id == "rule.d.news2-emergency")
    assert LIBRARY.supports(match.statement, record, match.fact_ids).ok
    assert not LIBRARY.supports(match.statement, record, match.fact_ids[:1]).ok


def test_versions_hold_their_own_statements() -> None:
    v4 = GuidelineLibrary.load(EsiVersion.V4)
    assert v4.by_id("rule5.d.two-vitals-child") is None
    assert LIBRARY.by_id("rule5.d.two-vitals-child") is not None
    assert all(len(words.split()) <= 12 for words in LIBRARY.short.values())


def test_a_hospital_adds_its_own(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN, encoding="utf-8")
    library = GuidelineLibrary.load(EsiVersion.V5, extra=tmp_path)
    assert len(library) == len(LIBRARY) + 1
    ids = {match.statement.id for match in library.applicable(record_from({"age": "30 a", "temp": 33}))}
    assert "hospital.b.snow" in ids


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("level: 2", "level: 9", "own.yaml: hospital.b.snow: level"),
        ("tier: consider", "tier: maybe", "own.yaml: hospital.b.snow: tier"),
        ("fact: temperature", "fact: temprature", "own.yaml: hospital.b.snow: condition"),
        ("short: Avalanche victim", "short: " + "very " * 13, "short.*at most 12"),
        ("temp: 33", "temp: 35", "examples"),
        ("hospital.b.snow", "esi.d.hr", "esi.d.hr: id: is taken"),
        ('  source: "Our hospital\'s own rule 7"\n', "", "source"),
        ("decision_point: B", "decision_point: C", "decision point C"),
        ("tier: consider\n  decision_point: B", "tier: demand\n  decision_point: D", "demand"),
        ("- id", "id", "own.yaml"),
        ("condition: {", "condition: {{", "own.yaml: cannot be read"),
        ("holds: [{age: 30 a, temp: 33}]", "holds: [{age: 30 a, tempo: 33}]", "tempo"),
    ],
)
def test_a_wrong_file_is_refused_by_file_statement_and_field(
    tmp_path: Path, old: str, new: str, names: str
) -> None:
    assert old in OWN
    (tmp_path / "own.yaml").write_text(OWN.replace(old, new), encoding="utf-8")
    with pytest.raises(GuidelineError, match=names):
        GuidelineLibrary.load(EsiVersion.V5, extra=tmp_path)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GuidelineError, match="not a folder"):
        GuidelineLibrary.load(EsiVersion.V5, extra=tmp_path / "none")
