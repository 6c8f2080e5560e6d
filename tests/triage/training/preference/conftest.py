"""Invented arrivals, judged as the preference stage judges them."""

import json
import os
from importlib.util import find_spec

import pytest

from triage.guidelines import GuidelineLibrary
from triage.training.parts import PartConfig
from triage.training.preference.cases import read_cases
from triage.training.preference.config import CorpusConfig

# trl is in the extra `train`; in `make test-all` its absence must fail, not hide the tests.
if find_spec("trl") is None and "TEST_ALL" not in os.environ:
    collect_ignore = ["test_training.py"]

ARRIVALS = [
    ("Found on the floor, 61-year-old man. Not breathing, no pulse. HR 0.", 1),
    (
        "A 70-year-old woman with crushing chest pain, pale and sweating. HR 118, BP 92/60, SpO2 93% on room air.",
        2,
    ),
    (
        "58-year-old man, his face droops and he cannot lift his right arm since 40 minutes. HR 88, BP 176/95.",
        2,
    ),
    (
        "A 24-year-old man with pain in the right lower belly since yesterday. Temperature 38.1 C, HR 96, pain 6/10.",
        3,
    ),
    ("45-year-old woman with flank pain like her last kidney stone. HR 92, BP 138/80, pain 7/10.", 3),
    ("19-year-old twisted her ankle at football, can walk on it. HR 72, BP 118/70, pain 4/10.", 4),
    ("33-year-old man cut his finger with a kitchen knife, bleeding stopped. HR 76, pain 2/10.", 4),
    (
        "27-year-old woman asks for a refill of her allergy tablets, feels well. HR 68, BP 115/72, temperature 36.6 C.",
        5,
    ),
    ("52-year-old man wants his stitches out after ten days, wound is dry. HR 70, temperature 36.5 C.", 5),
    ("A 3-week-old boy with fever of 38.6 C, drinks little. HR 170, RR 52, SpO2 97%.", 2),
]


@pytest.fixture(scope="session")
def library() -> GuidelineLibrary:
    return GuidelineLibrary.load()


@pytest.fixture(scope="session")
def vignettes(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "made-up.jsonl"
    rows = [
        {"case_id": f"made-up-{number}", "vignette": text, "acuity": level}
        for number, (text, level) in enumerate(ARRIVALS)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="session")
def corpus(vignettes):
    return CorpusConfig(
        parts=(PartConfig(dataset="vignettes", path=vignettes, hold_out=2),), drop=0.0, unaided=0.0
    )


@pytest.fixture(scope="session")
def cases(corpus, library):
    """Eight cases to learn from."""
    return read_cases(corpus, library)[0]


@pytest.fixture(scope="session")
def held_out(corpus, library):
    return read_cases(corpus, library)[1]["vignettes"]
