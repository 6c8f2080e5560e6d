"""The settings of a served model, which stand among those of the model (``TRIAGE_MODEL__URL``)."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from data_schemas._base import Frozen
from integrations.route_settings import Route
from triage.slm.vllm import DEFAULT_URL, server_url


class ServedModelSettings(Frozen):
    """Where a model server is, which model it must serve, and how long it may take.

    ``url``: of an OpenAI-compatible server; another machine needs https, or ``allow_plain_http``.
    ``api_key``, or ``api_key_file``, a file that holds nothing else.
    ``served_manifest``: the ``manifest.json`` of the served folder (``triage model build --out``), which says
    by its hashes which weights must answer. None reads it from the server's folder, where that is on this machine.
    ``served_model``: instead, a name of the server's own. Nobody can vouch for the weights then: they are recorded as
    unverified, and a calibration must be the site's own.
    ``tokenizer``: that model's tokenizer.json, or its folder; None is the base model's.
    ``connect_seconds``: to connect; ``request_seconds``: one attempt; ``queue_seconds``: waiting for one of
    ``concurrency`` questions at once; ``queue_size``: questions accepted at once. All attempts together may take
    ``timeout_seconds``. ``routes``: adapters for some scales, sites or ages (``[[model.routes]]`` in triage.toml).
    """

    url: str = DEFAULT_URL
    allow_plain_http: bool = False
    api_key: SecretStr | None = None
    api_key_file: Path | None = None
    served_model: str | None = Field(default=None, min_length=1, max_length=200)
    served_manifest: Path | None = None
    tokenizer: Path | None = None
    connect_seconds: float = Field(default=2.0, gt=0)
    request_seconds: float = Field(default=20.0, gt=0)
    queue_seconds: float = Field(default=10.0, gt=0)
    concurrency: int = Field(default=8, ge=1)
    queue_size: int = Field(default=64, ge=1)
    routes: tuple[Route, ...] = ()

    @field_validator("api_key")
    @classmethod
    def _fits_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not fits_a_header(value.get_secret_value()):
            raise ValueError("must be one word of printable ASCII")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        server_url(self.url, allow_plain_http=self.allow_plain_http)
        if self.api_key is not None and self.api_key_file is not None:
            raise ValueError("give api_key or api_key_file, not both")
        if self.served_manifest is not None and self.served_model is not None:
            raise ValueError("give served_manifest or served_model, not both")
        return self


def fits_a_header(key: str) -> bool:
    """Whether an API key can be sent: one word of printable ASCII."""
    return bool(key) and key.isascii() and key.isprintable() and " " not in key
