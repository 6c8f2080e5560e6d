"""The OpenVINO graph against a llama forward pass written out in numpy, on a tiny random model."""

from pathlib import Path

import numpy as np
import openvino as ov
import pytest

from triage.slm.errors import EngineError
from triage.slm.gguf_weights import LlamaShape, unpermute
from triage.slm.graph import MAX_POSITIONS, build_graph, quantise
from triage.slm.runtime import Decoder

SHAPE = LlamaShape(
    layers=2,
    hidden=128,
    intermediate=192,
    heads=4,
    kv_heads=2,
    head_dim=32,
    vocabulary=50,
    context=512,
    rope_theta=10000.0,
    norm_epsilon=1e-5,
)


def random_weights() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    sizes = {
        "self_attn.q_proj": (128, 128),
        "self_attn.k_proj": (64, 128),
        "self_attn.v_proj": (64, 128),
        "self_attn.o_proj": (128, 128),
        "mlp.gate_proj": (192, 128),
        "mlp.up_proj": (192, 128),
        "mlp.down_proj": (128, 192),
    }
    weights = {"model.embed_tokens.weight": rng.normal(0, 1, (50, 128))}
    weights["model.norm.weight"] = rng.normal(1, 0.1, 128)
    for layer in range(2):
        for module, size in sizes.items():
            weights[f"model.layers.{layer}.{module}.weight"] = rng.normal(0, 0.15, size)
        for norm in ("input_layernorm", "post_attention_layernorm"):
            weights[f"model.layers.{layer}.{norm}.weight"] = rng.normal(1, 0.1, 128)
    return {name: array.astype(np.float32) for name, array in weights.items()}


def reference(weights: dict[str, np.ndarray], tokens: list[int]) -> np.ndarray:
    """Hidden state after the last token, in float64."""
    w = {name: array.astype(np.float64) for name, array in weights.items()}
    count = len(tokens)

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + SHAPE.norm_epsilon) * w[f"{name}.weight"]

    def rotate(x: np.ndarray) -> np.ndarray:  # [heads, tokens, 32]
        angle = np.arange(count)[:, None] * SHAPE.rope_theta ** (-np.arange(16) / 16)
        first, second = x[..., :16], x[..., 16:]
        return np.concatenate(
            [
                first * np.cos(angle) - second * np.sin(angle),
                second * np.cos(angle) + first * np.sin(angle),
            ],
            axis=-1,
        )

    def split(x: np.ndarray) -> np.ndarray:
        return x.reshape(count, -1, 32).swapaxes(0, 1)

    hidden = w["model.embed_tokens.weight"][tokens]
    for layer in range(2):
        name = f"model.layers.{layer}"
        x = norm(hidden, f"{name}.input_layernorm")
        q, k, v = (split(x @ w[f"{name}.self_attn.{part}_proj.weight"].T) for part in "qkv")
        q, k, v = rotate(q), rotate(k).repeat(2, axis=0), v.repeat(2, axis=0)
        scores = q @ k.swapaxes(1, 2) / np.sqrt(32)
        scores[:, np.triu(np.ones((count, count), dtype=bool), 1)] = -np.inf
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ v
        hidden = hidden + mixed.swapaxes(0, 1).reshape(count, 128) @ w[f"{name}.self_attn.o_proj.weight"].T
        x = norm(hidden, f"{name}.post_attention_layernorm")
        gate = x @ w[f"{name}.mlp.gate_proj.weight"].T
        inner = gate / (1 + np.exp(-gate)) * (x @ w[f"{name}.mlp.up_proj.weight"].T)
        hidden = hidden + inner @ w[f"{name}.mlp.down_proj.weight"].T
    return norm(hidden[-1], "model.norm")


def tiny(folder: Path, precision: str) -> Decoder:
    weights = random_weights()
    ov.save_model(build_graph(SHAPE, weights, precision), folder / "model.xml", compress_to_fp16=False)
    np.save(folder / "embeddings.npy", weights["model.embed_tokens.weight"])
    return Decoder(folder / "model.xml", folder / "embeddings.npy", threads=2)


@pytest.fixture
def decoder(tmp_path: Path) -> Decoder:
    return tiny(tmp_path, "f32")


TOKENS = [3, 41, 7, 7, 19, 0, 22, 48, 5]


def test_one_pass_equals_the_written_out_model(decoder: Decoder) -> None:
    np.testing.assert_allclose(decoder.feed([TOKENS])[0], reference(random_weights(), TOKENS), atol=2e-5)


def test_token_by_token_equals_one_pass(decoder: Decoder) -> None:
    steps = [decoder.feed([[token]])[0] for token in TOKENS]
    for index, step in enumerate(steps):
        np.testing.assert_allclose(step, reference(random_weights(), TOKENS[: index + 1]), atol=2e-5)


def test_rows_of_unequal_length_share_a_kept_prefix(decoder: Decoder) -> None:
    decoder.feed([TOKENS[:4]])
    kept = decoder.keep(TOKENS[:4])
    rows = [[19, 0], [22], [5, 6, 7, 8]]
    decoder.restore(kept)
    together = decoder.feed(rows)
    for hidden, row in zip(together, rows, strict=True):
        np.testing.assert_allclose(hidden, reference(random_weights(), TOKENS[:4] + row), atol=2e-5)


def test_a_kept_state_can_be_cut_short(decoder: Decoder) -> None:
    decoder.feed([TOKENS])
    decoder.restore(decoder.keep(TOKENS).first(3))
    assert decoder.length == 3
    np.testing.assert_allclose(
        decoder.feed([[30, 31]])[0], reference(random_weights(), [*TOKENS[:3], 30, 31]), atol=2e-5
    )


def test_scores_are_the_logits_of_the_tokens_asked_for(decoder: Decoder) -> None:
    hidden = decoder.feed([TOKENS])[0]
    logits = random_weights()["model.embed_tokens.weight"].astype(np.float64) @ hidden
    np.testing.assert_allclose(decoder.scores(hidden, np.array([4, 40, 9])), logits[[4, 40, 9]], rtol=1e-12)


def test_int8_stays_near(tmp_path: Path) -> None:
    exact = reference(random_weights(), TOKENS)
    rounded = tiny(tmp_path, "int8").feed([TOKENS])[0]
    assert np.abs(rounded - exact).max() < 0.05 * np.abs(exact).max()
    assert np.abs(rounded - exact).max() > 0


def test_quantised_weights_are_within_half_a_step() -> None:
    weight = random_weights()["model.layers.0.mlp.down_proj.weight"]
    weight[0, :64] = 0
    steps, scale = quantise(weight, 64)
    assert steps.shape == (128, 3, 64)
    assert np.abs((steps * scale).reshape(weight.shape) - weight).max() <= scale.max() * 0.5001


def test_too_long_is_an_error(decoder: Decoder) -> None:
    with pytest.raises(EngineError, match="shorten the text"):
        decoder.feed([[1] * (MAX_POSITIONS + 1)])


def test_unpermute_undoes_the_reordering_of_the_gguf_conversion() -> None:
    weight = random_weights()["model.layers.0.self_attn.k_proj.weight"]
    # llama.cpp, convert_hf_to_gguf.py, LlamaModel.permute
    converted = weight.reshape(2, 2, 16, 128).swapaxes(1, 2).reshape(weight.shape)
    assert not np.array_equal(converted, weight)
    np.testing.assert_array_equal(unpermute(converted, 2), weight)
