"""Asks any model for a level: an own one with the intake record, a general one with a prompt."""

from collections.abc import Iterable

from inspect_ai.model import ChatMessageUser, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver

from eval.harness.answers import as_output
from eval.harness.dataset import ERROR, RECORD, SCALE, TASK
from eval.harness.provider import CASE_ID, Asks, TriageAPI
from eval.predictors import ReadCase
from eval.prompting import solver as prompted


@solver(name="triage_ask")
def ask(
    scale: str,
    strategy: str = "zero-shot",
    train: str | None = None,
    k: int | None = None,
    seed: int = 0,
    structured: bool = True,
) -> Solver:
    """Ask for the level.

    Args:
        scale: for a general model: ``ESI``, ``KTAS``, ``NHAMCS`` or ``SEMIGRAN``.
        strategy: how a general model is asked (``eval.prompting``), and the rest of its options. The rows of
            ``triage/`` are shown the record, and need none.
        train: examples for few-shot strategies.
        k: how many.
        seed: which.
        structured: whether a general model's answer is bound to a schema.

    Raises:
        PromptError: the options do not go together.
    """
    general = prompted(strategy, scale, train, k, seed, structured)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if ERROR in state.metadata:
            state.completed = True
            return state
        if not isinstance(get_model().api, TriageAPI):
            return await general(state, generate)
        shown = {name: state.metadata[name] for name in (RECORD, SCALE, TASK)}
        shown[CASE_ID] = str(state.sample_id)
        state.messages = [ChatMessageUser(content=state.input_text, metadata=shown)]
        return await generate(state)

    return solve


class Known:
    """The cases of a run by id, in a form that Inspect cannot write out.

    What a solver is given goes into the log's head: of a mapping every record, of this the class's name.
    """

    def __init__(self, cases: Iterable[ReadCase]) -> None:
        self._cases = {case.case_id: case for case in cases}

    def get(self, case_id: str) -> ReadCase | None:
        """The case; None where it is unreadable."""
        return self._cases.get(case_id)


@solver(name="triage_answer")
def answered_by(row: str, model: Asks, cases: Known) -> Solver:
    """An own model's answer without the way through Inspect's model call: nothing is prompted, retried or cached.

    Args:
        row: the row's name.
        model: answers one case, in batches behind the scenes.
        cases: those that can be read.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        case = cases.get(str(state.sample_id))
        if case is not None:
            state.output = as_output(row, await model.ask(case))
        state.completed = True
        return state

    return solve
