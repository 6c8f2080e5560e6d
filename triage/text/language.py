"""Whether a text is English, which is all that the model was trained on."""

import unicodedata
from collections.abc import Mapping
from importlib.resources import files

import yaml

_WORDS: Mapping[str, str] = yaml.safe_load(
    files(__package__).joinpath("small_words.yaml").read_text(encoding="utf-8")
)
_ENGLISH, _OTHER = (frozenset(_WORDS[name].split()) for name in ("english", "other"))
_FEW = 4


def is_foreign(text: str) -> bool:
    """Whether ``text`` is probably not English: another alphabet, or the small words of another language.

    Telegram style has few small words and counts as English; so does a text of fewer than four words.
    """
    letters = [c for c in text if c.isalpha()]
    if letters and sum(not unicodedata.name(c, "").startswith("LATIN") for c in letters) * 4 > len(letters):
        return True
    words = "".join(c if c.isalpha() else " " for c in text.lower()).split()
    if len(words) < _FEW:
        return False
    english, other = (sum(word in small for word in words) for small in (_ENGLISH, _OTHER))
    return other > english and other >= 2
