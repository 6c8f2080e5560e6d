"""Which cases a recipe trains on: data sets, shares of levels, repeats, a teacher, and what is held out."""

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from data_schemas._base import Frozen
from triage.guidelines import GuidelineLibrary
from triage.slm.fetch import file_sha256
from triage.slm.prompt import FACT_NAMES
from triage.training.config import check, load_section
from triage.training.corpus import CorpusError, LabelledCase
from triage.training.examples import TrainingExample, make_example
from triage.training.parts import PartConfig
from triage.training.teacher import ratios, read_teacher, shifted


class MixtureConfig(Frozen):
    """The training corpus of a recipe; parts are sampled in their order from one seed."""

    parts: tuple[PartConfig, ...] = Field(min_length=1)
    drop: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Share of vital signs left out at random: missing must be ordinary to the model."""
    unaided: float = Field(default=0.0, ge=0.0, le=1.0)
    """Share of prompts without what the rules found."""
    distraction: float = Field(default=0.0, ge=0.0, le=1.0)
    """Share of examples that also have a prompt with irrelevant sentences, for ``consistency_weight``."""
    mistyped: float = Field(default=0.0, ge=0.0, le=1.0)
    """Share of examples whose free text has typing errors."""
    whole: float = Field(default=1.0, ge=0.0, le=1.0)
    """Share of examples whose path and citations are targets too; the others cost fewer tokens."""
    seed: int = 7

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        twice = [title for title, count in Counter(part.title for part in self.parts).items() if count > 1]
        if twice:
            raise ValueError(f"two parts are called {twice[0]}: give each a name")
        return self

    @classmethod
    def load(cls, path: Path) -> "MixtureConfig":
        """Read the ``corpus`` section of a recipe file."""
        return check(cls, load_section(path, "corpus"), f"{path.name}, corpus")


@dataclass(frozen=True, slots=True)
class Mixture:
    """A built corpus. ``records``: per part what went in and its hashes, for the run's record; no row of it."""

    training: list[TrainingExample]
    validation: dict[str, list[TrainingExample]]
    records: dict[str, dict[str, Any]]

    @property
    def sha256(self) -> str:
        """One hash over all training and held-out examples, in order."""
        held = [example for name in sorted(self.validation) for example in self.validation[name]]
        return corpus_hash([*self.training, *held])


def build_mixture(config: MixtureConfig, library: GuidelineLibrary) -> Mixture:
    """Training examples, shuffled, and per part held-out ones (as they are: nothing repeated, nothing dropped).

    The same configuration and data give the same examples in the same order.

    Raises:
        CorpusError: a file is not of its data set's form, or a part has nothing to train on.
    """
    rng = random.Random(config.seed)  # noqa: S311 - sampling, not secrecy
    training: list[TrainingExample] = []
    validation: dict[str, list[TrainingExample]] = {}
    records: dict[str, dict[str, Any]] = {}
    for part in config.parts:
        labelled = list(part.read())
        cases = [case for case in labelled if any(fact.kind in FACT_NAMES for fact in case.record.facts)]
        held, rest = hold_out(cases, part)
        if not rest:
            raise CorpusError(f"{part.title}: no case to train on; look at path, groups and hold_out")
        scored = held[: part.hold_out]
        if scored:
            validation[part.title] = [make_example(case, library) for case in scored]
        made = list(_examples(rest, part, config, library, rng))
        training += made
        records[part.title] = {
            "dataset": part.dataset,
            "file": part.path.name if part.path else None,
            "file_sha256": _path_sha256(part.path) if part.path else None,
            "labelled": len(labelled),
            "without_facts": len(labelled) - len(cases),
            "held_out": len(held),
            "held_out_groups": len({case.group for case in held}),
            "held_out_sha256": corpus_hash(validation.get(part.title, [])),
            "scored": len(scored),
            "examples": len(made),
            "levels": dict(sorted(Counter(example.level for example in made).items())),
            "with_teacher": sum(example.soft is not None for example in made),
            "examples_sha256": corpus_hash(made),
        }
        if part.teacher is not None and not records[part.title]["with_teacher"]:
            raise CorpusError(f"{part.title}: no case id of {part.teacher.name} is among the training cases")
    rng.shuffle(training)
    return Mixture(training, validation, records)


