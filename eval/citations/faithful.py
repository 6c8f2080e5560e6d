"""Whether the level rests on what is cited: facts deleted, and the change of p(1-2) compared in pairs."""

import random
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from data_schemas import VITAL_SIGNS, Fact, FactKind, IntakeRecord, LevelProbabilities
from eval.cases import EvaluationCase
from integrations.assembly import open_engine, rules
from integrations.settings import Settings
from triage.facts import missing_kinds
from triage.guidelines import GuidelineLibrary
from triage.metrics.bootstrap import Units, replicate
from triage.slm import PROMPT_VERSION, AnswerError, Triager
from triage.slm.prompt import asked_scale, build_prompt
from triage.verifying import Faithfulness

_MEASURED = frozenset({*VITAL_SIGNS, FactKind.PAIN, FactKind.GCS, FactKind.AVPU}) - {FactKind.DIASTOLIC_BP}
_IN_WORDS = frozenset(
    {
        FactKind.CHIEF_COMPLAINT,
        FactKind.TRIAGE_NOTE,
        FactKind.CONDITION,
        FactKind.MEDICATION,
        FactKind.ALLERGY,
    }
)
CLASSES = (_MEASURED, _IN_WORDS)
"""A cited fact is compared with an uncited one of its own class: measurements, or words."""
RESAMPLES, SEED = 5000, 20261122


class Deleted(NamedTuple):
    """Mean absolute change of p(1-2) in one case, after deleting cited facts and uncited ones of the same class."""

    cited: float
    uncited: float


async def measure_faithfulness(
    cases: Sequence[EvaluationCase],
    settings: Settings,
    *,
    task: str,
    data: str,
    progress: Callable[[int], None] = lambda done: None,
) -> Faithfulness:
    """Ask the configured model with and without one cited and one uncited fact of each class, case by case.

    The record is screened again without the fact, and the prompt built anew. Cases without such a pair do not count.

    Raises:
        EngineError: the model cannot be opened or fails.
        ValueError: fewer than two cases have a cited and an uncited fact of one class, or they are of several scales.
    """
    scales = {asked_scale(case.scale) for case in cases}
    if len(scales) != 1:
        raise ValueError(
            "the cases of one scale at a time, please: " + (", ".join(sorted(scales)) or "there is none")
        )
    library = GuidelineLibrary.load(settings.esi_version, settings.guideline_dir)
    screen = rules(library)
    engine = open_engine(settings)
    triager = Triager(engine, library.short, scales.pop())
    rng = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    found: list[Deleted] = []
    try:
        for done, case in enumerate(cases, start=1):
            screening = screen(case.record, settings.esi_version)
            progress(done)
            try:
                answer = await triager.ask(case.record, screening)
            except AnswerError:
                continue
            cited = {c.fact_id for c in answer.citations if c.fact_id is not None}
            shown = build_prompt(case.record, screening, library.short, triager.scale).facts.values()
            pairs = choose_pairs(case.record, cited, shown, rng)
            without = [
                (record, screen(record, settings.esi_version))
                for pair in pairs
                for record in (without_fact(case.record, fact) for fact in pair)
            ]
            if not without:
                continue
            try:
                whole, *rest = await triager.levels([(case.record, screening), *without])
            except AnswerError:
                continue
            changes = [abs(urgent(level) - urgent(whole)) for level in rest]
            found.append(Deleted(float(np.mean(changes[::2])), float(np.mean(changes[1::2]))))
    finally:
        await engine.close()
    return summarised(
        found,
        adapter_sha256=engine.identity.adapter_sha256,
        task=task,
        data=data,
        prompt_version=PROMPT_VERSION,
    )


def choose_pairs(
    record: IntakeRecord, cited: Iterable[str | None], shown: Iterable[str], rng: random.Random
) -> list[tuple[Fact, Fact]]:
    """For each class one fact that was cited and one that was shown and not cited, drawn at random."""
    cited, facts = set(cited), [fact for fact in map(record.fact, shown) if fact is not None]
    pairs = []
    for kinds in CLASSES:
        mine = [fact for fact in facts if fact.kind in kinds and fact.id in cited]
        others = [fact for fact in facts if fact.kind in kinds and fact.id not in cited]
        if mine and others:
            pairs.append((rng.choice(mine), rng.choice(others)))
    return pairs


def without_fact(record: IntakeRecord, fact: Fact) -> IntakeRecord:
    """The record as if ``fact`` had never been taken: a measurement goes with its older values, a pressure whole."""
    gone = {fact.kind}
    if fact.kind is FactKind.SYSTOLIC_BP:
        gone.add(FactKind.DIASTOLIC_BP)
    facts = tuple(
        other
        for other in record.facts
        if (other.id != fact.id if fact.kind in _IN_WORDS else other.kind not in gone)
    )
    return record.model_copy(update={"facts": facts, "missing": missing_kinds(facts)})


def urgent(probabilities: LevelProbabilities) -> float:
    """The probability of levels 1 and 2 together."""
    return probabilities.of(1) + probabilities.of(2)


def summarised(
    found: Sequence[Deleted], *, adapter_sha256: str | None, task: str, data: str, prompt_version: str
) -> Faithfulness:
    """The mean paired difference with its bootstrap interval (BCa, cases drawn).

    Raises:
        ValueError: fewer than two cases.
    """
    if len(found) < 2:
        raise ValueError(
            f"{len(found)} cases have a cited and an uncited fact of one class: give more cases to compare them"
        )
    values = np.array(found)
    differences = values[:, 0] - values[:, 1]
    units = Units(np.arange(len(found)), len(found), False, RESAMPLES, SEED)
    draws = replicate(lambda weights: (weights @ differences / weights.sum(axis=1))[:, None], units)
    interval = draws.interval(0)
    return Faithfulness(
        adapter_sha256=adapter_sha256,
        prompt_version=prompt_version,
        task=task,
        data=data,
        cases=len(found),
        change_cited=float(values[:, 0].mean()),
        change_uncited=float(values[:, 1].mean()),
        difference=float(differences.mean()),
        low=interval.low,
        high=interval.high,
    )
