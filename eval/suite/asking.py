"""Asks one row about every case through Inspect, and keeps its answers."""

import gc
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import inspect_ai
from inspect_ai.log import EvalLog, EvalSample, read_eval_log
from inspect_ai.model import CachePolicy, Model, get_model

from eval.cases import Task
from eval.harness.answers import KEY, from_json
from eval.harness.batching import MicroBatcher
from eval.harness.case_set import CaseSet
from eval.harness.errors import HarnessError
from eval.harness.solver import Known, answered_by
from eval.predictions import Prediction
from eval.predictors import Predictor, Provenance, ReadCase, UnreadableCase
from eval.prompting import Failure, Prices, load_prompts, spent, used_by
from eval.semigran import on_classes
from eval.suite.journal import Journal, setup_hash
from eval.suite.result import Kind, ModelRow
from eval.suite.spec import GeneralModel
from eval.tasks import task_for

Answered = Callable[[int], None]
"""Told how many more cases are answered."""

_KINDS: dict[str, Kind] = {
    "rules": "rules",
    "majority": "comparator",
    "boosting": "comparator",
    "encoder": "comparator",
    "agent": "agent",
    "agent-prior": "agent",
    "recorded": "recorded",
    "nurse": "nurse",
}
_BUFFER = 1000
_IN_FLIGHT = 512
_OBJECTS = 200_000  # made before the youngest are looked through; Python's 700 costs a third of a run
_AGAIN = {failure.value for failure in Failure if failure.of_the_service}
"""A row with such failures is asked again the next time; Inspect's cache answers for the rest."""


@dataclass(frozen=True)
class Asked:
    """A row with its answers, in the order of the cases."""

    row: ModelRow
    predictions: tuple[Prediction, ...]
    setup: str
    """What decided the answers: see ``setup_hash``."""


@dataclass(frozen=True)
class Place:
    """Where a task's answers and logs go."""

    answers: Path
    logs: Path
    commit: str | None


class _Resumed:
    """Answers that are known are not asked for."""

    def __init__(self, batcher: MicroBatcher, known: Mapping[str, Prediction]) -> None:
        self._batcher = batcher
        self._known = dict(known)

    async def ask(self, case: ReadCase) -> Prediction:
        known = self._known.get(case.case_id)
        return known if known is not None else await self._batcher.ask(case)


def ask_own(
    cases: CaseSet,
    name: str,
    predictor: Predictor,
    thread: Executor,
    place: Place,
    answered: Answered,
    borrowed: Callable[[], float] = lambda: 0.0,
) -> Asked:
    """Ask a row of this project, or the user's own model.

    Args:
        cases: which.
        name: the row.
        predictor: open; used in ``thread`` only.
        thread: one worker.
        place: where answers go.
        answered: told of progress.
        borrowed: seconds that answers shared with another row had cost; they are counted as this row's too.
    """
    provenance = predictor.provenance
    setup = setup_hash(cases, name, provenance.model_dump(mode="json"), place.commit)
    journal = Journal(place.answers, file_name(name), setup)
    cached = len(journal.known)
    answered(cached)
    if not journal.state.finished:
        batcher = MicroBatcher(predictor, thread)
        before = 0.0

        def keep(found: Any) -> None:
            nonlocal before
            spent_now = batcher.seconds - before
            before = batcher.seconds
            journal.add(found, spent_now + borrowed())
            answered(len(found))

        batcher.answered = keep
        model = get_model(f"triage/{row_name(name)}", memoize=False)
        solver = answered_by(row_name(name), _Resumed(batcher, journal.known), Known(cases.readable))
        about = {"row": row_name(name), "setup": setup}
        log = _run(
            cases, model, place, about, max_connections=_IN_FLIGHT, options={"solver": solver}, samples=False
        )
        journal.finish(_kept(cases, journal.known, log.location), log=Path(log.location).name)
    predictions = tuple(journal.known[case.case_id] for case in cases.cases)
    row = _row(name, kind_of(name), predictions, journal, cached)
    return Asked(
        row.model_copy(update={"details": details_of(provenance) | _log(journal)}), predictions, setup
    )


def ask_general(
    cases: CaseSet,
    general: GeneralModel,
    train: str | None,
    place: Place,
    answered: Answered,
    prices: Prices,
) -> Asked:
    """Ask a general language model, live. Inspect's own cache keeps every answer: what was paid for is not paid twice.

    Raises:
        HarnessError: the service refuses or is away; what was answered is kept.
    """
    prompts = load_prompts()
    asked = {
        **general.model_dump(mode="json"),
        "prompts": prompts.version,
        "train": train and Path(train).name,
    }
    setup = setup_hash(cases, general.row, asked, None)
    journal = Journal(place.answers, file_name(general.row), setup)
    cached = len(journal.known) if journal.state.finished else 0
    answered(cached)
    if not journal.state.finished:
        model = get_model(general.model, base_url=general.base_url, memoize=False)
        takes = None if general.strategy in {"zero-shot", "chain-of-thought"} else train
        options = {
            "strategy": general.strategy,
            "train": takes,
            "k": general.k,
            "structured": general.structured,
        }
        log = _run(
            cases,
            model,
            place,
            {"row": general.row, "setup": setup},
            max_connections=general.max_connections,
            options=options,
            cache=CachePolicy(expiry=None),
        )
        _raise_if_away(log, general.row)
        # Of the samples, not of the log: a run that was gone on with has paid for the answers before it, too.
        used = spent(general.model, used_by(log.samples or ()), prices)
        found = _predictions(cases, log)
        journal.finish(
            found,
            finished=not any(item.error in _AGAIN for item in found),
            log=Path(log.location).name,
            seconds=_seconds(log),
            usd=used.usd,
            input_tokens=used.input_tokens,
            output_tokens=used.output_tokens,
        )
        answered(len(cases.cases))
    predictions = tuple(journal.known[case.case_id] for case in cases.cases)
    row = _row(general.row, "llm", predictions, journal, cached)
    details = {name: str(value) for name, value in asked.items() if value is not None} | _log(journal)
    return Asked(row.model_copy(update={"details": details}), predictions, setup)


