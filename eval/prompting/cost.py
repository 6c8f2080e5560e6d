"""What asking costs: estimated from the prompts before anything is sent, counted from the usage afterwards."""

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import yaml
from inspect_ai.log import EvalSample
from inspect_ai.model import ChatMessage, ModelUsage
from pydantic import Field, ValidationError

from data_schemas._base import Frozen
from eval.prompting.prompts import PromptSet, Strategy

PRICES_FILE = Path(__file__).with_name("prices.yaml")
CHARACTERS_PER_TOKEN = 4
MESSAGE_TOKENS = 4
"""About what the marks around a chat message take."""

_REASONING = re.compile(r"(?:^|/)(?:o[1-9]|gpt-[5-9])(?![\d])", re.IGNORECASE)
_TABLES = "https://openaipublic.blob.core.windows.net/encodings/"
_ENCODINGS = {
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
}
"""tiktoken's tables and the hashes that it checks them by."""


class PriceError(ValueError):
    """A file of prices cannot be used; names it and the element."""


class Price(Frozen):
    """USD per million tokens; without a price for cached input, that costs what other input does."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached_input: float | None = Field(default=None, ge=0)

    def usd(self, fresh: float, cached: float, output: float) -> float:
        """The price of these tokens in USD; ``fresh`` and ``cached`` are input."""
        per_cached = self.input if self.cached_input is None else self.cached_input
        return (fresh * self.input + cached * per_cached + output * self.output) / 1e6


class Prices(Frozen):
    """Prices by model family, with their date and source."""

    as_of: str
    source: str
    to_be_checked: bool = True
    models: dict[str, Price]

    def of(self, model: str) -> Price | None:
        """The price of an Inspect model name, with or without the date of a snapshot; None where it is not known.

        Only what OpenAI bills has one (``openai/gpt-4o``), or a name that the user's own file holds in full.
        """
        if model in self.models:
            return self.models[model]
        provider, _, _ = model.partition("/")
        if provider != "openai":
            return None
        return self.models.get(re.sub(r"-\d{4}-\d{2}-\d{2}$", "", model.rpartition("/")[2]))


class Estimate(Frozen):
    """What a run would take. ``usd`` is None where no price is known; ``how`` says what it rests on."""

    model: str
    requests: int
    input_tokens: int
    output_tokens: int
    usd: float | None
    how: str


class Spent(Frozen):
    """What a run took. ``usd`` is None where no price is known; ``input_tokens`` counts cached ones too."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int | None
    usd: float | None
    prices: str


def load_prices(own: Path | None = None) -> Prices:
    """The project's prices, with those of the user's ``own`` file in place of them.

    Raises:
        PriceError: a file is not of the form of ``prices.yaml``.
    """
    prices = _read_prices(PRICES_FILE)
    if own is None:
        return prices
    mine = _read_prices(own)
    source = f"{mine.source} ({mine.as_of}); others {prices.source} ({prices.as_of})"
    checked = prices.to_be_checked or mine.to_be_checked
    models = {**prices.models, **mine.models}
    return Prices(as_of=mine.as_of, source=source, to_be_checked=checked, models=models)


def is_reasoning(model: str) -> bool:
    """Whether an OpenAI model reasons unseen, to judge by its name (o1, o3-mini, gpt-5)."""
    return _REASONING.search(model) is not None


