"""Which adapter answers which patient, and the calibration that belongs to it."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path

from data_schemas import (
    AcuityScale,
    IntakeRecord,
    LevelProbabilities,
    ModelAnswer,
    ModelIdentity,
    Screening,
    Way,
)
from integrations.adapter_switch import SwitchFile
from integrations.route_settings import DEFAULT_SLOT, slot_of
from integrations.served import open_adapter, open_served, server_config
from integrations.settings import Settings
from triage.slm import (
    Calibration,
    Engine,
    EngineError,
    LazyEngine,
    ModelIntegrityError,
    ModelMissingError,
    Triager,
    resolve_adapter,
)
from triage.slm.adapter import adapter_sha256
from triage.slm.adapter_store import CALIBRATION_FILE, AdapterStore, StoredAdapter
from triage.slm.vllm import Pool

REOPEN_SECONDS = 5.0


def adapter_store(settings: Settings) -> AdapterStore:
    """The copies of this data folder."""
    return AdapterStore(settings.data_dir / "serving" / "adapters")


def switch_file(settings: Settings) -> SwitchFile:
    """What is in force in this data folder."""
    return SwitchFile(settings.data_dir / "serving" / "switches.json")


def find_adapter(settings: Settings, wanted: str) -> StoredAdapter | None:
    """A loaded adapter's name or ``NAME@SHA256``, a shipped adapter, or a folder; None for ``none``.

    Raises:
        EngineError: there is none of that name.
    """
    store = adapter_store(settings)
    if any(one.name == wanted.partition("@")[0] for one in store.all()):
        return store.find(wanted)
    name, _, sha256 = wanted.partition("@")
    folder = resolve_adapter(name)
    if folder is None:
        return None
    found = StoredAdapter(folder.name, adapter_sha256(folder), folder)
    if not found.sha256.startswith(sha256):
        raise ModelIntegrityError(f"the adapter {name} here is not {wanted}: load that one again")
    return found


class Connection:
    """The way to the configured server, which the engines of all adapters share."""

    def __init__(self, settings: Settings) -> None:
        self._model = settings.model

    @cached_property
    def pool(self) -> Pool:
        """One queue and one set of connections, made at the first use.

        Raises:
            EngineError: the configuration cannot be used.
        """
        return Pool(server_config(self._model))

    def default(self) -> Engine:
        """The configured adapter's engine; see ``open_served``."""
        return open_served(self._model, pool=self.pool)

    def of(self, adapter: StoredAdapter) -> Engine:
        """Another adapter's engine; see ``open_adapter``."""
        return open_adapter(self._model, adapter, pool=self.pool)


class RoutedTriager:
    """Asks the adapter that routes and switches choose; every answer says which one it was.

    A question that was put keeps its adapter to its end, whatever is switched meanwhile. Where the chosen adapter is
    not on the server, that is an error by its name and the patient gets the rules alone: never another adapter.

    Args:
        settings: routes, site and scale, and where the switches are.
        short: see ``Triager``.
        default: the engine of the configured adapter.
        connection: opens the others.
    """

    def __init__(
        self, settings: Settings, short: Mapping[str, str], default: LazyEngine, connection: Connection
    ) -> None:
        self._settings = settings
        self._short = short
        self._scale: AcuityScale = settings.scale
        self._connection = connection
        self._switches = switch_file(settings)
        self._default = Triager(default, short, settings.scale)
        self._others: dict[str, tuple[LazyEngine, Triager]] = {}
        self._found: dict[str, StoredAdapter | None] = {}

    async def ask(self, record: IntakeRecord, screening: Screening) -> ModelAnswer:
        """See ``Triager.ask``.

        Raises:
            EngineError: also where the adapter chosen is not there.
        """
        return await (await self._chosen(record)).ask(record, screening)

    async def variants(
        self, record: IntakeRecord, screening: Screening
    ) -> tuple[tuple[Way, LevelProbabilities], ...]:
        """See ``Triager.variants``; ask ``that_answered``, for what is chosen may change between two questions.

        Raises:
            EngineError: as ``ask``.
        """
        return await (await self._chosen(record)).variants(record, screening)

    def that_answered(self, identity: ModelIdentity) -> Triager:
        """The one that gave an answer, for more questions about the same patient.

        Raises:
            EngineError: its adapter is not known here.
        """
        if identity.adapter is None or identity.adapter_sha256 is None:
            return self._default
        with suppress(EngineError):  # not asked yet
            if self._default.identity.adapter_sha256 == identity.adapter_sha256:
                return self._default
        return self._of(f"{identity.adapter}@{identity.adapter_sha256}")

    async def close(self) -> None:
        """Close what was opened."""
        for engine, _ in self._others.values():
            await engine.close()

    async def _chosen(self, record: IntakeRecord) -> Triager:
        settings = self._settings
        slot = slot_of(settings.model.routes, record, self._scale, settings.site)
        switches = self._switches.read()
        wanted = None if switches is None else switches.choose(slot, record.encounter_key)
        if wanted is None:
            wanted = settings.model.adapter if slot == DEFAULT_SLOT else slot
        if wanted not in self._found:  # hashes are compared: not in the event loop
            self._found[wanted] = await asyncio.to_thread(find_adapter, settings, wanted)
        return self._of(wanted)

    def _of(self, wanted: str) -> Triager:
        if wanted == self._settings.model.adapter:
            return self._default
        if wanted not in self._found:
            self._found[wanted] = find_adapter(self._settings, wanted)
        adapter = self._found[wanted]
        if adapter is None:
            return self._default
        if adapter.sha256 not in self._others:
            engine = LazyEngine(partial(self._connection.of, adapter), rest_seconds=REOPEN_SECONDS)
            self._others[adapter.sha256] = (engine, Triager(engine, self._short, self._scale))
        return self._others[adapter.sha256][1]


class AdapterCalibrations(Calibration):
    """The configured calibration, and for each other adapter the file that lies with it, or none.

    ``of`` gives only numbers that were fitted on the very adapter asked for.
    """

    def __init__(
        self, base: Calibration, find: Callable[[str], Path | None], load: Callable[[Path], Calibration]
    ):
        super().__init__(
            base.name,
            base.numbers,
            adapter_sha256=base.adapter_sha256,
            prompt_version=base.prompt_version,
            fitted=base.fitted,
        )
        self._find = find
        self._load = load

    def of(self, adapter_sha256: str | None) -> Calibration:
        """The calibration of this adapter's answers; ``Calibration.none()`` where there is none."""
        if self.fitted and self.fits(adapter_sha256):
            return self
        path = None if adapter_sha256 is None else self._find(adapter_sha256)
        if path is None:
            return Calibration.none()
        try:
            found = self._load(path)
        except (ModelIntegrityError, OSError):  # unreadable, or without this site: nothing is promised then
            return Calibration.none()
        return found if found.fitted and found.fits(adapter_sha256) else Calibration.none()


def adapter_calibrations(settings: Settings, base: Calibration) -> AdapterCalibrations:
    """With the files of the loaded adapters and of those that the routes name."""
    routed = [row.adapter for row in settings.model.routes]

    def find(sha256: str) -> Path | None:
        for one in adapter_store(settings).all():
            if one.sha256 == sha256 and one.calibration is not None:
                return one.calibration
        for name in (settings.model.adapter, *routed):
            try:
                folder = resolve_adapter(name)
            except ModelMissingError:
                continue
            if folder is not None and adapter_sha256(folder) == sha256:
                path = folder / CALIBRATION_FILE
                return path if path.is_file() else None
        return None

    return AdapterCalibrations(base, find, lambda path: Calibration.load(path, settings.scale, settings.site))
