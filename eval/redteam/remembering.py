"""An engine that answers a question it was asked before without computing it again."""

from collections.abc import Sequence

from triage.slm import Engine, EngineAnswer, EngineIdentity, EngineRequest


class RememberingEngine:
    """Passes every new question on to ``engine``, which must give the same request the same answer.

    The embedded engine does, to the bit; a note whose attack is kept from the model asks what was asked before.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._answers: dict[EngineRequest, EngineAnswer] = {}
        self._levels: dict[EngineRequest, EngineAnswer] = {}

    @property
    def identity(self) -> EngineIdentity:
        """What answers."""
        return self._engine.identity

    async def answer(self, request: EngineRequest) -> EngineAnswer:
        """See ``Engine.answer``."""
        if request not in self._answers:
            self._answers[request] = await self._engine.answer(request)
        return self._answers[request]

    async def levels(self, requests: Sequence[EngineRequest]) -> list[EngineAnswer]:
        """See ``Engine.levels``."""
        new = [request for request in dict.fromkeys(requests) if request not in self._levels]
        if new:
            self._levels |= dict(zip(new, await self._engine.levels(new), strict=True))
        return [self._levels[request] for request in requests]

    async def close(self) -> None:
        """Release the model."""
        await self._engine.close()
