"""Who may do what. The service asks here again for every action, whatever the screen showed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from data_schemas import ReviewerRole


class Role(StrEnum):
    """The roles of people who sign in."""

    NURSE = "nurse"
    PHYSICIAN = "physician"
    INFORMATICS = "informatics"
    AUDITOR = "auditor"
    RESEARCHER = "researcher"


class Permission(StrEnum):
    """What a role may do. ``see-names``: names, identifiers and dates of birth; without it the service removes them."""

    SEE_BOARD = "see-board"
    SEE_CASE = "see-case"
    SEE_NAMES = "see-names"
    DECIDE = "decide"
    ACKNOWLEDGE = "acknowledge"
    INTAKE = "intake"
    REASSESS = "reassess"
    SEE_QUALITY = "see-quality"
    SEE_MODEL = "see-model"
    SEE_AUDIT = "see-audit"
    REPLAY = "replay"
    EXPORT = "export"


_READS = frozenset({Permission.SEE_BOARD, Permission.SEE_CASE, Permission.SEE_QUALITY, Permission.SEE_MODEL})
_CLINICIAN = _READS | {
    Permission.SEE_NAMES,
    Permission.DECIDE,
    Permission.ACKNOWLEDGE,
    Permission.INTAKE,
    Permission.REASSESS,
}
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.NURSE: _CLINICIAN,
    Role.PHYSICIAN: _CLINICIAN,
    Role.INFORMATICS: _READS | {Permission.REPLAY},
    Role.AUDITOR: _READS | {Permission.SEE_NAMES, Permission.SEE_AUDIT, Permission.REPLAY, Permission.EXPORT},
    Role.RESEARCHER: _READS,
}
"""Nurse and physician differ in what their decision may do (``ReviewPolicy``), not in what they may open."""

_REVIEWERS = {Role.NURSE: ReviewerRole.NURSE, Role.PHYSICIAN: ReviewerRole.PHYSICIAN}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. ``name`` signs decisions. ``until`` is when the sign-in ends by itself, None where it does not.

    ``local``: nobody proved who they are; the role was chosen on this machine, for the demo.
    """

    name: str
    role: Role
    local: bool = False
    until: datetime | None = None

    def may(self, permission: Permission) -> bool:
        """Whether the role has the permission."""
        return permission in PERMISSIONS[self.role]

    @property
    def reviewer_role(self) -> ReviewerRole | None:
        """The role that a decision is signed in; None for roles that decide nothing."""
        return _REVIEWERS.get(self.role)
