"""A question as token ids: the server reads the very tokens that the embedded engine reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tokenizers import Tokenizer

from triage.slm.chat import CHATML, ChatFormat, ChatFormatError
from triage.slm.engine import LEVEL_OPTIONS, EngineRequest
from triage.slm.errors import AnswerError, ModelIntegrityError, ModelMissingError
from triage.slm.gguf_weights import GgufModel
from triage.slm.tokenizer import tokenizer_from_gguf

_META = frozenset(r".^$*+?()[]{}|\/")


@dataclass(frozen=True)
class Tokens:
    """Encodes questions and decodes answers. ``digits`` are the tokens of the levels 1 to 5, ``end`` ends an answer.

    ``chat`` is None where the prompt's own ChatML tokens are the model's and patient text was cleared of them.
    """

    tokenizer: Tokenizer
    digits: tuple[int, int, int, int, int]
    end: int
    chat: ChatFormat | None = None

    @classmethod
    def of_gguf(cls, path: Path) -> "Tokens":
        """Those of the project's base model; read once in a process, which takes seconds.

        Raises:
            ModelIntegrityError: the file holds another kind of tokenizer.
        """
        return cls._made(_of_gguf(path), CHATML.end, None)

    @classmethod
    def of_file(cls, path: Path) -> "Tokens":
        """Those of any model: its ``tokenizer.json``, or the folder that holds it.

        Raises:
            ModelMissingError: there is no such file.
            ModelIntegrityError: the file is no tokenizer, or the prompt cannot be written in it.
        """
        file = path / "tokenizer.json" if path.is_dir() else path
        if not file.is_file():
            raise ModelMissingError(f"{file} is not there: it must be the served model's tokenizer.json")
        try:
            tokenizer = Tokenizer.from_file(str(file))
            chat = ChatFormat.from_tokenizer(tokenizer)
        except ChatFormatError as error:
            raise ModelIntegrityError(f"{file}: {error}") from None
        except Exception as error:  # tokenizers raises plain Exceptions
            raise ModelIntegrityError(f"{file} cannot be read as a tokenizer") from error
        return cls._made(tokenizer, chat.end, chat)

    @classmethod
    def _made(cls, tokenizer: Tokenizer, end_text: str, chat: ChatFormat | None) -> "Tokens":
        lead = tokenizer.encode("Level: ", add_special_tokens=False).ids
        found = []
        for option in LEVEL_OPTIONS:
            ids = tokenizer.encode(f"Level: {option}", add_special_tokens=False).ids
            if ids[:-1] != lead:
                raise ModelIntegrityError(
                    "the tokenizer has no token of its own for each level after the lead"
                )
            found.append(ids[-1])
        end = tokenizer.token_to_id(end_text)
        if end is None or len(set(found)) != len(LEVEL_OPTIONS):
            raise ModelIntegrityError("the tokenizer does not fit the prompt's form")
        one, two, three, four, five = found
        return cls(tokenizer, (one, two, three, four, five), end, chat)

    def encode(self, request: EngineRequest) -> list[int]:
        """Prefix, prompt and lead as one text, as in training and in the embedded engine."""
        text = request.prefix + request.prompt
        if self.chat is not None:
            text = self.chat.translate(text)
        return list(self.tokenizer.encode(text + request.lead, add_special_tokens=False).ids)

    def knows(self, token: int) -> bool:
        """Whether the number is one of its tokens'."""
        return 0 <= token < int(self.tokenizer.get_vocab_size())

    def decode(self, ids: Sequence[int]) -> str:
        """The text of an answer's tokens."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=False))


@lru_cache(maxsize=2)
def _of_gguf(path: Path) -> Tokenizer:
    return tokenizer_from_gguf(GgufModel(path))


def after_lead(request: EngineRequest) -> str:
    """The regular expression of what follows the lead, which the server has already read.

    Raises:
        AnswerError: the grammar does not begin with its lead, word for word.
    """
    spelled = "".join("\\" + letter if letter in _META else letter for letter in request.lead)
    if not request.regex.startswith(spelled):
        raise AnswerError("the grammar does not begin with its lead")
    return request.regex[len(spelled) :]
