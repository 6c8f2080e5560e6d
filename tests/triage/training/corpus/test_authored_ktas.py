"""The invented KTAS arrivals: their form, their spread, levels that the modifiers allow, and no answer in a record."""

import json
import re
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from data_schemas.acuity import AcuityScale
from data_schemas.intake import FactKind
from triage.esi import screen
from triage.guidelines import GuidelineLibrary
from triage.plausibility import LIMITS
from triage.slm.prompt import build_prompt
from triage.training.corpus import (
    AuthoredKtas,
    CorpusError,
    authored_ktas_cases,
    read_authored_ktas,
    read_ktas,
)
from triage.training.corpus.ktas import TRIAGE_COLUMNS
from triage.training.parts import PartConfig

CASES = list(authored_ktas_cases())
FOLDER = Path(__file__).parents[4] / "triage" / "training" / "corpus" / "authored_ktas"
ADULT = 16
ONE: dict[str, object] = {
    "case_id": "x-1",
    "sex": "female",
    "age_years": 40,
    "arrival_mode": "walking",
    "injury": False,
    "chief_complaint": "headache",
    "avpu": "alert",
    "nrs_pain": 3,
    "sbp": 120,
    "dbp": 80,
    "pulse": 72,
    "resp_rate": 18,
    "temp_c": 36.5,
    "spo2": None,
    "level": 4,
    "why": "Mild acute central pain.",
}


def told(case: AuthoredKtas) -> dict[str, object]:
    """What the desk knows, without the id."""
    return {key: value for key, value in case.row().items() if key != "case_id"}


def ceiling(case: AuthoredKtas) -> int:
    """The least urgent level that first-order modifiers on consciousness, breathing, circulation and fever allow."""
    allowed = [5]
    if case.avpu == "unresponsive":
        allowed.append(1)
    elif case.avpu == "pain" or (case.avpu == "verbal" and "baseline" not in case.chief_complaint):
        allowed.append(2)
    if case.spo2 is not None and case.spo2 < 94:
        allowed.append(1 if case.spo2 < 90 else 2 if case.spo2 < 92 else 3)
    hot = case.temp_c is not None and case.temp_c >= 38.0
    if case.age_years is not None and case.age_years >= ADULT:
        pulse, breathing = case.pulse or 70, case.resp_rate or 18
        if (case.sbp is not None and case.sbp < 90) or pulse >= 140 or pulse < 40:
            allowed.append(2)
        if hot:
            allowed.append(4 - (pulse > 90) - (pulse > 90 and breathing > 20))
    elif hot:
        young = case.age_years is None or case.age_years <= 2
        allowed.append(2 if case.age_months is not None and case.age_months < 3 else 3 if young else 4)
    return min(allowed)


def test_every_line_of_every_file_is_a_case() -> None:
    lines = [line for file in FOLDER.glob("*.jsonl") for line in file.read_text("utf-8").splitlines() if line]
    assert len(CASES) == len(lines) >= 500


def test_ids_are_unique_and_begin_with_their_file() -> None:
    assert len({case.case_id for case in CASES}) == len(CASES)
    assert {case.case_id.rsplit("-", 1)[0] for case in CASES} == {
        file.stem for file in FOLDER.glob("*.jsonl")
    }
    assert all(re.fullmatch(r"[a-z_]+-\d{3}", case.case_id) for case in CASES)


def test_levels_are_spread_as_in_an_emergency_department() -> None:
    shares = {level: n / len(CASES) for level, n in Counter(case.level for case in CASES).items()}
    for level, (low, high) in enumerate(
        ((0.03, 0.1), (0.2, 0.3), (0.3, 0.45), (0.2, 0.32), (0.04, 0.12)), start=1
    ):
        assert low <= shares[level] <= high, (level, shares[level])


def test_no_two_arrivals_are_alike() -> None:
    keys = Counter(
        (case.sex, case.age_years, case.age_months, case.chief_complaint.lower(), case.nrs_pain)
        for case in CASES
    )
    assert [key for key, count in keys.items() if count > 1] == []


