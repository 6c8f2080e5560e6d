"""The served model from the settings: which weights must answer, their tokenizer, their server."""

from collections.abc import Mapping
from dataclasses import replace

import httpx

from integrations.served_settings import fits_a_header
from integrations.settings import ModelSettings
from triage.slm import PROMPT_VERSION, EngineIdentity, ModelIntegrityError, ModelMissingError, resolve_adapter
from triage.slm.adapter import adapter_sha256
from triage.slm.adapter_store import StoredAdapter
from triage.slm.fetch import MODEL_NAME, find_base_model
from triage.slm.serving.manifest import MANIFEST_FILE, ServedFolder, ServedName, read_manifest
from triage.slm.vllm import (
    AdapterNotServedError,
    AnotherModelError,
    ListedModel,
    Pool,
    ServedModel,
    ServerConfig,
    Tokens,
    VllmEngine,
    list_models,
    require,
    server_url,
)
from triage.slm.vllm.config import is_loopback
from triage.slm.vllm.listing import shown

UNVERIFIED = "unverified"
"""Recorded as the weights' hash where a server's own name is asked for: nobody can say what answers."""


def open_served(model: ModelSettings, *, pool: Pool | None = None) -> VllmEngine:
    """The model at the configured server, which is asked once what it serves; ``pool``: see ``VllmEngine``.

    Raises:
        EngineError: it serves another model, or is not there; the agent goes on with rules only.
    """
    config = server_config(model)
    models = list_models(config)
    served, listed = expected(model, models)
    return VllmEngine(served, tokens(model), config, max_context=listed.context, pool=pool)


def open_adapter(model: ModelSettings, adapter: StoredAdapter, *, pool: Pool | None = None) -> VllmEngine:
    """An adapter that was loaded on the configured server.

    Raises:
        AdapterNotServedError: it is not loaded there.
        EngineError: as ``open_served``.
    """
    config = server_config(model)
    models = list_models(config)
    folder = _folder(model, models)
    _compare(model, folder)
    name = folder.loaded_name(adapter.name, adapter.sha256)
    if name not in models:
        raise AdapterNotServedError(
            f"the model server does not have the adapter {adapter.name} ({adapter.sha256[:12]}): "
            "`triage model adapters load` brings it there"
        )
    served = ServedModel(name, _identity(folder, adapter.name, adapter.sha256))
    return VllmEngine(served, tokens(model), config, max_context=_context(models, folder, name), pool=pool)


def expected(model: ModelSettings, models: Mapping[str, ListedModel]) -> tuple[ServedModel, ListedModel]:
    """What must answer, among the models that the server has.

    Raises:
        AnotherModelError: the server has others, or one with another adapter or for another prompt version.
        ModelMissingError: nothing says which weights are meant.
        ModelIntegrityError: the manifest cannot be read.
    """
    if model.served_model is not None:
        identity = EngineIdentity(engine="vllm", model=model.served_model, weights_sha256=UNVERIFIED)
        return ServedModel(model.served_model, identity), require(models, model.served_model)
    folder = _folder(model, models)
    local = resolve_adapter(model.adapter)
    name, adapter = str(folder.name), (folder.source.adapter, folder.source.adapter_sha256)
    if local is not None and not folder.source.merged and adapter[1] != adapter_sha256(local):
        loaded = folder.loaded_name(local.name, adapter_sha256(local))
        if loaded in models:  # brought there while the server ran
            name, adapter = loaded, (local.name, adapter_sha256(local))
    _compare(model, folder)
    if adapter[1] != (None if local is None else adapter_sha256(local)):
        raise AnotherModelError(
            f"the served model has the adapter {folder.source.adapter or 'none'}, and TRIAGE_MODEL__ADAPTER means "
            f"another ({local.name if local else 'none'}): build the served folder again, or set the adapter it has"
        )
    listed = replace(require(models, name), context=_context(models, folder, name))
    return ServedModel(name, _identity(folder, *adapter)), listed


