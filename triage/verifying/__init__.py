"""Verifying and citing: every claim is checked against record and guideline, and points at where it stands.

``verify_claim(claim, record, library)`` runs the checks; ``pointers(reason, record, library)`` says where the evidence
of a reason that stood is. ``evidence_label(identity)`` says how far evidence may be read as the cause of a level.
"""

from triage.verifying.faithfulness import Faithfulness, evidence_label
from triage.verifying.pointers import Pointer, pointers
from triage.verifying.verify import verify_claim

__all__ = ["Faithfulness", "Pointer", "evidence_label", "pointers", "verify_claim"]
