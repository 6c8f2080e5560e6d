"""Which models a server has: asked once, before the first question."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from triage.slm.vllm.config import ServerConfig
from triage.slm.vllm.errors import AnotherModelError, ServerAnswerError
from triage.slm.vllm.transport import MODELS, get_json

_SHOWN = 200  # characters of a foreign server's model names that go into a message


@dataclass(frozen=True, slots=True)
class ListedModel:
    """``root``: the folder on the server's machine. ``context``: tokens that it reads, prompt and answer together."""

    name: str
    root: Path | None
    context: int | None


def list_models(config: ServerConfig) -> Mapping[str, ListedModel]:
    """By name. Blocks for one short request.

    Raises:
        ServerError: the server is not there, or does not answer as it should.
    """
    listed = get_json(config, MODELS)
    try:
        models = [_read(card) for card in listed["data"]]  # type: ignore[index]
    except (KeyError, TypeError, AttributeError):
        raise ServerAnswerError(
            "the model server's list of models does not have the form of OpenAI's"
        ) from None
    return {model.name: model for model in models}


def require(models: Mapping[str, ListedModel], name: str) -> ListedModel:
    """The model of that name.

    Raises:
        AnotherModelError: the server has only others; the message names them.
    """
    if name not in models:
        raise AnotherModelError(
            f"the model server does not serve {name} but {shown(models)}: check TRIAGE_MODEL__URL"
        )
    return models[name]


def shown(models: Mapping[str, ListedModel]) -> str:
    """The names for a message."""
    return ", ".join(sorted(models))[:_SHOWN] or "none"


def _read(card: Mapping[str, object]) -> ListedModel:
    root, context = card.get("root"), card.get("max_model_len")
    return ListedModel(
        name=str(card["id"]),
        root=Path(root) if isinstance(root, str) and root else None,
        context=context if isinstance(context, int) and context > 0 else None,
    )
