"""Cost: prices by name, an estimate that sends nothing, the actual cost from the usage."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from inspect_ai.log import EvalSample
from inspect_ai.model import ModelOutput, ModelUsage

from data_schemas import IntakeRecord
from eval.prompting import (
    AnswerScale,
    PriceError,
    Strategy,
    estimate,
    load_prices,
    load_prompts,
    spent,
    used_by,
)
from eval.prompting.cost import is_reasoning, token_counter

Record = Callable[..., IntakeRecord]


@pytest.fixture(autouse=True)
def no_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty cache of tiktoken's, whatever the machine has."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "none"))


def test_the_price_of_a_snapshot_is_that_of_its_family() -> None:
    prices = load_prices()
    assert prices.to_be_checked
    assert prices.of("openai/gpt-4o-2024-11-20") == prices.of("openai/gpt-4o") == prices.models["gpt-4o"]
    assert prices.of("openai/gpt-4o-mini") == prices.models["gpt-4o-mini"]


@pytest.mark.parametrize("model", ["openai/gpt-9", "vllm/gpt-4o", "openai-api/own/gpt-4o", "openai/gpt-4o-x"])
def test_what_is_not_billed_so_has_no_price(model: str) -> None:
    assert load_prices().of(model) is None


def test_every_cached_price_is_below_the_full_one() -> None:
    for price in load_prices().models.values():
        assert price.cached_input is not None
        assert 0 < price.cached_input < price.input < price.output


def test_the_users_own_prices_replace_by_name(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "as_of: '2026-11-01'\nsource: invoice\nto_be_checked: false\n"
        "models: {gpt-4o: {input: 1, output: 2}, openai-api/own/gpt-4o: {input: 3, output: 4}}\n"
    )
    prices = load_prices(own)
    price = prices.of("openai/gpt-4o")
    assert price is not None
    assert price.usd(1e6, 1e6, 1e6) == 1 + 1 + 2
    assert prices.of("openai/o3-mini") == load_prices().of("openai/o3-mini")
    assert prices.of("openai-api/own/gpt-4o") is not None
    assert "invoice" in prices.source


@pytest.mark.parametrize(
    "content",
    [
        "",
        "models: 3",
        "as_of: x\nsource: y\nmodels: {a: {input: -1, output: 1}}",
        "{",
        "as_of: x\nmodels: {}",
    ],
)
def test_a_file_that_is_no_prices_is_named(tmp_path: Path, content: str) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(content)
    with pytest.raises(PriceError, match=r"own\.yaml.*per million"):
        load_prices(own)


def test_the_estimate_is_the_sum_of_its_parts(record: Record) -> None:
    prompts, prices = load_prompts(), load_prices()
    question = prompts.messages(Strategy.ZERO_SHOT, AnswerScale.KTAS, record())
    each = sum(-(-len(m.text) // 4) + 4 for m in question)
    found = estimate("openai/gpt-4o", prompts, Strategy.ZERO_SHOT, [question] * 3, prices, of=1000)
    assert (found.requests, found.input_tokens) == (1000, each * 1000)
    assert found.output_tokens == 1000 * prompts.strategies[Strategy.ZERO_SHOT].answer_tokens
    assert found.usd == pytest.approx((found.input_tokens * 2.5 + found.output_tokens * 10) / 1e6)
    assert "4 characters a token" in found.how
    assert "3 of the cases" in found.how
    assert "to be checked" in found.how


def test_reasoning_that_is_not_seen_is_paid_for(record: Record) -> None:
    prompts, prices = load_prompts(), load_prices()
    question = prompts.messages(Strategy.ZERO_SHOT, AnswerScale.KTAS, record())
    seen = estimate("openai/gpt-4o", prompts, Strategy.ZERO_SHOT, [question], prices)
    unseen = estimate("openai/o3-mini", prompts, Strategy.ZERO_SHOT, [question], prices)
    assert unseen.output_tokens - seen.output_tokens == prompts.reasoning.expected_tokens


def test_no_price_is_no_price_and_never_zero(record: Record) -> None:
    prompts, prices = load_prompts(), load_prices()
    question = prompts.messages(Strategy.ZERO_SHOT, AnswerScale.KTAS, record())
    found = estimate("vllm/own", prompts, Strategy.ZERO_SHOT, [question], prices)
    assert found.usd is None
    assert "no price known" in found.how
    assert spent("vllm/own", ModelUsage(input_tokens=10, output_tokens=1), prices).usd is None
    assert estimate("openai/gpt-4o", prompts, Strategy.ZERO_SHOT, [], prices).usd == 0


def test_cached_input_is_priced_apart_and_counted_in() -> None:
    usage = ModelUsage(
        input_tokens=600_000, input_tokens_cache_read=400_000, output_tokens=100_000, reasoning_tokens=7
    )
    found = spent("openai/gpt-4o", usage, load_prices())
    assert found.usd == pytest.approx(0.6 * 2.5 + 0.4 * 1.25 + 0.1 * 10)
    assert (found.input_tokens, found.cached_tokens, found.reasoning_tokens) == (1_000_000, 400_000, 7)
    assert "to be checked" in found.prices


def test_what_a_cache_answered_was_paid_for_once() -> None:
    sent = EvalSample(id=1, epoch=1, input="", target="")
    sent.output = ModelOutput(model="m", usage=ModelUsage(input_tokens=7, output_tokens=2, total_tokens=9))
    unanswered = EvalSample(id=2, epoch=1, input="", target="")
    used = used_by([sent, unanswered, sent])
    assert (used.input_tokens, used.output_tokens, used.total_tokens) == (14, 4, 18)
    assert used_by([]) == ModelUsage()


@pytest.mark.parametrize(
    ("model", "reasons"),
    [
        ("openai/o3-mini", True),
        ("openai/o1", True),
        ("openai/gpt-5-mini", True),
        ("openai/gpt-5.4", True),
        ("openai/azure/o3", True),
        ("openai/gpt-4o", False),
        ("openai/gpt-4.1", False),
        ("vllm/SmolLM2-135M", False),
        ("openai-api/own/olmo-2", False),
    ],
)
def test_models_that_reason_unseen_are_known_by_name(model: str, reasons: bool) -> None:
    assert is_reasoning(model) == reasons


@pytest.mark.parametrize("content", [None, b"damaged"])
def test_tiktoken_is_not_used_where_it_would_fetch_its_table(tmp_path: Path, content: bytes | None) -> None:
    address = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
    if content is not None:
        (tmp_path / hashlib.sha1(address.encode()).hexdigest()).write_bytes(content)
    count, how = token_counter("openai/gpt-4o", {"TIKTOKEN_CACHE_DIR": str(tmp_path)})
    assert "4 characters" in how
    assert count("abcde") == 2
    assert "4 characters" in token_counter("openai/gpt-4o", {"TIKTOKEN_CACHE_DIR": ""})[1]
