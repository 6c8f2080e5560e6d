"""The prompt in the chat tokens of another model family.

``slm/prompt.py`` writes ChatML, which SmolLM2 and Qwen read. For a model that has no ChatML tokens its marks are
exchanged for the model's own, one for one. Training and serving must exchange them alike, so both do it here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from tokenizers import Tokenizer

_MARKS = re.compile(r"<\|im_end\|>\n<\|im_start\|>assistant\n|<\|im_start\|>user\n|<\|im_end\|>")


class ChatFormatError(ValueError):
    """A tokenizer that the prompt and the five levels cannot be written for."""


@dataclass(frozen=True)
class ChatFormat:
    """How one family opens the user's turn, passes to the assistant's, and ends.

    ``own_tokens``: everything its tokenizer reads as a control token; patient text must never hold one.
    """

    family: str
    user: str
    assistant: str
    end: str
    own_tokens: frozenset[str] = frozenset()

    @classmethod
    def from_tokenizer(cls, tokenizer: Tokenizer) -> "ChatFormat":
        """The format whose tokens the tokenizer has, ChatML first.

        Raises:
            ChatFormatError: it has neither ChatML tokens nor those of a family known here.
        """
        own = frozenset(_control_tokens(tokenizer))
        for known in (CHATML, LLAMA_3):
            needed = re.findall(r"<\|[^|]+\|>", known.user + known.assistant + known.end)
            if own.issuperset(needed):
                return cls(known.family, known.user, known.assistant, known.end, own)
        raise ChatFormatError(
            "the tokenizer has neither ChatML tokens (<|im_start|>, <|im_end|>) nor those of Llama 3: "
            "add the family's ChatFormat in triage/slm/chat.py"
        )

    def translate(self, text: str) -> str:
        """``text`` of ``build_prompt`` for this family; control tokens that stand in patient text are broken up."""
        parts, at = [], 0
        for match in _MARKS.finditer(text):
            parts += [self._broken(text[at : match.start()]), self._mark(match.group())]
            at = match.end()
        return "".join([*parts, self._broken(text[at:])])

    def _mark(self, chatml: str) -> str:
        return {CHATML.user: self.user, CHATML.assistant: self.assistant, CHATML.end: self.end}[chatml]

    def _broken(self, text: str) -> str:
        """As ``tokenizer.neutralise`` does for the embedded model: spaces inside the brackets, still readable."""
        return self._own.sub(_break, text) if self._own is not None else text

    @cached_property
    def _own(self) -> re.Pattern[str] | None:
        longest_first = sorted(self.own_tokens, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


CHATML = ChatFormat(
    family="ChatML",
    user="<|im_start|>user\n",
    assistant="<|im_end|>\n<|im_start|>assistant\n",
    end="<|im_end|>",
)

LLAMA_3 = ChatFormat(
    family="Llama 3",
    user="<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n",
    assistant="<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    end="<|eot_id|>",
)
"""As Meta's model card of Llama 3.1 gives it ("Model Cards and Prompt Formats"), without a system turn."""


def _control_tokens(tokenizer: Tokenizer) -> Iterable[str]:
    """Added tokens that are marked special or look like a tag (Qwen's ``<tool_call>`` is not marked)."""
    for token in tokenizer.get_added_tokens_decoder().values():
        if token.special or re.fullmatch(r"<\S+>", token.content):
            yield token.content


def _break(match: re.Match[str]) -> str:
    token = match.group()
    edge = 2 if token.startswith("<|") else 1
    return f"{token[:edge]} {token[edge:-edge]} {token[-edge:]}"
