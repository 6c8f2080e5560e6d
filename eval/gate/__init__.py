"""The regression gate: a small frozen set of invented patients, scored against the answers recorded before.

``run_gate`` answers the cases with the real rules, language model and agent; ``judge`` compares with the reference and
names every case that changed. Nothing is tuned on these cases.
"""

from eval.gate.cases import GateCase, GateError, cases_sha256, gate_cases
from eval.gate.judging import Change, Fall, GateReport, judge
from eval.gate.reference import GateReference, read_reference, write_reference
from eval.gate.running import GATE_MODELS, GateAnswers, run_gate

__all__ = [
    "GATE_MODELS",
    "Change",
    "Fall",
    "GateAnswers",
    "GateCase",
    "GateError",
    "GateReference",
    "GateReport",
    "cases_sha256",
    "gate_cases",
    "judge",
    "read_reference",
    "run_gate",
    "write_reference",
]
