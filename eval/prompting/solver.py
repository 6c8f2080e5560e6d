"""The Inspect solver that asks a general language model for a triage level.

``Sample.metadata["record"]`` holds the IntakeRecord as JSON, ``metadata["case_id"]`` its id (else the sample's). After
it ``state.store.get(ANSWER_KEY)`` is an ``Answer`` as a dict: ``stored_answer(state)`` reads it.
"""

import json
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import anyio
from inspect_ai.model import GenerateConfig, ModelOutput, get_model
from inspect_ai.model._generate_config import active_generate_config
from inspect_ai.solver import Generate, Solver, TaskState
from inspect_ai.solver import solver as inspect_solver
from pydantic import ValidationError

from data_schemas import IntakeRecord
from eval.prompting.access import key_variable
from eval.prompting.answer import Answer, Failure, read_answer
from eval.prompting.cost import is_reasoning
from eval.prompting.examples import FixedExamples, NearestExamples, Picker, read_examples
from eval.prompting.failures import AccessError, failure_of, refusal_of_access, status_of
from eval.prompting.prompts import AnswerScale, Example, PromptError, PromptSet, Strategy, load_prompts

ANSWER_KEY = "triage_answer"
CONSECUTIVE_FAILURES = 5
"""Requests in a row that the service may fail; then it is taken to be away, and the run stops to be gone on with."""

MAX_RETRIES = 5
ATTEMPT_SECONDS = 120
REQUEST_SECONDS = 600


class _Service:
    """What is known of the service meanwhile, shared by the cases of a run."""

    def __init__(self) -> None:
        self.stopped: AccessError | None = None
        self.failed = 0

    def check(self) -> None:
        """Ask nothing more of a service that refuses, or is away."""
        if self.stopped is not None:
            raise AccessError(str(self.stopped))

    def failing(self, model: str, failure: Failure) -> AccessError | None:
        """Count a failure; the one too many, and those after it, are errors to be gone on with, not answers."""
        self.failed += 1
        if self.failed < CONSECUTIVE_FAILURES:
            return None
        return AccessError(
            f"{model}: {CONSECUTIVE_FAILURES} requests in a row failed, the last one: {failure.value}. "
            "Stopped; start again to go on with what is left"
        )


@inspect_solver(name="triage_prompt")
def solver(
    strategy: str,
    scale: str,
    train: str | None = None,
    k: int | None = None,
    seed: int = 0,
    structured: bool = True,
) -> Solver:
    """Ask for a level; whatever comes back, or does not, is the case's answer.

    Retries (429, 5xx, timeouts) are Inspect's and its client's, with growing pauses, at most ``MAX_RETRIES`` unless
    the run sets ``max_retries``. What is still not answered counts as wrong and is listed; a key that is refused, an
    unknown model and ``CONSECUTIVE_FAILURES`` in a row stop the run.

    Args:
        strategy: ``zero-shot``, ``chain-of-thought``, ``few-shot`` or ``retrieved-few-shot``.
        scale: ``ESI``, ``KTAS``, ``NHAMCS`` or ``SEMIGRAN``.
        train: the training file, for strategies with examples; read when the first case is asked.
        k: number of examples; None is the strategy's own.
        seed: which examples ``few-shot`` takes.
        structured: ask for JSON after a schema; False for servers that know none.

    Raises:
        PromptError: the options do not go together.
    """
    prompts = load_prompts()
    asked, on = _strategy(strategy), _scale(scale)
    plan = prompts.strategies[asked]
    wanted = plan.k if k is None else k
    if plan.examples == "none" and (train is not None or k is not None):
        raise PromptError(f"{strategy} takes no examples: leave train and k out")
    if plan.examples != "none":
        if train is None:
            raise PromptError(f"{strategy} needs examples: give a training file of the scale")
        if not Path(train).is_file():
            raise PromptError(f"{Path(train).name} is not there: give a training file of the scale")
        if wanted < 1:
            raise PromptError("k is the number of examples: give 1 or more")
    service = _Service()

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        service.check()
        record, case_id = record_of(state.metadata), str(state.metadata.get("case_id", state.sample_id))
        examples: list[Example] = []
        if train is not None:
            pick = await anyio.to_thread.run_sync(picker, asked, on, Path(train), wanted, seed)
            examples = pick(case_id, record)
        state.messages = prompts.messages(asked, on, record, examples, structured=structured)
        config = generation(prompts, asked, on, str(get_model()), structured=structured)
        answer = await _ask(state, generate, _settings(config), service, prompts.scales[on].labels)
        state.store.set(ANSWER_KEY, answer.model_dump(mode="json"))
        state.completed = True
        return state

    return solve


