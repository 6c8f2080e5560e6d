"""Watches a FHIR server for ED visits: each is assessed when it comes, and again when its record changes.

For servers without subscriptions, and beside them: polling finds what an event that was lost would have said.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agents import AgentError, Case, CaseService, Clock, NotReadyError, StoreError, utc_now
from data_schemas import IntakeRecord
from integrations.assembly import Agent, open_agent, open_client, reader_settings
from integrations.fhir._json import Json, obj, resource_id
from integrations.fhir._visit import is_emergency
from integrations.fhir.errors import FhirError, IntakeError
from integrations.fhir.identity import normal_base
from integrations.fhir.reader_settings import ReaderSettings
from integrations.fhir.server_reader import OPEN_STATUSES, FhirReads, read_server_encounter
from integrations.settings import Settings
from triage.facts import missing_kinds, number_facts

logger = logging.getLogger(__name__)

BEDSIDE = "dashboard."
"""Begins the source path of facts that were measured and entered here, and that the server does not hold."""

HandOver = Callable[[str, bool], Awaitable[bool]]
"""Given an open visit's encounter id, and whether it is new or changed, takes it to be assessed elsewhere; False: not
taken."""

_LONGEST_PAUSE_S = 60.0


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """How the feed stands. Holds no patient data.

    ``good_at``: when the server was last read; ``failing_since`` and ``error`` (a class) where it is not now.
    ``unread``: open visits that could not be read or assessed at the last look: they are on no board.
    """

    good_at: datetime | None = None
    failing_since: datetime | None = None
    error: str | None = None
    open_visits: int = 0
    unread: int = 0


@dataclass(frozen=True, slots=True)
class _Seen:
    version: str | None
    read_at: datetime
    ok: bool


class Feed:
    """Looks at one server again and again.

    A new or changed Encounter is read at once. New Observations do not change an Encounter, so every open visit is
    read again when ``reread_s`` seconds have passed, at most ``rereads`` of them at a look.

    Args:
        service: what assesses; the same facts give the same case, so two feeds do no harm. None: ``hand_over`` has
            all visits assessed.
        client: the server.
        source: its base URL, which begins the encounter keys.
        settings: how encounters are read.
        clock: the time now.
        poll_s: seconds from one look to the next; longer while the server does not answer.
        reread_s: how old a reading may be, in seconds.
        rereads: most old readings renewed at a look.
        on_case: told of every assessed case.
        on_problem: told what could not be read or assessed, in words without patient data.
        on_status: told how the feed stands after every look.
        hand_over: is given every visit first; what it does not take is assessed here.
    """

    def __init__(
        self,
        service: CaseService | None,
        client: FhirReads,
        *,
        source: str,
        settings: ReaderSettings,
        clock: Clock = utc_now,
        poll_s: float = 10.0,
        reread_s: float = 60.0,
        rereads: int = 20,
        on_case: Callable[[Case], None] | None = None,
        on_problem: Callable[[str], None] | None = None,
        on_status: Callable[[FeedStatus], None] | None = None,
        hand_over: HandOver | None = None,
    ) -> None:
        if service is None and hand_over is None:
            raise ValueError("somebody must assess: give a service, or who takes visits over")
        self._hand_over = hand_over
        self._service, self._client, self._source = service, client, source
        self._settings, self._clock = settings, clock
        self._poll_s, self._reread, self._rereads = poll_s, timedelta(seconds=reread_s), rereads
        self._on_case, self._on_problem, self._on_status = on_case, on_problem, on_status
        self._seen: dict[str, _Seen] = {}
        self.status = FeedStatus()

    async def run(self) -> None:
        """Look until cancelled. Nothing that a server or a record does ends it."""
        pause = self._poll_s
        while True:
            try:
                status = await self.look()
            except Exception as error:  # a defect here must not leave the board without arrivals
                logger.error("the feed failed: %s", type(error).__name__)
                status = self._failed(type(error).__name__)
            pause = (
                self._poll_s if status.error is None else min(2 * pause, max(_LONGEST_PAUSE_S, self._poll_s))
            )
            await asyncio.sleep(pause)

    async def look(self) -> FeedStatus:
        """Read the open visits once and assess what is new or changed."""
        try:
            encounters = await self._open_encounters()
        except (FhirError, TimeoutError) as error:
            return self._failed(type(error).__name__)
        self._seen = {key: seen for key, seen in self._seen.items() if key in encounters}
        for key in self._due(encounters):
            try:
                await self._take(key, encounters[key])
            except StoreError as error:
                return self._failed(type(error).__name__)
        unread = sum(not seen.ok for seen in self._seen.values())
        return self._tell(FeedStatus(self._clock(), None, None, len(encounters), unread))

    async def _open_encounters(self) -> dict[str, Json]:
        found: dict[str, Json] = {}
        params = {"class": "EMER", "status": ",".join(OPEN_STATUSES)}
        async with asyncio.timeout(self._settings.server_timeout.total_seconds()):
            async for resource in self._client.search("Encounter", params):
                key = resource_id(resource)
                if key is None or not is_emergency(resource) or resource.get("status") not in OPEN_STATUSES:
                    continue
                if len(found) == self._settings.max_encounters:
                    self._problem(f"more than {len(found)} open ED visits; the rest is not read")
                    break
                found[key] = resource
        return found

    def _due(self, encounters: dict[str, Json]) -> list[str]:
        """New and changed visits, the latest arrival last; then the oldest readings."""
        fresh, old = [], []
        for key, encounter in encounters.items():
            seen = self._seen.get(key)
            if seen is None or seen.version != _version(encounter):
                fresh.append(key)
            elif not seen.ok or self._clock() - seen.read_at >= self._reread:
                old.append(key)
        old.sort(key=lambda key: self._seen[key].read_at)
        return fresh + old[: self._rereads]

    async def _take(self, key: str, encounter: Json) -> None:
        if self._hand_over is not None:
            seen = self._seen.get(key)
            fresh = seen is None or seen.version != _version(encounter)
            taken = await self._hand_over(key, fresh)
            if taken or self._service is None:
                self._seen[key] = _Seen(_version(encounter), self._clock(), taken)
                return
        result = await read_server_encounter(
            self._client, encounter, source=self._source, now=self._clock(), settings=self._settings
        )
        ok = False
        if isinstance(result, IntakeError):
            self._problem(str(result))
        else:
            try:
                ok = await self._assess(result)
            except NotReadyError:
                ok = True  # another process works on this very case
            except StoreError:
                raise
            except AgentError as error:
                self._problem(str(error))
        self._seen[key] = _Seen(_version(encounter), self._clock(), ok)

    async def _assess(self, record: IntakeRecord) -> bool:
        assert self._service is not None
        known = await self._service.find(record.encounter_key)
        case = await self._service.assess(record if known is None else with_bedside(record, known.intake))
        if self._on_case is not None and (known is None or _assessed(known) != _assessed(case)):
            self._on_case(case)
        return True

    def _problem(self, words: str) -> None:
        logger.warning("feed: %s", words)
        if self._on_problem is not None:
            self._on_problem(words)

    def _failed(self, error: str) -> FeedStatus:
        since = self.status.failing_since or self._clock()
        return self._tell(replace(self.status, failing_since=since, error=error))

    def _tell(self, status: FeedStatus) -> FeedStatus:
        self.status = status
        if self._on_status is not None:
            self._on_status(status)
        return status


def with_bedside(record: IntakeRecord, known: IntakeRecord) -> IntakeRecord:
    """The record as just read, with what was measured and entered here: the server does not know of that."""
    own = [fact for fact in known.facts if fact.source.path.startswith(BEDSIDE)]
    if not own:
        return record
    facts = number_facts([*record.facts, *own])
    return record.model_copy(update={"facts": facts, "missing": missing_kinds(facts)})


@asynccontextmanager
async def open_fed_agent(
    settings: Settings,
    *,
    clock: Clock = utc_now,
    on_case: Callable[[Case], None] | None = None,
    on_problem: Callable[[str], None] | None = None,
    on_status: Callable[[FeedStatus], None] | None = None,
) -> AsyncIterator[Agent]:
    """The agent, and beside it the feed from the configured FHIR server, where one is configured.

    ``on_case``, ``on_problem`` and ``on_status`` are those of ``Feed``.
    """
    base = settings.fhir.base_url
    write_to = base if settings.fhir.write_back else None
    async with open_agent(settings, write_to=write_to, clock=clock) as agent:
        if base is None:
            yield agent
            return
        async with AsyncExitStack() as stack:
            hand_over = None
            if settings.queue.url is not None:
                hand_over = await stack.enter_async_context(_to_the_queue(settings, base, on_problem))
            client = await stack.enter_async_context(open_client(settings, base))
            feed = Feed(
                agent.service,
                client,
                source=normal_base(base),
                settings=reader_settings(settings),
                clock=clock,
                poll_s=settings.fhir.poll_seconds,
                on_case=on_case,
                on_problem=on_problem,
                on_status=on_status,
                hand_over=hand_over,
            )
            running = asyncio.create_task(feed.run())
            try:
                yield agent
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def _to_the_queue(
    settings: Settings, base: str, on_problem: Callable[[str], None] | None
) -> AsyncIterator[HandOver]:
    """Visits go to the workers; what they cannot take is assessed here: without a queue nobody may be left waiting."""
    from integrations.queue import open_queue  # noqa: PLC0415 - an extra that need not be installed
    from integrations.queue_feed import hands_over  # noqa: PLC0415

    def problem(words: str) -> None:
        logger.warning("feed: %s", words)
        if on_problem is not None:
            on_problem(words)

    async with open_queue(settings.queue) as queue:
        yield hands_over(queue, base, problem, to_workers_only=True)


def _version(encounter: Json) -> str | None:
    meta = obj(encounter, "meta")
    version = meta.get("versionId") or meta.get("lastUpdated")
    return version if isinstance(version, str) else None


def _assessed(case: Case) -> str | None:
    return None if case.assessment is None else case.assessment.id
