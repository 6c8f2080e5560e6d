"""Second look: where there is doubt, ask again in other ways. Bounded in time; it blocks nobody and calms nobody."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from time import perf_counter

from langgraph.runtime import Runtime

from agents.context import AgentContext
from agents.nodes.looking import doubts, high, judged
from agents.nodes.reconcile import applicable, suggest
from agents.ports import AsksSeveral, Calibrates
from agents.state import CaseState, Looked
from data_schemas import IntakeRecord, Look, ModelAnswer, Screening, SecondLook, Way

logger = logging.getLogger(__name__)

_Answers = Sequence[Look]


async def second_look(state: CaseState, runtime: Runtime[AgentContext]) -> CaseState:
    """Ask again where there is doubt; what cannot be asked in time is noted and left."""
    began = perf_counter()
    look = await _look(state, runtime.context)
    return {"looked": Looked(look=look, seconds=perf_counter() - began)}  # type: ignore[typeddict-item]


async def _look(state: CaseState, context: AgentContext) -> SecondLook | None:
    record, screening, asked = state["intake"], state["screened"].screening, state["asked"]
    limit = context.settings.second_look_timeout
    if asked.answer is None or limit == 0 or (context.again is None and context.second is None):
        return None
    calibration, _ = applicable(context.calibration, asked.answer)
    first = suggest(record, screening, asked, calibration)
    if first.model_level is None or first.probabilities is None:
        return None
    calibration = calibration.for_arrival(record, screening.level)
    model_set = calibration.prediction_set(first.probabilities)
    why = doubts(record, screening, first.model_level, first.probabilities, model_set)
    if not why:
        return None
    found = await asyncio.gather(
        _within(limit, _in_other_ways(context, record, screening, calibration, asked.answer)),
        _within(limit, _of_another(context, record, screening)),
    )
    looks = [look for answers in found if not isinstance(answers, str) for look in answers]
    failed = [answers for answers in found if isinstance(answers, str)]
    if failed:
        logger.warning("case %s: second look: %s", state["run"].case_id, ", ".join(failed))
    not_done = ", ".join(dict.fromkeys(failed)) or (None if looks else "no other way to ask")
    return judged(why, first.model_level, first.level, first.probabilities, looks, not_done)


async def _in_other_ways(
    context: AgentContext,
    record: IntakeRecord,
    screening: Screening,
    calibration: Calibrates,
    answer: ModelAnswer,
) -> _Answers:
    again = context.again
    if again is None:
        return ()
    if isinstance(again, AsksSeveral):  # the same one, whatever was switched since
        again = again.that_answered(answer.identity)
    looks = []
    for way, raw in await again.variants(record, screening):
        calibrated = calibration.apply(raw)
        looks.append(Look(way=way, level=calibration.decide(calibrated), high=high(calibrated)))
    return looks


async def _of_another(context: AgentContext, record: IntakeRecord, screening: Screening) -> _Answers:
    if context.second is None:
        return ()
    answer = await context.second.ask(record, screening)
    calibration, _ = applicable(context.calibration, answer)
    calibration = calibration.for_arrival(record, screening.level)
    calibrated = calibration.apply(answer.probabilities)
    return (
        Look(
            way=Way.ANOTHER_MODEL,
            level=calibration.decide(calibrated),
            high=high(calibrated),
            model=answer.identity.model,
        ),
    )


async def _within(limit: float, work: Coroutine[None, None, _Answers]) -> _Answers | str:
    """The answers, or the class of what prevented them; its message could quote the prompt."""
    try:
        async with asyncio.timeout(limit):
            return await work
    except TimeoutError:
        return f"no answer within {limit:g} s"
    except Exception as error:
        return type(error).__name__
