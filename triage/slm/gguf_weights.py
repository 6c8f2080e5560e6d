"""Read a llama-architecture GGUF file into plain float32 arrays with the names Hugging Face gives them.

The conversion to GGUF reorders the rows of the query and key projections, so that rotary pairs lie side by
side (llama.cpp, ``convert_hf_to_gguf.py``, ``LlamaModel.permute``). It is undone here, once: every other
module, and every LoRA adapter, sees the row order of ``transformers.LlamaForCausalLM``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize
from numpy.typing import NDArray

from triage.slm.errors import ModelIntegrityError

FloatArray = NDArray[np.float32]

_LINEAR = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}


@dataclass(frozen=True, slots=True)
class LlamaShape:
    """The numbers that define a llama model; embeddings are tied to the output head."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    context: int
    rope_theta: float
    norm_epsilon: float


class GgufModel:
    """One opened GGUF file. Tensors are read from the memory map when asked for.

    Raises:
        ModelIntegrityError: the file is not a readable GGUF of the llama architecture with tied embeddings.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._reader = GGUFReader(path)
        except (ValueError, OSError, IndexError, KeyError) as error:
            raise ModelIntegrityError(f"{path.name} is not a readable GGUF file") from error
        self.path = path
        if self.field("general.architecture") != "llama":
            raise ModelIntegrityError(f"{path.name} does not hold a llama model")
        self._tensors = {tensor.name: tensor for tensor in self._reader.tensors}
        if "output.weight" in self._tensors:
            raise ModelIntegrityError(f"{path.name} has an output head of its own; tied embeddings expected")
        heads = int(self.field("llama.attention.head_count"))
        hidden = int(self.field("llama.embedding_length"))
        self.shape = LlamaShape(
            layers=int(self.field("llama.block_count")),
            hidden=hidden,
            intermediate=int(self.field("llama.feed_forward_length")),
            heads=heads,
            kv_heads=int(self.field("llama.attention.head_count_kv")),
            head_dim=hidden // heads,
            vocabulary=int(self.field("llama.vocab_size")),
            context=int(self.field("llama.context_length")),
            rope_theta=float(self.field("llama.rope.freq_base")),
            # Stored as float32; the decimal number meant is the shortest that gives the same float32.
            norm_epsilon=float(str(np.float32(self.field("llama.attention.layer_norm_rms_epsilon")))),
        )

    def field(self, name: str) -> Any:
        """The value of one metadata field.

        Raises:
            ModelIntegrityError: the field is missing.
        """
        found = self._reader.get_field(name)
        if found is None:
            raise ModelIntegrityError(f"{self.path.name} has no metadata field {name}")
        return found.contents()

    def weights(self) -> Iterator[tuple[str, FloatArray]]:
        """Every tensor as ``(Hugging Face name, float32 array)``; matrices are ``[out, in]``."""
        for name, tensor in self._tensors.items():
            array = np.array(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32, order="C")
            if name.endswith(".attn_q.weight"):
                array = unpermute(array, self.shape.heads)
            elif name.endswith(".attn_k.weight"):
                array = unpermute(array, self.shape.kv_heads)
            yield hugging_face_name(name), array


def hugging_face_name(name: str) -> str:
    """``blk.3.attn_q.weight`` to ``model.layers.3.self_attn.q_proj.weight``.

    Raises:
        ModelIntegrityError: not a tensor of the llama architecture.
    """
    if name == "token_embd.weight":
        return "model.embed_tokens.weight"
    if name == "output_norm.weight":
        return "model.norm.weight"
    match name.split("."):
        case ["blk", layer, part, "weight"] if part in _LINEAR and layer.isdigit():
            return f"model.layers.{layer}.{_LINEAR[part]}.weight"
    raise ModelIntegrityError(f"unknown tensor {name} for a llama model")


def unpermute(weight: FloatArray, heads: int) -> FloatArray:
    """Rows from GGUF order (rotary pairs side by side) to Hugging Face order (halves of each head)."""
    rows, columns = weight.shape
    paired = weight.reshape(heads, rows // heads // 2, 2, columns)
    return np.ascontiguousarray(paired.swapaxes(1, 2).reshape(rows, columns))
