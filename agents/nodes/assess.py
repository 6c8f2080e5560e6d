"""Assess: ask the model. Where it does not answer, say so; never guess in its place."""

import asyncio
import logging
from time import perf_counter

from langgraph.runtime import Runtime

from agents.context import AgentContext
from agents.state import Asked, CaseState
from data_schemas import ModelAnswer
from triage.slm.errors import EngineError, EngineTimeoutError

logger = logging.getLogger(__name__)


async def assess(state: CaseState, runtime: Runtime[AgentContext]) -> CaseState:
    """The model's answer, or the class of the error that prevented it.

    Any failure leads to rules only: a patient must not go without a suggestion because a model is broken.
    """
    began = perf_counter()
    context = runtime.context
    answer: ModelAnswer | None = None
    failure: str | None = None
    try:
        async with asyncio.timeout(context.settings.assess_timeout):
            answer = await context.triager.ask(state["intake"], state["screened"].screening)
    except TimeoutError:
        failure = EngineTimeoutError.__name__
    except EngineError as error:
        failure = type(error).__name__
    except Exception as error:  # a defect of ours or of a library: the patient still needs a suggestion
        failure = type(error).__name__
        # Without the traceback or the message: either may quote the prompt.
        logger.error("case %s: the model failed unexpectedly: %s", state["run"].case_id, failure)
    if failure is not None:
        logger.warning("case %s: rules only (%s)", state["run"].case_id, failure)
    asked = Asked(answer=answer, failure=failure, seconds=perf_counter() - began)
    return {"asked": asked}  # type: ignore[typeddict-item]
