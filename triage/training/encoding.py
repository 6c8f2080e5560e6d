"""Examples as token ids, and where the level stands in them."""

from dataclasses import dataclass

from tokenizers import Tokenizer

from triage.slm.answer import LEAD
from triage.slm.chat import ChatFormat, ChatFormatError
from triage.training.examples import TrainingExample


@dataclass(frozen=True, slots=True)
class Encoded:
    """``level_at``: where the level's digit stands; ``ids`` end there where only the level is a target.

    ``distracted``: the same question with irrelevant sentences, up to where the level would stand."""

    ids: list[int]
    level_at: int
    level: int
    soft: tuple[float, float, float, float, float] | None = None
    distracted: list[int] | None = None


class Encoder:
    """Turns examples into token ids, and knows where the answer and its level begin.

    Raises:
        ChatFormatError: the tokenizer has the chat tokens of no known family, or splits a level into several tokens.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.chat = ChatFormat.from_tokenizer(tokenizer)
        self.end = self._one(self.chat.end)
        self.digits = [self._one(str(level)) for level in range(1, 6)]
        # The level is learnt and read as the token that follows the lead; a tokenizer that joins the lead's space
        # to the digit would be asked for another token in serving than in training.
        for level, digit in enumerate(self.digits, start=1):
            if self._ids(f"{LEAD}{level}") != [*self._ids(LEAD), digit]:
                raise ChatFormatError(
                    f"the tokenizer joins {LEAD!r} and {level}; the level must be one token"
                )

    def encode(self, example: TrainingExample) -> Encoded:
        """Ids of prefix, prompt and target, tokenised apart exactly as the engines do."""
        ids = self._question(example.prefix, example.prompt)
        level_at = len(ids)
        if example.whole:
            ids += [
                self.digits[example.level - 1],
                *self._ids(example.target[len(LEAD) + 1 :]),
                self.end,
            ]
        distracted = (
            None if example.distracted is None else self._question(example.prefix, example.distracted)
        )
        return Encoded(ids, level_at, example.level, example.soft, distracted)

    def _question(self, prefix: str, prompt: str) -> list[int]:
        return [
            *self._ids(self.chat.translate(prefix)),
            *self._ids(self.chat.translate(prompt)),
            *self._ids(LEAD),
        ]

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _one(self, text: str) -> int:
        ids = self._ids(text)
        if len(ids) != 1:
            raise ChatFormatError(
                f"the tokenizer splits {text!r} into {len(ids)} tokens; the level must be one token"
            )
        return ids[0]
