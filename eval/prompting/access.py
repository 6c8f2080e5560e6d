"""Whether a model may and can be asked: settings first, then one question that holds nothing of a patient."""

import os
from collections.abc import Mapping

from inspect_ai.model import ChatMessageUser, GenerateConfig, Model

from eval.prompting.failures import AccessError, failure_of, refusal_of_access

_VARIABLES = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "google": "GOOGLE_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "together": "TOGETHER_API_KEY",
    "groq": "GROQ_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "vllm": "VLLM_API_KEY",
}


def key_variable(model: str) -> str:
    """The environment variable that holds the key of an Inspect model name (``openai/gpt-4o``)."""
    provider, _, rest = model.partition("/")
    if provider == "openai-api":
        service, _, _ = rest.partition("/")
        return f"{service.upper().replace('-', '_')}_API_KEY"
    return _VARIABLES.get(provider, f"{provider.upper().replace('-', '_')}_API_KEY")


def not_configured(
    model: str, *, base_url: str | None = None, environment: Mapping[str, str] = os.environ
) -> str | None:
    """Why ``model`` is not run, with the remedy, for the list of what was not run; None where it is configured.

    Nothing is sent anywhere by this. Nothing is ever sent without a key or an address that the user set: ``vllm/``
    without one would have Inspect fetch and start a server of its own, which is not wanted here.
    """
    provider, _, rest = model.partition("/")
    if not rest:
        return f"{model}: give the provider too, such as openai/{model}"
    variable = key_variable(model)
    if provider == "vllm":
        if base_url or environment.get("VLLM_BASE_URL"):
            return None
        return f"{model}: no server is named; set VLLM_BASE_URL (and VLLM_API_KEY) or give --base-url"
    if provider == "openai-api":
        name = rest.partition("/")[2]
        if not name:
            return f"{model}: write openai-api/SERVICE/MODEL"
        address = variable.removesuffix("_API_KEY") + "_BASE_URL"
        lacking = [] if base_url or environment.get(address) else [address]
        lacking += [] if environment.get(variable) else [variable]
        return f"{model}: not configured; set {' and '.join(lacking)}" if lacking else None
    if provider == "openai" and rest.startswith(("azure/", "bedrock/")):
        return None  # identities of many kinds; the provider itself says what it lacks
    if provider in _VARIABLES and not environment.get(variable):
        return f"{model}: no key; set {variable}" + (
            " (for a server that needs none, to any word) and OPENAI_BASE_URL for another server"
            if provider == "openai"
            else ""
        )
    return None


async def check_access(model: Model, *, seconds: int = 60) -> None:
    """Ask one question of a few tokens, so that a wrong key or name is known before hours are spent.

    Raises:
        AccessError: the key, the name or the address is wrong, or the service does not answer.
    """
    name = str(model)
    config = GenerateConfig(
        max_tokens=16, max_retries=1, timeout=seconds, attempt_timeout=seconds, cache=False
    )
    try:
        await model.generate([ChatMessageUser(content="Reply with the word ready.")], config=config)
    except Exception as error:
        refused = refusal_of_access(error, name, key_variable(name))
        if refused is not None:
            raise refused from None
        failure = failure_of(error)
        what = failure.value if failure is not None else type(error).__name__
        raise AccessError(
            f"{name}: a first question was not answered: {what}. Check the address and try again"
        ) from None
