"""General language models as baselines: versioned prompts, an Inspect solver, answers read strictly, cost."""

from eval.prompting.access import check_access, key_variable, not_configured
from eval.prompting.answer import Answer, Failure, read_answer
from eval.prompting.cost import Estimate, PriceError, Prices, Spent, estimate, load_prices, spent, used_by
from eval.prompting.facts import LeakError, patient_text
from eval.prompting.failures import AccessError
from eval.prompting.prompts import (
    AnswerScale,
    Example,
    PromptError,
    PromptSet,
    Strategy,
    load_prompts,
)
from eval.prompting.solver import ANSWER_KEY, generation, picker, record_of, solver, stored_answer

__all__ = [
    "ANSWER_KEY",
    "AccessError",
    "Answer",
    "AnswerScale",
    "Estimate",
    "Example",
    "Failure",
    "LeakError",
    "PriceError",
    "Prices",
    "PromptError",
    "PromptSet",
    "Spent",
    "Strategy",
    "check_access",
    "estimate",
    "generation",
    "key_variable",
    "load_prices",
    "load_prompts",
    "not_configured",
    "patient_text",
    "picker",
    "read_answer",
    "record_of",
    "solver",
    "spent",
    "stored_answer",
    "used_by",
]
