"""Arrivals entered by hand: checked as they are typed, made into FHIR, filed where the site writes back."""

from integrations.intake.arriving import SOURCE, Arrived, take_in, writes_to
from integrations.intake.bundle import FORM_SYSTEM, build_bundle
from integrations.intake.checks import Objection
from integrations.intake.errors import NotFiled, NotFiledError, NotReadBackError
from integrations.intake.form import UNITS, Age, IntakeForm, Measured

__all__ = [
    "FORM_SYSTEM",
    "SOURCE",
    "UNITS",
    "Age",
    "Arrived",
    "IntakeForm",
    "Measured",
    "NotFiled",
    "NotFiledError",
    "NotReadBackError",
    "Objection",
    "build_bundle",
    "take_in",
    "writes_to",
]
