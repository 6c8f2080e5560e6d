"""Puts the ED visits of a FHIR server into the queue: all that are open, once, or as they arrive and change."""

import asyncio
from collections.abc import Callable, Collection

from integrations.assembly import open_client, reader_settings
from integrations.feed import Feed, HandOver
from integrations.fhir._json import resource_id
from integrations.fhir._visit import is_emergency
from integrations.fhir.identity import normal_base
from integrations.fhir.server_reader import OPEN_STATUSES
from integrations.queue import AssessmentQueue, Priority, QueueAwayError, QueueError, open_queue
from integrations.settings import Settings

_CHUNK = 500
_WORKERS_KNOWN_S = 5.0


async def enqueue(settings: Settings, encounters: Collection[str] | None = None) -> tuple[int, int, int]:
    """Queue these encounters, or every open ED visit: how many were new, how many waited already, and the workers.

    Raises:
        QueueError: no queue or no FHIR server is configured, or the queue is away.
        FhirError: the FHIR server cannot be searched.
        ValueError: one of ``encounters`` is not a FHIR id.
    """
    base = _base(settings)
    new = seen = 0
    async with open_queue(settings.queue) as queue:
        if encounters is None:
            encounters = await _open_visits(settings, base)
        listed = list(dict.fromkeys(encounters))
        for start in range(0, len(listed), _CHUNK):
            chunk = listed[start : start + _CHUNK]
            new += await queue.put(chunk, server=base)
            seen += len(chunk)
        state = await queue.state()
    return new, seen - new, state.workers


async def watch(settings: Settings, stop: asyncio.Event, on_problem: Callable[[str], None]) -> None:
    """Queue arrivals and changes until ``stop``; every open visit again now and then, for new observations.

    Raises:
        QueueError: no queue or no FHIR server is configured, or the queue is away at the start.
    """
    base = _base(settings)
    async with open_queue(settings.queue) as queue, open_client(settings, base) as client:
        feed = Feed(
            None,
            client,
            source=normal_base(base),
            settings=reader_settings(settings),
            poll_s=settings.fhir.poll_seconds,
            on_problem=on_problem,
            hand_over=hands_over(queue, base, on_problem),
        )
        running = asyncio.create_task(feed.run())
        await stop.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def hands_over(
    queue: AssessmentQueue, base: str, on_problem: Callable[[str], None], *, to_workers_only: bool = False
) -> HandOver:
    """What a ``Feed`` gives visits to. Not taken: the queue is away, or with ``to_workers_only`` nobody works."""
    checked = float("-inf")
    alive = False

    async def hand_over(encounter: str, fresh: bool) -> bool:
        nonlocal checked, alive
        try:
            now = asyncio.get_running_loop().time()
            if to_workers_only and now - checked > _WORKERS_KNOWN_S:
                alive, checked = (await queue.state()).workers > 0, now
                if not alive:
                    on_problem("no worker takes jobs: assessed here; start `triage worker`")
            if to_workers_only and not alive:
                return False
            priority = Priority.ARRIVAL if fresh else Priority.REREAD
            await queue.put([encounter], server=base, priority=priority)
        except QueueAwayError as error:
            on_problem(str(error))
            return False
        return True

    return hand_over


def _base(settings: Settings) -> str:
    if settings.fhir.base_url is None:
        raise QueueError("visits are read from the FHIR server: set TRIAGE_FHIR__BASE_URL")
    return settings.fhir.base_url


async def _open_visits(settings: Settings, base: str) -> list[str]:
    found: list[str] = []
    async with open_client(settings, base) as client:
        async for resource in client.search(
            "Encounter", {"class": "EMER", "status": ",".join(OPEN_STATUSES)}
        ):
            key = resource_id(resource)
            if key is not None and is_emergency(resource) and resource.get("status") in OPEN_STATUSES:
                found.append(key)
    return found
