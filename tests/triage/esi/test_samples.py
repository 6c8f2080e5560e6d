"""The rules alone on the sample arrivals: no level 1 or 2 is missed, and most levels are exact.

The samples were seen while the rules were written: this guards against regressions and measures nothing.
"""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml

import integrations.samples
from data_schemas import EsiVersion, IntakeRecord
from integrations.fhir.reader import read_path
from triage.esi import screen

ROOT = Path(integrations.samples.__file__).parent
MANIFEST = yaml.safe_load((ROOT / "samples.yaml").read_text("utf-8"))
AFTER_ARRIVAL = timedelta(minutes=6)


def levels(version: EsiVersion) -> list[tuple[str, int, int]]:
    """File, expected and screened level of every sample."""
    rows = []
    for sample in MANIFEST:
        now = datetime.fromisoformat(sample["arrived_at"]) + AFTER_ARRIVAL
        for record in read_path(ROOT / sample["file"], now=now):
            assert isinstance(record, IntakeRecord)
            rows.append((sample["file"], sample["levels"][version.value], screen(record, version).level))
    return rows


@pytest.mark.parametrize("version", list(EsiVersion))
def test_no_level_one_or_two_is_missed_and_most_are_exact(version: EsiVersion) -> None:
    rows = levels(version)
    assert len(rows) >= 28
    assert [row for row in rows if row[1] <= 2 and row[2] > row[1]] == []
    assert sum(expected == found for _, expected, found in rows) / len(rows) >= 0.85
