"""LoRA on a base model, fresh or going on from an adapter (Hu et al. 2021)."""

from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.utils import set_peft_model_state_dict
from safetensors.torch import load_file

from triage.training.config import FinetuneConfig, RecipeError

LINEAR_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
WEIGHTS = "adapter_model.safetensors"


def attach_lora(model: torch.nn.Module, config: FinetuneConfig, start_from: Path | None = None) -> PeftModel:
    """The model with LoRA on every linear layer from ``first_layer`` up, or going on from an adapter.

    With ``start_from`` its own rank, layers and dropout hold, not the recipe's. The random start depends on the
    recipe's seed alone.
    """
    torch.manual_seed(config.seed)
    if not getattr(model, "is_quantized", False):  # 4-bit weights have no other precision to go to
        model = model.to(getattr(torch, config.precision))
    if config.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    if start_from is not None:
        return PeftModel.from_pretrained(
            model, str(start_from), is_trainable=True, autocast_adapter_dtype=True
        )
    layers = model.config.num_hidden_layers
    if config.first_layer >= layers:
        raise RecipeError(f"first_layer is {config.first_layer}, but the model has {layers} layers")
    lora = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=list(LINEAR_LAYERS),
        layers_to_transform=list(range(config.first_layer, layers)) if config.first_layer else None,
        layers_pattern="layers" if config.first_layer else None,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, lora)


def load_weights(model: PeftModel, folder: Path) -> None:
    """Put the weights of the adapter in ``folder`` into the model, which has the same LoRA layers."""
    result = set_peft_model_state_dict(model, load_file(folder / WEIGHTS))
    if result.unexpected_keys:
        raise RecipeError(f"the adapter does not fit the model: {min(result.unexpected_keys)} is not in it")
