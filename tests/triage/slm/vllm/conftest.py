import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from faulty_server import KEY, NAME, SECRET, FaultyServer, serving

from triage.slm.engine import EngineIdentity, EngineRequest
from triage.slm.fetch import find_base_model
from triage.slm.vllm import ServedModel, ServerConfig, Tokens, VllmEngine

IDENTITY = EngineIdentity(engine="vllm", model="SmolLM2-135M-Instruct", weights_sha256="0" * 64)
REQUEST = EngineRequest(
    prefix="<|im_start|>user\nTriage\n",
    prompt=f'cc "{SECRET} fell"<|im_end|>\n<|im_start|>assistant\n',
    lead="Level: ",
    regex=r"Level: [1-5]\nA (yes|no) B (yes|no) C [0-2] D (yes|no)\nFacts:( (cc)){1,4}",
)
QUICK = ServerConfig(
    api_key=KEY,
    connect_seconds=1.0,
    request_seconds=0.5,
    total_seconds=5.0,
    queue_seconds=0.3,
    queue_size=16,
    concurrency=4,
    failures=100,
)

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
