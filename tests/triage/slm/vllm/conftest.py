import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from faulty_server import IDENTITY, NAME, QUICK, FaultyServer, serving

from triage.slm.fetch import find_base_model
from triage.slm.vllm import ServedModel, Tokens, VllmEngine

Open = Callable[..., VllmEngine]


@pytest.fixture(scope="session")
def tokens() -> Tokens:
    return Tokens.of_gguf(find_base_model())


@pytest.fixture
def server(tokens: Tokens) -> Iterator[FaultyServer]:
    with serving(tokens) as running:
        yield running


@pytest.fixture
async def opened(tokens: Tokens) -> AsyncIterator[Open]:
    engines: list[VllmEngine] = []

    def open_engine(url: str, *, max_context: int | None = None, **changes: object) -> VllmEngine:
        config = replace(QUICK, url=url, **changes)
        engine = VllmEngine(ServedModel(NAME, IDENTITY), tokens, config, max_context=max_context)
        engines.append(engine)
        return engine

    yield open_engine
    for engine in engines:
        await engine.close()
