"""The one place that wires everything: settings in, a working agent out."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from agents import AgentSettings, Asks, CaseService, Clock, NoSink, OutcomeSink, ReviewPolicy, utc_now
from agents.store.engine import sqlite_url
from data_schemas import AcuityScale, EsiVersion, IntakeRecord, ReviewerRole, Screening
from integrations.fhir.auth import BearerAuth
from integrations.fhir.client import FhirClient
from integrations.fhir.reader_settings import ReaderSettings
from integrations.fhir.writer import FhirWriter
from integrations.routing import REOPEN_SECONDS, Connection, RoutedTriager, adapter_calibrations
from integrations.served import open_served
from integrations.settings import Settings
from triage.esi import screen
from triage.guidelines import GuidelineLibrary
from triage.slm import (
    Calibration,
    EmbeddedEngine,
    Engine,
    LazyEngine,
    ModelIntegrityError,
    ModelMissingError,
    Triager,
    resolve_adapter,
)

CALIBRATION_FILE = "calibration.json"


@dataclass(frozen=True)
class Agent:
    """Everything a process needs to triage: the service, and the parts it was made of."""

    service: CaseService
    engine: LazyEngine
    library: GuidelineLibrary
    calibration: Calibration
    settings: Settings


def reader_settings(settings: Settings) -> ReaderSettings:
    """How encounters are read, from the one ``Settings``."""
    return ReaderSettings(
        max_bytes=settings.fhir.max_bundle_bytes,
        triage_window=timedelta(minutes=settings.fhir.triage_window_minutes),
        glucose_codes=frozenset(settings.fhir.glucose_codes),
    )


def open_client(settings: Settings, base_url: str) -> FhirClient:
    """A client for a FHIR server; the configured token is sent only to the configured server."""
    token = settings.fhir.token
    auth = None
    if token is not None and base_url.rstrip("/") == settings.fhir.base_url:
        auth = BearerAuth(token.get_secret_value(), base_url)
    return FhirClient(base_url, auth=auth, timeout_s=settings.fhir.timeout_seconds)


def rules(library: GuidelineLibrary) -> Callable[[IntakeRecord, EsiVersion], Screening]:
    """``screen`` with the site's library."""

    def run(record: IntakeRecord, version: EsiVersion) -> Screening:
        return screen(record, version, library)

    return run


def open_engine(settings: Settings) -> Engine:
    """The configured engine.

    Raises:
        EngineError: its model cannot be had; the agent goes on with rules only.
    """
    if settings.model.engine == "none":
        raise ModelMissingError("no model is configured (TRIAGE_MODEL__ENGINE is `none`): rules only")
    if settings.model.engine == "vllm":
        return open_served(settings.model)
    return EmbeddedEngine.open(resolve_adapter(settings.model.adapter), threads=settings.model.threads)


def load_calibration(settings: Settings, scale: AcuityScale | None = None) -> Calibration:
    """The configured calibration file, or the one beside the configured adapter; none for the base model, nor for a
    served model of another name than the adapter's.

    Raises:
        ModelIntegrityError: it is not a calibration, holds nothing of the configured site, or is not there.
    """
    path = settings.model.calibration
    if path is not None and not path.is_file():
        raise ModelIntegrityError(f"TRIAGE_MODEL__CALIBRATION names {path}, and there is no such file")
    path = path or _beside_the_adapter(settings)
    if path is None:
        if settings.site is not None:
            raise ModelIntegrityError(
                f"TRIAGE_SITE names {settings.site}, and there is no calibration file; "
                f"`triage model calibrate --site {settings.site}` writes one"
            )
        return Calibration.none()
    return Calibration.load(path, scale or settings.scale, settings.site)


def _beside_the_adapter(settings: Settings) -> Path | None:
    if settings.model.engine == "vllm" and settings.model.served_model is not None:
        return None
    try:
        adapter = resolve_adapter(settings.model.adapter)
    except ModelMissingError:
        return None  # the engine will say so, and the agent goes on with rules only
    path = None if adapter is None else adapter / CALIBRATION_FILE
    return path if path is not None and path.is_file() else None


@asynccontextmanager
async def open_agent(
    settings: Settings,
    *,
    write_to: str | None = None,
    clock: Clock = utc_now,
    recover: bool = True,
    model: tuple[Asks, Calibration] | None = None,
    second: Asks | None = None,
) -> AsyncIterator[Agent]:
    """Open the records, wire the agent, and finish what an earlier process left undone.

    Args:
        settings: the configuration.
        write_to: base URL of the FHIR server that outcomes go to; None keeps them here only.
        clock: the time now.
        recover: finish interrupted cases and retry undelivered writes first.
        model: what is asked instead of the configured model, with its calibration: the evaluation's stand-ins. It
            is the caller's to close.
        second: another model, asked too where there is doubt (a larger one, say); the caller's to close.
    """
    library = GuidelineLibrary.load(settings.esi_version, settings.guideline_dir)
    # A server that is away is asked again soon, but not by every patient: connecting to one that is silent takes time.
    rest = REOPEN_SECONDS if settings.model.engine == "vllm" else 0.0
    # Nobody can tell a foreign name's weights apart, so it has no adapters of ours.
    routed = settings.model.engine == "vllm" and settings.model.served_model is None and model is None
    connection = Connection(settings)
    engine = LazyEngine(connection.default if routed else partial(open_engine, settings), rest_seconds=rest)
    routing: RoutedTriager | None = None
    if model is not None:
        triager, calibration = model
    elif routed:
        triager = routing = RoutedTriager(settings, library.short, engine, connection)
        calibration = adapter_calibrations(settings, load_calibration(settings))
    else:
        triager, calibration = Triager(engine, library.short, settings.scale), load_calibration(settings)
    roles = {ReviewerRole.PHYSICIAN} if settings.review.physician_for_demand_override else set(ReviewerRole)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.close)
        if routing is not None:
            stack.push_async_callback(routing.close)
        sink: OutcomeSink = NoSink()
        if write_to is not None:
            client = await stack.enter_async_context(open_client(settings, write_to))
            sink = FhirWriter(client)
        service = await stack.enter_async_context(
            CaseService.open(
                settings.database_url or sqlite_url(settings.data_dir / "triage.db"),
                rules=rules(library),
                triager=triager,
                library=library,
                calibration=calibration,
                sink=sink,
                clock=clock,
                second=second,
                settings=AgentSettings(
                    esi_version=settings.esi_version,
                    scale=settings.scale,
                    assess_timeout=settings.model.timeout_seconds,
                    second_look_timeout=settings.model.second_look_seconds,
                    policy=ReviewPolicy(
                        floor_override_roles=frozenset(roles),
                        confirm_levels=settings.review.confirm_levels,
                        confirm_conflicts=settings.review.confirm_conflicts,
                        why_not=settings.review.why_not,
                    ),
                    suggestion_age=settings.review.suggestion_minutes * 60,
                    reassess_minutes=settings.reassess_minutes,
                    reassess_decided=settings.reassess_decided_minutes * 60,
                ),
            )
        )
        if recover:
            await service.recover()
        yield Agent(service, engine, library, calibration, settings)
