"""A model writes on freely, without its grammar: what its weights alone would say. Needs the extra ``train``."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Self

import torch
from peft import PeftModel
from tokenizers import Tokenizer

from triage.slm.chat import ChatFormat
from triage.training import base_model
from triage.training.config import BaseConfig
from triage.training.extraction.attack import AttackPrompt

TOP_K = 40
"""Likeliest tokens that sampling chooses from, at temperature 1, as in Carlini et al. 2021."""


class FreeWriter:
    """Writes on from prompts. Repeatable on one machine.

    Args:
        model: a causal language model of transformers.
        tokenizer: its own.
        batch_size: prompts in one pass.
    """

    def __init__(self, model: Any, tokenizer: Tokenizer, *, batch_size: int = 25) -> None:
        self._model = model.eval()
        self._tokenizer = tokenizer
        self._chat = ChatFormat.from_tokenizer(tokenizer)
        self._end = self._ids_as_they_are(self._chat.end)[0]
        self._batch_size = batch_size

    @classmethod
    def open(cls, base: BaseConfig, adapter: Path | None, *, batch_size: int = 25) -> Self:
        """The base model in float32 with the adapter, as training left it; None is the base model alone.

        Raises:
            ModelMissingError: the base model is not on this machine.
            BaseModelError: it cannot be loaded so.
        """
        loaded = base_model.load(base, "float32")
        model: Any = loaded.model
        if adapter is not None:
            model = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
        return cls(model, loaded.tokenizer, batch_size=batch_size)

    def write(self, prompts: Sequence[AttackPrompt], tokens: int, *, seed: int = 7) -> list[str]:
        """``tokens`` tokens after each prompt, in the order given. The end is forbidden: it must go on talking."""
        ids = [self._ids(prompt.text) for prompt in prompts]
        order = sorted(range(len(prompts)), key=lambda i: (prompts[i].sampled, len(ids[i])))
        written = [""] * len(prompts)
        torch.manual_seed(seed)
        for sampled, group in groupby(order, key=lambda i: prompts[i].sampled):
            members = list(group)
            for start in range(0, len(members), self._batch_size):
                batch = members[start : start + self._batch_size]
                for index, text in zip(
                    batch, self._batch([ids[i] for i in batch], tokens, sampled), strict=True
                ):
                    written[index] = text
        return written

    def _batch(self, rows: Sequence[list[int]], tokens: int, sampled: bool) -> list[str]:
        longest = max(len(row) for row in rows)
        device = self._model.device
        padded = [[self._end] * (longest - len(row)) + row for row in rows]
        mask = [[0] * (longest - len(row)) + [1] * len(row) for row in rows]
        how = {"do_sample": True, "temperature": 1.0, "top_k": TOP_K, "top_p": 1.0} if sampled else {}
        with torch.no_grad():
            found = self._model.generate(
                input_ids=torch.tensor(padded, device=device),
                attention_mask=torch.tensor(mask, device=device),
                min_new_tokens=tokens,
                max_new_tokens=tokens,
                eos_token_id=self._end,
                pad_token_id=self._end,
                **(how or {"do_sample": False}),
            )
        return [
            str(self._tokenizer.decode(row[longest:].tolist(), skip_special_tokens=False)) for row in found
        ]

    def _ids(self, text: str) -> list[int]:
        return self._ids_as_they_are(self._chat.translate(text))

    def _ids_as_they_are(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)
