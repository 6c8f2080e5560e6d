"""What the preference stage did: two adapters on the same held-out cases, by the engine that serves.

    .venv/bin/python benchmarks/preference_effect.py BEFORE AFTER [--recipe FILE] [--cases 300] [--threads 1]

BEFORE and AFTER are adapter folders, shipped names, or `none`. The cases are those that the recipe holds out (its
paths are relative to where this runs); neither stage has learnt from them if both used the same `hold_out`. Per part
and adapter, in `most likely` as the model gives it and in `decided` with the adapter's own calibration, which was
fitted on held-out cases too: compare the two adapters, not with the test sites. Rates with 95 % Wilson intervals.
`cited`: answers with at least one statement; `stand`: share of the statements cited that the facts cited in the same
answer support; `path`: share of answers whose decision path leads to their level. Then, paired, how many cases each
adapter alone has right.
"""

import argparse
import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from triage.guidelines import GuidelineLibrary
from triage.metrics import (
    accuracy,
    over_triage,
    quadratic_weighted_kappa,
    recall_high,
    strict_under_triage,
    under_triage,
    wilson_interval,
)
from triage.slm.answer import LEAD, answer_regex
from triage.slm.calibration import Calibration
from triage.slm.embedded import EmbeddedEngine
from triage.slm.engine import EngineRequest
from triage.slm.errors import EngineError
from triage.slm.prompt import asked_scale
from triage.slm.shipped import resolve_adapter
from triage.slm.triager import probabilities
from triage.training.preference.cases import PreferenceCase, prepare, split
from triage.training.preference.config import CorpusConfig, PreferenceConfig
from triage.training.preference.reward import Grade, RewardWeights, grade

RECIPE = Path("triage/training/configs/preference_cpu.yaml")


@dataclass(frozen=True)
class Answered:
    """`level` and `decided` are None where the model could not answer."""

    truth: int
    level: int | None
    decided: int | None
    nll: float | None
    grade: Grade | None


async def ask(
    adapter: Path | None, parts: dict[str, list[PreferenceCase]], weights: RewardWeights, threads: int
) -> dict[str, list[Answered]]:
    library = GuidelineLibrary.load()
    engine = EmbeddedEngine.open(adapter, threads=threads)
    try:
        return {
            name: [await one(engine, adapter, case, library, weights) for case in cases]
            for name, cases in parts.items()
        }
    finally:
        await engine.close()


async def one(
    engine: EmbeddedEngine,
    adapter: Path | None,
    case: PreferenceCase,
    library: GuidelineLibrary,
    weights: RewardWeights,
) -> Answered:
    judged = case.judged
    prompt = judged.prompt
    try:
        answer = await engine.answer(EngineRequest(prompt.prefix, prompt.text, LEAD, answer_regex(prompt)))
    except EngineError:
        return Answered(judged.level, None, None, None, None)
    p = probabilities(answer)
    calibration = calibration_of(adapter, case, engine)
    return Answered(
        judged.level,
        p.most_likely,
        calibration.decide(calibration.apply(p)) if calibration is not None else None,
        -math.log(max(p.p[judged.level - 1], 1e-9)),
        grade(answer.text, judged, library, weights),
    )


def calibration_of(adapter: Path | None, case: PreferenceCase, engine: EmbeddedEngine) -> Calibration | None:
    path = adapter / "calibration.json" if adapter is not None else None
    if path is None or not path.is_file():
        return None
    calibration = Calibration.load(path, asked_scale(case.example.scale))
    return calibration if calibration.fitted and calibration.fits(engine.identity.adapter_sha256) else None


def rate(hits: int, among: int) -> str:
    if not among:
        return "none"
    interval = wilson_interval(hits, among)
    return f"{hits / among:.3f} ({interval.low:.3f}-{interval.high:.3f}, {hits}/{among})"


def levels(name: str, truth: Sequence[int], given: Sequence[int | None]) -> None:
    n = len(truth)
    high = sum(level <= 2 for level in truth)
    print(
        f"  {name:<12} accuracy {rate(round(accuracy(truth, given) * n), n)}"
        f"  kappa {quadratic_weighted_kappa(truth, given):.3f}"
        f"  recall of 1-2 {rate(round(recall_high(truth, given) * high), high) if high else 'none'}"
    )
    print(
        f"  {'':<12} over {rate(round(over_triage(truth, given) * n), n)}"
        f"  under {rate(round(under_triage(truth, given) * n), n)}"
        f"  strict {rate(round(strict_under_triage(truth, given) * n), n)}"
    )


def show(name: str, rows: Sequence[Answered]) -> None:
    truth = [row.truth for row in rows]
    print(f" {name}: {sum(row.level is None for row in rows)} not answered")
    levels("most likely", truth, [row.level for row in rows])
    if any(row.decided is not None for row in rows):
        levels("decided", truth, [row.decided for row in rows])
    grades = [row.grade for row in rows if row.grade is not None]
    stood = sum(len(item.supported) for item in grades)
    cited = stood + sum(len(item.unsupported) for item in grades)
    nll = [row.nll for row in rows if row.nll is not None]
    print(
        f"  {'reasons':<12} cited {rate(sum(bool(g.supported or g.unsupported) for g in grades), len(grades))}"
    )
    print(f"  {'':<12} stand {rate(stood, cited)}")
    print(f"  {'':<12} path {rate(sum(g.path_holds for g in grades), len(grades))}")
    print(
        f"  {'':<12} level NLL {sum(nll) / len(nll):.4f}  reward {sum(g.total for g in grades) / len(grades):.3f}"
    )


def paired(before: Sequence[Answered], after: Sequence[Answered]) -> None:
    both = list(zip(before, after, strict=True))
    won = sum(a.level == a.truth != b.level for b, a in both)
    lost = sum(b.level == b.truth != a.level for b, a in both)
    calmer = sum((a.level or 9) > (b.level or 9) for b, a in both)
    urgent = sum((a.level or 9) < (b.level or 9) for b, a in both)
    print(f" right only after {won}, only before {lost}; more urgent after {urgent}, less urgent {calmer}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    parser.add_argument("--cases", type=int, default=300, help="at most this many of a part")
    parser.add_argument("--parts", nargs="*", help="only these, by name")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    library = GuidelineLibrary.load()
    parts = {}
    for part in CorpusConfig.load(given.recipe).parts:
        if not given.parts or part.title in given.parts:
            held = split(part)[0][: given.cases]
            if held:
                parts[part.title] = [prepare(case, library) for case in held]
    weights = PreferenceConfig.load(given.recipe).reward
    names = (given.before, given.after)
    before, after = [asyncio.run(ask(resolve_adapter(name), parts, weights, given.threads)) for name in names]
    for title, cases in parts.items():
        print(f"{title}, {len(cases)} held-out cases")
        show(f"before ({given.before})", before[title])
        show(f"after ({given.after})", after[title])
        paired(before[title], after[title])


if __name__ == "__main__":
    main()
