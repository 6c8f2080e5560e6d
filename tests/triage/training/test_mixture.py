"""The corpus of a recipe: what is sampled, what is held out, what a teacher adds; all of it repeatable."""

import csv
import json
from collections import Counter

import pytest

from triage.guidelines import GuidelineLibrary
from triage.slm.answer import LEAD
from triage.training.corpus import CorpusError
from triage.training.corpus.ktas import TRIAGE_COLUMNS
from triage.training.mixture import MixtureConfig, build_mixture
from triage.training.teacher import ratios, shifted

SHARES = [0.1, 0.2, 0.3, 0.3, 0.1]


@pytest.fixture(scope="module")
def library():
    return GuidelineLibrary.load()


@pytest.fixture(scope="module")
def ktas(tmp_path_factory):
    """300 made-up visits of 60 sites; level 1 is rare."""
    path = tmp_path_factory.mktemp("data") / "ktas.csv"
    levels = [1] * 5 + [2] * 45 + [3] * 130 + [4] * 100 + [5] * 20
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*TRIAGE_COLUMNS, "acuity", "site"])
        writer.writeheader()
        for number, level in enumerate(levels):
            row = {
                "case_id": f"visit-{number}",
                "sex": "female",
                "age_years": 20 + number % 60,
                "chief_complaint": "abdominal pain",
                "pulse": 60 + number % 80,
                "resp_rate": 16,
                "spo2": 97,
                "acuity": level,
                "site": f"site-{number % 60}",
            }
            writer.writerow(row)
    return path


def mixture(library, *parts, **changes):
    return build_mixture(MixtureConfig.model_validate({"parts": list(parts), **changes}), library)


def test_whole_sites_are_held_out_and_never_trained_on(library, ktas):
    built = mixture(library, {"dataset": "ktas", "path": str(ktas), "hold_out": 12, "hold_out_one_in": 10})
    trained = {example.group for example in built.training}
    held = {example.group for example in built.validation["ktas"]}
    assert not trained & held
    record = built.records["ktas"]
    assert (record["held_out_groups"], record["held_out"], record["scored"]) == (6, 30, 12)
    assert len(built.training) == 270


def test_held_out_cases_are_chosen_by_id_and_shown_as_they_are(library, ktas):
    part = {"dataset": "ktas", "path": str(ktas), "hold_out": 20, "repeat": 2}
    one = mixture(library, part, drop=0.5, unaided=1.0, seed=1)
    two = mixture(library, part, drop=0.0, seed=2)
    assert one.validation == two.validation
    trained = {example.case_id for example in one.training}
    assert not trained & {example.case_id for example in one.validation["ktas"]}
    assert Counter(example.case_id for example in one.training) == dict.fromkeys(trained, 2)


def test_shares_are_reached_by_going_through_a_rare_level_again(library, ktas):
    built = mixture(library, {"dataset": "ktas", "path": str(ktas), "count": 200, "shares": SHARES})
    levels = Counter(example.level for example in built.training)
    assert levels == {1: 20, 2: 40, 3: 60, 4: 60, 5: 20}
    of_level_1 = Counter(example.case_id for example in built.training if example.level == 1)
    assert set(of_level_1.values()) == {4}  # 5 cases, 20 wanted


def test_whole_and_unaided_are_shares_of_the_examples(library, ktas):
    built = mixture(library, {"dataset": "ktas", "path": str(ktas)}, whole=0.2, unaided=0.25)
    assert 30 < sum(example.whole for example in built.training) < 90
    unaided = sum("rules" not in example.prompt for example in built.training)
    assert 40 < unaided < 110
    assert all(example.target.startswith(f"{LEAD}{example.level}") for example in built.training)


def test_the_same_seed_gives_the_same_corpus(library, ktas):
    part = {"dataset": "ktas", "path": str(ktas), "count": 50, "shares": SHARES, "hold_out": 10}
    one, again = (mixture(library, part, drop=0.3) for _ in range(2))
    assert one.training == again.training
    assert one.sha256 == again.sha256
    assert mixture(library, part, drop=0.3, seed=8).sha256 != one.sha256