def test_the_same_words_stand_at_several_levels() -> None:
    levels: defaultdict[str, set[int]] = defaultdict(set)
    for case in CASES:
        levels[case.chief_complaint.lower()].add(case.level)
    for complaint in (
        "abd pain",
        "headache",
        "fever",
        "dizziness",
        "dyspnea",
        "palpitation",
        "melena",
        "urticaria",
    ):
        assert len(levels[complaint]) >= 2, complaint
    assert sum(len(found) >= 3 for found in levels.values()) >= 8


def test_no_level_is_less_urgent_than_its_modifiers_allow() -> None:
    assert [case.case_id for case in CASES if case.level > ceiling(case)] == []


@pytest.mark.parametrize(
    ("change", "level"),
    [
        ({}, 5),
        ({"avpu": "unresponsive"}, 1),
        ({"avpu": "pain"}, 2),
        ({"avpu": "verbal"}, 2),
        ({"avpu": "verbal", "chief_complaint": "Foley change, baseline mental"}, 5),
        ({"spo2": 89}, 1),
        ({"spo2": 91}, 2),
        ({"spo2": 93}, 3),
        ({"spo2": 94}, 5),
        ({"sbp": 89, "dbp": 50}, 2),
        ({"pulse": 140}, 2),
        ({"temp_c": 38.0}, 4),
        ({"temp_c": 38.0, "pulse": 91}, 3),
        ({"temp_c": 38.0, "pulse": 91, "resp_rate": 21}, 2),
        ({"temp_c": 38.5, "age_years": 5}, 4),
        ({"temp_c": 38.5, "age_years": 2}, 3),
        ({"temp_c": 38.5, "age_years": None, "age_months": 2}, 2),
    ],
)
def test_what_the_modifiers_allow(change: dict[str, object], level: int) -> None:
    assert ceiling(AuthoredKtas.model_validate({**ONE, **change})) == level


def test_no_level_is_far_below_what_the_rules_demand() -> None:
    """ESI is another scale: one level apart is allowed, two only where a tube is all that is new."""
    library = GuidelineLibrary.load()
    for case, source in zip(read_authored_ktas(), CASES, strict=True):
        floor = screen(case.record, library=library).floor
        if floor is not None and "baseline" not in source.chief_complaint:
            assert source.level <= floor + 1, (source.case_id, floor)


def test_level_5_is_quiet() -> None:
    for case in CASES:
        if case.level == 5:
            assert case.avpu == "alert", case.case_id
            assert case.spo2 is None or case.spo2 >= 95, case.case_id
            assert case.temp_c is None or case.temp_c < 37.8, case.case_id
            assert (
                case.nrs_pain is None
                or case.nrs_pain <= 3
                or re.search(r"chronic|for \d", case.chief_complaint)
            )


def test_severe_pain_is_never_level_4_unless_it_is_chronic() -> None:
    severe = [case for case in CASES if (case.nrs_pain or 0) >= 8]
    assert len(severe) >= 40
    assert {case.level for case in severe if "chronic" not in case.chief_complaint} == {1, 2, 3}


def test_saturation_is_missing_in_a_third_and_other_signs_now_and_then() -> None:
    share = sum(case.spo2 is None for case in CASES) / len(CASES)
    assert 0.25 <= share <= 0.4
    for level in (2, 3, 4):  # a missing saturation alone must not tell the level
        group = [case for case in CASES if case.level == level]
        assert 0.1 <= sum(case.spo2 is None for case in group) / len(group) <= 0.65, level


def test_no_vital_sign_is_taken_for_a_typing_error() -> None:
    for case in read_authored_ktas():
        assert not case.record.findings, case.case_id
        for fact in case.record.facts:
            if fact.kind in LIMITS and isinstance(fact.value, Decimal):
                low, high = LIMITS[fact.kind]
                assert low <= fact.value <= high, case.case_id


