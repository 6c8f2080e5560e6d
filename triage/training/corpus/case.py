"""A case of a labelled data set: what was known at triage, and apart from it, what the case teaches."""

from collections.abc import Mapping

from pydantic import Field

from data_schemas._base import Frozen
from data_schemas.acuity import AcuityLevel, AcuityScale
from data_schemas.intake import IntakeRecord


class LabelledCase(Frozen):
    """One visit or vignette.

    Only ``record`` is triage information and may reach a model. Everything else is a label, a grouping or an
    outcome: to learn from or to judge by, never to be shown.
    """

    case_id: str
    record: IntakeRecord
    scale: AcuityScale
    """The scale of ``acuity``. Cases of different scales are never mixed silently."""
    acuity: AcuityLevel | None
    group: str
    """What must not be split between training and testing: site, or year and hospital; a vignette is its own."""
    source: str
    """Name of the data set."""
    nurse_acuity: AcuityLevel | None = None
    """The triage nurse's level where another one is the label. For comparison only."""
    resources_used: int | None = Field(default=None, ge=0, le=2)
    """Different types of ESI resources used in the visit (2: two or more). A target, known only afterwards."""
    outcomes: Mapping[str, bool] = Field(default_factory=dict)
    """What became of the patient (``admission``, ``critical``). For evaluation only."""
