"""The real agent with recorded answers of the model, for tests of the patient's page."""

from functools import partial

from data_schemas import Citation, DecisionPath, LevelProbabilities, ModelAnswer, ModelIdentity
from integrations.assembly import open_agent
from triage.slm.calibration import Calibration
from ui.dashboard.services import Dashboard

IDENTITY = ModelIdentity(engine="recorded", model="recorded", weights_sha256="0" * 64, prompt_version="1")
NORMAL = {
    "heart_rate": 80,
    "respiratory_rate": 14,
    "oxygen_saturation": 98,
    "temperature": 37,
    "systolic_bp": 120,
    "diastolic_bp": 80,
    "pain": 2,
    "avpu": "A",
}


def answer(level: int, *cited: str, danger: bool = False) -> ModelAnswer:
    """An answer of the model: this level, citing facts (``F4``) and statements (``esi.c.extremity``)."""
    p = tuple(0.8 if number == level else 0.05 for number in range(1, 6))
    return ModelAnswer(
        level=level,
        probabilities=LevelProbabilities(p=p),
        path=DecisionPath(
            life_saving=level == 1,
            high_risk=level == 2,
            resources=max(0, min(2, 5 - level)),
            danger_zone=danger,
        ),
        citations=tuple(
            Citation(fact_id=c) if c[0] == "F" and c[1:].isdigit() else Citation(statement_id=c)
            for c in cited
        ),
        identity=IDENTITY,
        prompt_tokens=300,
        answer_tokens=30,
        seconds=0.2,
    )


class Recorded:
    """Answers with what was put in last; an exception is raised instead."""

    def __init__(self) -> None:
        self.next: ModelAnswer | Exception = answer(4, "F3", "esi.c.extremity")

    async def ask(self, record, screening) -> ModelAnswer:
        if isinstance(self.next, Exception):
            raise self.next
        return self.next


def recorded_dashboard(settings, clock, model: Recorded) -> Dashboard:
    opens = partial(open_agent, settings, clock=clock, model=(model, Calibration.none()))
    return Dashboard(settings, opens=opens, clock=clock)
