"""Language models by their shape alone: what they cost does not depend on what their weights know."""

from pathlib import Path
from typing import Literal

from data_schemas._base import Frozen
from triage.slm.fetch import MODEL_NAME, find_base_model
from triage.slm.gguf_weights import GgufModel


class Shape(Frozen):
    """The numbers that decide what a decoder computes for a token. ``source``: where they come from."""

    name: str
    family: Literal["qwen2", "llama"]
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int
    vocabulary: int
    tied_embeddings: bool
    rope_theta: float
    norm_epsilon: float
    source: str

    @property
    def parameters(self) -> int:
        """Weights, the output head counted once where it is the embeddings."""
        head = self.hidden // self.heads
        width = self.hidden + 2 * self.kv_heads * head
        bias = width if self.family == "qwen2" else 0
        attention = self.hidden * width + bias + self.hidden * self.hidden
        layer = attention + 3 * self.hidden * self.intermediate + 2 * self.hidden
        embeddings = self.vocabulary * self.hidden * (1 if self.tied_embeddings else 2)
        return self.layers * layer + embeddings + self.hidden


QWEN25_7B = Shape(
    name="Qwen2.5-7B",
    family="qwen2",
    hidden=3584,
    layers=28,
    heads=28,
    kv_heads=4,
    intermediate=18944,
    vocabulary=152064,
    tied_embeddings=False,
    rope_theta=1_000_000.0,
    norm_epsilon=1e-6,
    source="config.json of Qwen/Qwen2.5-7B (Apache-2.0); 7.62 billion parameters in its model card",
)


def slm_shape() -> Shape:
    """The shape of this project's own base model, from its weights file.

    Raises:
        ModelMissingError: it is not on this machine.
    """
    shape = GgufModel(find_base_model()).shape
    return Shape(
        name=MODEL_NAME,
        family="llama",
        hidden=shape.hidden,
        layers=shape.layers,
        heads=shape.heads,
        kv_heads=shape.kv_heads,
        intermediate=shape.intermediate,
        vocabulary=shape.vocabulary,
        tied_embeddings=True,
        rope_theta=shape.rope_theta,
        norm_epsilon=shape.norm_epsilon,
        source=f"header of {Path(find_base_model()).name}",
    )
