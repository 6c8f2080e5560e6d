"""Scores the encounters of a part with the configured agent: the suggestion that a clinician would be shown."""

import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from agents import AgentError, CaseService
from agents.nodes.reconcile import applicable, suggest
from agents.state import Asked
from data_schemas import AcuityScale, AssessmentMode, IntakeRecord, LevelProbabilities, TriageAssessment
from eval.batch.parts import BatchInput, Part
from eval.batch.reading import Encounter, read_part
from eval.batch.shards import Summary
from eval.predictors.answerer import Screened
from eval.predictors.asking import ask_levels
from eval.predictors.stand_in import level_answer
from integrations.assembly import load_calibration, open_agent, open_engine, reader_settings, rules
from integrations.settings import Settings
from triage.guidelines import GuidelineLibrary
from triage.slm import Calibration, Engine, EngineError, Triager
from triage.slm.prompt import asked_scale

_CHUNK = 64
"""Encounters in memory and in one temporary database at once."""
_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a private folder is made in it
"""Where temporary databases go: records need not touch a disk, and nothing waits for one."""
_NO_MODEL = "no model is configured"
_REFUSED_SHARE = 0.5
_ANSWER_S = 120.0

Row = dict[str, Any]


class Scorer:
    """One open model. Use from one thread, outside an event loop.

    Args:
        settings: the agent's.
        source: the input.
        levels_only: decode just the level.
        patience: seconds to wait for a model that is away, all waits for a part together.
    """

    def __init__(
        self, settings: Settings, source: BatchInput, *, levels_only: bool, patience: float = 300.0
    ) -> None:
        self._settings = settings = unhurried(settings)
        self._source = source
        self._levels_only = levels_only
        self._patience = patience
        self._scale = asked_scale(scale_of(settings, source))
        self._library = GuidelineLibrary.load(settings.esi_version, settings.guideline_dir)
        self._screen = rules(self._library)
        self._calibration = calibration_of(settings, self._scale)
        self._engine: Engine | None = None
        self._triager: Triager | None = None
        self._loop = asyncio.Runner()

    def score(self, part: Part) -> tuple[list[Row], Summary]:
        """The rows of a part in the input's order. ``refused`` in the summary: the model was away, score it later."""
        began, pause, failure = time.monotonic(), 2.0, ""
        while True:
            try:
                rows = self._try(part)
            except EngineError as error:
                failure = type(error).__name__
            else:
                summary = self._summary(part, rows, time.monotonic() - began)
                lost = sum(summary.rules_only.values())
                if self._settings.model.engine == "none" or lost <= _REFUSED_SHARE * len(rows):
                    return rows, summary
                failure = Counter(summary.rules_only).most_common(1)[0][0]
            if time.monotonic() - began + pause > self._patience:
                refused = Summary(part=part.number, units=part.units, rows=0, model="", refused=failure)
                return [], refused
            time.sleep(pause)
            pause = min(2 * pause, 60.0)

    def close(self) -> None:
        """Release the model."""
        if self._engine is not None:
            self._loop.run(self._engine.close())
        self._loop.close()

    def _try(self, part: Part) -> list[Row]:
        self._open()
        rows: list[Row] = []
        encounters = read_part(self._source, part, reader_settings(self._settings))
        while chunk := list(islice(encounters, _CHUNK)):
            asked = [one for one in chunk if one.record is not None]
            work = self._levels(asked) if self._levels_only else self._whole(asked)
            found = iter(self._loop.run(work))
            rows += [next(found) if one.record is not None else _row(one, error=one.error) for one in chunk]
        return rows

    def _open(self) -> None:
        if self._engine is None and self._settings.model.engine != "none":
            self._engine = open_engine(self._settings)
            self._triager = Triager(self._engine, self._library.short, self._scale)

    async def _levels(self, encounters: Sequence[Encounter]) -> list[Row]:
        screened: list[Screened] = []
        for one in encounters:
            record = _record(one)
            screened.append((record, self._screen(record, self._settings.esi_version)))
        raw: Sequence[LevelProbabilities | EngineError | None] = [None] * len(screened)
        if self._triager is not None and screened:
            raw = await ask_levels(self._triager, screened)
        return [self._level_row(*given) for given in zip(encounters, screened, raw, strict=True)]

    def _level_row(
        self, one: Encounter, screened: Screened, raw: LevelProbabilities | EngineError | None
    ) -> Row:
        if raw is None:
            asked = Asked(answer=None, failure=_NO_MODEL, seconds=0.0)
        elif isinstance(raw, EngineError):
            asked = Asked(answer=None, failure=type(raw).__name__, seconds=0.0)
        else:
            assert self._triager is not None
            asked = Asked(answer=level_answer(raw, self._triager.identity), failure=None, seconds=0.0)
        calibration, _ = applicable(self._calibration, asked.answer)
        made = suggest(*screened, asked, calibration)
        mode = AssessmentMode.RULES_ONLY if asked.answer is None else AssessmentMode.MODEL
        return _row(
            one,
            error=asked.failure,
            level=made.level,
            probabilities=made.probabilities,
            most_urgent=made.most_urgent,
            least_urgent=made.least_urgent,
            mode=mode.value,
        )

    async def _whole(self, encounters: Sequence[Encounter]) -> list[Row]:
        """Through the deployed graph, up to the clinician; a new temporary database for every chunk."""
        with tempfile.TemporaryDirectory(prefix="triage-batch-", dir=_MEMORY) as folder:
            update = {"data_dir": Path(folder), "database_url": None, "scale": self._scale}
            model = None if self._triager is None else (self._triager, self._calibration)
            settings = self._settings.model_copy(update=update)
            async with open_agent(settings, recover=False, model=model) as agent:
                places = asyncio.Semaphore(self._at_once)

                async def one(encounter: Encounter) -> Row:
                    async with places:
                        return await _assessed(agent.service, encounter)

                return list(await asyncio.gather(*map(one, encounters)))

    @property
    def _at_once(self) -> int:
        return self._settings.model.concurrency if self._settings.model.engine == "vllm" else 1

    def _summary(self, part: Part, rows: Sequence[Row], seconds: float) -> Summary:
        failures = Counter(row["error"] or "unknown" for row in rows if row["level"] is None)
        lost = Counter(row["error"] for row in rows if row["level"] is not None and row["error"])
        model = "rules alone"
        if self._triager is not None:
            identity = self._triager.identity
            model = f"{identity.engine} {identity.model} {identity.weights_sha256} {identity.adapter_sha256}"
        return Summary(
            part=part.number,
            units=part.units,
            rows=len(rows),
            model=model,
            failures=dict(failures),
            rules_only=dict(lost),
            seconds=seconds,
        )


