"""Real models metered on real sample patients; closed models only as estimates; the file for the report."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from data_schemas import AcuityScale
from eval import EvaluationCase, sample_cases
from eval.energy import EnergyError, EnergyFile, estimate_rows, load_energy, measure, published_estimates
from eval.predictors import InputError, ModelName
from integrations.settings import Settings
from ui.cli.app import app


@pytest.fixture(scope="module")
def cases() -> list[EvaluationCase]:
    found = sample_cases()[:3]
    assert all(case.scale is AcuityScale.ESI for case in found)
    return found


@pytest.mark.slow
def test_the_model_takes_more_than_the_rules(cases: list[EvaluationCase]) -> None:
    """On the same patients, in turns, with the tokens that were read and written."""
    rules, slm = measure(
        [ModelName.RULES, ModelName.SLM], cases, Settings(), limit=2, seconds=0.5, cpu_watts=50
    )
    assert (rules.row, slm.row) == ("rules", "slm")
    assert 3 * rules.wh_per_1000 < slm.wh_per_1000
    assert rules.prompt_tokens is None
    assert rules.what == "no language model"
    assert slm.prompt_tokens is not None
    assert slm.decoded_tokens is not None
    assert 90 < slm.prompt_tokens < 300
    assert 5 < slm.decoded_tokens < 120
    assert slm.what is not None
    assert slm.what.startswith("embedded engine, int8")
    for row in (rules, slm):
        assert row.low is not None
        assert row.high is not None
        assert row.low <= row.wh_per_1000 <= row.high
        assert (row.cases, row.blocks, row.source) == (2, 3, "modelled")
        assert row.ratio is None


def test_a_model_on_a_server_is_not_metered_here(cases: list[EvaluationCase]) -> None:
    settings = Settings()
    served = settings.model_copy(update={"model": settings.model.model_copy(update={"engine": "vllm"})})
    with pytest.raises(EnergyError, match="embedded engine"):
        measure([ModelName.SLM], cases, served)


def test_a_fitted_model_needs_its_fit(cases: list[EvaluationCase]) -> None:
    with pytest.raises(InputError, match=r"--fitted|--train"):
        measure([ModelName.BOOSTING], cases, Settings())


def test_nothing_to_meter() -> None:
    with pytest.raises(EnergyError, match="a row and a case"):
        measure([ModelName.RULES], [], Settings())


def test_closed_models_are_estimates_with_a_source() -> None:
    rows = estimate_rows()
    assert {row.row for row in rows} == {"GPT-4o"}
    for row, one in zip(rows, published_estimates(), strict=True):
        assert row.source == "estimate"
        assert row.ratio is None
        assert row.against is None
        assert row.reference is not None
        assert one.url in row.reference
        assert row.wh_per_1000 == 1000 * one.wh_per_query


def test_the_command_writes_what_a_report_reads(tmp_path: Path) -> None:
    out = tmp_path / "energy.json"
    run = CliRunner().invoke(
        app,
        [
            "eval",
            "energy",
            "--model",
            "rules",
            "--cases",
            "2",
            "--seconds",
            "0.5",
            "--cpu-watts",
            "50",
            "--out",
            str(out),
        ],
    )
    assert run.exit_code == 0, run.output
    found = load_energy(out)
    assert [row.row for row in found.rows] == ["rules"]
    assert "50 W assumed" in found.rows[0].meter
    assert "50 W assumed" in run.output
    assert "GPT-4o" in run.output
    assert found.cases == "shipped sample patients"
    assert str(tmp_path) not in out.read_text()
    assert EnergyFile.model_validate(json.loads(out.read_text())) == found


def test_another_file_is_refused_by_name(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text("{}")
    with pytest.raises(EnergyError, match=r"^other.json: not written by"):
        load_energy(other)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--task", "ktas"], "needs --data"),
        (["--reference", "--layers", "scaled", "--depths", "5,2,8"], "three growing numbers"),
        (["--reference", "--layers", "scaled", "--depths", "many"], "three growing numbers"),
    ],
)
def test_options_that_do_not_go_together(options: list[str], says: str) -> None:
    run = CliRunner().invoke(app, ["eval", "energy", *options])
    assert run.exit_code == 2, run.output
    assert says in run.output
