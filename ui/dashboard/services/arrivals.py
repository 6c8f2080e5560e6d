"""The sample patients, arriving live, for the demonstration: nothing is made up about them but the hour."""

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from agents import AgentError, utc_now
from data_schemas import FactKind, IntakeRecord
from integrations.assembly import Agent, reader_settings
from integrations.fhir import read_bundle
from integrations.samples import Sample, samples
from ui.dashboard.services.measurements import with_measurements

SOURCE = "demo"
_THERE, _APART, _EVERY = 9, timedelta(minutes=7), 25.0
_NOT_URGENT, _GROWN_UP = 4, 16
_INSTANT = re.compile(r'"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2}))"')
_WORSE: Mapping[FactKind, Decimal | int | str] = {
    FactKind.HEART_RATE: 132,
    FactKind.RESPIRATORY_RATE: 26,
    FactKind.OXYGEN_SATURATION: 93,
}


async def arrive(agent: Agent) -> None:
    """Nine wait already, one of them gets worse, and then one more comes every half minute until all are here."""
    now = utc_now()
    order = sorted(samples(), key=lambda sample: int(sample.id) * 17 % 53)
    for place, sample in enumerate(order[:_THERE]):
        await _come(agent, sample, now - (_THERE - place) * _APART)
    await asyncio.sleep(_EVERY)
    for sample in order[:_THERE]:
        if await _get_worse(agent, sample):
            break
    for sample in order[_THERE:]:
        await _come(agent, sample, utc_now())
        await asyncio.sleep(_EVERY)


def arriving(sample: Sample, at: datetime) -> dict[str, Any]:
    """The sample's Bundle with every instant moved, so that the arrival is at ``at``; dates of birth stay."""
    shift = at - sample.arrived_at

    def moved(found: re.Match[str]) -> str:
        return f'"{(datetime.fromisoformat(found[1]) + shift).isoformat(timespec="seconds")}"'

    bundle: dict[str, Any] = json.loads(_INSTANT.sub(moved, sample.raw()))
    return bundle


async def _come(agent: Agent, sample: Sample, at: datetime) -> None:
    for record in _records(agent, sample, at):
        try:
            await agent.service.assess(record)
        except AgentError:
            continue  # one sample fewer on a demonstration's board


async def _get_worse(agent: Agent, sample: Sample) -> bool:
    """New vital signs for somebody grown up who was not urgent; whether it was one."""
    now = utc_now()
    for record in _records(agent, sample, now):
        case = await agent.service.find(record.encounter_key)
        if case is None or case.assessment is None or case.assessment.level < _NOT_URGENT:
            continue
        if (case.intake.age_years or 0) >= _GROWN_UP:
            await agent.service.assess(with_measurements(case.intake, _WORSE, now))
            return True
    return False


def _records(agent: Agent, sample: Sample, at: datetime) -> list[IntakeRecord]:
    now = utc_now()
    read = read_bundle(arriving(sample, at), source=SOURCE, now=now, settings=reader_settings(agent.settings))
    return [record for record in read if isinstance(record, IntakeRecord)]
