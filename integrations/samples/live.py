"""Sample patients who come to a FHIR server one after the other, for the demonstration."""

import asyncio
import logging
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from agents import Clock, utc_now
from data_schemas import EsiVersion
from integrations.fhir.errors import FhirError
from integrations.samples import Sample
from integrations.samples.arriving import arriving, at_the_desk, worse
from integrations.sandbox import SandboxError, load_bundle

logger = logging.getLogger(__name__)

_APART = timedelta(minutes=4)
_UNTIL_WORSE = timedelta(minutes=1)
_WORSE = "47"
"""Cough and fever, level 4 or 5 when he comes: he gets worse while he waits."""
_STOP_S = 10.0


class LiveArrivals:
    """Sends them from a thread of its own, until all are there or it is stopped. Use as a context manager.

    Args:
        base_url: the server.
        patients: who comes; see ``mixed`` for an order.
        waiting: how many have been there for some minutes when it starts.
        every_s: seconds from one arrival to the next.
        clock: the time now.
    """

    def __init__(
        self,
        base_url: str,
        patients: Sequence[Sample],
        *,
        waiting: int = 6,
        every_s: float = 8.0,
        clock: Clock = utc_now,
    ) -> None:
        self._base_url, self._patients = base_url, tuple(patients)
        self._waiting, self._every_s, self._clock = waiting, every_s, clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="live-arrivals", daemon=True)
        self.sent = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(_STOP_S)

    def _serve(self) -> None:
        began, worsened = self._clock(), False
        for place, sample in enumerate(self._patients[: self._waiting]):
            if self._stopping.is_set():
                return
            self._come(sample, began - (self._waiting - place) * _APART)
        for sample in self._patients[self._waiting :]:
            if self._stopping.wait(self._every_s):
                return
            self._come(sample, self._clock())
            if not worsened and self._clock() - began >= _UNTIL_WORSE:
                worsened = True
                self._worsen()
        if not worsened and not self._stopping.wait((began + _UNTIL_WORSE - self._clock()).total_seconds()):
            self._worsen()

    def _come(self, sample: Sample, at: datetime) -> None:
        """``at`` is when the record is whole: the vital signs were taken by then."""
        if self._load(arriving(sample, at - at_the_desk(sample))):
            self.sent += 1

    def _worsen(self) -> None:
        there = self._patients[: self._waiting]
        sample = next((sample for sample in there if sample.id == _WORSE), None)
        if sample is not None:
            self._load(worse(sample, self._clock()))

    def _load(self, bundle: dict[str, Any]) -> bool:
        try:
            asyncio.run(load_bundle(self._base_url, bundle))
        except (SandboxError, FhirError) as error:
            logger.warning("a sample patient did not arrive: %s", type(error).__name__)
            return False
        return True


def mixed(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """All levels early on, and among the first the one who gets worse."""
    by_level: dict[int, list[Sample]] = {}
    for sample in samples:
        by_level.setdefault(sample.expected_level(EsiVersion.V5), []).append(sample)
    for rows in by_level.values():
        rows.sort(key=lambda sample: (sample.id != _WORSE, int(sample.id) * 17 % 53))
    turns = max(map(len, by_level.values()), default=0)
    levels = (3, 4, 5, 2, 1)
    return tuple(
        by_level[level][turn]
        for turn in range(turns)
        for level in levels
        if turn < len(by_level.get(level, ()))
    )
