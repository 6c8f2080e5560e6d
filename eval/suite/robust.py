"""Variants of cases, asked of a few rows; the language model is asked each question once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eval.harness.errors import HarnessError
from eval.harness.opening import RowFiles, Rows
from eval.predictors import InputError, ReadCase
from eval.robustness import VARIANTS, Again, Answer, SharedModel, as_answer, questions, run_variants
from eval.suite.asking import file_name
from eval.suite.keeping import KeptAnswers, key_of
from eval.suite.preparing import PreparedTask
from eval.suite.result import Repeatability, VariantResult
from triage.slm import EngineError

if TYPE_CHECKING:
    from eval.suite.running import Context

RUNS = 3
_ONCE = frozenset({"rules", "majority", "boosting", "encoder", "agent-prior"})
"""Rows without chance: asked again they would only cost time. Asked twice, to show it."""


@dataclass(frozen=True)
class _Row:
    answer: Answer
    again: Again | None = None
    prompts: Mapping[str, Answer] | None = None


def variants_of(
    task: PreparedTask,
    cases: Sequence[ReadCase],
    wanted: Sequence[str],
    context: Context,
    not_run: list[str],
) -> tuple[list[VariantResult], list[Repeatability]]:
    """Every row of ``wanted`` on every variant of ``cases``; what cannot be opened is added to ``not_run``."""
    chosen = tuple(VARIANTS.values())
    rows = Rows(
        context.settings,
        task.spec.task,
        task.cases.scale,
        RowFiles(data=task.cases.choice.data),
        comparator=task.training.open,
    )
    shared: list[SharedModel] = []
    found: list[VariantResult] = []
    repeats: list[Repeatability] = []
    try:
        # slm before agent: what the one has asked, the other need not ask again.
        for row in sorted(wanted, key=lambda row: (row == "agent", row == "slm")):
            runs = 2 if row in _ONCE else RUNS
            try:
                opened = context.there(lambda row=row: _open(row, rows, shared, task, context))  # type: ignore[misc]
                opened = _kept(opened, row, task.spec.name, context)
            except (HarnessError, InputError, EngineError) as error:
                not_run.append(f"{task.spec.name}, robustness of {row}: {error}")
                continue
            total = questions(cases, chosen, context.spec.seed, runs=runs, prompts=len(opened.prompts or {}))
            context.watch.begin(f"{task.spec.name}: robustness of {row}", total)
            variants, again = context.there(_asking(row, opened, cases, runs, context))
            found += variants
            repeats += again
    finally:
        for model in shared:
            context.there(model.close)
        context.there(rows.close)
    return found, repeats


def _open(row: str, rows: Rows, shared: list[SharedModel], task: PreparedTask, context: Context) -> _Row:
    if row not in {"slm", "agent"}:
        return _Row(as_answer(rows.open(row)))
    if not shared:
        shared.append(SharedModel.open(context.settings, task.cases.scale))
    model = shared[0]
    if row == "slm":
        return _Row(model.slm, model.slm_again, model.slm_prompts)
    return _Row(model.agent, model.agent_again, model.agent_prompts)


def _kept(opened: _Row, row: str, task: str, context: Context) -> _Row:
    """The row with its answers on the disk: a run that was killed goes on after the last batch."""
    file = context.out / "answers" / task / f"robustness-{file_name(row)}.jsonl"
    kept = KeptAnswers(file, key_of(context.setups[task, row], context.spec.seed))
    again = opened.again or (lambda records, _run: opened.answer(records))
    prompts = {name: kept.answer(name, put) for name, put in (opened.prompts or {}).items()}
    return _Row(kept.answer("", opened.answer), kept.again(again), prompts or None)


def _asking(
    row: str, opened: _Row, cases: Sequence[ReadCase], runs: int, context: Context
) -> Callable[[], tuple[tuple[VariantResult, ...], tuple[Repeatability, ...]]]:
    before = 0

    def progress(done: int, _total: int) -> None:
        nonlocal before
        context.watch.advance(done - before)
        before = done

    return lambda: run_variants(
        cases,
        opened.answer,
        tuple(VARIANTS.values()),
        context.spec.seed,
        progress,
        row=row,
        again=opened.again,
        runs=runs,
        prompts=opened.prompts,
    )
