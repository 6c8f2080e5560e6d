"""A teacher's file is made from labelled cases, out of fold, and a recipe can read it."""

import json

import pyarrow.parquet as parquet
import pytest
from typer.testing import CliRunner

from triage.baselines import BoostingConfig
from triage.training.config import RecipeError
from triage.training.corpus import read_ktas
from triage.training.distill import write_teacher
from triage.training.teacher import read_teacher
from ui.cli.app import app
from ui.cli.exits import Exit

KINDS = [
    (1, "cardiac arrest", 30),
    (2, "chest pain", 120),
    (3, "abdominal pain", 95),
    (4, "ankle sprain", 75),
]


@pytest.fixture
def visits(tmp_path):
    """160 made-up visits to 8 sites whose complaint tells the level."""
    path = tmp_path / "visits.jsonl"
    rows = [
        {
            "case_id": f"visit-{i}",
            "sex": "male",
            "age_years": 30 + i % 50,
            "arrival_mode": "walking",
            "injury": "no",
            "chief_complaint": KINDS[i % 4][1],
            "avpu": "alert",
            "pain_present": "no",
            "pain_0_10": None,
            "sbp": 120,
            "dbp": 70,
            "pulse": KINDS[i % 4][2],
            "resp_rate": 16,
            "temp_c": 37,
            "spo2": 98,
            "acuity": KINDS[i % 4][0],
            "site": f"site-{i % 8}",
        }
        for i in range(160)
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_each_case_is_judged_by_a_model_of_other_hospitals(visits, tmp_path):
    out = tmp_path / "new" / "teacher.parquet"
    seen = []
    small = BoostingConfig(rounds=12, patience=None, min_leaf=5)
    count = write_teacher(read_ktas(visits), out, small, progress=lambda fold, model: seen.append(fold))
    said = read_teacher(out)
    assert count == len(said) == 160
    assert seen == [1, 2, 3, 4, 5]
    right = sum(max(range(5), key=lambda k: said[f"visit-{i}"][k]) + 1 == KINDS[i % 4][0] for i in range(160))
    assert right > 140
    assert parquet.read_schema(out).names == ["case_id", "p1", "p2", "p3", "p4", "p5"]


def test_too_few_hospitals_and_ids_that_come_twice_are_refused(visits, tmp_path):
    cases = list(read_ktas(visits))
    with pytest.raises(RecipeError, match="5 folds"):
        write_teacher([case for case in cases if case.group < "site-3"], tmp_path / "t.parquet")
    with pytest.raises(RecipeError, match="twice"):
        write_teacher([*cases, cases[0]], tmp_path / "t.parquet")
    assert not (tmp_path / "t.parquet").exists()


def test_the_command_names_what_is_wrong(visits, tmp_path):
    wrong = [
        "train",
        "teacher",
        "--dataset",
        "moon",
        "--data",
        str(visits),
        "--out",
        str(tmp_path / "t.parquet"),
    ]
    done = CliRunner().invoke(app, wrong)
    assert done.exit_code == Exit.FAILED
    assert "no data set 'moon'" in done.output
    none = [
        "train",
        "teacher",
        "--dataset",
        "ktas",
        "--data",
        str(visits),
        "--group",
        "x",
        "--out",
        "t.parquet",
    ]
    done = CliRunner().invoke(app, none)
    assert done.exit_code == Exit.FAILED
    assert "the cases have 0" in done.output
