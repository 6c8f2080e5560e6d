"""LoRA adapters in the format of ``peft``, merged with numpy: the plain install needs no torch."""

import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from triage.slm.errors import ModelIntegrityError, ModelMissingError
from triage.slm.gguf_weights import FloatArray

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"

_PREFIX = "base_model.model."
# Settings that change what a LoRA computes. Another value than this one is refused, never ignored.
_PLAIN: dict[str, tuple[Any, ...]] = {
    "peft_type": ("LORA",),
    "bias": ("none", None),
    "use_dora": (False, None),
    "fan_in_fan_out": (False, None),
    "modules_to_save": (None, []),
    "rank_pattern": ({}, None),
    "alpha_pattern": ({}, None),
    "trainable_token_indices": (None, []),
    "layer_replication": (None, []),
}


class LoraAdapter:
    """One adapter folder: ``adapter_config.json`` and ``adapter_model.safetensors``.

    Raises:
        ModelMissingError: the folder lacks one of the two files.
        ModelIntegrityError: not a plain LoRA, or a file that cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        config_path, weights_path = folder / CONFIG_FILE, folder / WEIGHTS_FILE
        for path in (config_path, weights_path):
            if not path.is_file():
                raise ModelMissingError(
                    f"adapter {self.name} has no {path.name}: copy the whole adapter folder"
                )
        self.sha256 = adapter_sha256(folder)
        try:
            config: dict[str, Any] = json.loads(config_path.read_text("utf-8"))
            tensors = load_file(weights_path)
        except (ValueError, SafetensorError) as error:
            raise ModelIntegrityError(f"adapter {self.name} cannot be read: {error}") from error
        for key, allowed in _PLAIN.items():
            if config.get(key, allowed[-1]) not in allowed:
                raise ModelIntegrityError(f"adapter {self.name}: {key}={config[key]!r} is not a plain LoRA")
        rank = int(config["r"])
        self._scale = config["lora_alpha"] / (math.sqrt(rank) if config.get("use_rslora") else rank)
        self._pairs = _pairs(self.name, tensors, rank)

    @property
    def changes(self) -> frozenset[str]:
        """The weights it changes, under their Hugging Face names."""
        return frozenset(self._pairs)

    def merge(self, weights: Iterator[tuple[str, FloatArray]]) -> Iterator[tuple[str, FloatArray]]:
        """Each weight ``W`` of shape ``[out, in]`` as ``W + scale * B A``; the others unchanged.

        Raises:
            ModelIntegrityError: the adapter changes a weight that the model does not have.
        """
        left = dict(self._pairs)
        for name, weight in weights:
            pair = left.pop(name, None)
            if pair is None:
                yield name, weight
                continue
            down, up = pair
            if (up.shape[0], down.shape[1]) != weight.shape:
                raise ModelIntegrityError(f"adapter {self.name} does not fit {name}")
            yield name, weight + np.float32(self._scale) * (up @ down)
        if left:
            raise ModelIntegrityError(
                f"adapter {self.name} changes {min(left)}, which the model does not have"
            )


def adapter_sha256(folder: Path) -> str:
    """One hash over both files: the scale in the configuration is part of what the adapter computes."""
    digest = hashlib.sha256()
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        digest.update(hashlib.sha256((folder / name).read_bytes()).digest())
    return digest.hexdigest()


def _pairs(name: str, tensors: dict[str, Any], rank: int) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Weight name to ``(A [rank, in], B [out, rank])``."""
    found: dict[str, dict[str, FloatArray]] = {}
    for key, tensor in tensors.items():
        module, _, part = key.removesuffix(".weight").rpartition(".")
        if not key.startswith(_PREFIX) or part not in {"lora_A", "lora_B"}:
            raise ModelIntegrityError(f"adapter {name} holds {key}, which is not part of a plain LoRA")
        side = 0 if part == "lora_A" else 1
        if tensor.ndim != 2 or tensor.shape[side] != rank:
            raise ModelIntegrityError(f"adapter {name}: {key} is not of rank {rank}")
        found.setdefault(f"{module.removeprefix(_PREFIX)}.weight", {})[part] = tensor.astype(np.float32)
    for weight, parts in found.items():
        if len(parts) != 2:
            raise ModelIntegrityError(f"adapter {name} has one half only for {weight}")
    return {weight: (parts["lora_A"], parts["lora_B"]) for weight, parts in found.items()}
