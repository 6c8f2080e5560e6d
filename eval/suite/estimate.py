"""How long a run takes and what it costs, said before it starts."""

from dataclasses import dataclass

from eval.harness.sampling import smallest
from eval.predictors import ReadCase
from eval.prompting import AnswerScale, Prices, Strategy, load_prices, load_prompts
from eval.prompting import estimate as price_of
from eval.suite.preparing import PreparedTask

SECONDS_PER_CASE = {
    "rules": 0.005,
    "majority": 0.002,
    "boosting": 0.02,
    "encoder": 0.03,
    "agent-prior": 0.006,
    "base": 0.2,
    "slm": 0.2,
}
"""Seconds a case on two cores of a server processor, answered in batches, Inspect included: stated, not promised."""

FIT_SECONDS = {"boosting": 0.002, "encoder": 0.02}
"""Seconds a training case."""

EVIDENCE_SECONDS = 1.5
OWN_SECONDS = 0.05
LIVE_SECONDS = 2.0
_ASKED_FOR_PRICE = 40


@dataclass(frozen=True)
class RowEstimate:
    """``usd``: of an API, None where nothing is billed or no price is known; ``how``: what it rests on."""

    task: str
    row: str
    cases: int
    seconds: float
    usd: float | None = None
    how: str = ""


def estimates(task: PreparedTask, prices: Prices | None = None) -> list[RowEstimate]:
    """An estimate for every row of a task. Rows over the same language model are counted once.

    ``prices``: the project's where None.
    """
    prices = load_prices() if prices is None else prices
    count = len(task.cases.cases)
    found = []
    asked = False
    for row in task.rows:
        seconds = SECONDS_PER_CASE.get(row, OWN_SECONDS) * count
        if row in {"slm", "agent", "hybrid"}:
            seconds = SECONDS_PER_CASE["rules" if asked else "slm"] * count
            asked = True
        if row in FIT_SECONDS and task.training.has_any:
            size = len(task.training.cases())
            limit = task.spec.encoder_cases if row == "encoder" else None
            seconds += FIT_SECONDS[row] * min(size, limit or size)
        found.append(RowEstimate(task.spec.name, row, count, seconds))
    evidence = min(count, task.spec.examples * sum(row in {"slm", "agent"} for row in task.rows))
    if evidence:
        found.append(RowEstimate(task.spec.name, "evidence of errors", evidence, evidence * EVIDENCE_SECONDS))
    return [*found, *(_live(task, index, prices) for index in range(len(task.general)))]


def _live(task: PreparedTask, index: int, prices: Prices) -> RowEstimate:
    """Of a model behind an API: from the prompts of some cases, without examples where those must be chosen."""
    general = task.general[index]
    prompts = load_prompts()
    scale = AnswerScale("SEMIGRAN" if task.spec.task == "semigran" else task.cases.scale.value)
    strategy = Strategy(general.strategy)
    some = set(smallest([case.case_id for case in task.cases.readable], _ASKED_FOR_PRICE))
    shots = strategy in {Strategy.FEW_SHOT, Strategy.RETRIEVED_FEW_SHOT}
    bare = Strategy.ZERO_SHOT if shots else strategy
    messages = [
        prompts.messages(bare, scale, case.record, [], structured=general.structured)
        for case in task.cases.readable
        if isinstance(case, ReadCase) and case.case_id in some
    ]
    count = len(task.cases.readable)
    price = price_of(general.model, prompts, strategy, messages, prices, of=count)
    seconds = LIVE_SECONDS * count / general.max_connections
    how = price.how
    if shots:
        how += "; the examples come on top"
    return RowEstimate(task.spec.name, general.row, count, seconds, price.usd, how)
