import gc
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chat_server import KEY, ChatServer, serving

from data_schemas import IntakeRecord
from triage.training.corpus.ktas import to_record

ROW = {
    "case_id": "k-1",
    "sex": "female",
    "age_years": "71",
    "arrival_mode": "public ambulance",
    "injury": "no",
    "chief_complaint": "chest pain, cold sweat",
    "avpu": "alert",
    "pain_present": "yes",
    "pain_0_10": "6",
    "sbp": "98",
    "dbp": "60",
    "pulse": "118",
    "resp_rate": "24",
    "temp_c": "36.6",
    "spo2": "",
}


@pytest.fixture
def row() -> Callable[..., dict[str, Any]]:
    """A row of the KTAS layout, with some cells changed."""
    return lambda **cells: {**ROW, **cells}


@pytest.fixture
def record() -> Callable[..., IntakeRecord]:
    """The record of such a row."""
    return lambda **cells: to_record({**ROW, **cells})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    """A misbehaving server, and the settings that lead to it."""
    with serving() as running:
        monkeypatch.setenv("LOCAL_BASE_URL", running.url)
        monkeypatch.setenv("LOCAL_API_KEY", KEY)
        yield running


@pytest.fixture
def collected() -> Iterator[None]:
    """What a run of Inspect leaves behind is collected here, and not in another test."""
    yield
    gc.collect()
