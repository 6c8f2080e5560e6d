"""`triage train corpus-card`, and the hospital's reader in its place among the data sets."""

import pytest

from integrations.samples import samples
from triage.training.parts import READERS, PartConfig


def test_the_shipped_cases_are_counted(triage):
    done = triage("train", "corpus-card", "--dataset", "authored", "--json", records=False)
    assert done.code == 0
    (card,) = done.lines
    assert card["cases"] == sum(card["levels"]) > 500


def test_a_recipe_may_name_a_hospitals_export(tmp_path):
    assert "fhir" in READERS
    assert PartConfig(dataset="fhir", path=tmp_path).title == "fhir"


def test_an_export_without_any_level_is_refused_with_the_remedy(triage, tmp_path):
    sample = next(item for item in samples() if "75636-1" not in item.raw())
    (tmp_path / "one.json").write_text(sample.raw())
    done = triage("train", "corpus-card", "--dataset", "fhir", "--data", str(tmp_path), records=False)
    assert done.code == 1
    assert "no ED encounter with a final acuity level" in done.err
    assert "export.yaml" in done.err


@pytest.mark.parametrize(
    "arguments", [["--dataset", "nothing"], ["--dataset", "ktas"], ["--dataset", "authored", "--data", "x"]]
)
def test_wrong_use_is_named(triage, arguments):
    assert triage("train", "corpus-card", *arguments, records=False).code == 2


def test_a_missing_file_is_one_clear_line(triage, tmp_path):
    done = triage(
        "train", "corpus-card", "--dataset", "ktas", "--data", str(tmp_path / "no.csv"), records=False
    )
    assert done.code == 1
    assert "no.csv" in done.err
