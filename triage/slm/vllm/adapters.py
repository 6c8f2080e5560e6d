"""Load and unload LoRA adapters on a running server: from this machine only, with its key, hashes in the names."""

import httpx

from triage.slm.adapter_store import StoredAdapter
from triage.slm.errors import ModelIntegrityError
from triage.slm.vllm.config import ServerConfig, is_loopback
from triage.slm.vllm.errors import (
    AdaptersClosedError,
    ModelNotServedError,
    ServerKeyError,
    ServerRefusedError,
)
from triage.slm.vllm.listing import list_models
from triage.slm.vllm.transport import post_json

LOAD, UNLOAD = "/v1/load_lora_adapter", "/v1/unload_lora_adapter"


def load_adapter(config: ServerConfig, adapter: StoredAdapter, name: str) -> bool:
    """Bring an adapter to the server under ``name``, which must end with its hash; False where it is there already.

    The server compares the files with the name once more before it reads them.

    Raises:
        ModelIntegrityError: the name is another adapter's.
        AdaptersClosedError: not this machine's server, no key, or one that loads no adapters while it runs.
        ServerRefusedError: it does not take this one.
        ServerError: see the tree in ``errors``.
    """
    if not name.endswith(f"+{adapter.ref}"):
        raise ModelIntegrityError(f"the name to load {adapter.name} under is not that of its weights")
    _require_own(config)
    if name in list_models(config):
        return False
    # What a server may load in a minute on a slow disk; the limits of a question do not hold here.
    _post(config, LOAD, {"lora_name": name, "lora_path": str(adapter.folder)})
    if name not in list_models(config):
        raise ServerRefusedError(f"the model server did not load {adapter.name}, and gave no reason")
    return True


def unload_adapter(config: ServerConfig, name: str) -> None:
    """Take an adapter from the server. Answers that it is working on are finished with it.

    Raises:
        ModelNotServedError: it is not there.
        AdaptersClosedError, ServerError: as ``load_adapter``.
    """
    _require_own(config)
    if name not in list_models(config):
        raise ModelNotServedError(f"the model server does not have {name}")
    _post(config, UNLOAD, {"lora_name": name})


def _require_own(config: ServerConfig) -> None:
    if not is_loopback(httpx.URL(config.url).host):
        raise AdaptersClosedError(
            "adapters are loaded and unloaded only on the server's own machine: run this there"
        )
    if not config.api_key:
        raise AdaptersClosedError(
            "adapters are loaded only with the server's key: set TRIAGE_MODEL__API_KEY_FILE"
        )


def _post(config: ServerConfig, path: str, body: dict[str, object]) -> None:
    try:
        post_json(config, path, body)
    except ServerKeyError:
        raise
    except ModelNotServedError:
        raise AdaptersClosedError(
            "this model server loads no adapters while it runs: start it with `triage serve-model --adapters N`"
        ) from None
    except ServerRefusedError:
        raise ServerRefusedError(
            "the model server does not take this adapter: its files, its rank (at most 16) or "
            "its layers do not fit; the server's log says which"
        ) from None
