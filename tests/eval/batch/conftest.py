import json
from collections.abc import Callable
from pathlib import Path

import pytest

from integrations.samples import samples
from integrations.settings import ModelSettings, Settings


def made(number: int) -> str:
    """A sample arrival under ids of its own, as one line."""
    sample = samples()[number % len(samples())]
    return json.dumps(sample.bundle()).replace(f"sample-{sample.id}-", f"made-{number}-")


@pytest.fixture
def ndjson(tmp_path) -> Callable[[int], Path]:
    def write(count: int) -> Path:
        path = tmp_path / "arrivals.ndjson"
        path.write_text("".join(made(number) + "\n" for number in range(count)))
        return path

    return write


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(data_dir=tmp_path / "data", model=ModelSettings(engine="none"))
