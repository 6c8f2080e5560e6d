"""Work of a known size."""

import time
from collections.abc import Callable

import pytest


def busy(seconds: float) -> None:
    """Use so much processor time of this process, however long the clock takes."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        sum(range(1000))


@pytest.fixture
def work_for() -> Callable[[float], None]:
    return busy