def test_a_teacher_is_shifted_to_the_sampled_shares(library, ktas, tmp_path):
    teacher = tmp_path / "teacher.jsonl"
    p = [0.02, 0.18, 0.5, 0.25, 0.05]
    lines = [{"case_id": f"visit-{number}", **{f"p{k + 1}": p[k] for k in range(5)}} for number in range(150)]
    teacher.write_text("\n".join(map(json.dumps, lines)))
    part = {"dataset": "ktas", "path": str(ktas), "count": 100, "shares": SHARES, "teacher": str(teacher)}
    built = mixture(library, part)
    natural = [5 / 300, 45 / 300, 130 / 300, 100 / 300, 20 / 300]
    raised = [p[k] * SHARES[k] / natural[k] for k in range(5)]
    for example in built.training:
        if int(example.case_id.removeprefix("visit-")) < 150:
            assert example.soft == pytest.approx([value / sum(raised) for value in raised])
        else:
            assert example.soft is None
    taught = sum(example.soft is not None for example in built.training)
    assert 0 < taught == built.records["ktas"]["with_teacher"] < 100
    unsampled = mixture(library, {**part, "count": None, "shares": None})
    assert next(e for e in unsampled.training if e.soft is not None).soft == pytest.approx(p)


def test_a_teacher_that_fits_no_case_or_is_no_distribution_is_refused(library, ktas, tmp_path):
    part = {"dataset": "ktas", "path": str(ktas), "teacher": str(tmp_path / "teacher.jsonl")}
    with pytest.raises(CorpusError, match="is not there"):
        mixture(library, part)
    row = {"case_id": "another", "p1": 0.2, "p2": 0.2, "p3": 0.2, "p4": 0.2, "p5": 0.2}
    (tmp_path / "teacher.jsonl").write_text(json.dumps(row))
    with pytest.raises(CorpusError, match="no case id"):
        mixture(library, part)
    (tmp_path / "teacher.jsonl").write_text(json.dumps({**row, "p5": 0.9}))
    with pytest.raises(CorpusError, match="sum to 1"):
        mixture(library, part)


def test_shifting_by_even_ratios_changes_nothing_and_a_level_that_never_occurs_gets_nothing():
    assert shifted((0.1, 0.2, 0.3, 0.3, 0.1), (2.0,) * 5) == pytest.approx((0.1, 0.2, 0.3, 0.3, 0.1))
    assert ratios((0.2,) * 5, {1: 10, 2: 10, 3: 10, 4: 10})[4] == 0.0
    assert shifted((0.0, 0.0, 0.0, 0.0, 1.0), (1.0, 1.0, 1.0, 1.0, 0.0)) is None


def test_vignettes_and_the_shipped_cases_are_parts(library, tmp_path):
    path = tmp_path / "own.jsonl"
    rows = [
        {
            "case_id": f"own-{i}",
            "vignette": f"{30 + i}-year-old man with a sprained ankle, HR 80.",
            "acuity": 4,
        }
        for i in range(5)
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    built = mixture(
        library,
        {"dataset": "vignettes", "path": str(path)},
        {"dataset": "authored", "count": 10, "hold_out": 30},
    )
    assert len(built.training) == 15
    assert len(built.validation["authored"]) == 30
    assert built.records["vignettes"]["file"] == "own.jsonl"
    assert len(built.records["vignettes"]["file_sha256"]) == 64


def test_a_part_with_nothing_left_to_train_on_is_refused(library, ktas):
    with pytest.raises(CorpusError, match="no case to train on"):
        mixture(library, {"dataset": "ktas", "path": str(ktas), "groups": ["elsewhere"]})
    with pytest.raises(CorpusError, match="too few to hold out"):
        mixture(library, {"dataset": "ktas", "path": str(ktas), "hold_out": 5, "hold_out_one_in": 99})
