"""Draws the README's picture: one sample patient through the deployed agent, as the demo shows it.

.venv/bin/python scripts/case_picture.py [--sample 28] [--out docs/images/case.svg]
"""

import argparse
import asyncio
import io
import tempfile
from pathlib import Path

from rich.console import Console

from agents import Case, utc_now
from data_schemas import IntakeRecord, OverrideReason, ReviewDecision, ReviewerRole
from integrations.assembly import open_agent
from integrations.fhir import read_bundle
from integrations.samples import Sample, samples
from integrations.settings import Settings
from ui.cli.render import case_panel


async def decided(sample: Sample) -> Case:
    """The sample's case after a scripted clinician decided it; records in a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        async with open_agent(settings) as agent:
            record = read_bundle(sample.bundle(), source="picture", now=utc_now())[0]
            if not isinstance(record, IntakeRecord):
                raise record
            case = await agent.service.assess(record)
            expected = sample.expected_level(settings.esi_version)
            same = case.assessment is not None and case.assessment.level == expected
            await agent.service.review(
                case.id,
                ReviewDecision.ACCEPT if same else ReviewDecision.OVERRIDE,
                level=expected,
                reason=None if same else OverrideReason.CLINICAL_JUDGEMENT,
                reviewer="scripted demo clinician",
                role=ReviewerRole.DEMO,
                confirmed=True,
            )
            return await agent.service.get(case.id)


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", default="28")
    parser.add_argument("--out", type=Path, default=Path("docs/images/case.svg"))
    given = parser.parse_args()
    sample = next(sample for sample in samples() if sample.id == given.sample)
    console = Console(record=True, width=130, file=io.StringIO())
    console.print(case_panel(asyncio.run(decided(sample)), f"{sample.id} {sample.title}"))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    console.save_svg(str(given.out), title="triage")


if __name__ == "__main__":
    main()
