"""The words of English, of symspellpy's dictionary."""

from functools import lru_cache
from importlib.resources import files


@lru_cache(maxsize=1)
def english_words() -> tuple[str, ...]:
    """82,765 words in small letters and the commonest contractions, the commonest first."""
    rows = files("symspellpy").joinpath("frequency_dictionary_en_82_765.txt").read_text(encoding="utf-8-sig")
    return tuple(rows.split()[::2])  # each row is a word and its count


@lru_cache(maxsize=1)
def known_english() -> frozenset[str]:
    """The same words, to look one up."""
    return frozenset(english_words())
