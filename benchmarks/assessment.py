"""What one assessment costs: the model, and everything that is neither the model nor HTTP.

    .venv/bin/python benchmarks/assessment.py [--adapter default|none|NAME] [--repeat 3]

Every sample patient goes through the deployed agent (read, screen, assess, verify, reconcile, propose, the
clinician's decision, write-back bookkeeping, audit) with records on disk and no FHIR server. Prints medians and
95th percentiles over the samples, each the best of `--repeat` runs, because other work only adds time.
"""

import argparse
import asyncio
import os
import platform
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from agents import utc_now
from data_schemas import IntakeRecord, OverrideReason, ReviewDecision, ReviewerRole
from integrations.assembly import Agent, open_agent
from integrations.fhir import read_bundle
from integrations.samples import samples
from integrations.settings import ModelSettings, Settings


async def run(adapter: str, repeat: int) -> None:
    seconds: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(repeat):
        with tempfile.TemporaryDirectory() as folder:
            settings = Settings(data_dir=Path(folder), model=ModelSettings(adapter=adapter))
            async with open_agent(settings) as agent:
                started = time.perf_counter()
                await agent.engine.ready()
                load = time.perf_counter() - started
                for sample in samples():
                    await one(agent, sample.id, sample.bundle(), seconds)
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    print(
        f"adapter {adapter}; {len(seconds['model'])} samples, best of {repeat}; model loaded in {load:.1f} s"
    )
    for name in ("read", "model", "assess without the model", "decide and close", "not model, not HTTP"):
        best = sorted(min(values) for values in seconds[name].values())
        p95 = best[int(0.95 * (len(best) - 1))]
        print(f"{name:<26} median {statistics.median(best) * 1000:7.1f} ms   p95 {p95 * 1000:7.1f} ms")


async def one(
    agent: Agent, name: str, bundle: dict[str, object], seconds: dict[str, dict[str, list[float]]]
) -> None:
    t0 = time.perf_counter()
    record = read_bundle(bundle, source="benchmark", now=utc_now())[0]
    t1 = time.perf_counter()
    if not isinstance(record, IntakeRecord):
        raise SystemExit(f"sample {name} could not be read: {record}")
    case = await agent.service.assess(record)
    t2 = time.perf_counter()
    assessment = case.assessment
    if assessment is None or assessment.identity is None:
        raise SystemExit(
            f"sample {name} was assessed without the model: {assessment and assessment.mode_reason}"
        )
    level = 1 if assessment.level > 1 else 2
    floor = assessment.floor
    same = floor is not None and level > floor
    await agent.service.review(
        case.id,
        ReviewDecision.ACCEPT if same else ReviewDecision.OVERRIDE,
        level=None if same else level,
        reason=None if same else OverrideReason.OTHER,
        reviewer="benchmark",
        role=ReviewerRole.DEMO,
        confirmed=True,
    )
    t3 = time.perf_counter()
    model = assessment.seconds["assess"]
    seconds["read"][name].append(t1 - t0)
    seconds["model"][name].append(model)
    seconds["assess without the model"][name].append(t2 - t1 - model)
    seconds["decide and close"][name].append(t3 - t2)
    seconds["not model, not HTTP"][name].append(t3 - t0 - model)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--adapter", default="default")
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    asyncio.run(run(given.adapter, given.repeat))
