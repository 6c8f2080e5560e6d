"""Routes and switches: who is answered by which adapter."""

import math
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from data_schemas import AcuityScale
from integrations.adapter_switch import Canary, RoutingError, Slot, Switches, SwitchFile
from integrations.route_settings import Route, slot_of
from integrations.settings import ModelSettings, Settings

A, B = "a@" + "a" * 64, "b@" + "b" * 64
ESI, KTAS = AcuityScale.ESI, AcuityScale.KTAS


def canary(share, salt="0" * 64):
    return Switches(salt=salt, slots={"default": Slot(now=A, canary=Canary(adapter=B, share=share))})


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_the_share_is_within_binomial_bounds(share):
    """Four standard deviations: with a fixed key the same numbers in every run."""
    n = 20_000
    met = sum(canary(share).choose("default", f"ehr|Encounter/{number}") == B for number in range(n))
    assert abs(met - n * share) < 4 * math.sqrt(n * share * (1 - share))


@given(st.text(max_size=40), st.floats(0.001, 1), st.floats(0.001, 1))
def test_a_visit_keeps_its_adapter_and_a_larger_share_only_adds(key, one, two):
    less, more = sorted((one, two))
    assert canary(less).choose("default", key) == canary(less).choose("default", key)
    if canary(less).choose("default", key) == B:
        assert canary(more).choose("default", key) == B


def test_another_salt_or_slot_chooses_others():
    keys = [f"ehr|Encounter/{number}" for number in range(500)]
    first = [canary(0.5).choose("default", key) for key in keys]
    assert first != [canary(0.5, "1" * 64).choose("default", key) for key in keys]
    assert [canary(0.5).fraction("other", key) for key in keys] != [
        canary(0.5).fraction("default", key) for key in keys
    ]
    assert canary(0.5).choose("other", keys[0]) is None


def test_switch_canary_and_back(tmp_path):
    file, elsewhere = SwitchFile(tmp_path / "s.json"), SwitchFile(tmp_path / "s.json")
    assert file.read() is None
    with pytest.raises(RoutingError, match="nothing to go back to"):
        file.roll_back("default")
    file.switch("default", A)
    assert elsewhere.read().choose("default", "x") == A
    file.switch("default", A)  # nothing new: not a step to go back
    file.canary("default", B, 1.0)
    assert elsewhere.read().choose("default", "x") == B
    assert file.roll_back("default").now == A
    file.switch("default", B)
    assert [file.roll_back("default").now for _ in range(2)] == [A, None]
    assert elsewhere.read().choose("default", "x") is None
    assert (tmp_path / "s.json").stat().st_mode & 0o077 == 0


def test_two_who_switch_at_once_both_count(tmp_path):
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: SwitchFile(tmp_path / "s.json").switch(f"slot{n}", A), range(32)))
    found = SwitchFile(tmp_path / "s.json").read()
    assert set(found.slots) == {f"slot{n}" for n in range(32)}


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"salt": "xyz"}', '{"salt": "' + "g" * 64 + '"}', "\xff"]
)
def test_a_file_that_cannot_be_read_is_no_guess(content, tmp_path):
    path = tmp_path / "s.json"
    path.write_text(content, "latin-1")
    with pytest.raises(RoutingError, match="cannot be read"):
        SwitchFile(path).read()


def test_the_first_row_that_matches_is_taken(patient):
    age = patient.age_years
    assert age is not None
    years = int(age)
    rows = (
        Route(adapter="children", age_below=18),
        Route(adapter="site", site="north", scale=KTAS),
        Route(adapter="korean", scale=KTAS),
        Route(adapter="grown", age_from=years, age_below=years + 1),
    )
    assert slot_of(rows, patient, KTAS, "north") == "site"
    assert slot_of(rows, patient, KTAS, "south") == "korean"
    assert slot_of(rows, patient, ESI, "north") == "grown"
    assert slot_of(rows[:3], patient, ESI, None) == "default"
    unknown = patient.model_copy(
        update={"facts": tuple(fact for fact in patient.facts if fact.kind.value != "age")}
    )
    assert unknown.age_years is None
    assert slot_of((rows[0], rows[3]), unknown, ESI, None) == "default"


def test_the_table_is_read_from_toml(tmp_path, monkeypatch):
    (tmp_path / "triage.toml").write_text(
        '[[model.routes]]\nscale = "KTAS"\nadapter = "korean"\n[[model.routes]]\nage_below = 18\nadapter = "children"\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRIAGE_CONFIG", raising=False)
    assert Settings().model.routes == (
        Route(adapter="korean", scale=KTAS),
        Route(adapter="children", age_below=18),
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"adapter": ""},
        {"adapter": "a", "scale": "XX"},
        {"adapter": "a", "age_from": 9, "age_below": 9},
        {"adapter": "a", "agee": 1},
    ],
)
def test_a_row_that_means_nothing_is_refused(wrong):
    with pytest.raises(ValidationError):
        ModelSettings.model_validate({"routes": [wrong]})
