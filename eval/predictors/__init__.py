"""Models under test on files without labels: cases in, predictions out, and the record of the run."""

from eval.predictors.inputs import (
    LAYOUTS,
    CaseFile,
    InputError,
    InputTask,
    Layout,
    OptionError,
    ReadCase,
    UnreadableCase,
)
from eval.predictors.opening import ModelName, open_predictor
from eval.predictors.output import Output
from eval.predictors.protocol import Predictor, Provenance, TriageCase
from eval.predictors.run_record import RunRecord, command_line
from eval.predictors.running import predict_file

__all__ = [
    "LAYOUTS",
    "CaseFile",
    "InputError",
    "InputTask",
    "Layout",
    "ModelName",
    "OptionError",
    "Output",
    "Predictor",
    "Provenance",
    "ReadCase",
    "RunRecord",
    "TriageCase",
    "UnreadableCase",
    "command_line",
    "open_predictor",
    "predict_file",
]
