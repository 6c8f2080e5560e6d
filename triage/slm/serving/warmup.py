"""The first questions, asked before the server is called ready: they take half a minute while kernels and grammars are
made, and they show that the client gets what it needs.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from triage.slm.engine import EngineAnswer, EngineIdentity, EngineRequest
from triage.slm.errors import EngineError
from triage.slm.prompt import PREFIX, SUFFIX
from triage.slm.serving.errors import ServeError
from triage.slm.serving.manifest import ServedFolder
from triage.slm.vllm import ServedModel, ServerConfig, Tokens, VllmEngine

_CASE = 'ESI\n45 years female\ncc "sprained ankle"\nHR80\nRR16\nrules5'
WARM_UP = EngineRequest(
    prefix=PREFIX,
    prompt=_CASE + SUFFIX,
    lead="Level: ",
    regex=r"Level: [1-5]\nA (yes|no) B (yes|no) C [0-2] D (yes|no)\nFacts:( (age|sex|cc|HR|RR)){1,4}",
)
"""An invented patient."""


def warm_up(served: ServedFolder, url: str, api_key: str | None, *, seconds: float) -> EngineAnswer:
    """Ask for a level and for a whole answer, through the very client that triage uses.

    Raises:
        ServeError: the server does not answer as triage needs it.
    """
    # A thread of its own: the caller may be inside an event loop.
    with ThreadPoolExecutor(max_workers=1) as worker:
        return worker.submit(asyncio.run, _ask(served, url, api_key, seconds)).result()


async def _ask(served: ServedFolder, url: str, api_key: str | None, seconds: float) -> EngineAnswer:
    identity = EngineIdentity(engine="vllm", model=served.source.base, weights_sha256=served.digest)
    config = ServerConfig(
        url=url,
        api_key=api_key,
        request_seconds=seconds,
        total_seconds=seconds,
        queue_seconds=seconds,
        attempts=1,
    )
    engine = VllmEngine(ServedModel(str(served.name), identity), Tokens.of_file(served.folder), config)
    try:
        (level,) = await engine.levels([WARM_UP])
        await engine.answer(WARM_UP)
    except EngineError as error:
        raise ServeError(f"the model server runs but does not answer as triage needs it: {error}") from error
    finally:
        await engine.close()
    return level
