"""Runs one prepared task: asks every row, gathers evidence and variants, compares."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from eval.comparison import Comparison, ComparisonError, Request, compare
from eval.harness.errors import HarnessError
from eval.harness.opening import RowFiles, Rows
from eval.harness.sampling import smallest
from eval.predictions import Prediction, write_predictions
from eval.predictors import InputError
from eval.predictors.agent import AgentPredictor
from eval.predictors.run_record import DIAGNOSIS_NOTICE
from eval.prompting import Prices, load_prices
from eval.report.runs import write_truth
from eval.suite.asking import Asked, Place, ask_general, ask_own, file_name, row_name
from eval.suite.assembling import confusions_of, curves_of, set_scores
from eval.suite.evidence import Evidence, error_cases, gather, worst
from eval.suite.journal import setup_hash
from eval.suite.preparing import PreparedTask
from eval.suite.result import ErrorCase, ModelRow, Repeatability, TaskResult, VariantResult
from eval.suite.robust import variants_of
from eval.suite.spec import SuiteSpec
from eval.suite.watching import Watch
from integrations.settings import Settings
from triage.metrics.curves import RecallCurve
from triage.metrics.levels import UNREADABLE
from triage.slm import EngineError

T = TypeVar("T")

CITING = ("slm", "agent")
"""Rows whose errors are shown with the evidence that the whole agent cites."""

OTHER_ERRORS = 10
"""Errors listed of every other row."""

REFERENCE = "agent"
"""The row that the others are compared with, where it is there."""


@dataclass(frozen=True)
class Context:
    """What all tasks of a run share. ``thread``: one worker, in which every model lives.

    ``setups``: by task and row, what decided the row's answers.
    """

    spec: SuiteSpec
    settings: Settings
    out: Path
    commit: str | None
    thread: Executor
    watch: Watch
    prices: Prices = field(default_factory=load_prices)
    setups: dict[tuple[str, str], str] = field(default_factory=dict)

    def there(self, work: Callable[[], T]) -> T:
        """Run something in the models' thread."""
        return self.thread.submit(work).result()


@dataclass
class Found:
    """A task's answers on the way to its result."""

    asked: dict[str, Asked] = field(default_factory=dict)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    variants: list[VariantResult] = field(default_factory=list)
    repeats: list[Repeatability] = field(default_factory=list)


def run_task(task: PreparedTask, context: Context, not_run: list[str]) -> TaskResult | None:
    """Everything of one task; None where no row could be asked. What could not be had is added to ``not_run``."""
    found = Found()
    files = RowFiles(data=task.cases.choice.data, memory=context.out / "answers" / "levels.jsonl")
    rows = Rows(context.settings, task.spec.task, task.cases.scale, files, comparator=task.training.open)
    try:
        _ask_rows(task, rows, context, found, not_run)
        _gather(task, rows, context, found, not_run)
    finally:
        context.there(rows.close)
    if task.spec.robustness_cases:
        _vary(task, context, found, not_run)
    if not found.asked:
        not_run.append(f"{task.spec.name}: no row could be asked")
        return None
    return _result(task, context, found, not_run)


def _ask_rows(task: PreparedTask, rows: Rows, context: Context, found: Found, not_run: list[str]) -> None:
    name, total = task.spec.name, len(task.cases.cases)
    place = Place(context.out / "answers" / name, context.out / "logs", context.commit)
    for row in task.rows:
        context.watch.stage(f"{name}: opening {row_name(row)}")
        try:
            predictor = context.there(lambda row=row: rows.open(row))  # type: ignore[misc]
        except (HarnessError, InputError, EngineError) as error:
            not_run.append(f"{name}, {row_name(row)}: {error}")
            continue
        context.watch.begin(f"{name}: {row_name(row)}", total)
        asked = ask_own(
            task.cases,
            row,
            predictor,
            context.thread,
            place,
            context.watch.advance,
            lambda row=row: rows.borrowed(row),  # type: ignore[misc]
        )
        found.asked[asked.row.name] = asked
        context.setups[name, asked.row.name] = asked.setup
    for general in task.general:
        context.watch.begin(f"{name}: {general.row}", total)
        train = str(task.training_file) if task.training_file is not None else None
        try:
            asked = ask_general(task.cases, general, train, place, context.watch.advance, context.prices)
        except HarnessError as error:
            not_run.append(f"{name}, {error}")
            continue
        found.asked[asked.row.name] = asked


def _gather(task: PreparedTask, rows: Rows, context: Context, found: Found, not_run: list[str]) -> None:
    """The whole agent's words on the worst errors, each case once however many rows got it wrong."""
    readable = {case.case_id: case for case in task.cases.readable}
    wanted: dict[str, None] = {}
    for row in CITING:
        if row in found.asked:
            given = found.asked[row].predictions
            for place in worst(task.cases, given, task.spec.examples):
                if given[place].case_id in readable:
                    wanted[given[place].case_id] = None
    if not wanted:
        return
    name = task.spec.name
    context.watch.begin(f"{name}: evidence of errors", len(wanted))
    file = context.out / "answers" / name / "evidence.jsonl"
    try:
        asker = context.there(rows.asker)
        provenance = AgentPredictor(asker, task.cases.scale, levels_only=False).provenance
        setup = setup_hash(task.cases, "evidence", provenance.model_dump(mode="json"), context.commit)
        cases = [readable[case_id] for case_id in wanted]
        found.evidence = context.there(
            lambda: gather(asker, task.cases, cases, file, setup, context.watch.advance)
        )
    except EngineError as error:
        not_run.append(f"{name}, evidence of errors: {error}")


