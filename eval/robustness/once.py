"""The language model and the agent over one open model: what the one asked, the other need not ask again."""

from collections.abc import Mapping, Sequence
from typing import Self

from agents import Asks
from data_schemas import AcuityScale, IntakeRecord, LevelProbabilities, ModelIdentity
from eval.predictions import Prediction
from eval.predictors.agent import AgentPredictor
from eval.predictors.answerer import Answerer, Screened
from eval.predictors.asking import Asker
from eval.predictors.deciding import decided
from eval.predictors.inputs import ReadCase
from eval.predictors.slm import SlmPredictor
from eval.robustness.running import Answer, as_answer
from integrations.assembly import load_calibration, open_engine
from integrations.settings import Settings
from triage.slm import Engine, EngineAnswer, EngineError, EngineIdentity, EngineRequest, Triager
from triage.slm.prompt import asked_scale


class AskedOnce:
    """Passes a question on once in each run. ``run``: another number asks everything anew."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._answers: dict[tuple[int, EngineRequest], EngineAnswer] = {}
        self.run = 1
        self.asked = 0
        """Questions that the engine was put."""

    @property
    def identity(self) -> EngineIdentity:
        """What answers."""
        return self._engine.identity

    async def answer(self, request: EngineRequest) -> EngineAnswer:
        """See ``Engine.answer``; whole answers are always asked anew."""
        return await self._engine.answer(request)

    async def levels(self, requests: Sequence[EngineRequest]) -> list[EngineAnswer]:
        """See ``Engine.levels``."""
        new = [one for one in dict.fromkeys(requests) if (self.run, one) not in self._answers]
        if new:
            answers = await self._engine.levels(new)
            self.asked += len(new)
            self._answers |= {(self.run, one): answer for one, answer in zip(new, answers, strict=True)}
        return [self._answers[self.run, one] for one in requests]

    async def close(self) -> None:
        """Release the model."""
        await self._engine.close()


class WithoutRules(Answerer):
    """The model without what the rules found in its prompt: the second look's own question (``Way.WITHOUT_RULES``)."""

    def __init__(self, asker: Asker) -> None:
        super().__init__(asker.settings, asker.calibration)
        self._asker = asker

    @property
    def triager(self) -> Asks:
        """The model."""
        return self._asker.triager

    @property
    def identity(self) -> ModelIdentity:
        """The model's."""
        return self._asker.identity

    def levels(self, screened: Sequence[Screened]) -> list[LevelProbabilities | EngineError]:
        """See ``Answerer.levels``; an error of one case is that of its batch."""
        return self._asker.run(_bare_levels(self._asker.triager, [record for record, _ in screened]))


async def _bare_levels(
    triager: Triager, records: Sequence[IntakeRecord]
) -> list[LevelProbabilities | EngineError]:
    try:
        return list(await triager.levels([(record, None) for record in records]))
    except EngineError as error:
        return [error] * len(records)


class SharedModel:
    """The rows ``slm`` and ``agent``, only the level decoded, over one model that is asked each question once.

    Ask ``slm`` and then ``agent`` with the same cases, variants and seed: the agent's row costs nothing more.
    """

    def __init__(self, engine: Engine, settings: Settings, scale: AcuityScale) -> None:
        self.engine = AskedOnce(engine)
        self._asker = Asker(self.engine, load_calibration(settings, asked_scale(scale)), settings, scale)
        self._bare = WithoutRules(self._asker)
        self.slm: Answer = as_answer(SlmPredictor(self._asker))
        self.agent: Answer = as_answer(AgentPredictor(self._asker, scale))
        self.slm_prompts: Mapping[str, Answer] = {"without the rules' findings": self._bare_slm}
        self.agent_prompts: Mapping[str, Answer] = {
            "without the rules' findings": as_answer(AgentPredictor(self._bare, scale))
        }

    @classmethod
    def open(cls, settings: Settings, scale: AcuityScale) -> Self:
        """The configured model with its calibration.

        Raises:
            EngineError: it cannot be opened, or the calibration is of another.
        """
        return cls(open_engine(settings), settings, scale)

    def slm_again(self, records: Sequence[IntakeRecord], run: int) -> list[Prediction]:
        """The model asked anew in this run."""
        return self._in_run(self.slm, records, run)

    def agent_again(self, records: Sequence[IntakeRecord], run: int) -> list[Prediction]:
        """The agent in this run, on the model's answers of the same run."""
        return self._in_run(self.agent, records, run)

    def close(self) -> None:
        """Release the model."""
        self._bare.close()
        self._asker.close()

    def _in_run(self, answer: Answer, records: Sequence[IntakeRecord], run: int) -> list[Prediction]:
        self.engine.run = run
        try:
            return answer(records)
        finally:
            self.engine.run = 1

    def _bare_slm(self, records: Sequence[IntakeRecord]) -> list[Prediction]:
        cases = [ReadCase(str(number), record) for number, record in enumerate(records)]
        raw = self._bare.levels(self._bare.screened(cases))
        return [
            decided(case.case_id, one, self._asker.calibration.for_arrival(case.record))
            for case, one in zip(cases, raw, strict=True)
        ]
