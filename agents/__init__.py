"""The agent: a durable graph from an intake record to a clinician's decision in the hospital's record."""

import os

# Checkpoints are read back only into types that are named beforehand. The variable is read once, when the
# checkpoint package is first imported, so it is set before any of our modules imports it.
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")

from agents.alerts import Acknowledgement, Alert, AlertCode
from agents.calling import Call, calls
from agents.cases import CaseService
from agents.context import AgentSettings, utc_now
from agents.errors import (
    AgentError,
    AlreadyAcknowledgedError,
    AlreadyDecidedError,
    AmbiguousPatientError,
    ErasedCaseError,
    ExpiredSuggestionError,
    InvalidReviewError,
    NotClosedError,
    NotReadyError,
    RunFailedError,
    StaleAssessmentError,
    StoreError,
    UnknownAlertError,
    UnknownCaseError,
)
from agents.export import Export, write_export
from agents.policy import Asking, Question, ReviewPolicy, must_confirm, questions
from agents.ports import Asks, Calibrates, Clock, OutcomeSink, Screens
from agents.provenance import Provenance
from agents.reassessment import DEFAULT_MINUTES, DEFAULT_SOURCE, Due, Minutes, Waiting, read_minutes
from agents.records import Records
from agents.replay import Replay
from agents.retention import DueCase, ErasureReason, ErasureReport
from agents.retriage import Changes, RecordChange, ScoreChange, Trend
from agents.sinks import NoSink
from agents.values import (
    Case,
    CasePhase,
    ChainReport,
    Delivery,
    DeliveryKind,
    EarlierRun,
    HistoryStep,
    PendingDelivery,
    PendingWrite,
    Recovery,
    Step,
)

__all__ = [
    "DEFAULT_MINUTES",
    "DEFAULT_SOURCE",
    "Acknowledgement",
    "AgentError",
    "AgentSettings",
    "Alert",
    "AlertCode",
    "AlreadyAcknowledgedError",
    "AlreadyDecidedError",
    "AmbiguousPatientError",
    "Asking",
    "Asks",
    "Calibrates",
    "Call",
    "Case",
    "CasePhase",
    "CaseService",
    "ChainReport",
    "Changes",
    "Clock",
    "Delivery",
    "DeliveryKind",
    "Due",
    "DueCase",
    "EarlierRun",
    "ErasedCaseError",
    "ErasureReason",
    "ErasureReport",
    "ExpiredSuggestionError",
    "Export",
    "HistoryStep",
    "InvalidReviewError",
    "Minutes",
    "NoSink",
    "NotClosedError",
    "NotReadyError",
    "OutcomeSink",
    "PendingDelivery",
    "PendingWrite",
    "Provenance",
    "Question",
    "RecordChange",
    "Records",
    "Recovery",
    "Replay",
    "ReviewPolicy",
    "RunFailedError",
    "ScoreChange",
    "Screens",
    "StaleAssessmentError",
    "Step",
    "StoreError",
    "Trend",
    "UnknownAlertError",
    "UnknownCaseError",
    "Waiting",
    "calls",
    "must_confirm",
    "questions",
    "read_minutes",
    "utc_now",
    "write_export",
]
