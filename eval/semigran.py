"""Authored vignettes in three classes of urgency, and how those classes stand on a five-level scale.

Semigran HL et al., BMJ 2015;351:h3480, 45 vignettes: ``em`` (emergency care), ``ne`` (a doctor, but no emergency),
``sc`` (self-care). An emergency department's scale has no such classes, so both sides are put on three of its levels:
a patient of ESI level 1-3 needs what only a hospital has (a life saved, no waiting, two or more kinds of resources)
and is ``em``; level 4 needs one kind of resource and is ``ne``; level 5 needs none and is ``sc``. Scores are then of
classes: accuracy is that of the class, recall of levels 1-2 is that of ``em``.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from data_schemas import AcuityScale, LevelProbabilities
from eval.predictions import Prediction
from integrations.fhir.leaks import strip_acuity
from triage.training.corpus import CorpusError, LabelledCase
from triage.training.corpus.tables import read_rows, text_cell
from triage.training.corpus.vignettes import to_record

DATASET = "semigran"
TRIAGE_COLUMN = "case_description"
"""All that a record is made of; the diagnosis beside it is never read."""

CLASS_LEVELS = {"em": 2, "ne": 4, "sc": 5}
"""The level that stands for each class."""

LEVEL_CLASSES = {1: "em", 2: "em", 3: "em", 4: "ne", 5: "sc"}


def read(path: str | Path, *, labelled_only: bool = True) -> Iterator[LabelledCase]:
    """Yield the vignettes of ``path`` in its order, ``acuity`` being the level of the class.

    A vignette without ``case_id`` is named after the hash of its text.

    Raises:
        CorpusError: a column is missing, or a class is none of em, ne, sc.
    """
    path = Path(path)
    for number, row in enumerate(read_rows(path, required=(TRIAGE_COLUMN, "urgency_level")), start=1):
        label = (text_cell(row, "urgency_level") or "").lower()
        if label not in CLASS_LEVELS and (label or not labelled_only):
            raise CorpusError(f"{path.name}, case {number}: urgency_level is none of em, ne, sc")
        if not label:
            continue
        text, _ = strip_acuity(text_cell(row, TRIAGE_COLUMN) or "")
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        case_id = text_cell(row, "case_id") or f"semigran-{digest}"
        yield LabelledCase(
            case_id=case_id,
            record=to_record({"case_id": case_id, "vignette": text}),
            scale=AcuityScale.ESI,
            acuity=CLASS_LEVELS[label],
            group=case_id,
            source=DATASET,
        )


def on_classes(given: Prediction) -> Prediction:
    """The prediction with every level as the level of its class; probabilities of one class are added up."""
    p = given.probabilities
    if p is not None:
        em = min(1.0, sum(p.p[:3]))
        p = LevelProbabilities(p=(0.0, em, 0.0, p.p[3], max(0.0, 1.0 - em - p.p[3])))
    return given.model_copy(
        update={
            "predicted": _class_level(given.predicted),
            "probabilities": p,
            "most_urgent": _class_level(given.most_urgent),
            "least_urgent": _class_level(given.least_urgent),
        }
    )


def _class_level(level: int | None) -> int | None:
    return None if level is None else CLASS_LEVELS[LEVEL_CLASSES[level]]
