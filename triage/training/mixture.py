"""Which cases a recipe trains on: data sets, shares of levels, repeats, and what is held out."""

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field

from data_schemas._base import Frozen
from triage.guidelines import GuidelineLibrary
from triage.training.corpus import LabelledCase, ktas, nhamcs
from triage.training.examples import TrainingExample, make_example

_READERS = {"nhamcs": nhamcs.read, "ktas": ktas.read}


class PartConfig(Frozen):
    """One data set in the mixture.

    ``groups``: keep only cases whose group starts with one of these (NHAMCS: years). ``count`` and ``shares``:
    sample this many, with these shares of levels 1-5; all where None. ``repeat``: how often each is seen.
    ``hold_out``: how many cases are kept for validation, chosen by hash of the case id, never trained on.
    """

    dataset: Literal["nhamcs", "ktas"]
    path: Path
    groups: tuple[str, ...] = ()
    count: int | None = Field(default=None, ge=1)
    shares: tuple[float, float, float, float, float] | None = None
    repeat: int = Field(default=1, ge=1)
    hold_out: int = Field(default=0, ge=0)


class MixtureConfig(Frozen):
    """The training corpus of a recipe; ``drop`` is the share of vital signs left out at random."""

    parts: tuple[PartConfig, ...]
    drop: float = Field(default=0.1, ge=0.0, lt=1.0)
    seed: int = 7

    @classmethod
    def load(cls, path: Path) -> "MixtureConfig":
        """Read the ``corpus`` section of a recipe file."""
        return cls.model_validate(yaml.safe_load(path.read_text())["corpus"])


def build_mixture(
    config: MixtureConfig, library: GuidelineLibrary
) -> tuple[list[TrainingExample], dict[str, list[TrainingExample]]]:
    """Training examples and, per data set, held-out ones (as they are: no repeats, nothing dropped)."""
    rng = random.Random(config.seed)  # noqa: S311 - sampling, not secrecy
    training: list[TrainingExample] = []
    validation: dict[str, list[TrainingExample]] = {}
    for part in config.parts:
        cases = [case for case in _READERS[part.dataset](part.path) if case.acuity and _wanted(case, part)]
        cases.sort(key=_by_hash)
        held, rest = cases[: part.hold_out], cases[part.hold_out :]
        if held:
            validation[part.dataset] = [make_example(case, library) for case in held]
        chosen = _sample(rest, part, rng)
        for _ in range(part.repeat):
            training += [make_example(case, library, rng, drop=config.drop) for case in chosen]
    rng.shuffle(training)
    return training, validation


def _wanted(case: LabelledCase, part: PartConfig) -> bool:
    return not part.groups or case.group.startswith(part.groups)


def _by_hash(case: LabelledCase) -> str:
    return hashlib.sha256(case.case_id.encode()).hexdigest()


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
        pool = by_level[level]
        chosen += rng.sample(pool, min(round(part.count * share), len(pool)))
    return chosen
