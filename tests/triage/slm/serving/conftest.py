"""A tiny model in Hugging Face format, with the real tokenizer, written without torch."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from triage.slm.gguf_weights import GgufModel
from triage.slm.tokenizer import tokenizer_from_gguf

ROWS, COLUMNS, RANK = 24, 16, 4
CHANGED = "model.layers.0.self_attn.q_proj.weight"
KEPT = "model.norm.weight"


@pytest.fixture(scope="session")
def tiny_base(gguf: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bases") / "Tiny"
    folder.mkdir()
    rng = np.random.default_rng(1)
    weights = {
        CHANGED: rng.normal(0, 1, (ROWS, COLUMNS)).astype(np.float32),
        KEPT: rng.normal(0, 1, COLUMNS).astype(np.float32),
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"]}))
    (folder / "generation_config.json").write_text(json.dumps({"temperature": 0.7}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": "foreign", "eos_token": "x"}))
    (folder / "chat_template.jinja").write_text("foreign")
    tokenizer_from_gguf(GgufModel(gguf)).save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="session")
def tiny_lora(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("adapters") / "tiny"
    folder.mkdir()
    rng = np.random.default_rng(2)
    key = f"base_model.model.{CHANGED.removesuffix('.weight')}"
    tensors = {
        f"{key}.lora_A.weight": rng.normal(0, 1, (RANK, COLUMNS)).astype(np.float32),
        f"{key}.lora_B.weight": rng.normal(0, 1, (ROWS, RANK)).astype(np.float32),
    }
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": RANK, "lora_alpha": 8, "bias": "none"}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder
