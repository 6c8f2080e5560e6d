"""Guideline statements: our own wording, each with its source and a condition that a machine can check."""

from triage.guidelines.examples import record_from
from triage.guidelines.library import GuidelineError, GuidelineLibrary, example_problems, read_statements
from triage.guidelines.search import Hit
from triage.guidelines.statement import Match, ResourceKind, Scope, Statement, Support
from triage.guidelines.truth import Span, Truth

__all__ = [
    "GuidelineError",
    "GuidelineLibrary",
    "Hit",
    "Match",
    "ResourceKind",
    "Scope",
    "Span",
    "Statement",
    "Support",
    "Truth",
    "example_problems",
    "read_statements",
    "record_from",
]