def hold_out(
    cases: Sequence[LabelledCase], part: PartConfig
) -> tuple[list[LabelledCase], list[LabelledCase]]:
    """Held-out cases by hash of their id, and the others in their order.

    Chosen by hash, a case stays held out when others are added. With ``hold_out_one_in`` whole groups go: a hospital
    seen in training would make its other visits look easier than a new hospital's.
    """
    if part.hold_out_one_in is not None:
        groups = sorted({case.group for case in cases}, key=_hash)
        away = set(groups[: len(groups) // part.hold_out_one_in])
        if not away:
            raise CorpusError(f"{part.title}: {len(groups)} groups are too few to hold out whole ones")
        held = [case for case in cases if case.group in away]
        rest = [case for case in cases if case.group not in away]
        return sorted(held, key=_by_hash), rest
    ordered = sorted(cases, key=_by_hash)
    held = ordered[: part.hold_out]
    gone = {case.case_id for case in held}
    return held, [case for case in cases if case.case_id not in gone]


def corpus_hash(examples: Sequence[TrainingExample]) -> str:
    """One hash over every prompt, target and soft label, in order: names the corpus without holding a row of it."""
    digest = hashlib.sha256()
    for example in examples:
        soft = "" if example.soft is None else " ".join(f"{p:.6f}" for p in example.soft)
        fields = [example.case_id, example.prompt, example.target, str(example.whole), soft]
        if example.distracted is not None:
            fields.append(example.distracted)
        digest.update("".join(f"{field}\0" for field in fields).encode())
    return digest.hexdigest()


def _examples(
    cases: Sequence[LabelledCase],
    part: PartConfig,
    config: MixtureConfig,
    library: GuidelineLibrary,
    rng: random.Random,
) -> Iterator[TrainingExample]:
    teacher = read_teacher(part.teacher) if part.teacher is not None else {}
    natural = Counter(case.acuity or 0 for case in cases)
    ratio = ratios(part.shares, natural) if part.shares is not None else (1.0,) * 5
    chosen = _sample(cases, part, rng)
    for _ in range(part.repeat):
        for case in chosen:
            example = make_example(
                case,
                library,
                rng,
                drop=config.drop,
                unaided=config.unaided,
                distraction=config.distraction,
                mistyped=config.mistyped,
            )
            said = teacher.get(case.case_id)
            yield replace(
                example,
                whole=rng.random() < config.whole,
                soft=None if said is None else shifted(said, ratio),
            )


def _sample(cases: Sequence[LabelledCase], part: PartConfig, rng: random.Random) -> Sequence[LabelledCase]:
    if part.shares is None:
        return cases if part.count is None else rng.sample(list(cases), min(part.count, len(cases)))
    by_level: dict[int, list[LabelledCase]] = defaultdict(list)
    for case in cases:
        by_level[case.acuity or 0].append(case)
    chosen: list[LabelledCase] = []
    for level, share in enumerate(part.shares, start=1):
        pool = by_level[level]
        wanted = round((part.count or len(cases)) * share)
        if wanted and not pool:
            raise CorpusError(f"{part.title}: {share:.0%} of level {level} are wanted, and there is none")
        while wanted:
            taken = rng.sample(pool, min(wanted, len(pool)))
            chosen += taken
            wanted -= len(taken)
    return chosen


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _by_hash(case: LabelledCase) -> str:
    return _hash(case.case_id)


def _path_sha256(path: Path) -> str:
    """Of a file; of a folder, over the names and hashes of all files in it."""
    if path.is_file():
        return file_sha256(path)
    digest = hashlib.sha256()
    for file in sorted(item for item in path.rglob("*") if item.is_file()):
        digest.update(f"{file.relative_to(path)}\0{file_sha256(file)}\0".encode())
    return digest.hexdigest()
