"""A randomly initialised model of a given shape in transformers, asked to read and write so many tokens.

Needs the extra ``train`` (torch, transformers), imported only here and only when a model is made.
"""

import gc
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from eval.energy.meter import EnergyError
from eval.energy.shapes import Shape

INITIALISATION = "normal draws, standard deviation 0.02 (2^24 of them, again and again); norms are ones"
"""In words. 0.02 is the config's initializer_range; so drawn, no activation is zero, subnormal or infinite."""

FREE_BYTES = 2 * 1024**3
"""Memory that must stay available for others; below it the model lets go."""

_DRAWS = 1 << 24
_BYTES_A_WEIGHT = 2  # bfloat16


def available_bytes() -> int | None:
    """Memory that can be had without swapping; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    return found[0] if found else None


def bytes_needed(shape: Shape, layers: int | None = None) -> int:
    """Memory of the weights in bfloat16, with the first ``layers`` layers only where given."""
    cut = shape if layers is None else shape.model_copy(update={"layers": layers})
    return cut.parameters * _BYTES_A_WEIGHT


class RandomModel:
    """``shape`` in bfloat16, with every weight really drawn.

    Args:
        shape: which model.
        layers: only the first so many layers are made; None is all.
        device: ``cpu``, ``cuda``.
        threads: cores for one forward pass on the CPU.
        seed: of the draws.

    Raises:
        EnergyError: torch or transformers are not installed, or the memory does not suffice.
    """

    def __init__(
        self, shape: Shape, *, layers: int | None = None, device: str = "cpu", threads: int = 2, seed: int = 0
    ) -> None:
        if find_spec("torch") is None or find_spec("transformers") is None:
            raise EnergyError(
                "torch and transformers are not installed: pip install 'ed-triage-agent[train]'"
            )
        import torch  # noqa: PLC0415 - an extra, and slow to import

        self._torch = torch
        self._device = device
        self.shape = shape
        self.made = layers or shape.layers
        if device == "cpu":
            need, free = bytes_needed(shape, self.made), available_bytes()
            if free is not None and free - need < FREE_BYTES:
                raise EnergyError(
                    f"{shape.name} with {self.made} layers needs {need / 1e9:.1f} GB, and {free / 1e9:.1f} GB are "
                    "available, of which 2 must stay: measure fewer layers (--depths), or on another machine"
                )
            torch.set_num_threads(threads)
        torch.manual_seed(seed)
        self._model = _materialised(torch, shape, self.made, device)

    @property
    def weights(self) -> int:
        """Weights that are really there."""
        return sum(item.numel() for item in self._model.parameters())

    def run(
        self, prompts: Sequence[Sequence[int]], decode: Sequence[int], *, layers: int | None = None
    ) -> None:
        """Read each prompt in one pass and write so many tokens after it, one pass each, whatever they say.

        Args:
            prompts: token ids below the shape's vocabulary.
            decode: tokens to write after each prompt, at least 1.
            layers: go through the first so many layers only.

        Raises:
            EnergyError: little memory is left on the machine, or an output is not a finite number.
        """
        torch = self._torch
        self._model.config.num_hidden_layers = layers or self.made
        with torch.inference_mode():
            for prompt, count in zip(prompts, decode, strict=True):
                ids = torch.tensor([list(prompt)], device=self._device)
                cache: Any = None
                for _ in range(count):
                    self._leave_room()
                    out = self._model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
                    cache = out.past_key_values
                    ids = out.logits[:, -1].argmax(-1, keepdim=True)
                if not bool(torch.isfinite(out.logits).all()):
                    raise EnergyError(
                        "the random model's output is not finite: its cost would be of nothing real"
                    )
            if self._device != "cpu":
                torch.cuda.synchronize()

    def close(self) -> None:
        """Let the memory go."""
        del self._model
        gc.collect()
        if self._device != "cpu":
            self._torch.cuda.empty_cache()

    def _leave_room(self) -> None:
        free = available_bytes()
        if self._device == "cpu" and free is not None and free < FREE_BYTES:
            raise EnergyError("less than 2 GB of memory is left for others on this machine: stopped")


def _materialised(torch: Any, shape: Shape, layers: int, device: str) -> Any:
    from transformers import (  # noqa: PLC0415 - an extra, and slow to import
        LlamaConfig,
        LlamaForCausalLM,
        Qwen2Config,
        Qwen2ForCausalLM,
    )

    kinds = {"qwen2": (Qwen2Config, Qwen2ForCausalLM), "llama": (LlamaConfig, LlamaForCausalLM)}
    make_config, make = kinds[shape.family]
    config = make_config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=4096,
        rms_norm_eps=shape.norm_epsilon,
        tie_word_embeddings=shape.tied_embeddings,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
    )
    with torch.device("meta"):
        model = make(config)
    model = model.to(torch.bfloat16).to_empty(device=device)
    model.tie_weights()
    # Its angles are a buffer that no weight file holds: made on the meta device they would be whatever was there.
    rotary = type(model.model.rotary_emb)(config=config)
    model.model.rotary_emb = rotary.to(device)
    _draw(torch, model, device)
    return model.eval()


def _draw(torch: Any, model: Any, device: str) -> None:
    draws = (torch.randn(_DRAWS, device=device) * 0.02).to(torch.bfloat16)
    start = 0
    with torch.no_grad():
        for name, item in model.named_parameters():
            if "norm" in name:
                item.fill_(1.0)
                continue
            flat = item.view(-1)
            done = 0
            while done < flat.numel():
                count = min(flat.numel() - done, _DRAWS - start)
                flat[done : done + count].copy_(draws[start : start + count])
                done += count
                start = (start + count + 7919) % _DRAWS
