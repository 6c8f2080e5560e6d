"""``triage eval run`` from the outside: what is refused, what is written, what is said."""

import json

import pytest
from inspect_ai.log import read_eval_log

from eval.predictions import read_predictions
from ui.cli.exits import Exit

# Inspect's own: streams left to the garbage collector, and a parameter it still gives.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:The 'initial' parameter is deprecated:DeprecationWarning"),
]


@pytest.fixture
def run(triage, tmp_path):
    def start(*arguments, out="out"):
        return triage("eval", "run", "--out", str(tmp_path / out), *map(str, arguments), records=False)

    return start


VIGNETTES = [
    {
        "case_id": "e-1",
        "vignette": "A 34-year-old man twisted his ankle. HR 78, RR 16, BP 122/70.",
        "acuity": "4",
    },
    {
        "case_id": "e-2",
        "vignette": "A 66-year-old woman is gasping, cyanotic. HR 140, SpO2 78%.",
        "acuity": "1",
    },
    {"case_id": "e-3", "vignette": "A 50-year-old man has crushing chest pain. HR 110.", "acuity": "2"},
    {"case_id": "e-4", "vignette": " ", "acuity": "3"},
]


@pytest.fixture
def vignettes(write):
    return write(VIGNETTES, "esi.csv")


def test_a_run_writes_everything_and_lists_the_broken_case(run, vignettes, tmp_path):
    result = run(
        "--task", "esi", "--data", vignettes, "--model", "rules", "--model", "agent", "--examples", "1"
    )
    assert result.code == Exit.SOME_UNREADABLE, result.err
    assert "Before it starts" in result.err
    assert "1 x unreadable" in result.err
    out = tmp_path / "out"
    found = json.loads((out / "results.json").read_text())
    (task,) = found["tasks"]
    assert task["comparison"]["reference"] == "agent"
    assert {row["name"]: row["failed"] for row in task["models"]} == {"rules": 1, "agent": 1}
    assert any(case["case_id"] == "e-4" and case["predicted"] is None for case in task["errors"])
    agent = next(row for row in task["models"] if row["name"] == "agent")
    assert agent["details"]["weights_sha256"]
    assert agent["seconds"] > 0
    items = read_predictions(out / "predictions" / "esi" / "agent.csv")
    assert [item.case_id for item in items] == ["e-1", "e-2", "e-3", "e-4"]
    assert items[0].probabilities is not None
    assert len((out / "predictions.csv").read_text().splitlines()) == 1 + 2 * 4
    assert (out / "report.html").stat().st_size > 10_000
    logs = sorted((out / "logs").glob("*.eval"))
    assert len(logs) == 2
    assert {read_eval_log(str(path)).eval.model for path in logs} == {"triage/rules", "triage/agent"}
    assert str(tmp_path) not in (out / "results.json").read_text()


def test_what_cannot_be_run_is_said_before_anything_is_asked(run, vignettes, tmp_path):
    result = run("--task", "esi", "--data", vignettes, "--model", "rules", "--input", "nurse_acuity")
    assert result.code == Exit.FAILED
    assert "never an input" in " ".join(result.err.split())
    assert not (tmp_path / "out" / "logs").exists()


def test_options_that_do_not_go_together(run):
    result = run("--suite", "development", "--model", "rules")
    assert result.code == Exit.USAGE
    assert "a suite says this itself" in " ".join(result.err.split())


def test_the_estimate_asks_nothing(run, vignettes, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "of-a-test")
    result = run("--task", "esi", "--data", vignettes, "--model", "openai/gpt-4o", "--estimate")
    assert result.code == Exit.DONE, result.err
    assert "USD" in result.err
    assert not (tmp_path / "out" / "logs").exists()


OWN = "as_of: '2026'\nsource: own contract\nto_be_checked: false\nmodels: {openai/gpt-4o: {input: 9, output: 0}}\n"


def test_own_prices_are_in_the_estimate(run, vignettes, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-key")
    asked = ("--task", "esi", "--data", vignettes, "--model", "openai/gpt-4o", "--estimate")
    (tmp_path / "own.yaml").write_text(OWN)
    said = run(*asked, "--prices", tmp_path / "own.yaml")
    assert said.code == Exit.DONE, said.err
    assert "own contract" in said.err
    assert "own contract" not in run(*asked).err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("as_of: x\nsource: y\nmodels: {gpt-4o: {input: -1, output: 1}}", "models.gpt-4o.input"),
        ("as_of: x\nsource: y\nmodels: {gpt-4o: {input: 1}}", "models.gpt-4o.output"),
        ("[", "own.yaml"),
    ],
)
def test_prices_that_are_none_are_refused_first(run, vignettes, tmp_path, content, words):
    (tmp_path / "own.yaml").write_text(content)
    said = run("--task", "esi", "--data", vignettes, "--model", "rules", "--prices", tmp_path / "own.yaml")
    assert said.code == Exit.USAGE
    flat = " ".join(said.err.split())
    assert words in flat
    assert "USD per million" in flat
    assert not (tmp_path / "out").exists()