def estimate(
    model: str,
    prompts: PromptSet,
    strategy: Strategy,
    questions: Iterable[Sequence[ChatMessage]],
    prices: Prices,
    *,
    of: int | None = None,
) -> Estimate:
    """The cost of asking ``questions``, each a list of messages; nothing is sent.

    Args:
        of: how many will be asked where ``questions`` are a sample of them; the tokens are scaled up.
    """
    count, counted_by = token_counter(model)
    tokens = [sum(count(m.text) + MESSAGE_TOKENS for m in messages) for messages in questions]
    requests = len(tokens) if of is None else of
    given = round(sum(tokens) * requests / len(tokens)) if tokens else 0
    each = prompts.strategies[strategy].answer_tokens
    each += prompts.reasoning.expected_tokens if is_reasoning(model) else 0
    price = prices.of(model)
    check = "; prices to be checked" if prices.to_be_checked else ""
    known = f"prices of {prices.as_of}, {prices.source}{check}" if price is not None else "no price known"
    sampled = f", from {len(tokens)} of the cases" if len(tokens) != requests else ""
    return Estimate(
        model=model,
        requests=requests,
        input_tokens=given,
        output_tokens=requests * each,
        usd=None if price is None else price.usd(given, 0, requests * each),
        how=f"input {counted_by}{sampled}; {each} tokens an answer assumed; no cached input, no repeats; {known}",
    )


def spent(model: str, usage: ModelUsage, prices: Prices) -> Spent:
    """What was used, priced. Inspect counts cached input apart from ``input_tokens``."""
    cached = usage.input_tokens_cache_read or 0
    fresh = usage.input_tokens + (usage.input_tokens_cache_write or 0)
    price = prices.of(model)
    return Spent(
        input_tokens=fresh + cached,
        output_tokens=usage.output_tokens,
        cached_tokens=cached,
        reasoning_tokens=usage.reasoning_tokens,
        usd=None if price is None else price.usd(fresh, cached, usage.output_tokens),
        prices=f"{prices.source}, {prices.as_of}" + (", to be checked" if prices.to_be_checked else ""),
    )


def used_by(samples: Iterable[EvalSample]) -> ModelUsage:
    """What the answers of a log's samples took, those from Inspect's cache among them: they were paid for once.

    ``EvalLog.stats`` counts only what was sent in that run, which after a resume is a part.
    """
    total = ModelUsage()
    for sample in samples:
        if sample.output.usage is not None:
            total += sample.output.usage
    return total


def token_counter(
    model: str, environment: Mapping[str, str] = os.environ
) -> tuple[Callable[[str], int], str]:
    """A function that counts the tokens of a text, and in words what it counts by.

    tiktoken only where its table lies in its cache already: it would fetch it, and nothing is fetched here.
    """
    name = "cl100k_base" if re.search(r"gpt-(?:4(?![.o])|3)", model) else "o200k_base"
    if _cached(name, environment):
        return _tiktoken(name), f"counted with tiktoken ({name})"
    return _by_characters, f"estimated at {CHARACTERS_PER_TOKEN} characters a token"


def _by_characters(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)


@cache
def _tiktoken(name: str) -> Callable[[str], int]:
    import tiktoken  # noqa: PLC0415 - only where its table is there

    encoding = tiktoken.get_encoding(name)
    return lambda text: len(encoding.encode(text, disallowed_special=()))


def _cached(name: str, environment: Mapping[str, str]) -> bool:
    """Whether tiktoken would find its table without the network; it looks under the hash of the address."""
    folder = environment.get("TIKTOKEN_CACHE_DIR", environment.get("DATA_GYM_CACHE_DIR"))
    if folder is None:
        folder = str(Path(tempfile.gettempdir()) / "data-gym-cache")
    if not folder:  # an empty name switches tiktoken's cache off
        return False
    address = f"{_TABLES}{name}.tiktoken"
    file = Path(folder) / hashlib.sha1(address.encode(), usedforsecurity=False).hexdigest()
    # A damaged table would be fetched anew.
    return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == _ENCODINGS[name]


@cache
def _read_prices(path: Path) -> Prices:
    try:
        return Prices.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
        first = error.errors(include_input=False)[0] if isinstance(error, ValidationError) else None
        where = ".".join(map(str, first["loc"])) if first is not None else ""
        what = f"{where}: {first['msg']}" if first is not None and where else type(error).__name__
        raise PriceError(
            f"{path.name} is no file of prices ({what}): it needs as_of, source, and under models "
            "for each name input and output in USD per million tokens"
        ) from None
