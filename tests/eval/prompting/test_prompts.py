"""The versioned prompts: pinned words, every strategy on every scale, nothing that gives the level away."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from data_schemas import IntakeRecord
from eval.prompting import (
    AnswerScale,
    Example,
    PromptError,
    Strategy,
    load_prompts,
    patient_text,
    read_answer,
)
from eval.prompting.prompts import PROMPTS_FILE

Record = Callable[..., IntakeRecord]

PINNED = {"2026.11-1": "7485b6a9fa829c5178eeb237363fbe4558ad4e136c15a2ba7e6d3130cf6d9d26"}
"""Hashes of released versions: words are changed together with the version, never without."""

PLAIN = [Strategy.ZERO_SHOT, Strategy.CHAIN_OF_THOUGHT]


@pytest.fixture
def examples(record: Record) -> list[Example]:
    return [
        Example(case_id="e-1", record=record(chief_complaint="finger cut"), label="5"),
        Example(case_id="e-2", record=record(chief_complaint="not breathing"), label="1"),
    ]


def test_the_words_of_a_version_do_not_change() -> None:
    prompts = load_prompts()
    assert PINNED.get(prompts.version) == prompts.sha256, "raise the version in prompts.yaml and pin the hash"
    assert prompts.identity == f"{prompts.version}@{prompts.sha256[:12]}"


@pytest.mark.parametrize("scale", AnswerScale)
@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("structured", [True, False])
def test_every_strategy_asks_on_every_scale(
    record: Record, examples: list[Example], scale: AnswerScale, strategy: Strategy, structured: bool
) -> None:
    prompts = load_prompts()
    shown = examples if prompts.strategies[strategy].examples != "none" else []
    (question,) = prompts.messages(strategy, scale, record(), shown, structured=structured)
    assert question.role == "user"  # some models have no system turn
    opening = prompts.new if shown else prompts.patient
    system, _, patient = question.text.rpartition(f"{opening}\n")
    words = prompts.scales[scale]
    assert patient == patient_text(record())
    assert words.task in system
    assert all(f"{label}:" in system for label in words.labels)
    assert ("{" in system) == structured
    assert system.count("Level:") == len(shown) + (not structured)
    assert ("steps" in system) == prompts.strategies[strategy].reasoned
    # 2,048 tokens are all that the smallest model served here reads; four characters are about one.
    assert len(question.text) < 6000


@pytest.mark.parametrize("scale", AnswerScale)
@pytest.mark.parametrize("strategy", PLAIN)
@pytest.mark.parametrize("structured", [True, False])
def test_the_form_that_is_asked_for_is_the_form_that_is_read(
    record: Record, scale: AnswerScale, strategy: Strategy, structured: bool
) -> None:
    prompts = load_prompts()
    question = prompts.messages(strategy, scale, record(), structured=structured)[0].text
    system = question.partition(f"\n\n{prompts.patient}\n")[0]
    start, end = ("{", "}") if structured else ('"Level', '"')
    shown = system[system.rindex(start) : system.rindex(end) + 1].strip('"')
    assert read_answer(shown, prompts.scales[scale].labels).label in prompts.scales[scale].labels


@pytest.mark.parametrize("scale", AnswerScale)
@pytest.mark.parametrize("strategy", PLAIN)
def test_the_schema_takes_the_labels_and_nothing_else(scale: AnswerScale, strategy: Strategy) -> None:
    prompts = load_prompts()
    schema = json.loads(prompts.answer_schema(strategy, scale).json_schema.model_dump_json(exclude_none=True))
    words = "reasoning" if prompts.strategies[strategy].reasoned else "reason"
    for label in prompts.scales[scale].labels:
        jsonschema.validate({"level": int(label) if label.isdigit() else label, words: "x"}, schema)
    for bad in ({"level": 6, words: "x"}, {"level": 3}, {words: "x"}, {"level": "3", words: "x"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)
    # Reasoning that is written after the level is no reasoning.
    assert list(schema["properties"]).index("level") == (1 if words == "reasoning" else 0)


def test_examples_are_shown_with_their_level_before_the_patient(
    record: Record, examples: list[Example]
) -> None:
    prompts = load_prompts()
    user = prompts.messages(Strategy.FEW_SHOT, AnswerScale.KTAS, record(), examples)[0].text
    assert user.index("finger cut") < user.index("Level: 5") < user.index("not breathing")
    assert user.index("Level: 1") < user.index("New patient:") < user.index("cold sweat")


def test_examples_and_strategy_go_together(record: Record, examples: list[Example]) -> None:
    prompts = load_prompts()
    with pytest.raises(PromptError, match="takes no examples"):
        prompts.messages(Strategy.ZERO_SHOT, AnswerScale.ESI, record(), examples)
    with pytest.raises(PromptError, match="needs examples"):
        prompts.messages(Strategy.FEW_SHOT, AnswerScale.ESI, record())


def test_a_record_without_a_fact_is_not_asked_about(record: Record) -> None:
    with pytest.raises(PromptError, match="no fact"):
        load_prompts().messages(
            Strategy.ZERO_SHOT, AnswerScale.ESI, record().model_copy(update={"facts": ()})
        )


@pytest.mark.parametrize("content", ["", "a: b", "- 1", "a: [", "\t"])
def test_a_file_that_is_no_prompts_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(content)
    with pytest.raises(PromptError, match=r"mine\.yaml"):
        load_prompts(path)


def test_prompts_of_ones_own_are_another_version(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(PROMPTS_FILE.read_text().replace("experienced triage nurse", "emergency physician"))
    assert load_prompts(path).identity != load_prompts().identity
