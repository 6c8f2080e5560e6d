"""A small run of made-up cases, scored by the real comparison, and its files."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from eval.cases import Task
from eval.comparison import Request, compare
from eval.comparison.labels import read_labels
from eval.comparison.result import Estimate
from eval.predictions import Prediction, read_predictions, write_predictions
from eval.suite.result import (
    Confusion,
    Curve,
    EnergyRow,
    ErrorCase,
    ModelRow,
    Reason,
    Repeatability,
    SetScores,
    SuiteResult,
    TaskResult,
    VariantResult,
    Versions,
)
from triage.metrics import reliability_table, risk_coverage_curve, wilson_interval
from triage.training.corpus import ktas

HOSTILE = "<script>alert('taken')</script> & <img src=x onerror=alert(1)> | chest *pain*"
N = 160


def share(part, whole):
    low, high = wilson_interval(part, whole)
    return Estimate(value=part / whole, low=low, high=high)


class Made:
    """Cases with a true level, and rows of answers to them."""

    def __init__(self, folder: Path, seed: int = 5) -> None:
        self.folder = folder
        rng = np.random.default_rng(seed)
        self.ids = [f"k-{i:03d}" for i in range(N)]
        self.truth = rng.choice([1, 2, 3, 4, 5], N, p=[0.06, 0.24, 0.35, 0.3, 0.05])
        self.data = folder / "cases.csv"
        header = [*ktas.TRIAGE_COLUMNS, "site", "acuity", "nurse_acuity"]
        with self.data.open("w", newline="") as file:
            writer = csv.DictWriter(file, header, restval="")
            writer.writeheader()
            for i, (case_id, level) in enumerate(zip(self.ids, self.truth, strict=True)):
                writer.writerow(
                    {
                        "case_id": case_id,
                        "site": "here",
                        "sex": ("female", "male")[i % 2],
                        "age_years": 20 + i % 70,
                        "chief_complaint": "cough",
                        "avpu": "alert",
                        "acuity": int(level),
                        "nurse_acuity": int(level) if i % 4 else min(5, int(level) + 1),
                    }
                )

    def answers(self, skill: float, *, probabilities: bool = True, seed: int = 1) -> list[Prediction]:
        """Right with probability ``skill``, else one level off."""
        rng = np.random.default_rng(seed)
        off = np.clip(self.truth + rng.choice([-1, 1], N), 1, 5)
        level = np.where(rng.random(N) < skill, self.truth, off)
        found = []
        for case_id, one in zip(self.ids, level.tolist(), strict=True):
            p = tuple(0.6 if k == one else 0.1 for k in range(1, 6)) if probabilities else None
            found.append(
                Prediction.model_validate(
                    {
                        "case_id": case_id,
                        "predicted": one,
                        "probabilities": None if p is None else {"p": p},
                        "most_urgent": max(1, one - 1),
                        "least_urgent": one,
                    }
                )
            )
        return found


def task_of(made: Made, rows: dict[str, tuple[str, list[Prediction]]]) -> TaskResult:
    """The task's result as a run makes it; ``rows``: name to kind and answers, the first being the reference."""
    paths = {}
    for name, (_, items) in rows.items():
        paths[name] = made.folder / f"{name}.csv"
        write_predictions(paths[name], items)
    found, recall = compare(Request(task=Task.KTAS, data=(made.data,), predictions=paths, resamples=200))
    labels = read_labels(Task.KTAS, (made.data,))
    confusions, curves, sets, errors = [], [], [], []
    for name, (_, items) in rows.items():
        counts = np.zeros((5, 6), dtype=int)
        by_id = {item.case_id: item for item in items}
        chosen = [by_id[case_id] for case_id in labels.case_ids]
        for level, item in zip(labels.truth, chosen, strict=True):
            counts[level - 1, (item.predicted or 6) - 1] += 1
            if item.predicted != level:
                errors.append(
                    ErrorCase(
                        case_id=item.case_id,
                        row=name,
                        truth=int(level),
                        predicted=item.predicted,
                        most_urgent=item.most_urgent,
                        least_urgent=item.least_urgent,
                        nurse=3,
                        probabilities=item.probabilities.p if item.probabilities else None,
                        facts=(HOSTILE,),
                        reasons=(
                            Reason(text="a reason that stands", cites=("F1",)),
                            Reason(text="a reason that was struck", stands=False),
                        ),
                    )
                )
        confusions.append(Confusion(row=name, counts=tuple(tuple(int(n) for n in line) for line in counts)))
        inside = int(
            sum(i.most_urgent <= t <= i.least_urgent for t, i in zip(labels.truth, chosen, strict=True))
        )
        below = int(sum(t < i.most_urgent for t, i in zip(labels.truth, chosen, strict=True)))
        sets.append(
            SetScores(
                row=name,
                coverage=share(inside, N),
                mean_size=1.9,
                sizes=(10, N - 10, 0, 0, 0),
                below_the_set=share(below, N),
            )
        )
        if name in recall:
            p = np.asarray([item.probabilities.p for item in chosen])
            table = reliability_table(labels.truth <= 2, np.minimum(p[:, :2].sum(axis=1), 1.0), bins=5)
            risk = risk_coverage_curve(labels.truth.tolist(), [i.predicted for i in chosen], p.max(axis=1))
            curves += [
                Curve(
                    row=name,
                    kind="recall",
                    x=tuple(map(float, recall[name].over_triage)),
                    y=tuple(map(float, recall[name].recall_high)),
                ),
                Curve(
                    row=name,
                    kind="reliability",
                    x=tuple(item.claimed for item in table),
                    y=tuple(item.observed for item in table),
                    weights=tuple(float(item.cases) for item in table),
                ),
                Curve(
                    row=name,
                    kind="risk_coverage",
                    x=tuple(map(float, risk.coverage)),
                    y=tuple(map(float, risk.risk)),
                ),
            ]
    models = tuple(
        ModelRow(
            name=name,
            kind=kind,
            cases=N,
            failed=0,
            seconds=4.0,
            cases_per_second=40.0,
            latency_p50=0.02,
            latency_p95=0.04,
            details={"decision": "the most likely level"},
        )
        for name, (kind, _) in rows.items()
    )
    return TaskResult(
        name="made up",
        title="Made-up cases",
        comparison=found,
        sample="All 160 cases.",
        models=models,
        confusions=tuple(confusions),
        curves=tuple(curves),
        sets=tuple(sets),
        errors=tuple(errors),
        notices=("The cases are invented.",),
    )


