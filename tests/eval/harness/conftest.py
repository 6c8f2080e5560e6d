"""Small labelled files of made-up patients."""

import gc
from collections.abc import Iterator

import pytest

from triage.training.corpus import ktas

COMPLAINTS = ("chest pain", "ankle sprain", "fever", "medication refill", "palpitation", "headache")
SECRETS = {"post_diagnosis": "Zebra syndrome", "post_disposition": "admitted-to-narnia"}


def visit(number: int) -> dict[str, str]:
    row = dict.fromkeys((*ktas.TRIAGE_COLUMNS, "site"), "")
    return row | {
        "case_id": f"k-{number}",
        "site": "north",
        "sex": ("female", "male")[number % 2],
        "age_years": str(20 + number % 60),
        "chief_complaint": COMPLAINTS[number % len(COMPLAINTS)],
        "avpu": "alert",
        "pulse": f"{70 + number % 60}.0",
        "sbp": "130.0",
        "dbp": "80.0",
        "resp_rate": "18.0",
        "temp_c": "36.8",
        "acuity": str(1 + number % 5),
        "nurse_acuity": str(1 + (number + number % 3 // 2) % 5),
        **SECRETS,
    }


@pytest.fixture
def ktas_file(write):
    def build(count=12, name="ktas.csv", **changes):
        return write([visit(number) | changes for number in range(count)], name)

    return build


@pytest.fixture(autouse=True, scope="module")
def _collected() -> Iterator[None]:
    """What Inspect leaves open is collected here, and is no warning in a later file's test."""
    yield
    gc.collect()
