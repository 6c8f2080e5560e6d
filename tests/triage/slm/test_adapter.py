import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from triage.slm.adapter import LoraAdapter, adapter_sha256
from triage.slm.errors import ModelIntegrityError, ModelMissingError

OUT, IN, RANK = 6, 10, 2
NAME = "model.layers.1.self_attn.q_proj.weight"
KEY = "base_model.model.model.layers.1.self_attn.q_proj"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def _write(config: dict[str, Any] | None = None, drop: str = "", extra: str = "") -> Path:
        rng = np.random.default_rng(0)
        tensors = {
            f"{KEY}.lora_A.weight": rng.normal(size=(RANK, IN)).astype(np.float32),
            f"{KEY}.lora_B.weight": rng.normal(size=(OUT, RANK)).astype(np.float32),
        }
        tensors.pop(drop, None)
        if extra:
            tensors[extra] = np.zeros((RANK, IN), np.float32)
        folder = tmp_path / "one"
        folder.mkdir()
        save_file(tensors, folder / "adapter_model.safetensors")
        plain = {"peft_type": "LORA", "r": RANK, "lora_alpha": 8, "bias": "none"}
        (folder / "adapter_config.json").write_text(json.dumps(plain | (config or {})))
        return folder

    return _write


WEIGHT = np.arange(OUT * IN, dtype=np.float32).reshape(OUT, IN)


@pytest.mark.parametrize(("rslora", "scale"), [(False, 8 / 2), (True, 8 / 2**0.5)])
def test_merge_is_w_plus_scaled_b_a(write: Callable[..., Path], rslora: bool, scale: float) -> None:
    folder = write({"use_rslora": rslora})
    pair = load_file(folder / "adapter_model.safetensors")
    down, up = (pair[f"{KEY}.lora_{half}.weight"].astype(np.float64) for half in "AB")
    other = np.ones(3, np.float32)
    merged = dict(LoraAdapter(folder).merge(iter([(NAME, WEIGHT), ("model.norm.weight", other)])))
    np.testing.assert_allclose(merged[NAME], WEIGHT + scale * up @ down, rtol=1e-5, atol=1e-5)
    assert merged[NAME].dtype == np.float32
    assert merged["model.norm.weight"] is other


@pytest.mark.parametrize(
    "config",
    [
        {"peft_type": "IA3"},
        {"use_dora": True},
        {"bias": "all"},
        {"fan_in_fan_out": True},
        {"modules_to_save": ["lm_head"]},
        {"rank_pattern": {"q_proj": 8}},
        {"alpha_pattern": {"q_proj": 8}},
    ],
)
def test_what_is_not_a_plain_lora_is_refused(write: Callable[..., Path], config: dict[str, Any]) -> None:
    with pytest.raises(ModelIntegrityError, match=next(iter(config))):
        LoraAdapter(write(config))


def test_half_a_pair_is_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(ModelIntegrityError, match="one half"):
        LoraAdapter(write(drop=f"{KEY}.lora_B.weight"))


def test_a_tensor_that_is_no_lora_is_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(ModelIntegrityError, match="lm_head"):
        LoraAdapter(write(extra="base_model.model.lm_head.weight"))


def test_another_rank_than_the_configuration_says_is_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(ModelIntegrityError, match="rank 3"):
        LoraAdapter(write({"r": 3}))


def test_a_weight_the_model_does_not_have_is_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(ModelIntegrityError, match="does not have"):
        dict(LoraAdapter(write()).merge(iter([("model.norm.weight", np.ones(3, np.float32))])))


def test_a_weight_of_another_size_is_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(ModelIntegrityError, match="does not fit"):
        dict(LoraAdapter(write()).merge(iter([(NAME, WEIGHT.T.copy())])))


def test_a_missing_file_is_named(write: Callable[..., Path]) -> None:
    folder = write()
    (folder / "adapter_config.json").unlink()
    with pytest.raises(ModelMissingError, match=r"adapter_config\.json"):
        LoraAdapter(folder)


def test_a_damaged_file_is_refused(write: Callable[..., Path]) -> None:
    folder = write()
    path = folder / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ModelIntegrityError, match="cannot be read"):
        LoraAdapter(folder)


def test_the_hash_covers_the_scale(write: Callable[..., Path]) -> None:
    folder = write()
    before = adapter_sha256(folder)
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | {"lora_alpha": 16}))
    assert adapter_sha256(folder) != before
