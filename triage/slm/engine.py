"""The ``Engine`` protocol: one question to a language model, one answer in a fixed grammar."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

LEVEL_OPTIONS: tuple[str, str, str, str, str] = ("1", "2", "3", "4", "5")


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """One question.

    ``prefix`` is the part every request of a prompt version shares, so an engine may keep it as a ready
    key-value state. ``prompt`` is the rest, up to where the answer begins. ``regex`` describes the whole
    answer; ``lead`` is the forced text at its start, after which exactly one of ``LEVEL_OPTIONS`` follows:
    there the five log-probabilities are taken.
    """

    prefix: str
    prompt: str
    lead: str
    regex: str


@dataclass(frozen=True, slots=True)
class EngineAnswer:
    """One answer.

    ``level_logprobs`` are natural logarithms, normalised over the five levels, in the order 1 to 5.
    ``text`` is the whole answer including ``lead``; empty when only the level was asked for.
    """

    text: str
    level_logprobs: tuple[float, float, float, float, float]
    prompt_tokens: int
    answer_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class EngineIdentity:
    """Which weights answer: recorded with every assessment."""

    engine: str
    model: str
    weights_sha256: str
    adapter: str | None = None
    adapter_sha256: str | None = None


class Engine(Protocol):
    """A language model that answers in a grammar. Safe to call from several tasks at once."""

    @property
    def identity(self) -> EngineIdentity:
        """What answers."""
        ...

    async def answer(self, request: EngineRequest) -> EngineAnswer:
        """The whole answer: level, path and citations.

        Raises:
            EngineError: the model could not answer; the caller goes on with rules only.
        """
        ...

    async def levels(self, requests: Sequence[EngineRequest]) -> list[EngineAnswer]:
        """Only the level of each request, in the order given; ``text`` is empty.

        Raises:
            EngineError: the model could not answer.
        """
        ...

    async def close(self) -> None:
        """Release the model."""
        ...
