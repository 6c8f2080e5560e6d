"""Offline evaluation: cases with a known level, models under test, and scores with intervals."""

from eval.cases import EvaluationCase, Task, load_cases, sample_cases
from eval.model import ModelPrediction, predict_with_model
from eval.rules import predict_with_rules
from eval.scorecard import Scorecard, score

__all__ = [
    "EvaluationCase",
    "ModelPrediction",
    "Scorecard",
    "Task",
    "load_cases",
    "predict_with_model",
    "predict_with_rules",
    "sample_cases",
    "score",
]
