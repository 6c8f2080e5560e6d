"""The agent: a durable graph from an intake record to a clinician's decision in the hospital's record."""

import os

# Checkpoints are read back only into types that are named beforehand. The variable is read once, when the
# checkpoint package is first imported, so it is set before any of our modules imports it.
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")

from agents.cases import CaseService
from agents.context import AgentSettings, utc_now
from agents.errors import (
    AgentError,
    AlreadyDecidedError,
    AmbiguousPatientError,
    ErasedCaseError,
    InvalidReviewError,
    NotClosedError,
    NotReadyError,
    RunFailedError,
    StaleAssessmentError,
    StoreError,
    UnknownCaseError,
)
from agents.export import Export, write_export
from agents.ports import Asks, Calibrates, Clock, OutcomeSink, Screens
from agents.provenance import Provenance
from agents.records import Records
from agents.replay import Replay
from agents.retention import DueCase, ErasureReason, ErasureReport
from agents.sinks import NoSink
from agents.values import (
    Case,
    CasePhase,
    ChainReport,
    Delivery,
    DeliveryKind,
    HistoryStep,
    PendingDelivery,
    PendingWrite,
    Recovery,
    Step,
)

__all__ = [
    "AgentError",
    "AgentSettings",
    "AlreadyDecidedError",
    "AmbiguousPatientError",
    "Asks",
    "Calibrates",
    "Case",
    "CasePhase",
    "CaseService",
    "ChainReport",
    "Clock",
    "Delivery",
    "DeliveryKind",
    "DueCase",
    "ErasedCaseError",
    "ErasureReason",
    "ErasureReport",
    "Export",
    "HistoryStep",
    "InvalidReviewError",
    "NoSink",
    "NotClosedError",
    "NotReadyError",
    "OutcomeSink",
    "PendingDelivery",
    "PendingWrite",
    "Provenance",
    "Records",
    "Recovery",
    "Replay",
    "RunFailedError",
    "Screens",
    "StaleAssessmentError",
    "Step",
    "StoreError",
    "UnknownCaseError",
    "utc_now",
    "write_export",
]
