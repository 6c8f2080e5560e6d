"""The cautious label is the one that needs no proof."""

import json

import pytest

from data_schemas import ModelIdentity
from triage.slm import PROMPT_VERSION, resolve_adapter
from triage.slm.adapter import adapter_sha256
from triage.verifying import Faithfulness, evidence_label
from triage.verifying.faithfulness import CAUSAL, FAITHFULNESS_FILE, LEAST_CASES, SUPPORTING


def measured(low: float, sha: str = "a" * 64, prompt: str = PROMPT_VERSION) -> Faithfulness:
    return Faithfulness(
        adapter_sha256=sha,
        prompt_version=prompt,
        task="ktas",
        data="test",
        cases=100,
        change_cited=0.2,
        change_uncited=0.1,
        difference=0.1,
        low=low,
        high=0.2,
    )


@pytest.fixture
def identity(tmp_path) -> ModelIdentity:
    (tmp_path / "adapter_config.json").write_text("{}")
    return ModelIdentity(
        engine="e",
        model="m",
        weights_sha256="0" * 64,
        adapter=str(tmp_path),
        adapter_sha256="a" * 64,
        prompt_version=PROMPT_VERSION,
    )


def test_nothing_measured_is_supporting_only(identity):
    assert evidence_label(None) == SUPPORTING
    assert evidence_label(identity) == SUPPORTING
    assert evidence_label(identity.model_copy(update={"adapter": "no-such-adapter"})) == SUPPORTING


@pytest.mark.parametrize(
    ("result", "label"),
    [
        (measured(0.01), CAUSAL),
        (measured(0.0), SUPPORTING),
        (measured(-0.05), SUPPORTING),
        (measured(0.01, sha="b" * 64), SUPPORTING),  # of another adapter
        (measured(0.01, prompt="old"), SUPPORTING),
        (measured(0.01).model_copy(update={"cases": LEAST_CASES - 1}), SUPPORTING),
    ],
)
def test_only_an_interval_above_zero_of_this_very_adapter_says_more(result, label, identity, tmp_path):
    result.save(tmp_path)
    assert evidence_label(identity) == label


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"low": "high"}'])
def test_a_file_that_cannot_be_read_is_supporting_only(text, identity, tmp_path):
    (tmp_path / FAITHFULNESS_FILE).write_text(text)
    assert evidence_label(identity) == SUPPORTING


def test_the_shipped_verdict_is_of_the_shipped_adapter_and_of_enough_cases():
    """Deleting what it cites moved its level no more than deleting what it does not: it says so where shown."""
    folder = resolve_adapter("default")
    saved = json.loads((folder / FAITHFULNESS_FILE).read_text("utf-8"))
    verdict = saved.pop("verdict")
    found = Faithfulness.model_validate(saved)
    assert found.adapter_sha256 == adapter_sha256(folder)
    assert found.prompt_version == PROMPT_VERSION
    assert found.cases >= LEAST_CASES
    assert verdict == found.label
    # Figures of the whole measurement only: no row can be read back from them.
    assert all(not isinstance(value, list | dict) for value in saved.values())
