"""From a question to its answer: canonical tokens, forced text in one pass, real decisions one by one."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from llguidance import LLMatcher, LLTokenizer
from tokenizers import Tokenizer

from triage.slm.build import EMBEDDINGS_FILE, GRAPH_FILE, TOKENIZER_FILE
from triage.slm.engine import LEVEL_OPTIONS, EngineRequest
from triage.slm.errors import AnswerError, ModelIntegrityError
from triage.slm.gguf_weights import FloatArray
from triage.slm.runtime import Decoder, KeptState

LevelLogprobs = tuple[float, float, float, float, float]

_END = "<|im_end|>"
_PREFIXES = 4  # ready prefix states; a deployment has one prompt version, an evaluation a few
_GRAMMARS = 64


@dataclass(frozen=True, slots=True)
class Decoded:
    """``text`` is empty where only the level was asked for."""

    text: str
    level_logprobs: LevelLogprobs
    prompt_tokens: int
    answer_tokens: int


@dataclass(frozen=True, slots=True)
class _Question:
    """Tokens of prefix, prompt and lead; the first ``shared`` of them are ready in ``kept``."""

    tokens: list[int]
    kept: KeptState
    shared: int


class AnswerDecoder:
    """Answers one question, or the levels of a batch. Not thread-safe.

    Args:
        folder: of a built model.
        threads: cores for one forward pass.
        max_answer_tokens: a longer answer is an error; the grammar should end long before.
    """

    def __init__(self, folder: Path, *, threads: int, max_answer_tokens: int) -> None:
        self._decoder = Decoder(folder / GRAPH_FILE, folder / EMBEDDINGS_FILE, threads)
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        self._end = self._token(_END)
        self._grammar_tokenizer = LLTokenizer(
            self._tokenizer.to_str(), n_vocab=self._tokenizer.get_vocab_size(), eos_token=self._end
        )
        self._digits = np.array([self._token(option) for option in LEVEL_OPTIONS], dtype=np.intp)
        self._prefixes: OrderedDict[str, KeptState] = OrderedDict()
        self._matchers: OrderedDict[str, LLMatcher] = OrderedDict()
        self._max_answer_tokens = max_answer_tokens

    def answer(self, request: EngineRequest) -> Decoded:
        """The whole answer, greedily under the grammar.

        Raises:
            AnswerError: the grammar is not valid, contradicts the lead, or does not come to an end.
            EngineError: the text is too long for the model.
        """
        matcher = self._matcher(request)
        question = self._question(request)
        self._decoder.restore(question.kept.first(question.shared))
        hidden = self._decoder.feed([question.tokens[question.shared :]])[0]
        logprobs = self._level_logprobs(hidden)
        level = int(np.argmax(logprobs))  # of equal ones the first, which is the more urgent
        pending = [int(self._digits[level])]
        if not matcher.consume_tokens(pending):
            raise AnswerError("the grammar does not allow the level after its lead")
        written = list(pending)
        while True:
            forced = matcher.compute_ff_tokens()
            if forced and not matcher.consume_tokens(forced):
                raise AnswerError("the grammar refused the text it forces")
            pending += forced
            written += forced
            if matcher.is_stopped():
                break
            if len(written) > self._max_answer_tokens:
                raise AnswerError(f"no end of the answer within {self._max_answer_tokens} tokens")
            hidden = self._decoder.feed([pending])[0]
            token = self._choose(matcher, hidden)
            if token == self._end:
                break
            if not matcher.consume_token(token):
                raise AnswerError("the grammar refused a token it had allowed")
            pending = [token]
            written.append(token)
        if matcher.is_error() or not matcher.is_accepting():
            raise AnswerError("the answer does not follow its grammar")
        text = request.lead + self._grammar_tokenizer.decode_bytes(written).decode("utf-8")
        return Decoded(text, logprobs, len(question.tokens), len(written))

    def levels(self, requests: Sequence[EngineRequest]) -> list[Decoded]:
        """The level of each request, in order, in one batch; they must share their prefix."""
        questions = [self._question(request) for request in requests]
        shared = min(question.shared for question in questions)
        self._decoder.restore(questions[0].kept.first(shared))
        hidden = self._decoder.feed([question.tokens[shared:] for question in questions])
        return [
            Decoded("", self._level_logprobs(row), len(question.tokens), 0)
            for row, question in zip(hidden, questions, strict=True)
        ]

    def count_tokens(self, text: str) -> int:
        """How many tokens the text has."""
        return len(self._encode(text))

    def _question(self, request: EngineRequest) -> _Question:
        """Tokenised as one text, as in training and in a server; where a token spans the border between
        prefix and prompt, the ready state ends before it. One token at least is left to feed.
        """
        tokens = self._encode(request.prefix + request.prompt + request.lead)
        kept = self._prefix(request.prefix)
        shared = _common(kept.tokens, tokens[:-1])
        return _Question(tokens, kept, shared)

    def _prefix(self, prefix: str) -> KeptState:
        kept = self._prefixes.get(prefix)
        if kept is None:
            tokens = self._encode(prefix)
            self._decoder.reset()
            if tokens:
                self._decoder.feed([tokens])
            kept = self._decoder.keep(tokens) if tokens else KeptState((), ())
            self._prefixes[prefix] = kept
            if len(self._prefixes) > _PREFIXES:
                self._prefixes.popitem(last=False)
        self._prefixes.move_to_end(prefix)
        return kept

    def _matcher(self, request: EngineRequest) -> LLMatcher:
        """A fresh matcher that has read the lead."""
        compiled = self._matchers.get(request.regex)
        if compiled is None:
            compiled = LLMatcher(
                self._grammar_tokenizer, LLMatcher.grammar_from_regex(request.regex), log_level=0
            )
            if compiled.is_error():
                raise AnswerError("the grammar is not a regular expression that llguidance can compile")
            self._matchers[request.regex] = compiled
            if len(self._matchers) > _GRAMMARS:
                self._matchers.popitem(last=False)
        self._matchers.move_to_end(request.regex)
        matcher = compiled.deep_copy()
        # Any tokens that spell the lead bring the matcher to the same place.
        if request.lead and not matcher.consume_tokens(self._grammar_tokenizer.tokenize_str(request.lead)):
            raise AnswerError("the grammar does not begin with its lead")
        return matcher

    def _choose(self, matcher: LLMatcher, hidden: FloatArray) -> int:
        packed = np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
        allowed = np.flatnonzero(np.unpackbits(packed, bitorder="little"))
        if matcher.is_error() or not allowed.size:
            raise AnswerError("the grammar allows no next token")
        return int(allowed[np.argmax(self._decoder.scores(hidden, allowed))])

    def _level_logprobs(self, hidden: FloatArray) -> LevelLogprobs:
        five = self._decoder.scores(hidden, self._digits)
        if not np.isfinite(five).all():
            raise AnswerError("the model gave a level no finite probability")
        shifted = five - five.max()
        one, two, three, four, last = (shifted - np.log(np.exp(shifted).sum())).tolist()
        return one, two, three, four, last

    def _token(self, text: str) -> int:
        token = self._tokenizer.token_to_id(text)
        if token is None:
            raise ModelIntegrityError(f"the tokenizer has no token {text!r}")
        return token

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens are equal from the start."""
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count