def served_folder_of(model: ModelSettings) -> tuple[ServedFolder, Mapping[str, ListedModel]]:
    """What the configured server was started with, and every name that it answers to now.

    Raises:
        EngineError: it is not there, or nothing says what it serves.
    """
    models = list_models(server_config(model))
    return _folder(model, models), models


def tokens(model: ModelSettings) -> Tokens:
    """The configured tokenizer, or the base model's.

    Raises:
        EngineError: it is not there, or does not fit.
    """
    return Tokens.of_gguf(find_base_model()) if model.tokenizer is None else Tokens.of_file(model.tokenizer)


def server_config(model: ModelSettings) -> ServerConfig:
    """Where and how the server is asked.

    Raises:
        ModelMissingError: the file of the API key cannot be read.
    """
    return ServerConfig(
        url=server_url(model.url, allow_plain_http=model.allow_plain_http),
        api_key=_api_key(model),
        connect_seconds=model.connect_seconds,
        request_seconds=model.request_seconds,
        total_seconds=model.timeout_seconds,
        queue_seconds=model.queue_seconds,
        queue_size=model.queue_size,
        concurrency=model.concurrency,
    )


def _folder(model: ModelSettings, models: Mapping[str, ListedModel]) -> ServedFolder:
    if model.served_manifest is None:
        return _on_this_machine(model, models)
    named = model.served_manifest
    return read_manifest(named.parent if named.name == MANIFEST_FILE else named)


def _identity(folder: ServedFolder, adapter: str | None, sha256: str | None) -> EngineIdentity:
    return EngineIdentity(
        engine="vllm",
        model=folder.source.base,
        weights_sha256=folder.digest,
        adapter=adapter,
        adapter_sha256=sha256,
    )


def _context(models: Mapping[str, ListedModel], folder: ServedFolder, name: str) -> int | None:
    """Listed with the bare weights only, where an adapter lies beside them."""
    found = [models[one].context for one in (name, str(folder.base_name)) if one in models]
    return next((context for context in found if context is not None), None)


def _on_this_machine(model: ModelSettings, models: Mapping[str, ListedModel]) -> ServedFolder:
    """The folder that a server on this machine serves; its hash is in the name that the server answers to.

    A server of another machine could name any folder, so its manifest must be given.
    """
    if is_loopback(httpx.URL(model.url).host):
        for listed in models.values():
            if listed.root is None or ServedName.parse(listed.name) is None:
                continue
            for folder in (listed.root, listed.root.parent.parent):  # an adapter lies in FOLDER/lora/NAME
                try:
                    found = read_manifest(folder)
                except (ModelMissingError, ModelIntegrityError, OSError):
                    continue
                if listed.name in (str(found.name), str(found.base_name)):
                    return found
    raise ModelMissingError(
        f"the model server has {shown(models)}, and nothing says whether that is the model meant: set "
        "TRIAGE_MODEL__SERVED_MANIFEST to the manifest.json of the folder it serves"
    )


def _compare(model: ModelSettings, folder: ServedFolder) -> None:
    """The manifest's prompt and base model against what is configured here."""
    if folder.source.prompt_version != PROMPT_VERSION:
        raise AnotherModelError(
            f"the served model was built for prompt {folder.source.prompt_version}, this program asks in "
            f"{PROMPT_VERSION}: build the served folder again"
        )
    if folder.source.base != MODEL_NAME and model.tokenizer is None:
        raise ModelMissingError(
            f"the served model is {folder.source.base}: set TRIAGE_MODEL__TOKENIZER to its tokenizer.json"
        )


def _api_key(model: ModelSettings) -> str | None:
    if model.api_key is not None:
        return model.api_key.get_secret_value()
    if model.api_key_file is None:
        return None
    try:
        key = model.api_key_file.read_text("utf-8").strip()
    except (OSError, ValueError):
        key = ""
    if not fits_a_header(key):
        raise ModelMissingError(
            f"TRIAGE_MODEL__API_KEY_FILE names {model.api_key_file}, which cannot be read or holds no key of one word"
        )
    return key
