"""Cases to ask the model about, with everything that judges its answers; some are held out."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from triage.esi import screen
from triage.guidelines import GuidelineLibrary
from triage.slm.prompt import FACT_NAMES, asked_scale, build_prompt
from triage.training.corpus import LabelledCase
from triage.training.examples import TrainingExample, drop_vital_signs, make_example
from triage.training.mixture import hold_out
from triage.training.parts import PartConfig
from triage.training.preference.config import CorpusConfig
from triage.training.preference.reward import JudgedCase


@dataclass(frozen=True, slots=True)
class PreferenceCase:
    """A case with its training example, whose target is the answer to prefer."""

    judged: JudgedCase
    example: TrainingExample


def read_cases(
    config: CorpusConfig, library: GuidelineLibrary
) -> tuple[list[PreferenceCase], dict[str, list[PreferenceCase]]]:
    """Cases to learn from, and per part the held-out ones (nothing dropped, always with the rules' line).

    Raises:
        CorpusError: a data set is not of its form.
    """
    rng = random.Random(config.seed)  # noqa: S311 - sampling, not secrecy
    training: list[PreferenceCase] = []
    held_out: dict[str, list[PreferenceCase]] = {}
    for part in config.parts:
        held, rest = split(part)
        if held:
            held_out[part.title] = [prepare(case, library) for case in held]
        training.extend(
            prepare(case, library, rng, drop=config.drop, unaided=config.unaided)
            for case in _sample(rest, part, rng)
        )
    rng.shuffle(training)
    return training, held_out


def split(part: PartConfig) -> tuple[list[LabelledCase], list[LabelledCase]]:
    """The part's held-out cases and those to learn from: the very split of fine-tuning."""
    cases = [case for case in part.read() if any(fact.kind in FACT_NAMES for fact in case.record.facts)]
    held, rest = hold_out(cases, part)
    return held[: part.hold_out], rest


def prepare(
    case: LabelledCase,
    library: GuidelineLibrary,
    rng: random.Random | None = None,
    *,
    drop: float = 0.0,
    unaided: float = 0.0,
) -> PreferenceCase:
    """The case as the agent would ask about it.

    Raises:
        ValueError: the case has no level or no fact.
    """
    level = case.acuity
    if level is None:
        raise ValueError(f"{case.case_id}: a case to judge by needs a level")
    if rng is not None and drop > 0.0:
        case = case.model_copy(update={"record": drop_vital_signs(case.record, rng, drop)})
    aided = rng is None or rng.random() >= unaided
    screening = screen(case.record, library=library)
    example = make_example(
        case,
        library,
        random.Random(0),  # noqa: S311 - not used: all or nothing is asked for
        unaided=0.0 if aided else 1.0,
        screening=screening,
    )
    prompt = build_prompt(case.record, screening if aided else None, library.short, asked_scale(case.scale))
    return PreferenceCase(JudgedCase(case.case_id, prompt, case.record, screening, level), example)


def _sample(cases: Sequence[LabelledCase], part: PartConfig, rng: random.Random) -> Iterable[LabelledCase]:
    if part.count is None:
        return cases
    if part.shares is None:
        return rng.sample(list(cases), min(part.count, len(cases)))
    by_level: dict[int, list[LabelledCase]] = defaultdict(list)
    for case in cases:
        by_level[case.acuity or 0].append(case)
    chosen: list[LabelledCase] = []
    for level, share in enumerate(part.shares, start=1):
        chosen += rng.sample(by_level[level], min(round(part.count * share), len(by_level[level])))
    return chosen
