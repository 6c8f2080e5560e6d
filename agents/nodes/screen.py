"""Screen: the rules on the facts, before any model is asked."""

from time import perf_counter

from langgraph.runtime import Runtime

from agents.context import AgentContext
from agents.state import CaseState, Screened


async def screen(state: CaseState, runtime: Runtime[AgentContext]) -> CaseState:
    """Run the rules. Pure, so a resumed run finds the same."""
    began = perf_counter()
    context = runtime.context
    screening = context.screen(state["intake"], context.settings.esi_version)
    return {"screened": Screened(screening=screening, seconds=perf_counter() - began)}  # type: ignore[typeddict-item]