def file_name(row: str) -> str:
    """The row's name as a file name; two rows never share one."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", Path(row).stem if row.endswith(".py") else row)


def kind_of(name: str) -> Kind:
    """What kind of row a name is."""
    return _KINDS.get(name, "llm" if "/" in name and not name.endswith(".py") else "model")


def details_of(provenance: Provenance) -> dict[str, str]:
    """A provenance in words."""
    found = {"decision": provenance.decision, **provenance.details}
    if provenance.decoding:
        found["decoding"] = provenance.decoding
    if provenance.calibration:
        found["calibration"] = provenance.calibration
    if provenance.identity is not None:
        identity = provenance.identity.model_dump(exclude_none=True)
        found |= {name: str(value) for name, value in identity.items()}
    return found


def _run(
    cases: CaseSet,
    model: Model,
    place: Place,
    metadata: dict[str, Any],
    *,
    max_connections: int,
    options: Mapping[str, Any] | None = None,
    cache: CachePolicy | None = None,
    samples: bool = True,
) -> EvalLog:
    """One Inspect evaluation; nothing of it is shown, and the log is written in few pieces.

    ``samples``: whether they are in what is returned; they are in the file.
    """
    with _rarely_collected():
        logs = inspect_ai.eval(
            task_for(cases, **(options or {})),
            model=model,
            metadata=metadata,
            display="none",
            log_dir=str(place.logs),
            log_level="error",
            log_level_transcript="error",
            log_realtime=False,
            log_buffer=_BUFFER,
            log_model_api=False,
            score_display=False,
            ctl_server=False,
            fail_on_error=False,
            max_samples=max(max_connections, 1),
            max_connections=max_connections,
            cache=cache,
            log_header_only=not samples,
        )
    (log,) = logs
    if log.status != "success" or (samples and log.samples is None):
        words = log.error.message.splitlines()[0] if log.error is not None else log.status
        raise HarnessError(f"{metadata['row']}: the run stopped: {words}; the same command goes on from here")
    return log


@contextmanager
def _rarely_collected() -> Iterator[None]:
    """Let the garbage collector look at little: what was imported and read stays, and a sample makes many objects."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _kept(cases: CaseSet, known: Mapping[str, Prediction], location: str) -> list[Prediction]:
    """One for each case, in order, as the scorer counts them: what was written down while they were answered.

    Reading the log back takes as long as half the run; it is done only where an answer is missing here.
    """
    if any(case.case_id not in known for case in cases.readable):
        return _predictions(cases, read_eval_log(location))
    classes = cases.choice.task is Task.SEMIGRAN
    return [
        Prediction(case_id=case.case_id, predicted=None, error=case.error)
        if isinstance(case, UnreadableCase)
        else (on_classes(known[case.case_id]) if classes else known[case.case_id])
        for case in cases.cases
    ]


def _predictions(cases: CaseSet, log: EvalLog) -> list[Prediction]:
    """One for each case, in order; a sample that failed or is missing has no level, and says so."""
    samples = {str(sample.id): sample for sample in log.samples or ()}
    return [_prediction(case, samples.get(case.case_id)) for case in cases.cases]


def _prediction(case: ReadCase | UnreadableCase, sample: EvalSample | None) -> Prediction:
    if isinstance(case, UnreadableCase):
        return Prediction(case_id=case.case_id, predicted=None, error=case.error)
    if sample is None:
        return Prediction(case_id=case.case_id, predicted=None, error="not asked")
    score = (sample.scores or {}).get("triage")
    found = from_json((score.metadata or {}).get(KEY)) if score is not None else None
    if found is not None:
        return found
    kind = sample.error.message.split("(")[0].split(":")[0] if sample.error is not None else "no score"
    return Prediction(case_id=case.case_id, predicted=None, error=f"failed: {kind[:60]}")


def _raise_if_away(log: EvalLog, row: str) -> None:
    for sample in log.samples or ():
        if sample.error is not None and sample.error.message.startswith("AccessError"):
            words = sample.error.message.removeprefix("AccessError").strip("(\"')")
            raise HarnessError(f"{row}: {words}")


def _row(
    name: str, kind: Kind, predictions: tuple[Prediction, ...], journal: Journal, cached: int
) -> ModelRow:
    failures = Counter(item.error or "no answer" for item in predictions if item.predicted is None)
    state = journal.state
    return ModelRow(
        name=row_name(name),
        kind=kind,
        cases=len(predictions),
        failed=failures.total(),
        failures=dict(failures),
        seconds=state.seconds,
        cases_per_second=round(len(predictions) / state.seconds, 3) if state.seconds > 0 else None,
        cached=cached,
        input_tokens=state.input_tokens,
        output_tokens=state.output_tokens,
        usd=state.usd,
    )


def row_name(name: str) -> str:
    """How a row is called in results: a file by its name."""
    return Path(name).stem if name.endswith(".py") else name


def _log(journal: Journal) -> dict[str, str]:
    return {} if journal.state.log is None else {"log": journal.state.log}


def _seconds(log: EvalLog) -> float:
    return round(sum(sample.working_time or 0.0 for sample in log.samples or ()), 3)
