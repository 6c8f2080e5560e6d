"""Requests that arrive together are answered together: a model that decodes 64 levels at once is given 64."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from time import perf_counter

from eval.predictions import Prediction
from eval.predictors import Predictor, ReadCase

Answered = Callable[[Sequence[Prediction]], None]
"""Told of each batch, from the thread that answered it."""

_QUIET = 0.01  # seconds without another request after which no more are waited for


class MicroBatcher:
    """Asks ``predictor`` in batches of its own size, in one thread, while the event loop goes on.

    Args:
        predictor: the model; used only in ``thread``.
        thread: an executor with one worker.
        answered: told of each batch before those who asked are: what it writes is safe.

    ``seconds`` and ``count``: what the model took, and for how many cases.
    """

    def __init__(
        self, predictor: Predictor, thread: Executor, answered: Answered = lambda found: None
    ) -> None:
        self._predictor = predictor
        self._thread = thread
        self.answered = answered
        self._waiting: list[tuple[ReadCase, asyncio.Future[Prediction]]] = []
        self._worker: asyncio.Task[None] | None = None
        self.seconds = 0.0
        self.count = 0

    async def ask(self, case: ReadCase) -> Prediction:
        """The model's answer to one case; a failure is an answer without a level."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Prediction] = loop.create_future()
        self._waiting.append((case, future))
        if self._worker is None or self._worker.done():
            self._worker = loop.create_task(self._work())
        return await future

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            await self._gather()
            batch = self._waiting[: self._predictor.chunk]
            del self._waiting[: len(batch)]
            try:
                found = await loop.run_in_executor(self._thread, self._answer, [case for case, _ in batch])
            except BaseException as error:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                if not isinstance(error, Exception):
                    raise
                continue
            for (_, future), answer in zip(batch, found, strict=True):
                if not future.done():
                    future.set_result(answer)

    async def _gather(self) -> None:
        """Until a batch is full, or nobody came for a moment."""
        before = -1
        while before < len(self._waiting) < self._predictor.chunk:
            before = len(self._waiting)
            await asyncio.sleep(_QUIET)

    def _answer(self, cases: Sequence[ReadCase]) -> list[Prediction]:
        began = perf_counter()
        found = answer(self._predictor, cases)
        self.seconds += perf_counter() - began
        self.count += len(found)
        self.answered(found)
        return found


def answer(predictor: Predictor, cases: Sequence[ReadCase]) -> list[Prediction]:
    """One prediction a case, in order. Where a batch fails its cases are asked one by one, so that one takes no
    other with it; what fails then is an answer without a level that names the error's class."""
    try:
        found = predictor.predict(cases)
        if [item.case_id for item in found] != [case.case_id for case in cases]:
            raise ValueError("a model gave answers to other cases, or in another order")
        return found
    except Exception as error:  # any model's own defect: its words could quote a patient, its class does not
        if len(cases) == 1:
            return [
                Prediction(case_id=cases[0].case_id, predicted=None, error=f"failed: {type(error).__name__}")
            ]
    return [answer(predictor, [case])[0] for case in cases]
