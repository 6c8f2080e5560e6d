"""The served model: a client for vLLM's OpenAI protocol behind the ``Engine`` protocol."""

from triage.slm.vllm.config import DEFAULT_URL, ServerConfig, server_url
from triage.slm.vllm.engine import ServedModel, VllmEngine
from triage.slm.vllm.errors import (
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
    "AnotherModelError",
    "AnswerCutError",
    "CircuitOpenError",
    "ContextTooLongError",
    "ListedModel",
    "LogprobsMissingError",
    "ModelNotServedError",
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
    "require",
    "server_url",
]
