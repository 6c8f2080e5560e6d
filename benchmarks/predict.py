"""How fast cases are predicted, and whether decoding just the level gives the same level as whole answers.

    .venv/bin/python benchmarks/predict.py --task nhamcs --data FILE [--model base|slm|agent] [--rows 60] [--no-full]

Takes `--rows` cases evenly spaced over the file. Prints cases a second for both ways of decoding (without loading the
model; where other work shares the cores, the rate a second of one core's time is the telling one), the share of cases
with the same level, and the largest difference of a probability. Wanted: at least 4 cases a second on two cores with
only the level decoded, and the same level on at least 99 %.
"""

import argparse
import os
import platform
from pathlib import Path
from time import perf_counter, process_time

from eval.predictions import Prediction
from eval.predictors import CaseFile, InputTask, ModelName, ReadCase, open_predictor
from integrations.settings import Settings


def sample(file: CaseFile, rows: int) -> list[ReadCase]:
    step = max(1, len(file.ids) // rows)
    skip = set(file.ids) - set(file.ids[: step * rows : step])
    return [case for case in file.cases(skip) if isinstance(case, ReadCase)]


def timed(
    model: ModelName, task: InputTask, settings: Settings, cases: list[ReadCase], levels_only: bool
) -> list[Prediction]:
    predictor = open_predictor(model, task, settings, levels_only=levels_only)
    try:
        predictor.predict(cases[:1])  # the prefix and its buffers are made ready at the first question
        wall, used = perf_counter(), process_time()
        found: list[Prediction] = []
        for start in range(0, len(cases), predictor.chunk):
            found += predictor.predict(cases[start : start + predictor.chunk])
        wall, used = perf_counter() - wall, process_time() - used
        kind = "levels only" if levels_only else "full"
        print(
            f"{kind:<12} {len(cases) / wall:6.2f} cases a second, {len(cases) / used:6.2f} a second of one core"
        )
        return found
    finally:
        predictor.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", type=InputTask, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=ModelName, default=ModelName.BASE)
    parser.add_argument("--adapter", default="default")
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--no-full", action="store_true", help="only the speed of decoding just the level")
    given = parser.parse_args()
    settings = Settings().with_adapter(given.adapter)
    cases = sample(CaseFile(given.data, given.task), given.rows)
    cores = len(os.sched_getaffinity(0))
    print(
        f"{platform.machine()}, {cores} of {os.cpu_count()} cores; {given.model.value} on {len(cases)} cases"
    )
    short = timed(given.model, given.task, settings, cases, levels_only=True)
    if given.no_full:
        return
    full = timed(given.model, given.task, settings, cases, levels_only=False)
    same = sum(one.predicted == other.predicted for one, other in zip(short, full, strict=True))
    failed = sum(item.predicted is None for item in (*short, *full))
    furthest = max(
        (
            abs(p - q)
            for one, other in zip(short, full, strict=True)
            if one.probabilities and other.probabilities
            for p, q in zip(one.probabilities.p, other.probabilities.p, strict=True)
        ),
        default=0.0,
    )
    print(
        f"same level   {same} of {len(cases)} ({same / len(cases):.1%}); largest difference of a probability "
        f"{furthest:.2e}; {failed} without a level"
    )


if __name__ == "__main__":
    main()