def test_a_case_is_the_ktas_row_of_the_same_words(tmp_path: Path) -> None:
    path = tmp_path / "k.jsonl"
    adults = [case for case in CASES if case.age_years is not None][::25]
    path.write_text("".join(json.dumps({**case.row(), "site": "x"}) + "\n" for case in adults), "utf-8")
    ours = {case.case_id: case for case in read_authored_ktas()}
    theirs = list(read_ktas(path))
    assert len(theirs) == len(adults)
    for case in theirs:
        assert case.record == ours[case.case_id].record


def test_an_infant_has_its_age_in_months() -> None:
    baby = next(case for case in CASES if case.age_months == 2)
    case = next(case for case in read_authored_ktas() if case.case_id == baby.case_id)
    age = case.record.first(FactKind.AGE)
    assert age is not None
    assert (age.value, age.unit, age.text) == (Decimal(2), "mo", "2 mo")


def test_level_and_reason_stay_out_of_record_and_prompt() -> None:
    library = GuidelineLibrary.load()
    columns = {*TRIAGE_COLUMNS, "age_months"}
    for case, source in zip(read_authored_ktas(), CASES, strict=True):
        assert (case.case_id, case.group, case.acuity) == (source.case_id, source.case_id, source.level)
        assert (case.scale, case.source) == (AcuityScale.KTAS, "authored_ktas")
        assert set(source.row()) == columns
        assert {fact.source.path for fact in case.record.facts} <= columns
        assert source.why not in case.record.model_dump_json()
        if case.case_id.endswith("1"):  # one in ten through the rules: they take long
            prompt = build_prompt(
                case.record, screen(case.record, library=library), library.short, case.scale
            )
            assert source.why not in prompt.text


def test_another_level_or_reason_changes_nothing_that_is_known() -> None:
    case = AuthoredKtas.model_validate(ONE)
    other = AuthoredKtas.model_validate({**ONE, "level": 1, "why": "Shock and nothing else."})
    assert case.row() == other.row()


def test_no_complaint_says_its_level() -> None:
    said = re.compile(r"\b(?:KTAS|CTAS|ESI|level|triage|urgent|acuity)\b", re.IGNORECASE)
    assert not [case.case_id for case in CASES if said.search(case.chief_complaint)]


def test_no_pain_and_pain_not_asked_are_told_apart() -> None:
    none, unasked, some = (AuthoredKtas.model_validate({**ONE, "nrs_pain": n}).row() for n in (0, None, 5))
    assert (none["pain_present"], none["pain_0_10"]) == ("no", None)
    assert (unasked["pain_present"], unasked["pain_0_10"]) == (None, None)
    assert (some["pain_present"], some["pain_0_10"]) == ("yes", 5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"age_years": None}, "one of them"),
        ({"age_months": 3}, "one of them"),
        ({"dbp": None}, "both pressures or neither"),
        ({"dbp": 130}, "not below systolic"),
        ({"level": 6}, "level"),
        ({"nrs_pain": 11}, "nrs_pain"),
        ({"temp_c": 366}, "temp_c"),
        ({"avpu": "drowsy"}, "avpu"),
        ({"post_diagnosis": "x"}, "post_diagnosis"),
    ],
)
def test_what_is_wrong_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        AuthoredKtas.model_validate({**ONE, **change})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", r"b\.jsonl, line 3: not JSON"),
        (json.dumps({**ONE, "case_id": "x-2", "spo2": 101}), r"b\.jsonl, line 3: spo2 "),
        (json.dumps(ONE), r"b\.jsonl, line 3: x-1 is there twice"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "b.jsonl").write_text(f"{json.dumps(ONE)}\n\n{line}\n", "utf-8")
    with pytest.raises(CorpusError, match=said):
        list(authored_ktas_cases(tmp_path))


def test_a_recipe_can_name_it() -> None:
    part = PartConfig(dataset="authored_ktas", calibrate=False)
    assert len(list(part.read())) == len(CASES)
    with pytest.raises(ValidationError, match="takes no path"):
        PartConfig(dataset="authored_ktas", path=Path("x.jsonl"))
