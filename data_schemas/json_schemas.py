"""Generates ``data_schemas/json/*.json`` from the models; a test keeps them in step.

Run ``python -m data_schemas.json_schemas`` after changing a model.
"""

import json
from pathlib import Path

from pydantic import BaseModel

from data_schemas.assessment import TriageAssessment
from data_schemas.intake import IntakeRecord
from data_schemas.outcome import TriageOutcome
from data_schemas.review import ClinicianReview
from data_schemas.screening import Screening

PUBLISHED: dict[str, type[BaseModel]] = {
    "intake_record": IntakeRecord,
    "screening": Screening,
    "triage_assessment": TriageAssessment,
    "clinician_review": ClinicianReview,
    "triage_outcome": TriageOutcome,
}
FOLDER = Path(__file__).with_name("json")


def rendered() -> dict[str, str]:
    """File name to content of every published schema."""
    return {
        f"{name}.schema.json": json.dumps(model.model_json_schema(mode="serialization"), indent=2) + "\n"
        for name, model in PUBLISHED.items()
    }


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in rendered().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
