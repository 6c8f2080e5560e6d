"""The real model, built once into the user's cache and shared by the tests of this folder."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from triage.slm.build import BuiltModel, ensure_built
from triage.slm.embedded import EmbeddedEngine
from triage.slm.fetch import fetch_base_model

HIDDEN, INTERMEDIATE, KEY_VALUE, LAYERS = 576, 1536, 192, 30
SHAPES = {  # module: (out, in)
    "self_attn.q_proj": (HIDDEN, HIDDEN),
    "self_attn.k_proj": (KEY_VALUE, HIDDEN),
    "self_attn.v_proj": (KEY_VALUE, HIDDEN),
    "self_attn.o_proj": (HIDDEN, HIDDEN),
    "mlp.gate_proj": (INTERMEDIATE, HIDDEN),
    "mlp.up_proj": (INTERMEDIATE, HIDDEN),
    "mlp.down_proj": (HIDDEN, INTERMEDIATE),
}


def write_lora(folder: Path, *, rank: int = 4, alpha: int = 8, layers: tuple[int, ...] = (0, 7, 29)) -> Path:
    """A random LoRA in the format peft writes, on every linear module of some layers; always the same."""
    rng = np.random.default_rng(20250101)
    tensors: dict[str, np.ndarray] = {}
    for layer in layers:
        for module, (out, columns) in SHAPES.items():
            key = f"base_model.model.model.layers.{layer}.{module}"
            tensors[f"{key}.lora_A.weight"] = rng.normal(0, 0.05, (rank, columns)).astype(np.float32)
            tensors[f"{key}.lora_B.weight"] = rng.normal(0, 0.05, (out, rank)).astype(np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": rank,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "use_rslora": False,
        "use_dora": False,
        "modules_to_save": None,
        "rank_pattern": {},
        "alpha_pattern": {},
        "layers_to_transform": list(layers),
        "target_modules": sorted(module.rsplit(".", 1)[-1] for module in SHAPES),
    }
    (folder / "adapter_config.json").write_text(json.dumps(config), "utf-8")
    return folder


@pytest.fixture(scope="session")
def gguf() -> Path:
    return fetch_base_model()


@pytest.fixture(scope="session")
def built(gguf: Path) -> BuiltModel:
    return ensure_built(gguf)


@pytest.fixture(scope="session")
def lora_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lora(tmp_path_factory.mktemp("adapters") / "random")


@pytest.fixture(scope="session")
def engine(built: BuiltModel) -> Iterator[EmbeddedEngine]:
    ready = EmbeddedEngine(built)
    yield ready
    asyncio.run(ready.close())
