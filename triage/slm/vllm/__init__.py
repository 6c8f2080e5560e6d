"""The served model: a client for vLLM's OpenAI protocol behind the ``Engine`` protocol."""

from triage.slm.vllm.adapters import load_adapter, unload_adapter
from triage.slm.vllm.config import DEFAULT_URL, ServerConfig, server_url
from triage.slm.vllm.engine import Pool, ServedModel, VllmEngine
from triage.slm.vllm.errors import (
    AdapterNotServedError,
    AdaptersClosedError,
    AnotherModelError,
    AnswerCutError,
    CircuitOpenError,
    ContextTooLongError,
    LogprobsMissingError,
    ModelNotServedError,
    ServerAbsentError,
    ServerAnswerError,
    ServerError,
    ServerFailedError,
    ServerKeyError,
    ServerLostError,
    ServerMemoryError,
    ServerRefusedError,
    ServerSlowError,
    ServerThrottledError,
    ServerUnavailableError,
)
from triage.slm.vllm.listing import ListedModel, list_models, require
from triage.slm.vllm.tokens import Tokens

__all__ = [
    "DEFAULT_URL",
    "AdapterNotServedError",
    "AdaptersClosedError",
    "AnotherModelError",
    "AnswerCutError",
    "CircuitOpenError",
    "ContextTooLongError",
    "ListedModel",
    "LogprobsMissingError",
    "ModelNotServedError",
    "Pool",
    "ServedModel",
    "ServerAbsentError",
    "ServerAnswerError",
    "ServerConfig",
    "ServerError",
    "ServerFailedError",
    "ServerKeyError",
    "ServerLostError",
    "ServerMemoryError",
    "ServerRefusedError",
    "ServerSlowError",
    "ServerThrottledError",
    "ServerUnavailableError",
    "Tokens",
    "VllmEngine",
    "list_models",
    "load_adapter",
    "require",
    "server_url",
    "unload_adapter",
]