async def _ask(
    state: TaskState, generate: Generate, config: dict[str, Any], service: _Service, labels: tuple[str, ...]
) -> Answer:
    model = str(get_model())
    try:
        await generate(state, tool_calls="none", **config)
    except Exception as error:
        # A service's own words may quote the key or the patient: they go no further than Inspect's log of the call.
        raised = refusal_of_access(error, model, key_variable(model))
        failure, status = failure_of(error), status_of(error)
        if raised is None and failure is None:
            raise
        if raised is None and failure is not None and failure.of_the_service:
            raised = service.failing(model, failure)
    else:
        service.failed = 0
        return read_output(state.output, labels)
    if raised is not None:
        service.stopped = raised
        raise raised
    return Answer(failure=failure, failed_status=status)


def read_output(output: ModelOutput, labels: tuple[str, ...]) -> Answer:
    """The answer in a model's output."""
    if output.empty:
        return Answer(failure=Failure.EMPTY)
    match output.stop_reason:
        case "content_filter":
            return Answer(failure=Failure.REFUSED)
        case "model_length" if not output.completion.lstrip().startswith("{"):
            return Answer(failure=Failure.TOO_LONG)  # the provider's words for a prompt beyond the window
        case reason:
            cut_off = reason in {"max_tokens", "model_length"}
            return read_answer(output.completion, labels, cut_off=cut_off)


def stored_answer(state: TaskState) -> Answer | None:
    """What ``solver`` left of a case; None where it did not run."""
    found = state.store.get(ANSWER_KEY)
    return None if found is None else Answer.model_validate(found)


def record_of(metadata: dict[str, Any]) -> IntakeRecord:
    """The record under ``record``: JSON text, or the object it stands for.

    Raises:
        PromptError: it is not there or is no IntakeRecord; the message quotes nothing of it.
    """
    value = metadata.get("record")
    try:
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        return IntakeRecord.model_validate_json(text)
    except (ValidationError, TypeError, ValueError):
        raise PromptError("the sample's metadata holds no IntakeRecord under 'record'") from None


def picker(strategy: Strategy, scale: AnswerScale, train: Path, k: int, seed: int = 0) -> Picker:
    """What chooses the examples of a strategy; a training file is read once a process, until it changes.

    Raises:
        PromptError: the file cannot be read or has too few cases.
    """
    stat = train.stat()
    return _picker(strategy, scale, train, k, seed, (stat.st_mtime_ns, stat.st_size))


_READING = Lock()


def _picker(
    strategy: Strategy, scale: AnswerScale, train: Path, k: int, seed: int, changed: tuple[int, int]
) -> Picker:
    with _READING:  # the first cases ask all at once, in threads
        return _read_picker(strategy, scale, train, k, seed, changed)


@lru_cache(maxsize=8)
def _read_picker(
    strategy: Strategy, scale: AnswerScale, train: Path, k: int, seed: int, changed: tuple[int, int]
) -> Picker:
    examples = read_examples(train, scale)
    return FixedExamples(examples, k, seed) if strategy is Strategy.FEW_SHOT else NearestExamples(examples, k)


def generation(
    prompts: PromptSet, strategy: Strategy, scale: AnswerScale, model: str, *, structured: bool = True
) -> GenerateConfig:
    """How a model is asked where the user says nothing else: greedy, bounded in length, tries and time."""
    most = prompts.strategies[strategy].most_tokens
    reasons = is_reasoning(model)
    return GenerateConfig(
        temperature=None if reasons else 0.0,
        max_tokens=most + (prompts.reasoning.most_tokens if reasons else 0),
        max_retries=MAX_RETRIES,
        attempt_timeout=ATTEMPT_SECONDS,
        timeout=REQUEST_SECONDS,
        response_schema=prompts.answer_schema(strategy, scale) if structured else None,
    )


def _settings(wanted: GenerateConfig) -> dict[str, Any]:
    """``wanted`` without what the run or the model sets itself: the user's word goes before ours."""
    chosen = get_model().config.merge(active_generate_config())
    return {
        name: value
        for name in GenerateConfig.model_fields
        if (value := getattr(wanted, name)) is not None and getattr(chosen, name) is None
    }


def _strategy(name: str) -> Strategy:
    if name not in set(Strategy):
        raise PromptError(f"no strategy {name!r}: it is one of {', '.join(Strategy)}")
    return Strategy(name)


def _scale(name: str) -> AnswerScale:
    if name.upper() not in set(AnswerScale):
        raise PromptError(f"no prompts for the scale {name!r}: it is one of {', '.join(AnswerScale)}")
    return AnswerScale(name.upper())
