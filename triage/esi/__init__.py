"""The Emergency Severity Index as pure functions on an intake record."""

from triage.esi.algorithm import screen
from triage.esi.path import path_levels
from triage.esi.resources import estimate_resources
from triage.esi.vitals import danger_limit, hypotension_limit, in_danger_zone

__all__ = [
    "danger_limit",
    "estimate_resources",
    "hypotension_limit",
    "in_danger_zone",
    "path_levels",
    "screen",
]
