"""Forms as they are entered, for the tests of what becomes of them."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from data_schemas import FactKind
from integrations.intake import UNITS, IntakeForm, Measured

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def form() -> Callable[..., IntakeForm]:
    """A form; keywords are its fields, or vital signs by the name of their kind, in the usual unit."""

    def make(**fields: Any) -> IntakeForm:
        measured = {
            FactKind(name): Measured(value=Decimal(str(fields.pop(name))), unit=UNITS[FactKind(name)][0])
            for name in list(fields)
            if name in {kind.value for kind in UNITS}
        }
        given = {
            "token": str(uuid.uuid4()),
            "arrived_at": NOON - timedelta(minutes=3),
            "measured_at": NOON,
            "complaint": "chest pain",
            "measured": measured,
        }
        return IntakeForm(**(given | fields))

    return make
