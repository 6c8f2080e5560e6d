"""Asks an engine about one arrival, and reads its answer."""

import math
from collections.abc import Mapping, Sequence

from data_schemas import (
    AcuityScale,
    IntakeRecord,
    LevelProbabilities,
    ModelAnswer,
    ModelIdentity,
    Screening,
    Way,
)
from triage.slm.answer import LEAD, answer_regex, parse_answer
from triage.slm.engine import Engine, EngineAnswer, EngineRequest
from triage.slm.errors import AnswerError
from triage.slm.prompt import PROMPT_VERSION, Prompt, build_prompt
from triage.slm.variants import ways_to_ask


class Triager:
    """One engine, one scale, one prompt version.

    Args:
        engine: the model.
        short: each statement's short wording by id (``GuidelineLibrary.short``).
        scale: the scale wanted.
        guarded: see ``build_prompt``; False only to measure what the guard prevents.
    """

    def __init__(
        self,
        engine: Engine,
        short: Mapping[str, str],
        scale: AcuityScale = AcuityScale.ESI,
        *,
        guarded: bool = True,
    ) -> None:
        self._engine = engine
        self._short = dict(short)
        self.scale = scale
        self._guarded = guarded

    @property
    def identity(self) -> ModelIdentity:
        """The model that answers, with the prompt version."""
        who = self._engine.identity
        return ModelIdentity(
            engine=who.engine,
            model=who.model,
            weights_sha256=who.weights_sha256,
            adapter=who.adapter,
            adapter_sha256=who.adapter_sha256,
            prompt_version=PROMPT_VERSION,
        )

    async def ask(self, record: IntakeRecord, screening: Screening) -> ModelAnswer:
        """Level, probabilities, path and citations for one arrival.

        Raises:
            EngineError: the model could not answer, or not in the grammar; go on with rules only.
        """
        prompt = self._prompt(record, screening)
        answer = await self._engine.answer(_request(prompt))
        parsed = parse_answer(answer.text, prompt)
        return ModelAnswer(
            level=parsed.level,
            probabilities=probabilities(answer),
            path=parsed.path,
            citations=parsed.citations,
            identity=self.identity,
            prompt_tokens=answer.prompt_tokens,
            answer_tokens=answer.answer_tokens,
            seconds=answer.seconds,
        )

    async def levels(
        self, cases: Sequence[tuple[IntakeRecord, Screening | None]]
    ) -> list[LevelProbabilities]:
        """Only the levels' probabilities, for many arrivals at once, in the order given.

        Without a screening, what the rules found is not in the prompt (see ``build_prompt``).

        Raises:
            EngineError: the model could not answer.
        """
        requests = [_request(self._prompt(record, screening)) for record, screening in cases]
        return [probabilities(answer) for answer in await self._engine.levels(requests)]

    async def variants(
        self, record: IntakeRecord, screening: Screening
    ) -> tuple[tuple[Way, LevelProbabilities], ...]:
        """The levels' probabilities for the same case put in other ways (``ways_to_ask``), in one batch.

        Raises:
            EngineError: the model could not answer.
        """
        ways = ways_to_ask(record, screening)
        requests = [_request(self._prompt(put, rules)) for _, put, rules in ways]
        answers = await self._engine.levels(requests)
        return tuple((way, probabilities(answer)) for (way, _, _), answer in zip(ways, answers, strict=True))

    def _prompt(self, record: IntakeRecord, screening: Screening | None) -> Prompt:
        return build_prompt(record, screening, self._short, self.scale, guarded=self._guarded)


def probabilities(answer: EngineAnswer) -> LevelProbabilities:
    """The five probabilities of an answer.

    Raises:
        AnswerError: a log-probability is missing or not a number: an error, never a zero.
    """
    logs = answer.level_logprobs
    if len(logs) != 5 or any(math.isnan(value) or value == math.inf for value in logs):
        raise AnswerError("the engine did not give all five levels' log-probabilities")
    top = max(logs)
    weights = [math.exp(value - top) for value in logs]
    total = math.fsum(weights)
    p1, p2, p3, p4, p5 = (weight / total for weight in weights)
    return LevelProbabilities(p=(p1, p2, p3, p4, p5))


def _request(prompt: Prompt) -> EngineRequest:
    return EngineRequest(prefix=prompt.prefix, prompt=prompt.text, lead=LEAD, regex=answer_regex(prompt))
