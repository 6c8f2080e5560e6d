"""``triage model calibrate``, with the real base model on made-up rows."""

import csv
import json
import random

import pytest

from data_schemas import AcuityScale
from integrations.assembly import load_calibration
from integrations.settings import Settings
from triage.slm import PROMPT_VERSION, ModelIntegrityError
from ui.cli.exits import Exit

LEVELS = [2, 3, 3, 4, 3, 2, 5, 3, 4, 1]
COMPLAINTS = ["chest pain", "ankle sprain", "fever", "headache", "shortness of breath"]


@pytest.fixture
def calibrate(triage, tmp_path):
    """The command on 50 made-up rows, with the base model."""
    rng = random.Random(4)
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            [
                *("case_id", "sex", "age_years", "arrival_mode", "injury", "chief_complaint", "avpu"),
                *(
                    "pain_present",
                    "pain_0_10",
                    "sbp",
                    "dbp",
                    "pulse",
                    "resp_rate",
                    "temp_c",
                    "spo2",
                    "acuity",
                ),
            ]
        )
        for index in range(50):
            vitals = [rng.randint(90, 170), 80, rng.randint(55, 130), rng.randint(12, 28), 36.8, 97]
            who = [
                f"r{index}",
                "female",
                rng.randint(2, 15) if index % 2 else rng.randint(18, 90),
                "walking",
                "no",
                rng.choice(COMPLAINTS),
            ]
            writer.writerow([*who, "alert", "yes", 4, *vitals, LEVELS[index % 10]])

    def run(*arguments):
        given = ("--task", "ktas", "--data", str(path), "--out", str(tmp_path / "c.json"), *arguments)
        return triage("model", "calibrate", *given, "--adapter", "none", records=False)

    return run


def settings(path, site=None):
    return Settings(site=site, model={"adapter": "none", "calibration": path})


@pytest.mark.timeout(900)  # three dozen prompts and two loads of the real model
@pytest.mark.slow
def test_a_scale_then_a_site_in_one_file_and_the_setting_chooses(calibrate, tmp_path):
    path = tmp_path / "c.json"
    plain = calibrate("--rows", "40", "--check", "5", "--under-triage-all", "0.2")
    assert plain.code == 0
    assert "40 of rows.csv, scale KTAS" in plain.out
    assert "no guarantee (no site was named" in plain.out
    assert "of 5 above their set" in plain.out
    assert plain.out.count("; no guarantee") == 1
    few = calibrate("--rows", "40", "--under-triage-all", "0.06", "--confidence", "0.9")
    assert "keep 6.0% on average over draws of such rows, not with 90% confidence (needs 38)" in few.err
    before = json.loads(path.read_text())
    assert before["scales"]["KTAS"]["risk"]["site"] is None

    # Of 20 rows fewer than 9 are of levels 1-2: all of them keep the bound, the scale's numbers stand, and no set
    # promises what so few cannot.
    own = calibrate("--site", "west", "--rows", "20", "--under-triage", "0.1")
    assert own.code == 0
    assert "needs 9" in own.err
    assert "confidence" not in own.err
    assert "every set reaches level 1" in own.out
    content = json.loads(path.read_text())
    assert content["scales"] == before["scales"]
    assert (content["adapter_sha256"], content["prompt_version"]) == (None, PROMPT_VERSION)
    numbers = content["sites"]["west"]["KTAS"]
    assert numbers["high_threshold"] == before["scales"]["KTAS"]["high_threshold"]
    assert (numbers["risk"]["site"], numbers["risk"]["bounds"][0]["threshold"]) == ("west", 0.0)
    assert not any(complaint in path.read_text() for complaint in COMPLAINTS)

    there = load_calibration(settings(path, "west"), AcuityScale.KTAS)
    assert there.fits(None)
    assert there.guarantee.startswith("west: ")
    assert load_calibration(settings(path), AcuityScale.KTAS).guarantee is None
    with pytest.raises(ModelIntegrityError, match="nothing of the site east"):
        load_calibration(settings(path, "east"), AcuityScale.KTAS)


