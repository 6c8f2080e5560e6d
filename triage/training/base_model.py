"""The base model for training: the embedded one, or any causal language model in a local folder (extra ``train``).

The embedded one is dequantised GGUF weights in a fresh ``LlamaForCausalLM``, by the reader that feeds the embedded
engine, so what is trained is what is served. Loading takes seconds; the ``gguf_file`` argument of transformers gives
the same weights in more than a minute, and a model that refuses ``save_pretrained``.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedModel

from triage.slm.errors import ModelMissingError
from triage.slm.fetch import MODEL_NAME, file_sha256, find_base_model, folder_sha256
from triage.slm.gguf_weights import GgufModel
from triage.slm.tokenizer import tokenizer_from_gguf
from triage.training.config import EMBEDDED, BaseConfig, TrainingError

_SCALED_LOGITS = ("final_logit_softcapping", "logit_scale", "logits_scaling")


class BaseModelError(TrainingError):
    """The base model cannot be trained as the recipe asks: the message says what to change."""


@dataclass(frozen=True, slots=True)
class Base:
    """A loaded base model. ``sha256``: of the GGUF file, or over the folder's configuration, tokenizer and weights."""

    model: PreTrainedModel
    tokenizer: Tokenizer
    name: str
    sha256: str
    device: str


def load(config: BaseConfig, precision: str) -> Base:
    """The model a recipe asks for, on its device, not yet with LoRA; nothing is downloaded.

    Args:
        config: the recipe's ``base`` section.
        precision: of the frozen weights that are not quantised, a torch type's name.

    Raises:
        ModelMissingError: the embedded model is not installed, or the folder is not a model in Hugging Face format.
        ModelIntegrityError: the embedded model's file is not the pinned one.
        BaseModelError: no such device, 4-bit weights without a GPU or without bitsandbytes, or a model whose output is
            scaled in a way that training would leave out.
    """
    device = _device(config)
    if config.quantisation is not None:
        _check_quantisation(config, device)
    if config.model == EMBEDDED:
        path = find_base_model()
        embedded, tokenizer = load_base(path)
        return Base(embedded.to(device), tokenizer, MODEL_NAME, file_sha256(path), device)
    folder = Path(config.model)
    for needed in ("config.json", "tokenizer.json"):
        if not (folder / needed).is_file():
            raise ModelMissingError(
                f"{config.model} holds no {needed}: give a local folder in Hugging Face format with --base, "
                "for instance one made with `hf download MODEL --local-dir FOLDER`"
            )
    options: dict[str, Any] = {"dtype": getattr(torch, precision), "local_files_only": True}
    if config.quantisation is not None:
        options |= {"quantization_config": _nf4(), "device_map": {"": 0}}
    model = AutoModelForCausalLM.from_pretrained(str(folder), **options)
    scaled = [name for name in _SCALED_LOGITS if getattr(model.config, name, None) not in (None, 1.0)]
    if scaled:
        raise BaseModelError(f"{folder.name} scales its output ({scaled[0]}), which the loss does not do")
    if config.quantisation is None:
        model = model.to(device)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return Base(model.eval(), tokenizer, folder.resolve().name, folder_sha256(folder), device)


def _device(config: BaseConfig) -> str:
    if config.device == "cuda" and not torch.cuda.is_available():
        raise BaseModelError("the recipe asks for device cuda, and torch sees no CUDA GPU: use device: auto")
    return ("cuda" if torch.cuda.is_available() else "cpu") if config.device == "auto" else config.device


def _check_quantisation(config: BaseConfig, device: str) -> None:
    if config.model == EMBEDDED:
        raise BaseModelError(
            "quantisation: nf4 is for models in Hugging Face format; the embedded one is small"
        )
    if device != "cuda":
        raise BaseModelError(
            "quantisation: nf4 needs a CUDA GPU, and this machine has none that torch sees; "
            "take it out of the recipe to train without it"
        )
    if find_spec("bitsandbytes") is None:
        raise BaseModelError("quantisation: nf4 needs bitsandbytes: pip install bitsandbytes")


def _nf4() -> Any:
    """NF4 with double quantisation, arithmetic in bfloat16 (Dettmers et al. 2023, "QLoRA")."""
    from transformers import BitsAndBytesConfig  # noqa: PLC0415 - only where a recipe asks for it

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


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
