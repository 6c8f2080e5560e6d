"""Asks a row about every changed case, each distinct record once, and counts what moved."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from data_schemas import IntakeRecord
from eval.predictions import Prediction
from eval.predictors.inputs import ReadCase
from eval.predictors.protocol import Predictor, TriageCase
from eval.robustness.outcome import Moved, variant_result
from eval.robustness.repeat import repeatability
from eval.robustness.variant import Arm, Variant
from eval.suite.result import Repeatability, VariantResult

Answer = Callable[[Sequence[IntakeRecord]], list[Prediction]]
"""Any model: one prediction for each record, in order."""

Again = Callable[[Sequence[IntakeRecord], int], list[Prediction]]
"""The model asked anew, past anything that remembers: records and the number of the run, 2 and up."""

Progress = Callable[[int, int], None]
"""Told how many questions are done, of how many."""

RUNS = 3
CHUNK = 64


def _quiet(done: int, total: int) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class _Pair:
    case_id: str
    arm: str
    control: int
    changed: int


class Plan:
    """Which records are asked, and which pairs of them are compared.

    ``records``: each distinct record once; the first ``cases`` are the cases unchanged. ``skipped``: by variant, the
    cases that none of its arms can be applied to.
    """

    def __init__(self, cases: Sequence[TriageCase], variants: Sequence[Variant], seed: int) -> None:
        self._places: dict[IntakeRecord, int] = {}
        self.records: list[IntakeRecord] = []
        self.unchanged = [self._place(case.record) for case in cases]
        self.pairs: dict[str, list[_Pair]] = {}
        self.skipped: dict[str, int] = {}
        for variant in variants:
            found = [self._of_case(case, variant, seed) for case in cases]
            self.pairs[variant.name] = [pair for pairs in found for pair in pairs]
            self.skipped[variant.name] = sum(not pairs for pairs in found)

    def _of_case(self, case: TriageCase, variant: Variant, seed: int) -> list[_Pair]:
        return [
            _Pair(case.case_id, arm, self._place(control), self._place(changed))
            for arm, control, changed in variant.pairs(case.record, case.case_id, seed)
        ]

    def _place(self, record: IntakeRecord) -> int:
        """Where the record stands among those that are asked; equal ones stand once."""
        place = self._places.setdefault(record, len(self.records))
        if place == len(self.records):
            # A visit of its own: the deployed graph keeps one case for each.
            key = f"robustness|Encounter/{place}"
            self.records.append(record.model_copy(update={"encounter_key": key}))
        return place


def run_variants(
    cases: Sequence[TriageCase],
    answer: Answer,
    variants: Sequence[Variant],
    seed: int,
    progress: Progress = _quiet,
    *,
    row: str,
    again: Again | None = None,
    runs: int = RUNS,
    prompts: Mapping[str, Answer] | None = None,
) -> tuple[tuple[VariantResult, ...], tuple[Repeatability, ...]]:
    """Ask one row about the cases unchanged, changed by every variant, and again.

    Args:
        cases: with ids of their own.
        answer: the row.
        variants: see ``choose``.
        seed: of every choice that a variant makes.
        progress: told after each chunk of questions.
        row: the row's name.
        again: asks anew where ``answer`` remembers; ``answer`` itself where None.
        runs: how often each case unchanged is asked in all; fewer than two leave repeatability out.
        prompts: other ways to put the row's own prompt, by name: a further variant, ``own-prompt``.

    Raises:
        ValueError: no cases, or an id that stands twice.
    """
    if not cases or len({case.case_id for case in cases}) != len(cases):
        raise ValueError("give at least one case, each with an id of its own")
    plan = Plan(cases, variants, seed)
    prompts = prompts or {}
    more = max(0, runs - 1) + len(prompts)
    total = len(plan.records) + more * len(cases)
    asked = _asked(answer, plan.records, progress, 0, total)
    done = len(plan.records)
    results = [
        variant_result(
            variant, row, _moved(plan.pairs[variant.name], asked), plan.skipped[variant.name], seed
        )
        for variant in variants
    ]
    bare = [asked[place] for place in plan.unchanged]
    records = [plan.records[place] for place in plan.unchanged]
    moved: list[Moved] = []
    for name, put in prompts.items():
        others = _asked(put, records, progress, done, total)
        done += len(records)
        moved += [
            Moved(case.case_id, name, one, other)
            for case, one, other in zip(cases, bare, others, strict=True)
        ]
    if moved:
        results.append(variant_result(_own_prompt(tuple(prompts)), row, moved, 0, seed))
    repeats = [bare]
    for run in range(2, runs + 1):
        repeats.append(
            _shuffled(again or (lambda asked, _run: answer(asked)), records, run, seed, progress, done, total)
        )
        done += len(records)
    return tuple(results), (repeatability(row, repeats),) if runs > 1 else ()


def questions(
    cases: Sequence[TriageCase],
    variants: Sequence[Variant],
    seed: int,
    *,
    runs: int = RUNS,
    prompts: int = 0,
) -> int:
    """How many questions ``run_variants`` puts to a row: each distinct record once, and every case again."""
    return len(Plan(cases, variants, seed).records) + (max(0, runs - 1) + prompts) * len(cases)


def estimated_seconds(count: int, per_second: float) -> float:
    """How long that many questions take at most.

    A row that shares another's answers, and a record of which the model is shown nothing new, cost less.

    Raises:
        ValueError: a speed that is not above 0.
    """
    if not per_second > 0:
        raise ValueError(f"{per_second} questions a second is no speed: time a few first")
    return count / per_second


def as_answer(predictor: Predictor) -> Answer:
    """A predictor as ``run_variants`` asks it."""
    return lambda records: predictor.predict([ReadCase(str(n), record) for n, record in enumerate(records)])


def _asked(
    answer: Answer, records: Sequence[IntakeRecord], progress: Progress, before: int, total: int
) -> list[Prediction]:
    found: list[Prediction] = []
    for start in range(0, len(records), CHUNK):
        chunk = records[start : start + CHUNK]
        answers = answer(chunk)
        if len(answers) != len(chunk):
            raise ValueError(f"{len(chunk)} records were asked about and {len(answers)} answers came back")
        found += answers
        progress(before + len(found), total)
    return found


def _shuffled(
    again: Again,
    records: Sequence[IntakeRecord],
    run: int,
    seed: int,
    progress: Progress,
    before: int,
    total: int,
) -> list[Prediction]:
    """The cases in another order: whatever depends on what is asked beside a case must show."""
    order = random.Random(f"{seed}|{run}").sample(range(len(records)), len(records))  # noqa: S311
    answers = _asked(
        lambda chunk: again(chunk, run), [records[place] for place in order], progress, before, total
    )
    found = dict(zip(order, answers, strict=True))
    return [found[place] for place in range(len(records))]


def _moved(pairs: Sequence[_Pair], asked: Sequence[Prediction]) -> list[Moved]:
    return [Moved(pair.case_id, pair.arm, asked[pair.control], asked[pair.changed]) for pair in pairs]


def _own_prompt(names: tuple[str, ...]) -> Variant:
    return Variant(
        "own-prompt",
        "prompt",
        "same",
        "The row's own prompt put differently.",
        tuple(Arm(name, lambda record, _seed: record) for name in names),
        "the row's prompt as deployed",
    )
