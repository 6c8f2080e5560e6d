"""All configuration in one place: ``TRIAGE_*`` environment variables and ``triage.toml``.

``triage.toml`` is read from the working directory, or from the path in ``TRIAGE_CONFIG``. Environment variables win;
nested values use two underscores: ``TRIAGE_FHIR__BASE_URL``.
"""

import os
from pathlib import Path
from typing import Annotated, Literal, Self

import platformdirs
from pydantic import BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from agents import DEFAULT_MINUTES, Asking, Minutes, read_minutes
from agents.reassessment import checked as checked_minutes
from data_schemas import AcuityLevel, AcuityScale, EsiVersion
from data_schemas._base import Frozen
from integrations.queue_settings import QueueSettings
from integrations.served_settings import ServedModelSettings
from triage.slm.calibration import SiteName

APP_NAME = "ed-triage-agent"


class ConfigurationError(ValueError):
    """The configuration cannot be read, or names what is not a setting; the message says where."""


def _minutes(value: object) -> object:
    """``1:0,2:10,...`` as five numbers; five numbers as they are, checked."""
    if isinstance(value, str):
        return read_minutes(value)
    if isinstance(value, list | tuple) and len(value) == 5 and all(type(item) is int for item in value):
        return checked_minutes((value[0], value[1], value[2], value[3], value[4]))
    raise ValueError("write 1:0,2:15,3:30,4:60,5:120")


class FhirSettings(Frozen):
    """The hospital's FHIR server.

    ``write_back`` is off unless it is asked for: nothing leaves this machine by default. ``poll_seconds``: how often
    the dashboard and `triage watch` look for arrivals. ``identifier_system``: the namespace (URI) of the hospital's
    record numbers; with it an arrival entered by hand is filed under the patient who has the number.
    """

    base_url: str | None = None
    token: SecretStr | None = None
    timeout_seconds: float = Field(default=10.0, gt=0)
    write_back: bool = False
    poll_seconds: float = Field(default=10.0, ge=1)
    identifier_system: str | None = None
    max_bundle_bytes: int = Field(default=64 * 1024 * 1024, gt=0)
    triage_window_minutes: int = Field(default=60, gt=0)
    glucose_codes: tuple[str, ...] = ("41653-7", "14743-9", "2339-0", "2345-7", "32016-8", "15074-8")

    @field_validator("base_url")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/") if value else None


class ModelSettings(ServedModelSettings):
    """Which model answers: in this process, on a vLLM server (see ``ServedModelSettings``), or none.

    ``adapter``: the name of a shipped adapter, a path to one, ``none`` for the base model, or ``default``.
    ``calibration``: the hospital's own calibration file; None is the one beside the adapter.
    ``second_look_seconds``: how long a doubtful case may be asked again in other ways; 0 is never.
    """

    engine: Literal["embedded", "vllm", "none"] = "embedded"
    adapter: str = "default"
    calibration: Path | None = None
    timeout_seconds: float = Field(default=30.0, gt=0)
    second_look_seconds: float = Field(default=2.0, ge=0)
    threads: int = Field(default=2, ge=1)


class ReviewSettings(Frozen):
    """The clinician's gate.

    ``physician_for_demand_override``: a less urgent level than a demand rule asks for needs a physician.
    ``confirm_levels``: suggestions of these levels are accepted with an express confirmation only.
    ``confirm_conflicts``: so are suggestions where model and rules are at odds.
    ``why_not``: whether a level less urgent than a rule asks to consider (1 or 2) needs an answer why.
    ``suggestion_minutes``: how long a suggestion may wait and still be decided on; 0 is for ever.
    """

    physician_for_demand_override: bool = True
    confirm_levels: frozenset[AcuityLevel] = frozenset({1, 2})
    confirm_conflicts: bool = True
    why_not: Asking = Asking.OPTIONAL
    suggestion_minutes: float = Field(default=30, ge=0)


class UiSettings(Frozen):
    """The dashboard.

    ``oidc_secrets``: a TOML file with Streamlit's ``[auth]`` table; with it people sign in with OpenID Connect,
    without it they choose a role on this machine, for the demo only. ``role_claim`` names the claim that holds the
    role (dots go into nested claims), ``roles`` says which of its values is which of our roles, ``name_claim`` is
    what a decision is signed with. ``idle_minutes``: who does nothing for so long is signed out. ``level_first``: who
    decides gives a level before the suggestion is shown, against automation bias.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8501, ge=1, le=65535)
    oidc_secrets: Path | None = None
    role_claim: str = "roles"
    roles: dict[str, str] = Field(default_factory=dict)
    name_claim: str = "email"
    idle_minutes: float = Field(default=15, gt=0)
    refresh_seconds: float = Field(default=5, ge=1)
    language: Literal["en", "es"] = "en"
    level_first: bool = False
    evaluation: Path | None = None
    """A comparison report or a folder of them, for the model page; None: ``evaluation`` in the data folder."""


class Settings(BaseSettings):
    """Everything that can be configured; the defaults run the demo."""

    model_config = SettingsConfigDict(
        env_prefix="TRIAGE_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    data_dir: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir(APP_NAME)))
    database_url: str | None = None
    """SQLAlchemy URL of the records; None is SQLite in ``data_dir``."""
    scale: AcuityScale = AcuityScale.ESI
    site: SiteName | None = None
    """Whose numbers of the calibration file apply; None is the scale's, which promise nothing about under-triage."""
    esi_version: EsiVersion = EsiVersion.V5
    guideline_dir: Path | None = None
    retention_days: int | None = Field(default=None, ge=1)
    """Days that a closed case is kept before `triage records purge` erases it; None keeps it for good."""
    reassess_minutes: Annotated[Minutes, NoDecode, BeforeValidator(_minutes)] = DEFAULT_MINUTES
    """Minutes until a waiting patient is due again, ``1:0,2:15,3:30,4:60,5:120``: CTAS's and KTAS's; ESI sets none."""
    reassess_decided_minutes: int = Field(default=240, ge=0)
    """How long after a decision a patient still counts as waiting; 0: only undecided ones do."""
    fhir: FhirSettings = FhirSettings()
    model: ModelSettings = ModelSettings()
    queue: QueueSettings = QueueSettings()
    review: ReviewSettings = ReviewSettings()
    ui: UiSettings = UiSettings()

    def with_adapter(self, adapter: str) -> Self:
        """The same settings with another adapter: see ``ModelSettings.adapter`` for its names."""
        return self.model_copy(update={"model": self.model.model_copy(update={"adapter": adapter})})

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then ``triage.toml``.

        Raises:
            ConfigurationError: ``TRIAGE_CONFIG`` names no file, the file is no TOML, or a variable is no setting.
        """
        _refuse_unknown(set(settings_cls.model_fields))
        named = os.environ.get("TRIAGE_CONFIG")
        path = Path(named or "triage.toml")
        if named and not path.is_file():
            raise ConfigurationError(f"TRIAGE_CONFIG names {named}, and there is no such file")
        try:
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=path)
        except (OSError, ValueError) as error:  # TOML and its encoding: both are ValueErrors
            raise ConfigurationError(f"{path} cannot be read as TOML: {error}") from None


def _refuse_unknown(fields: set[str]) -> None:
    """A misspelt variable would leave a hospital with the defaults, and nobody would know."""
    known = {name.upper() for name in fields} | {"CONFIG", "SANDBOX_VENV"}
    for variable in sorted(os.environ):
        if variable.startswith("TRIAGE_") and variable.removeprefix("TRIAGE_").split("__")[0] not in known:
            raise ConfigurationError(f"{variable} is no setting; `triage config show` lists them")
