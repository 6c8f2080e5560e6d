"""The completion request, and what of its answer is believed.

``logprob_token_ids`` asks for exactly the five levels' values at every position, whichever tokens are likeliest. With
``--logprobs-mode`` raw or processed, as logits or as log-probabilities, they differ by one constant at a position;
normalised over the five they are the same. A server that does not know the field gives the ``logprobs`` likeliest ones,
which after the grammar's mask are the five levels too; where they are not, that is an error.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from triage.slm.engine import LEVEL_OPTIONS
from triage.slm.errors import AnswerError
from triage.slm.vllm.errors import AnotherModelError, LogprobsMissingError, ServerAnswerError
from triage.slm.vllm.tokens import Tokens

LevelLogprobs = tuple[float, float, float, float, float]

_MASKED = -9000.0  # vLLM writes minus infinity as -9999
_TIE = 1e-6
_TOKEN = "token_id:"  # noqa: S105 - how vLLM writes a token as its number


@dataclass(frozen=True, slots=True)
class Completion:
    """``written``: the answer's tokens after the lead, without the end."""

    written: tuple[int, ...]
    level_logprobs: LevelLogprobs


def completion_body(
    model: str, prompt: Sequence[int], tokens: Tokens, regex: str | None, most: int
) -> dict[str, Any]:
    """A greedy completion under ``regex``; without one, only the level's token.

    Every sampling parameter is named, so that a model's own generation_config.json changes nothing.
    """
    body: dict[str, Any] = {
        "model": model,
        "prompt": list(prompt),
        "add_special_tokens": False,
        "max_tokens": most,
        "n": 1,
        "temperature": 0.0,
        "top_p": 1.0,
        "top_k": 0,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "logprobs": len(LEVEL_OPTIONS),
        "logprob_token_ids": list(tokens.digits),
        "return_tokens_as_token_ids": True,
        "stream": False,
    }
    if regex is None:
        body["allowed_token_ids"] = list(tokens.digits)
    else:
        body["structured_outputs"] = {"regex": regex}
        body["stop_token_ids"] = [tokens.end]
    return body


def read_completion(
    payload: object, model: str, prompt_tokens: int, tokens: Tokens, *, whole: bool
) -> Completion:
    """The answer in a response.

    Args:
        payload: the response's JSON.
        model: the name that must stand in it.
        prompt_tokens: how many tokens were sent: the server must have read as many.
        tokens: of the model.
        whole: an answer that must have come to its end; else only the level.

    Raises:
        AnotherModelError: another model answered.
        LogprobsMissingError: a level has no log-probability.
        AnswerError: the answer did not come to its end, or its level is not its likeliest one.
        ServerAnswerError: not the form of a completion.
    """
    if not isinstance(payload, dict):
        raise ServerAnswerError("the answer is no JSON object")
    if payload.get("model") != model:
        raise AnotherModelError(
            f"another model than {model} answered: check TRIAGE_MODEL__URL and the server"
        )
    try:
        (choice,) = payload["choices"]
        reason, text, logprobs = choice["finish_reason"], choice["text"], choice["logprobs"]
        read = payload["usage"]["prompt_tokens"]
    except (KeyError, TypeError, ValueError):
        raise ServerAnswerError("the answer does not have the form of one completion") from None
    if read != prompt_tokens:
        raise ServerAnswerError("the server read another number of tokens than were sent")
    if reason not in ("stop", "length"):
        raise ServerAnswerError("the server broke the answer off")
    ids, tops = _positions(logprobs, tokens)
    levels = _levels(tops[0], tokens)
    if ids[0] not in tokens.digits:
        raise AnswerError("the answer does not begin with a level")
    if levels[tokens.digits.index(ids[0])] < max(levels) - _TIE:
        raise AnswerError("the level in the answer is not its likeliest level")
    if whole and reason != "stop":
        raise AnswerError("no end of the answer within the tokens allowed")
    written = ids[: ids.index(tokens.end)] if tokens.end in ids else ids
    if tokens.decode(written) != text:
        raise ServerAnswerError("the server spells tokens otherwise: it has another tokenizer")
    return Completion(tuple(written), levels)


def _positions(logprobs: object, tokens: Tokens) -> tuple[list[int], list[Mapping[str, Any]]]:
    """The token and the log-probabilities of each position."""
    if logprobs is None:
        raise LogprobsMissingError("the server gave no log-probabilities")
    try:
        names, tops = logprobs["tokens"], logprobs["top_logprobs"]  # type: ignore[index]
        ids = [int(name.removeprefix(_TOKEN)) for name in names if name.startswith(_TOKEN)]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ServerAnswerError("the log-probabilities do not have the form of vLLM's") from None
    if not ids or len(ids) != len(names) or not all(tokens.knows(token) for token in ids):
        raise ServerAnswerError("the answer's tokens do not come as the tokenizer's numbers")
    if not isinstance(tops, list) or not tops or not isinstance(tops[0], dict):
        raise LogprobsMissingError("the server gave no log-probabilities of the level")
    return ids, tops


def _levels(top: Mapping[str, Any], tokens: Tokens) -> LevelLogprobs:
    """Normalised over the five levels."""
    found = []
    for option, token in zip(LEVEL_OPTIONS, tokens.digits, strict=True):
        value = top.get(f"{_TOKEN}{token}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not _MASKED < value < -_MASKED:
            raise LogprobsMissingError(f"the server gave no log-probability of level {option}")
        found.append(float(value))
    highest = max(found)
    total = math.log(math.fsum(math.exp(value - highest) for value in found))
    one, two, three, four, five = (value - highest - total for value in found)
    return one, two, three, four, five
