"""The tokenizer of the SmolLM2 family, built from GGUF metadata; no hub and no transformers needed.

The vocabulary has no token for the control characters 04, 06, 13, 14, 16 and 1D (hexadecimal), nor for code
points above U+3FFFF: encoding leaves them out, as the original tokenizer does.
"""

import re
from typing import Any

from tokenizers import AddedToken, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Digits
from tokenizers.pre_tokenizers import Sequence as PreTokenizers

from triage.slm.errors import ModelIntegrityError
from triage.slm.gguf_weights import GgufModel

_CONTROL = 3  # GGUF token type of tokens that text must never produce by accident

SPECIAL_TOKENS: tuple[str, ...] = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<repo_name>",
    "<reponame>",
    "<file_sep>",
    "<filename>",
    "<gh_stars>",
    "<issue_start>",
    "<issue_comment>",
    "<issue_closed>",
    "<jupyter_start>",
    "<jupyter_text>",
    "<jupyter_code>",
    "<jupyter_output>",
    "<jupyter_script>",
    "<empty_output>",
)

_SPECIAL = re.compile("|".join(re.escape(token) for token in SPECIAL_TOKENS))


def tokenizer_from_gguf(model: GgufModel) -> Tokenizer:
    """Byte-level BPE with digits split one by one (the pre-tokenizer GGUF calls ``smollm``).

    Raises:
        ModelIntegrityError: the file describes another kind of tokenizer.
    """
    kind = (model.field("tokenizer.ggml.model"), model.field("tokenizer.ggml.pre"))
    if kind != ("gpt2", "smollm"):
        raise ModelIntegrityError(f"{model.path.name} has the tokenizer {kind}; ('gpt2', 'smollm') expected")
    tokens: list[str] = model.field("tokenizer.ggml.tokens")
    types: list[int] = model.field("tokenizer.ggml.token_type")
    merges = [tuple(merge.split(" ")) for merge in model.field("tokenizer.ggml.merges")]
    special = [token for token, kind in zip(tokens, types, strict=True) if kind == _CONTROL]
    if sorted(special) != sorted(SPECIAL_TOKENS):
        raise ModelIntegrityError(f"{model.path.name} has other special tokens than the SmolLM2 family")
    bpe: Any = BPE(vocab={token: index for index, token in enumerate(tokens)}, merges=merges)
    tokenizer = Tokenizer(bpe)
    tokenizer.pre_tokenizer = PreTokenizers(
        [Digits(individual_digits=True), ByteLevel(add_prefix_space=False, use_regex=True)]
    )
    tokenizer.decoder = ByteLevelDecoder()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    return tokenizer


def neutralise(text: str) -> str:
    """Untrusted text in which no special token of the model is left.

    ``<|im_end|>`` becomes ``<| im_end |>``: still readable, and a visible sign that somebody wrote it. No
    special token holds a space, so the spaces put in can never complete another one.
    """
    return _SPECIAL.sub(_break, text)


def _break(match: re.Match[str]) -> str:
    token = match.group()
    edge = 2 if token.startswith("<|") else 1
    return f"{token[:edge]} {token[edge:-edge]} {token[-edge:]}"