def _vary(task: PreparedTask, context: Context, found: Found, not_run: list[str]) -> None:
    ids = set(smallest([case.case_id for case in task.cases.readable], task.spec.robustness_cases))
    cases = [case for case in task.cases.readable if case.case_id in ids]
    wanted = [row for row in task.spec.robustness_rows if row in found.asked]
    not_run += [
        f"{task.spec.name}, robustness of {row}: the row was not asked"
        for row in task.spec.robustness_rows
        if row not in wanted
    ]
    found.variants, found.repeats = variants_of(task, cases, wanted, context, not_run)


def _result(task: PreparedTask, context: Context, found: Found, not_run: list[str]) -> TaskResult:
    spec, labels = task.spec, task.cases.labels
    context.watch.stage(f"{spec.name}: comparing")
    folder = context.out / "predictions" / spec.name
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, Path] = {}
    for row in _ordered(found.asked):
        path = folder / f"{file_name(row)}.csv"
        write_predictions(path, found.asked[row].predictions)
        files[row] = path
    write_truth(folder, labels)
    comparison, recall = _compare(task, context, files, not_run)
    answers = {row: found.asked[row].predictions for row in files}
    sets = (set_scores(row, labels, items) for row, items in answers.items())
    return TaskResult(
        name=spec.name,
        title=spec.title,
        comparison=comparison,
        sample=task.cases.words,
        models=(*(_timed(row, asked.row, found) for row, asked in found.asked.items()), *_others(task)),
        confusions=tuple(confusions_of(labels.truth, answers, task.others)),
        curves=tuple(curves_of(labels, answers, recall)),
        sets=tuple(item for item in sets if item is not None),
        errors=tuple(_errors(task, answers, found)),
        variants=tuple(found.variants),
        repeats=tuple(found.repeats),
        notices=tuple(_notices(task)),
    )


def _compare(
    task: PreparedTask, context: Context, files: dict[str, Path], not_run: list[str]
) -> tuple[Comparison, dict[str, RecallCurve]]:
    spec, data = task.spec, task.cases.choice.data
    has_outcomes = bool(task.cases.labels.outcomes) and bool((task.cases.labels.nurse != UNREADABLE).any())
    request = Request(
        task=spec.task,
        data=() if data is None else (data,),
        predictions=files,
        recorded=task.recorded,
        outcomes=spec.outcomes and has_outcomes,
        site_labels=spec.site_labels,
        draws=spec.draws,
        resamples=context.spec.resamples,
        seed=context.spec.seed,
        labels=task.cases.labels,
    )
    try:
        return compare(request, lambda what: context.watch.stage(f"{spec.name}: comparing, {what}"))
    except ComparisonError as error:
        if spec.site_labels is None:
            raise HarnessError(f"{spec.name}: {error}") from None
        not_run.append(f"{spec.name}, site labels: {error}")
        plain = {name: getattr(request, name) for name in request.__dataclass_fields__}
        return compare(Request(**plain | {"site_labels": None}))


def _ordered(asked: dict[str, Asked]) -> list[str]:
    """The reference first."""
    return sorted(asked, key=lambda row: row != REFERENCE)


def _timed(name: str, row: ModelRow, found: Found) -> ModelRow:
    """The agent's latency: of whole assessments, one after the other, on the cases whose evidence was gathered."""
    seconds = [item.seconds for item in found.evidence.values() if item.seconds is not None]
    if name != REFERENCE or not seconds:
        return row
    p50, p95 = (round(float(value), 4) for value in np.percentile(seconds, (50, 95)))
    words = (
        f"whole assessments with evidence, one after the other, of {len(seconds)} cases that a row got wrong"
    )
    return row.model_copy(
        update={"latency_p50": p50, "latency_p95": p95, "details": {**row.details, "latency": words}}
    )


def _others(task: PreparedTask) -> list[ModelRow]:
    """Rows of the recorded answers and the nurse: nothing was asked, nothing was timed."""
    return [
        ModelRow(
            name=item.name,
            kind="nurse" if item.kind == "nurse" else "recorded",
            cases=len(item.given),
            failed=int((item.given == UNREADABLE).sum()),
            notice=task.spec.recorded_notice if item.kind == "recorded" else None,
            details={} if item.sha256 is None else {"file sha256": item.sha256},
        )
        for item in task.others
    ]


def _errors(task: PreparedTask, answers: dict[str, tuple[Prediction, ...]], found: Found) -> list[ErrorCase]:
    errors: list[ErrorCase] = []
    for row, items in answers.items():
        most = task.spec.examples if row in CITING else OTHER_ERRORS
        errors += error_cases(task.cases, row, items, most, found.evidence if row in CITING else {})
    return errors


def _notices(task: PreparedTask) -> Sequence[str]:
    notices = [*task.spec.notices, *task.training.notices]
    if task.cases.choice.with_diagnosis:
        notices.insert(0, DIAGNOSIS_NOTICE)
    unreadable = len(task.cases.cases) - len(task.cases.readable)
    if unreadable:
        notices.append(f"{unreadable} cases could not be read: wrong in every row, and listed")
    if "hybrid" in task.rows:
        notices.append(
            "hybrid: a mixture of model, boosting and rules for this report only; no part of the agent"
        )
    return notices