def suite_of(*tasks: TaskResult, **more) -> SuiteResult:
    return SuiteResult.model_validate(
        {
            "suite": "test",
            "command": "triage eval run --suite test",
            "started": datetime(2026, 11, 22, 9, 0, tzinfo=UTC),
            "seconds": 12.5,
            "versions": Versions(project="0.1.0", commit="a" * 40, python="3.11.9", machine="2 cores"),
            "seed": 7,
            "tasks": tasks,
            **more,
        }
    )


def variants() -> tuple[VariantResult, ...]:
    found = []
    for row in ("rules", "slm"):
        for name, family, doses in (
            ("sex", "counterfactual", ("female", "male")),
            ("typing", "typing", ("1", "3")),
        ):
            found.append(
                VariantResult(
                    variant=name,
                    family=family,
                    wanted="same",
                    row=row,
                    cases=50,
                    changed=share(6, 50),
                    less_urgent=share(4, 50),
                    more_urgent=share(2, 50),
                    p_high_shift=Estimate(value=-0.01, low=-0.03, high=0.01),
                    by={dose: share(6, 50) for dose in doses},
                    by_less_urgent={dose: share(4, 50) for dose in doses},
                    by_cases=dict.fromkeys(doses, 50),
                )
            )
    return tuple(found)


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Made:
    return Made(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="session")
def other(tmp_path_factory) -> Made:
    return Made(tmp_path_factory.mktemp("other"), seed=9)


@pytest.fixture(scope="session")
def result(made) -> SuiteResult:
    """Rules, a model that is clearly better, an agent that is about the same as the rules, and a majority row."""
    task = task_of(
        made,
        {
            "rules": ("rules", made.answers(0.55, probabilities=False)),
            "slm": ("model", made.answers(0.85, seed=2)),
            "agent": ("agent", made.answers(0.57, seed=3)),
        },
    )
    task = task.model_copy(
        update={
            "variants": variants(),
            "repeats": (
                Repeatability(row="slm", cases=50, runs=3, same_in_all=share(50, 50), share_model=0.0),
            ),
        }
    )
    energy = (
        EnergyRow(row="slm", source="modelled", meter="15 W a core", wh_per_1000=3.4, cases=N, seconds=4.0),
        EnergyRow(
            row="a large model",
            source="estimate",
            meter="nothing ran",
            wh_per_1000=400.0,
            low=200.0,
            high=900.0,
            against="slm",
            ratio=118.0,
            reference="a published figure",
        ),
    )
    return suite_of(task, energy=energy, not_run=("GPT-4o live: no key.",))


@pytest.fixture
def run_folder(tmp_path, made):
    """Writes a run: results.json and its predictions; ``rows`` are name to answers."""

    def write(
        name: str, rows: dict[str, list[Prediction]], *, keep=True, source: Made = made, truth=True
    ) -> Path:
        task = task_of(source, {row: ("model", items) for row, items in rows.items()})
        folder = tmp_path / name
        answers = folder / "predictions" / task.name
        answers.mkdir(parents=True)
        kept = suite_of(task if truth else task.model_copy(update={"errors": ()}))
        (folder / "results.json").write_text(kept.model_dump_json())
        if keep:
            for row, items in rows.items():
                write_predictions(answers / f"{row}.csv", items)
                assert read_predictions(answers / f"{row}.csv")
        return folder

    return write
