"""What an evaluation found: one value that the report, the comparison of two runs and ``results.json`` are made of.

A number that has no value is null, never 0. Nothing here holds a path of a machine. ``ErrorCase`` alone holds what a
record says: it is of the cases that the user gave, and stays with the user's own files.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import Field

from data_schemas._base import Frozen
from eval.comparison import Comparison
from eval.comparison.result import Estimate

Kind = Literal["rules", "model", "agent", "comparator", "llm", "recorded", "nurse"]


class Versions(Frozen):
    """What ran: enough to get the numbers again. ``machine`` in words (processor, cores, accelerator)."""

    project: str
    commit: str | None
    python: str
    machine: str
    packages: Mapping[str, str] = Field(default_factory=dict)


class ModelRow(Frozen):
    """One model under test on one task, and what its answers cost.

    ``latency_*``: seconds from asking to answer of one case, None where cases were answered in batches. ``cached``:
    cases whose answer was taken from an earlier run. ``usd``: price of the API's tokens, None where nothing is billed.
    ``details``: identity, adapter, prompt and calibration by name and hash, decision rule, decoding.
    """

    name: str
    kind: Kind
    cases: int
    failed: int
    failures: Mapping[str, int] = Field(default_factory=dict)
    seconds: float | None = None
    cases_per_second: float | None = None
    latency_p50: float | None = None
    latency_p95: float | None = None
    cached: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    usd: float | None = None
    details: Mapping[str, str] = Field(default_factory=dict)
    notice: str | None = None
    """What every reader must know beside the row, such as that its input held the diagnosis."""


class Confusion(Frozen):
    """``counts[true - 1][answered - 1]``; the sixth column is of cases without an answer that could be read."""

    row: str
    counts: tuple[tuple[int, int, int, int, int, int], ...]


class Curve(Frozen):
    """Points of a curve by row. ``kind``: ``recall`` (x over-triage, y recall of levels 1-2), ``reliability``
    (x mean predicted p(1-2), y share found), ``risk_coverage`` (x share answered, y share wrong of these)."""

    row: str
    kind: Literal["recall", "reliability", "risk_coverage"]
    x: tuple[float, ...]
    y: tuple[float, ...]
    weights: tuple[float, ...] = ()
    """Cases in each point, for ``reliability``."""


class SetScores(Frozen):
    """The prediction sets of a row: how often they hold the true level, and how wide they are."""

    row: str
    coverage: Estimate
    mean_size: float
    sizes: tuple[int, int, int, int, int]
    below_the_set: Estimate
    """Cases more urgent than the most urgent level of their set."""


class Reason(Frozen):
    """One sentence of evidence with what it points to; ``stands`` after verification."""

    text: str
    cites: tuple[str, ...] = ()
    stands: bool = True


class ErrorCase(Frozen):
    """A case that a row got wrong, with what was known and what was cited for the level."""

    case_id: str
    row: str
    truth: int
    predicted: int | None
    most_urgent: int | None = None
    least_urgent: int | None = None
    nurse: int | None = None
    probabilities: tuple[float, float, float, float, float] | None = None
    facts: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    findings: tuple[str, ...] = ()
    error: str | None = None


class VariantResult(Frozen):
    """A row's answers to changed cases against its own answers to the same cases unchanged.

    ``family``: ``counterfactual``, ``anchoring``, ``prompt``, ``repeat``, ``missing``, ``typing``, ``units``,
    ``injection``. ``wanted``: what a good model does, ``same`` (nothing clinical was changed) or ``no less urgent``.
    ``cases``: pairs compared. ``skipped``: cases the variant cannot be applied to. ``p_high_shift``: mean change of
    p(1-2), None without probabilities. ``by``: share changed by what was changed to (sex, language, dose of typing
    errors), for the plot; ``by_less_urgent``, ``by_p_high_shift`` and ``by_cases`` have the same keys.
    ``against``: what the changed case is compared with, such as a neutral sentence in the place of the one added.
    ``unanswered``: cases left out for the row gave them no level unchanged.
    """

    variant: str
    family: str
    wanted: Literal["same", "no less urgent"]
    row: str
    cases: int
    skipped: int = 0
    changed: Estimate
    less_urgent: Estimate
    more_urgent: Estimate
    p_high_shift: Estimate | None = None
    by: Mapping[str, Estimate] = Field(default_factory=dict)
    by_less_urgent: Mapping[str, Estimate] = Field(default_factory=dict)
    by_p_high_shift: Mapping[str, Estimate] = Field(default_factory=dict)
    by_cases: Mapping[str, int] = Field(default_factory=dict)
    against: str = "the case unchanged"
    unanswered: int = 0


class Repeatability(Frozen):
    """``share_model``: part of the variance of the answered level that is between runs on the same case.

    ``largest_p_change``: the largest difference between two runs in any case's probability of any level; 0 is a model
    that is deterministic to the bit, None one without probabilities.
    """

    row: str
    cases: int
    runs: int
    same_in_all: Estimate
    share_model: float | None
    largest_p_change: float | None = None


class TaskResult(Frozen):
    """Everything found on one set of cases."""

    name: str
    title: str
    comparison: Comparison
    sample: str
    """How the cases were chosen, in words, with the hash of the list of their ids."""
    models: tuple[ModelRow, ...]
    confusions: tuple[Confusion, ...] = ()
    curves: tuple[Curve, ...] = ()
    sets: tuple[SetScores, ...] = ()
    errors: tuple[ErrorCase, ...] = ()
    variants: tuple[VariantResult, ...] = ()
    repeats: tuple[Repeatability, ...] = ()
    notices: tuple[str, ...] = ()


class EnergyRow(Frozen):
    """Energy of one model on one machine.

    ``source``: ``measured`` (a meter read the hardware), ``modelled`` (time multiplied by a stated power, where the
    machine has no meter) or ``estimate`` (a published or computed figure; nothing ran here). ``meter``: what was
    metered and what was not. ``ratio``: to the row named in ``against`` on the same machine, prompts and tokens, with
    its interval. ``wh_per_1000``: idle power included where a counter was read; ``net_wh_per_1000``: without it, and
    ``idle_watts`` what was taken off. ``seconds``, ``processor_seconds``: of all ``cases`` once. ``what``: what exactly
    ran. ``parts``: Wh per 1,000 by what was counted. ``interval``: how ``low`` and ``high`` were had, over how many
    ``blocks``.
    """

    row: str
    source: Literal["measured", "modelled", "estimate"]
    meter: str
    wh_per_1000: float
    low: float | None = None
    high: float | None = None
    cases: int = 0
    seconds: float | None = None
    prompt_tokens: float | None = None
    decoded_tokens: float | None = None
    against: str | None = None
    ratio: float | None = None
    reference: str | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    what: str | None = None
    blocks: int | None = None
    interval: str | None = None
    idle_watts: float | None = None
    net_wh_per_1000: float | None = None
    processor_seconds: float | None = None
    parts: Mapping[str, float] = Field(default_factory=dict)


class SuiteResult(Frozen):
    """One run of ``triage eval run``."""

    suite: str
    command: str
    started: datetime
    seconds: float
    versions: Versions
    seed: int
    tasks: tuple[TaskResult, ...]
    energy: tuple[EnergyRow, ...] = ()
    not_run: tuple[str, ...] = ()
    """Rows and parts that were asked for and could not be had, each with why: never silently left out."""
