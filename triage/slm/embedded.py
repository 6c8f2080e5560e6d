"""The engine inside the process: OpenVINO on the CPU, one worker thread, a bounded queue."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from triage.slm.build import BuiltModel, ensure_built
from triage.slm.decoding import AnswerDecoder, Decoded
from triage.slm.engine import EngineAnswer, EngineIdentity, EngineRequest
from triage.slm.errors import EngineBusyError, EngineError
from triage.slm.fetch import MODEL_NAME, find_base_model
from triage.slm.graph import Precision

T = TypeVar("T")

_BATCH = 8  # rows of one levels() pass; more is not faster on a few cores and makes an urgent answer wait


class EmbeddedEngine:
    """A small language model in this process. Safe to call from several tasks and threads at once.

    The same request gives the same bits: in every call, whatever is asked beside it, and in every process
    on the same kind of processor.

    Args:
        model: a built model, from ``ensure_built``.
        threads: cores for one forward pass.
        max_waiting: questions accepted at once, the one being answered included; one ``levels`` call counts
            as one.
        max_answer_tokens: a longer answer is an error.
    """

    def __init__(
        self, model: BuiltModel, *, threads: int = 2, max_waiting: int = 32, max_answer_tokens: int = 256
    ) -> None:
        self._identity = EngineIdentity(
            engine="embedded",
            model=MODEL_NAME,
            weights_sha256=model.source.gguf_sha256,
            adapter=model.source.adapter,
            adapter_sha256=model.source.adapter_sha256,
        )
        self._decoder = AnswerDecoder(model.folder, threads=threads, max_answer_tokens=max_answer_tokens)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedded-slm")
        self._max_waiting = max_waiting
        self._waiting = 0
        self._lock = threading.Lock()
        self._closed = False

    @classmethod
    def open(
        cls,
        adapter: Path | None = None,
        *,
        precision: Precision = "int8",
        cache: Path | None = None,
        threads: int = 2,
        max_waiting: int = 32,
    ) -> "EmbeddedEngine":
        """Find the base model, build it with the adapter where that was not done yet, and load it.

        Raises:
            ModelMissingError: the base model or the adapter is not on this machine.
            ModelIntegrityError: a file is not what its hash says.
        """
        built = ensure_built(find_base_model(cache), adapter, precision=precision, cache=cache)
        return cls(built, threads=threads, max_waiting=max_waiting)

    @property
    def identity(self) -> EngineIdentity:
        """What answers."""
        return self._identity

    async def answer(self, request: EngineRequest) -> EngineAnswer:
        """The whole answer.

        Raises:
            EngineBusyError: too many questions wait.
            AnswerError: the grammar cannot be followed.
            EngineError: the text is too long, or the engine is closed.
        """
        with self._place():
            return (await self._run(partial(_answered, self._decoder, request)))[0]

    async def levels(self, requests: Sequence[EngineRequest]) -> list[EngineAnswer]:
        """Only the levels, in the order given. Rows of like length share a pass, and other callers get
        their turn between two passes. ``seconds`` is each row's share of its pass.

        Raises:
            EngineBusyError: too many questions wait.
            EngineError: a text is too long, or the engine is closed.
        """
        answers: dict[int, EngineAnswer] = {}
        with self._place():
            for batch in _batches(requests):
                rows = [requests[index] for index in batch]
                done = await self._run(partial(_levelled, self._decoder, rows))
                answers.update(zip(batch, done, strict=True))
        return [answers[index] for index in range(len(requests))]

    async def close(self) -> None:
        """Finish the question being answered, refuse the others, release the worker."""
        with self._lock:
            self._closed = True
        await asyncio.to_thread(self._worker.shutdown, cancel_futures=True)

    @contextmanager
    def _place(self) -> Iterator[None]:
        """One place in the bounded queue."""
        with self._lock:
            if self._waiting >= self._max_waiting:
                raise EngineBusyError(f"{self._waiting} questions wait already: try again later")
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1

    async def _run(self, work: Callable[[], T]) -> T:
        with self._lock:
            if self._closed:
                raise EngineError("the engine is closed")
            future: Future[T] = self._worker.submit(work)
        return await asyncio.wrap_future(future)


def _answered(decoder: AnswerDecoder, request: EngineRequest) -> list[EngineAnswer]:
    started = time.perf_counter()
    return _as_answers([decoder.answer(request)], started)


def _levelled(decoder: AnswerDecoder, requests: Sequence[EngineRequest]) -> list[EngineAnswer]:
    started = time.perf_counter()
    return _as_answers(decoder.levels(requests), started)


def _as_answers(decoded: Sequence[Decoded], started: float) -> list[EngineAnswer]:
    seconds = (time.perf_counter() - started) / len(decoded)
    return [
        EngineAnswer(
            text=one.text,
            level_logprobs=one.level_logprobs,
            prompt_tokens=one.prompt_tokens,
            answer_tokens=one.answer_tokens,
            seconds=seconds,
        )
        for one in decoded
    ]


def _batches(requests: Sequence[EngineRequest]) -> Iterator[list[int]]:
    """Positions of requests that share a prefix, shortest first, so that little padding is computed."""
    order = sorted(range(len(requests)), key=lambda i: (requests[i].prefix, len(requests[i].prompt), i))
    batch: list[int] = []
    for index in order:
        if batch and (len(batch) == _BATCH or requests[batch[0]].prefix != requests[index].prefix):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
