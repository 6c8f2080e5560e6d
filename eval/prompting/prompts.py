"""The versioned prompts: one file of words, and how a question is put together from it."""

import hashlib
from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from inspect_ai.model import ChatMessage, ChatMessageUser, ResponseSchema
from inspect_ai.util import JSONSchema
from pydantic import Field, ValidationError

from data_schemas import IntakeRecord
from data_schemas._base import Frozen
from eval.prompting.facts import patient_text

PROMPTS_FILE = Path(__file__).with_name("prompts.yaml")


class PromptError(ValueError):
    """What was asked for cannot be put into a prompt; says why and what to do, never anything of a patient."""


class Strategy(StrEnum):
    """How a general language model is asked."""

    ZERO_SHOT = "zero-shot"
    CHAIN_OF_THOUGHT = "chain-of-thought"
    FEW_SHOT = "few-shot"
    RETRIEVED_FEW_SHOT = "retrieved-few-shot"


class AnswerScale(StrEnum):
    """What the answer is given on: a scale of five levels, or Semigran's three classes."""

    ESI = "ESI"
    KTAS = "KTAS"
    NHAMCS = "NHAMCS"
    SEMIGRAN = "SEMIGRAN"


class Example(Frozen):
    """A case with a known label, to be shown."""

    case_id: str
    record: IntakeRecord
    label: str


class ScaleWords(Frozen):
    """The words for one scale; ``labels`` from the most urgent to the least."""

    task: str
    labels: tuple[str, ...]
    levels: str


class StrategyPlan(Frozen):
    """What a strategy consists of; token counts as ``prompts.yaml`` explains them."""

    reasoned: bool
    examples: Literal["none", "fixed", "nearest"]
    k: int
    answer_tokens: int
    most_tokens: int


class Reasoning(Frozen):
    """Tokens of a model that reasons unseen."""

    expected_tokens: int
    most_tokens: int


class Form(Frozen):
    """How the answer is asked for, straight away or after reasoning."""

    direct: str
    reasoned: str


class PromptSet(Frozen):
    """The words of one version. ``sha256`` is of the file they are in."""

    version: str
    sha256: str
    role: str
    caution: str
    scales: dict[AnswerScale, ScaleWords]
    formats: dict[Literal["json", "text"], Form]
    steps: str
    examples: str
    patient: str
    known: str
    new: str
    strategies: dict[Strategy, StrategyPlan]
    reasoning: Reasoning = Field()

    @property
    def identity(self) -> str:
        """Version and hash in one string, for run records."""
        return f"{self.version}@{self.sha256[:12]}"

    def messages(
        self,
        strategy: Strategy,
        scale: AnswerScale,
        record: IntakeRecord,
        examples: Sequence[Example] = (),
        *,
        structured: bool = True,
    ) -> list[ChatMessage]:
        """The question about one patient: what is wanted, examples, facts; all in one user turn.

        Not every model has a system turn: those served by this project, for one, refuse it.

        Raises:
            LeakError: a record holds what is known only after triage.
            PromptError: the record holds no fact, or a strategy with examples has none.
        """
        plan, words = self.strategies[strategy], self.scales[scale]
        if not record.facts:
            raise PromptError("the record holds no fact: there is nothing to ask about")
        if (plan.examples != "none") != bool(examples):
            raise PromptError(f"{strategy.value} {'needs' if not examples else 'takes no'} examples")
        form = self.formats["json" if structured else "text"]
        shown = words.labels[len(words.labels) // 2]
        label = f'"{shown}"' if structured and not shown.isdigit() else shown
        asked = (form.reasoned if plan.reasoned else form.direct).format(label=label)
        parts = [f"{self.role} {words.task}", words.levels.strip(), self.caution]
        parts += [self.steps.strip(), asked] if plan.reasoned else [asked]
        if examples:
            parts.append(self.examples)
            parts += [
                f"{self.patient}\n{patient_text(example.record)}\n{self.known.format(label=example.label)}"
                for example in examples
            ]
        parts.append(f"{self.new if examples else self.patient}\n{patient_text(record)}")
        return [ChatMessageUser(content="\n\n".join(parts))]

    def answer_schema(self, strategy: Strategy, scale: AnswerScale) -> ResponseSchema:
        """The JSON Schema of a structured answer; reasoning stands before the level, a reason after it."""
        labels = self.scales[scale].labels
        numeric = all(label.isdigit() for label in labels)
        level = JSONSchema(
            type="integer" if numeric else "string",
            enum=[int(label) if numeric else label for label in labels],
        )
        words = JSONSchema(type="string")
        properties = (
            {"reasoning": words, "level": level}
            if self.strategies[strategy].reasoned
            else {"level": level, "reason": words}
        )
        return ResponseSchema(
            name="triage",
            json_schema=JSONSchema(
                type="object",
                properties=properties,
                required=list(properties),
                additionalProperties=False,
            ),
            strict=True,
        )


@cache
def load_prompts(path: Path = PROMPTS_FILE) -> PromptSet:
    """The prompts of ``path``; a file of one's own is a version of its own.

    Raises:
        PromptError: the file is not of the form of ``prompts.yaml``.
    """
    content = path.read_bytes()
    try:
        values = yaml.safe_load(content)
        return PromptSet.model_validate({**values, "sha256": hashlib.sha256(content).hexdigest()})
    except (yaml.YAMLError, ValidationError, TypeError) as error:
        raise PromptError(f"{path.name} is no file of prompts ({type(error).__name__})") from error
