"""An arrival that was entered on the form: filed where the site writes back, then assessed."""

from dataclasses import dataclass
from datetime import datetime

from agents import Case
from integrations.assembly import Agent
from integrations.intake import IntakeForm, NotFiledError, NotReadBackError, take_in
from ui.dashboard.services.problems import Problem


@dataclass(frozen=True, slots=True)
class Entered:
    """The case. ``filed``: it is in the hospital's record. ``differs``: what is otherwise there than it was entered."""

    case: Case
    filed: bool
    differs: tuple[str, ...] = ()


async def arrive(agent: Agent, form: IntakeForm, now: datetime, *, local_only: bool) -> Entered:
    """File and assess it.

    Raises:
        Problem: ``not-filed`` with the ``reason``: nothing is assessed; ``not-kept`` with the facts.
    """
    try:
        arrived = await take_in(agent.settings, form, now, local_only=local_only)
    except NotFiledError as error:
        raise Problem("not-filed", reason=error.reason.value) from None
    except NotReadBackError as error:
        raise Problem("not-kept", facts=", ".join(error.kinds)) from None
    case = await agent.service.assess(arrived.record)
    return Entered(case, arrived.filed, arrived.differs)
