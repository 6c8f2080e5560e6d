"""The engine behind an OpenAI-compatible server: vLLM, on this machine or another."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from triage.slm.engine import EngineAnswer, EngineIdentity, EngineRequest
from triage.slm.errors import EngineError
from triage.slm.vllm.breaker import CircuitBreaker
from triage.slm.vllm.config import ServerConfig
from triage.slm.vllm.errors import ContextTooLongError
from triage.slm.vllm.places import Queue, Slots
from triage.slm.vllm.tokens import Tokens, after_lead
from triage.slm.vllm.transport import Transport
from triage.slm.vllm.wire import completion_body, read_completion


@dataclass(frozen=True, slots=True)
class ServedModel:
    """``name`` is what is asked for and must answer; ``identity`` is what is recorded with every assessment."""

    name: str
    identity: EngineIdentity


@dataclass(frozen=True, slots=True)
class _Lane:
    """What belongs to one event loop."""

    transport: Transport
    slots: Slots


class Pool:
    """The way to one server: its queue, its breaker and its connections. Engines of several adapters share one, so
    that together they ask no more at once than one alone.
    """

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self.queue = Queue(config.queue_size)
        self._breaker = CircuitBreaker(failures=config.failures, rest_seconds=config.rest_seconds)
        self._lanes: WeakKeyDictionary[asyncio.AbstractEventLoop, _Lane] = WeakKeyDictionary()
        self._closed = False

    def lane(self) -> _Lane:
        """Connections belong to the event loop they were made in; evaluation and tests use several.

        Raises:
            EngineError: closed.
        """
        if self._closed:
            raise EngineError("the engine is closed")
        loop = asyncio.get_running_loop()
        lane = self._lanes.get(loop)
        if lane is None:
            lane = self._lanes[loop] = _Lane(
                Transport(self.config, self._breaker),
                Slots(self.config.concurrency, self.config.queue_seconds),
            )
        return lane

    async def close(self) -> None:
        """Close the connections; questions from now on are refused."""
        self._closed = True
        lane = self._lanes.pop(asyncio.get_running_loop(), None)
        if lane is not None:
            await lane.transport.aclose()


class VllmEngine:
    """A model on a vLLM server. Safe to call from several tasks, and from several event loops.

    Level and evidence come in one request. The same tokens and the same grammar go in as in ``EmbeddedEngine``.

    Args:
        model: the model expected there.
        tokens: its tokenizer.
        config: where and how the server is asked.
        max_context: how many tokens the server reads, prompt and answer together; None leaves it to the server.
        pool: the way to the server, where other engines take it too; it is closed with any of them.
    """

    def __init__(
        self,
        model: ServedModel,
        tokens: Tokens,
        config: ServerConfig,
        *,
        max_context: int | None = None,
        pool: Pool | None = None,
    ) -> None:
        self._model = model
        self._tokens = tokens
        self._config = config
        self._max_context = max_context
        self._pool = pool or Pool(config)

    @property
    def identity(self) -> EngineIdentity:
        """What answers."""
        return self._model.identity

    async def answer(self, request: EngineRequest) -> EngineAnswer:
        """The whole answer.

        Raises:
            EngineBusyError: too many questions wait, or this one waited too long.
            AnswerError: the answer is not in the grammar or not complete.
            EngineError: see the tree in ``triage.slm.vllm.errors``.
        """
        with self._pool.queue.place():
            return await self._ask(request, whole=True)

    async def levels(self, requests: Sequence[EngineRequest]) -> list[EngineAnswer]:
        """Only the levels, in the order given: a request each, so that the server batches them as it can. They take at
        most half of the slots, for an answer that somebody waits for must not stand behind them.

        Raises:
            EngineError: as ``answer``; the first one ends the others.
        """
        answers: dict[int, EngineAnswer] = {}
        left = iter(enumerate(requests))

        async def work() -> None:
            for index, request in left:
                answers[index] = await self._ask(request, whole=False)

        with self._pool.queue.place():
            workers = min(max(1, self._config.concurrency // 2), len(requests))
            tasks = [asyncio.create_task(work()) for _ in range(workers)]
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        return [answers[index] for index in range(len(requests))]

    async def close(self) -> None:
        """Close the connections; questions from now on are refused."""
        await self._pool.close()

    async def _ask(self, request: EngineRequest, *, whole: bool) -> EngineAnswer:
        started = time.perf_counter()
        prompt = self._tokens.encode(request)
        most = self._config.max_answer_tokens if whole else 1
        if self._max_context is not None and len(prompt) + most > self._max_context:
            raise ContextTooLongError(
                f"{len(prompt)} tokens and an answer are more than the {self._max_context} the server reads: "
                "shorten the text"
            )
        body = completion_body(
            self._model.name, prompt, self._tokens, after_lead(request) if whole else None, most
        )
        lane = self._pool.lane()
        async with lane.slots.slot():
            payload = await lane.transport.complete(body, self._model.name)
        done = read_completion(payload, self._model.name, len(prompt), self._tokens, whole=whole)
        return EngineAnswer(
            text=request.lead + self._tokens.decode(done.written) if whole else "",
            level_logprobs=done.level_logprobs,
            prompt_tokens=len(prompt),
            answer_tokens=len(done.written) if whole else 0,
            seconds=time.perf_counter() - started,
        )
