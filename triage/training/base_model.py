"""The base model for training: dequantised GGUF weights in a fresh ``LlamaForCausalLM`` (extra ``train``).

The same reader feeds the embedded engine, so what is trained is what is served. Loading takes seconds;
the ``gguf_file`` argument of transformers gives the same weights in more than a minute, and a model that
refuses ``save_pretrained``.
"""

from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

from triage.slm.gguf_weights import GgufModel
from triage.slm.tokenizer import tokenizer_from_gguf


def load_base(gguf_path: Path) -> tuple[LlamaForCausalLM, Tokenizer]:
    """The model in float32 and evaluation mode, and its tokenizer.

    Raises:
        ModelIntegrityError: the file is not a GGUF of a llama model with the SmolLM2 tokenizer.
    """
    source = GgufModel(gguf_path)
    shape = source.shape
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        max_position_embeddings=shape.context,
        rms_norm_eps=shape.norm_epsilon,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
        tie_word_embeddings=True,
        bos_token_id=int(source.field("tokenizer.ggml.bos_token_id")),
        eos_token_id=int(source.field("tokenizer.ggml.eos_token_id")),
        pad_token_id=int(source.field("tokenizer.ggml.padding_token_id")),
        dtype="float32",
    )
    model = LlamaForCausalLM(config)
    state = {name: torch.from_numpy(array) for name, array in source.weights()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    if unexpected or set(missing) - {"lm_head.weight"}:
        raise ValueError(f"the GGUF does not fill the model: missing {missing}, unexpected {unexpected}")
    return model.eval(), tokenizer_from_gguf(source)
