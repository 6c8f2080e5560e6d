"""The model's own answers, sampled under the answer's grammar: what it would say, right or wrong."""

from collections.abc import Sequence

import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer
from peft import PeftModel
from tokenizers import Tokenizer
from transformers import LogitsProcessor, LogitsProcessorList

from triage.slm.answer import LEAD, answer_regex
from triage.slm.chat import ChatFormat
from triage.training.encoding import Encoder
from triage.training.preference.reward import JudgedCase

MAX_ANSWER_TOKENS = 64


def question(case: JudgedCase, chat: ChatFormat) -> str:
    """Everything the model is shown, as one text in its own chat tokens."""
    return chat.translate(case.prompt.prefix) + chat.translate(case.prompt.text)


class Sampler:
    """Samples whole answers, each question under its own grammar.

    Args:
        model: in training or not; it is put into evaluation mode.
        tokenizer: the model's.
        encoder: knows the model's chat tokens and the end of an answer.
        temperature: divides the logits.
        batch_size: questions in one pass. With four answers each, 16 questions took 5.0 GB and 0.70 s of one core an
            answer, 4 questions 2.0 GB and 0.64 s (SmolLM2-135M, bfloat16).
    """

    def __init__(
        self,
        model: PeftModel,
        tokenizer: Tokenizer,
        encoder: Encoder,
        *,
        temperature: float = 1.0,
        batch_size: int = 4,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._chat = encoder.chat
        self._end = encoder.end
        self._temperature = temperature
        self._batch_size = batch_size
        self._grammar = LLTokenizer(
            tokenizer.to_str(), n_vocab=tokenizer.get_vocab_size(), eos_token=encoder.end
        )

    def sample(self, cases: Sequence[JudgedCase], count: int, seed: int) -> list[list[str]]:
        """``count`` answers to each question, in the order given. Repeatable on the same machine."""
        torch.manual_seed(seed)
        self._model.eval()
        asked = [self._ids(question(case, self._chat) + LEAD) for case in cases]
        answers: list[list[str]] = [[] for _ in cases]
        order = sorted(range(len(cases)), key=lambda index: len(asked[index]))
        for start in range(0, len(order), self._batch_size):
            chosen = order[start : start + self._batch_size]
            texts = self._generate(
                [asked[i] for i in chosen], [answer_regex(cases[i].prompt) for i in chosen], count
            )
            for position, index in enumerate(chosen):
                answers[index] = texts[position * count : (position + 1) * count]
        return answers

    def _generate(self, questions: Sequence[list[int]], grammars: Sequence[str], count: int) -> list[str]:
        longest = max(len(ids) for ids in questions)
        device = self._model.device
        padded = [[self._end] * (longest - len(ids)) + ids for ids in questions]
        mask = [[0] * (longest - len(ids)) + [1] * len(ids) for ids in questions]
        matchers = [self._matcher(grammar) for grammar in grammars for _ in range(count)]
        half = self._model.get_base_model().dtype == torch.bfloat16
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=half):
            written = self._model.generate(
                input_ids=torch.tensor(padded, device=device),
                attention_mask=torch.tensor(mask, device=device),
                do_sample=True,
                temperature=self._temperature,
                top_k=0,
                top_p=1.0,
                num_return_sequences=count,
                max_new_tokens=MAX_ANSWER_TOKENS,
                eos_token_id=self._end,
                pad_token_id=self._end,
                logits_processor=LogitsProcessorList([_Grammar(matchers, longest, self._end)]),
            )
        return [LEAD + self._text(row[longest:].tolist()) for row in written]

    def _matcher(self, regex: str) -> LLMatcher:
        matcher = LLMatcher(self._grammar, LLMatcher.grammar_from_regex(regex), log_level=0)
        if matcher.is_error() or not matcher.consume_tokens(self._grammar.tokenize_str(LEAD)):
            raise ValueError("the grammar of the answer does not begin with its lead")
        return matcher

    def _text(self, ids: list[int]) -> str:
        kept = ids[: ids.index(self._end)] if self._end in ids else ids
        return str(self._tokenizer.decode(kept, skip_special_tokens=False))

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)


class _Grammar(LogitsProcessor):  # type: ignore[misc] # transformers is not typed here
    """Allows each row the tokens that its grammar allows, and the end where the grammar ends."""

    def __init__(self, matchers: Sequence[LLMatcher], start: int, end: int) -> None:
        self._matchers = matchers
        self._start = start
        self._end = end

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        allowed = torch.zeros(scores.shape, dtype=torch.bool)
        for row, matcher in enumerate(self._matchers):
            last = int(input_ids[row, -1])
            if input_ids.shape[1] > self._start and last != self._end and not matcher.consume_token(last):
                raise ValueError("the grammar refused a token it had allowed")
            if matcher.is_stopped() or (input_ids.shape[1] > self._start and last == self._end):
                allowed[row, self._end] = True
                continue
            packed = np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
            bits = np.unpackbits(packed, bitorder="little")[: scores.shape[1]]
            allowed[row, : len(bits)] = torch.from_numpy(bits.astype(bool))
        return scores.masked_fill(~allowed.to(scores.device), -torch.inf)
