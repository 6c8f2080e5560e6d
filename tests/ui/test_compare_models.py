"""``triage eval compare-models`` on files as a user has them."""

import csv

import pytest

from triage.training.corpus import ktas
from ui.cli.exits import Exit

LEVELS = [1, 2, 2, 3, 3, 3, 4, 4, 5, 2] * 6


@pytest.fixture
def files(tmp_path):
    with (tmp_path / "data.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*ktas.TRIAGE_COLUMNS, "acuity"], restval="")
        writer.writeheader()
        writer.writerows(
            {"case_id": f"k-{i}", "age_years": 40, "acuity": level} for i, level in enumerate(LEVELS)
        )
    body = "".join(f"k-{i},{level}\n" for i, level in enumerate(LEVELS))
    (tmp_path / "right.csv").write_text("case_id,predicted\n" + body)
    (tmp_path / "half.csv").write_text("case_id,predicted\n" + "".join(f"k-{i},3\n" for i in range(60)))
    (tmp_path / "short.csv").write_text("case_id,predicted\nk-0,1\n")
    return tmp_path


def run(triage, *arguments):
    given = ("eval", "compare-models", "--task", "ktas", "--data", "data.csv", "--resamples", "200")
    return triage(*given, *arguments, records=False)


def test_one_command_makes_the_table(triage, files):
    found = run(
        triage, "--predictions", "right=right.csv", "--predictions", "always 3=half.csv", "--out", "made/here"
    )
    assert found.code == Exit.DONE, found.err
    assert "always 3" in found.out
    assert (files / "made/here/comparison.md").read_text().startswith("# Comparison on data.csv (ktas)")
    assert {path.name for path in (files / "made/here").iterdir()} == {
        "comparison.md", "comparison.csv", "comparison.json"
    }  # fmt: skip


def test_files_that_do_not_fit_are_one_clear_line(triage, files):
    found = run(triage, "--predictions", "short=short.csv", "--out", "made")
    assert found.code == Exit.FAILED
    assert "short.csv: 59 of the 60 labelled cases have no row" in found.err
    assert not (files / "made").exists()


@pytest.mark.parametrize("given", ["right.csv", "=right.csv", "m=nowhere.csv"])
def test_a_prediction_is_a_name_and_a_file(triage, files, given):
    found = run(triage, "--predictions", given, "--out", "made")
    assert found.code == Exit.USAGE
    assert "NAME=FILE" in found.err


def test_a_name_is_given_once(triage, files):
    found = run(triage, "--predictions", "m=right.csv", "--predictions", "m=half.csv", "--out", "made")
    assert found.code == Exit.USAGE
