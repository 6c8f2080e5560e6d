"""Inspect's model provider ``triage/``: every row of this project, recorded answers, and a user's own model.

``triage/rules``, ``majority``, ``boosting``, ``encoder``, ``base``, ``slm``, ``agent``, ``agent-prior``, ``hybrid``,
``recorded``, ``nurse``, and ``triage/FILE.py``. They answer the tasks of ``eval/tasks.py``: a sample's metadata holds
the very intake record that the agent reads, and nothing of the label.
"""

from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from inspect_ai.model import ChatMessage, GenerateConfig, ModelAPI, ModelOutput, modelapi
from inspect_ai.tool import ToolChoice, ToolInfo

from data_schemas import AcuityScale
from eval.cases import Task
from eval.harness.answers import as_output
from eval.harness.batching import MicroBatcher
from eval.harness.dataset import SCALE, TASK, case_of
from eval.harness.opening import RowFiles, Rows
from eval.predictions import Prediction
from eval.predictors import ReadCase
from integrations.settings import Settings

CASE_ID = "case_id"
_IN_FLIGHT = 512
"""Samples asked about at once: enough for every model's batch, with the next one waiting."""


class Asks(Protocol):
    """Answers one case."""

    async def ask(self, case: ReadCase) -> Prediction:
        """The answer; a failure is one without a level."""
        ...


class TriageAPI(ModelAPI):
    """One row. It opens when the first case arrives, because only a case says the scale.

    Model arguments (``-M name=value``): ``adapter``, ``levels_only`` (true), ``train`` and ``fitted`` for comparators
    and the hybrid, ``answers`` and ``row`` for recorded answers, ``data`` for the nurse's levels.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        *,
        adapter: str | None = None,
        levels_only: bool = True,
        train: str | list[str] | None = None,
        fitted: str | None = None,
        answers: str | None = None,
        row: str | None = None,
        data: str | None = None,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config or GenerateConfig())
        files = [train] if isinstance(train, str) else train or []
        self._files = RowFiles(
            train=tuple(map(Path, files)),
            fitted=_path(fitted),
            answers=_path(answers),
            row=row,
            data=_path(data),
        )
        self._adapter = adapter
        self._levels_only = levels_only
        self._asked: tuple[Task, AcuityScale] | None = None
        self._batcher: Asks | None = None
        self._rows: Rows | None = None
        self._thread: Executor | None = None

    async def generate(
        self,
        input: list[ChatMessage],  # noqa: A002 - the name is Inspect's
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """The answer to the case that the last message holds.

        Raises:
            ValueError: it holds none.
        """
        metadata: dict[str, Any] = (input[-1].metadata if input else None) or {}
        case = case_of(str(metadata.get(CASE_ID, "")), metadata)
        asked = (Task(metadata[TASK]), AcuityScale(metadata[SCALE]))
        if self._batcher is None:
            self._batcher, self._asked = self._opened(*asked), asked
        if asked != self._asked:
            raise ValueError("one model answers one task at a time: its scale and prompt are the task's")
        return as_output(self.model_name, await self._batcher.ask(case))

    def max_connections(self) -> int:
        """Many at once: they are answered in batches."""
        return _IN_FLIGHT

    def connection_key(self) -> str:
        """Rows do not wait for each other."""
        return f"triage/{self.model_name}"

    async def aclose(self) -> None:
        """Release the model."""
        self.close()

    def close(self) -> None:
        """Release the model, where it was opened here."""
        if self._thread is not None:
            if self._rows is not None:
                self._thread.submit(self._rows.close).result()
            self._thread.shutdown()
            self._thread, self._rows, self._batcher = None, None, None

    def _opened(self, task: Task, scale: AcuityScale) -> MicroBatcher:
        settings = Settings()
        if self._adapter is not None:
            settings = settings.with_adapter(self._adapter)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="triage-model")
        self._rows = Rows(settings, task, scale, self._files, levels_only=self._levels_only)
        predictor = self._thread.submit(self._rows.open, self.model_name).result()
        return MicroBatcher(predictor, self._thread)


modelapi(name="triage")(TriageAPI)


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