def unhurried(settings: Settings) -> Settings:
    """Nobody waits for an answer: what a busy machine gives in time must not decide what comes out."""
    model = settings.model
    patient = {
        "timeout_seconds": max(model.timeout_seconds, _ANSWER_S),
        "second_look_seconds": _ANSWER_S if model.second_look_seconds else 0.0,
    }
    return settings.model_copy(update={"model": model.model_copy(update=patient)})


def scale_of(settings: Settings, source: BatchInput) -> AcuityScale:
    """The scale of a data set's layout, or the configured one."""
    from eval.predictors.inputs import LAYOUTS  # noqa: PLC0415 - beside its only use

    return settings.scale if source.task is None else LAYOUTS[source.task].scale


def calibration_of(settings: Settings, scale: AcuityScale) -> Calibration:
    """The one that goes with the configured model."""
    return Calibration.none() if settings.model.engine == "none" else load_calibration(settings, scale)


async def _assessed(service: CaseService, one: Encounter) -> Row:
    try:
        made = (await service.assess(_record(one))).assessment
    except AgentError as error:
        return _row(one, error=str(getattr(error, "error", type(error).__name__)))
    except Exception as error:  # a defect over one encounter must not cost the others
        return _row(one, error=type(error).__name__)
    return _row(one, error="NoAssessment") if made is None else _whole_row(one, made)


def _whole_row(one: Encounter, made: TriageAssessment) -> Row:
    failure = None if made.mode is not AssessmentMode.RULES_ONLY else made.mode_reason or "unknown"
    return _row(
        one,
        error=failure,
        level=made.level,
        probabilities=made.probabilities,
        most_urgent=made.set_most_urgent,
        least_urgent=made.set_least_urgent,
        mode=made.mode.value,
        assessment=made.model_dump_json(),
    )


def _row(
    one: Encounter,
    *,
    error: str | None = None,
    level: int | None = None,
    probabilities: LevelProbabilities | None = None,
    most_urgent: int | None = None,
    least_urgent: int | None = None,
    mode: str | None = None,
    assessment: str | None = None,
) -> Row:
    values = (None,) * 5 if probabilities is None else probabilities.p
    return {
        "unit": one.unit,
        "index": one.index,
        "case_id": one.case_id,
        "level": None if level is None else int(level),
        **dict(zip(("p1", "p2", "p3", "p4", "p5"), values, strict=True)),
        "most_urgent": None if most_urgent is None else int(most_urgent),
        "least_urgent": None if least_urgent is None else int(least_urgent),
        "mode": mode,
        "error": error,
        "assessment": assessment,
    }


def _record(one: Encounter) -> IntakeRecord:
    assert one.record is not None
    return one.record
