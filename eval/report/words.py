"""How rows, scores and numbers are written in a report. A number without a value is a dash, never 0."""

import re
from typing import Literal

from eval.comparison.result import Difference, Estimate
from triage.metrics.confusions import LOWER_IS_BETTER

NONE = "–"
MINUS = "−"

SCORE_NAMES: dict[str, str] = {
    "accuracy": "Accuracy",
    "within_one": "Within one level",
    "quadratic_weighted_kappa": "Weighted kappa",
    "macro_f1": "Macro F1",
    "recall_high": "Recall of levels 1-2",
    "over_triage": "Over-triage",
    "under_triage": "Under-triage",
    "significant_under_triage": "2 → 3-5",
    "significant_under_triage_high": "1-2 → 3-5",
    "significant_over_triage": "3-5 → 1-2",
    "strict_under_triage": "1-2 → 4-5",
    "strict_under_triage_cases": "1-2 → 4-5, cases",
    "unreadable": "No answer",
}
"""Short names for headers of tables; ``->`` reads: true level, then the level that was answered."""

ROW_NAMES: dict[str, str] = {
    "rules": "Rules only",
    "majority": "Majority class",
    "boosting": "Gradient boosting",
    "encoder": "Small encoder",
    "base": "SLM before fine-tuning",
    "slm": "Fine-tuned SLM",
    "agent": "Whole agent",
    "agent-prior": "Whole agent, site's level mix",
    "hybrid": "SLM and boosting",
    "triage nurse": "Triage nurse",
    "nurse": "Triage nurse",
}
"""What people call the rows that the project itself has; any other row is called as it is named."""

KIND_NAMES: dict[str, str] = {
    "rules": "rules",
    "model": "model",
    "agent": "agent",
    "comparator": "comparator",
    "llm": "language model, asked live",
    "recorded": "recorded answers",
    "nurse": "person",
}

Shown = Literal["higher", "lower", "none", "unknown"]


def score_name(score: str) -> str:
    """The header of a score."""
    return SCORE_NAMES.get(score, score.replace("_", " "))


_RUN = re.compile(r" \[[^\]]*\]$")
_SAID: dict[str, str] = {
    "rules": "the rules alone",
    "majority": "the majority class",
    "boosting": "gradient boosting",
    "encoder": "the small encoder",
    "base": "the SLM before fine-tuning",
    "slm": "the fine-tuned SLM",
    "agent": "the whole agent",
    "agent-prior": "the whole agent with the site's level mix",
    "hybrid": "SLM and boosting together",
    "triage nurse": "the triage nurse",
    "nurse": "the triage nurse",
}


def row_name(row: str, *, run: bool = False) -> str:
    """The row as people call it; ``run``: with what tells the recorded runs of the same model and prompt apart."""
    named = ROW_NAMES.get(row, row if run else _RUN.sub("", row))
    return f"GPT{named[3:]}" if named.startswith("gpt-") else named


def said(row: str, *, first: bool = False) -> str:
    """The row inside a sentence, or as its first words."""
    text = _SAID.get(row, row_name(row))
    return text[:1].upper() + text[1:] if first else text


def number(value: float | None, digits: int = 3, *, signed: bool = False) -> str:
    """With a true minus sign; a rounded zero has no sign."""
    if value is None:
        return NONE
    text = f"{value:{'+' if signed else ''}.{digits}f}"
    if float(text) == 0.0:
        text = f"{0:.{digits}f}"
    return text.replace("-", MINUS)


def estimate(item: Estimate | None, digits: int = 3, *, signed: bool = False) -> str:
    """``0.644 (0.586 to 0.698)``."""
    if item is None or item.value is None:
        return NONE
    value = number(item.value, digits, signed=signed)
    if item.low is None or item.high is None:
        return value
    low, high = (number(bound, digits, signed=signed) for bound in (item.low, item.high))
    return f"{value} ({low} to {high})"


def percent(item: Estimate | None) -> str:
    """``64.4 % (58.6 to 69.8)``, for sentences."""
    if item is None or item.value is None:
        return "no value"
    value = f"{number(100 * item.value, 1)} %"
    if item.low is None or item.high is None:
        return f"{value} (no interval)"
    return f"{value} ({number(100 * item.low, 1)} to {number(100 * item.high, 1)})"


def points(item: Difference, *, signed: bool) -> str:
    """A difference of shares in percentage points with its interval; without signs where the words give the direction.

    A corrected p that is not below 0.05 although the interval leaves zero out is said, because it needs explaining.
    """
    if item.value is None or item.low is None or item.high is None:
        return NONE
    bounds = [100 * item.low, 100 * item.high]
    value = 100 * item.value
    if not signed:
        bounds, value = sorted(map(abs, bounds)), abs(value)
    low, high = (number(bound, 1, signed=signed) for bound in bounds)
    text = f"{number(value, 1, signed=signed)} points ({low} to {high})"
    apart = item.low > 0 or item.high < 0
    return f"{text}, p {p_value(item.p_holm)} after correction" if signed and apart else text


def p_value(value: float | None) -> str:
    """Three decimals, or that it is below them."""
    if value is None:
        return NONE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def difference(item: Difference | None) -> str:
    """A paired difference with its interval and corrected p."""
    if item is None or item.value is None:
        return NONE
    corrected = "" if item.p_holm is None else f", p {p_value(item.p_holm)}"
    return estimate(item, signed=True) + corrected


def direction(item: Difference | None) -> Shown:
    """Which way a difference is shown to go: its interval leaves zero out, and Holm's p (where there is one) < 0.05."""
    if item is None or item.value is None or item.low is None or item.high is None:
        return "unknown"
    significant = item.p_holm is None or item.p_holm < 0.05
    if significant and item.low > 0:
        return "higher"
    if significant and item.high < 0:
        return "lower"
    return "none"


def better(score: str, shown: Shown) -> bool | None:
    """Whether a direction of a score is the better one; None where no difference is shown."""
    if shown not in {"higher", "lower"}:
        return None
    return (shown == "higher") is not (score in LOWER_IS_BETTER)


def count(value: int | float | None) -> str:
    """A number of things with thousands apart; the mean of several runs has one decimal."""
    if value is None:
        return NONE
    return f"{value:,.0f}" if round(float(value), 6).is_integer() else f"{value:,.1f}"


def slug(name: str) -> str:
    """For ids and names of files: letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "cases"


def listed(items: list[str]) -> str:
    """``a, b and c``."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