@pytest.mark.timeout(900)
@pytest.mark.slow
def test_a_kind_of_arrival_gets_numbers_of_its_own(calibrate, tmp_path):
    path = tmp_path / "c.json"
    early = calibrate("--rows", "20", "--group", "child")
    assert (early.code, "calibrate it without --group first" in early.err) == (Exit.USAGE, True)
    assert not path.exists()
    assert calibrate("--rows", "20").code == 0
    before = json.loads(path.read_text())["scales"]["KTAS"]
    own = calibrate("--group", "child", "--recall", "0.9")
    assert own.code == 0
    after = json.loads(path.read_text())["scales"]["KTAS"]
    children = after["groups"].pop("child")
    assert after == before
    assert children["fitted_on"].endswith("ktas rows, child")
    used = load_calibration(settings(path), AcuityScale.KTAS)
    assert used.numbers.groups["child"].high_threshold == children["high_threshold"]
    beside = calibrate("--group", "child", "--rows", "20", "--beside-rules")
    assert (beside.code, "the rules alone" in beside.out) == (0, True)
    inner = json.loads(path.read_text())["scales"]["KTAS"]["groups"]["child"].pop("beside_rules")
    assert len(inner["rules_bias"]) == 5
    again = calibrate("--group", "child", "--recall", "0.9")  # whose numbers those stood on
    assert (again.code, "beside_rules" in path.read_text()) == (0, False)
    # Fitting the whole scale again keeps what a kind of arrival was given.
    assert calibrate("--rows", "20").code == 0
    assert json.loads(path.read_text())["scales"]["KTAS"]["groups"]["child"] == children
    # Few children are drawn towards the scale's numbers, not towards none.
    content = json.loads(path.read_text())
    content["scales"]["KTAS"]["bias"] = [0.0, 0.0, 5.0, 0.0, 0.0]
    path.write_text(json.dumps(content))
    assert calibrate("--group", "child", "--recall", "0.9").code == 0
    leaning = json.loads(path.read_text())["scales"]["KTAS"]["groups"]["child"]
    assert leaning["bias"][2] > children["bias"][2] + 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--group", "child", "--site", "west"), "take all patients alike"),
        (("--group", "narrative"), "no labelled row of the kind narrative"),
        (("--under-triage", "1"), "0.10 is 10 %"),
        (("--confidence", "0.4"), "lies between 0.5 and 1"),
        (("--beside-rules", "--site", "west"), "read the model alone"),
        (("--beside-rules", "--rows", "20"), "calibrate without it first"),
        (("--site", "no such site"), "letters, digits"),
        (("--rows", "51"), "holds 50 labelled rows"),
        (("--task", "samples"), "made up"),
        (("--task", "nhamcs"), "missing columns"),
    ],
)
def test_bad_input_says_what_is_wrong_and_writes_nothing(calibrate, tmp_path, arguments, problem):
    outcome = calibrate(*arguments)
    assert outcome.code in {Exit.USAGE, Exit.FAILED}
    assert problem in outcome.err
    assert not (tmp_path / "c.json").exists()


def test_a_file_of_another_model_is_not_added_to(calibrate, tmp_path):
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"name": "k", "adapter_sha256": "ab", "scales": {}}))
    with pytest.raises(ModelIntegrityError, match=r"another adapter or prompt.*another --out"):
        calibrate("--rows", "20")
    assert "ab" in path.read_text()


def test_settings_that_name_no_calibration_are_errors(tmp_path):
    with pytest.raises(ModelIntegrityError, match="no such file"):
        load_calibration(settings(tmp_path / "none.json"))
    with pytest.raises(ModelIntegrityError, match="TRIAGE_SITE names west"):
        load_calibration(settings(None, "west"))
    assert load_calibration(settings(None)).name == "uncalibrated"
    with pytest.raises(ValueError, match="site"):
        Settings(site="a/b")


def test_the_site_is_a_strict_setting(monkeypatch):
    monkeypatch.setenv("TRIAGE_SITE", "west")
    assert Settings().site == "west"
    monkeypatch.setenv("TRIAGE_SITES", "west")
    with pytest.raises(ValueError, match="TRIAGE_SITES is no setting"):
        Settings()
