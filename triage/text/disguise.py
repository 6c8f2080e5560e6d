"""Takes the disguise off a text: invisible characters, letters of another alphabet, spaced or swapped letters.

Only for looking at a text, never for showing it. The confusable letters are those of Unicode Technical Standard 39
(Unicode Security Mechanisms) that stand for a Latin letter, Cyrillic and Greek lower case.
"""

import base64
import binascii
import re
import unicodedata

_SAME = str.maketrans("аеорсухіїјѕԁһԛԝүοανρ", "aeopcyxiijsdhqwyoavp")
"""Letters that look exactly like a Latin one: a whole word of them is taken for Latin."""
_LIKE = str.maketrans(
    "аеорсухіїјѕԁһԛԝүοανρкмнтвгьпиειτυχκηβγωςσ", "aeopcyxiijsdhqwyoavpkmhtbrbnueituxknbywcs"
)
"""The same and letters that look much like one: only in a word that mixes alphabets."""
_LEET = str.maketrans("013457@$", "oieastas")
_SPACED = re.compile(r"(?<![^\W\d_])(?:[^\W\d_][ \-_.*]){3,}[^\W\d_](?![^\W\d_])")
_MIXED = re.compile(r"(?<![\w@$])(?=[\w@$]*[a-z])(?=[\w@$]*[0-9@$])[a-z0-9@$]{3,}(?![\w@$])")
_PACKED = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{16,}={0,2}(?![\w+/=])")
_BLANKS = re.compile(r"\s+")


def plain(text: str) -> str:
    """``text`` in lower case, compatibility forms and accents resolved, look-alike letters and invisibles undone."""
    shown = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    folded = unicodedata.normalize("NFKD", shown.casefold())
    bare = "".join(c for c in folded if unicodedata.category(c) != "Mn" or not _is_latin_mark(c))
    words = [_latin(word) for word in re.split(r"(\W+)", unicodedata.normalize("NFC", bare))]
    return _BLANKS.sub(" ", "".join(words)).strip()


def variants(text: str) -> tuple[str, ...]:
    """``plain`` text, and the same with spaced letters joined and swapped digits undone, where that changes it."""
    first = plain(text)
    joined = _SPACED.sub(lambda found: re.sub(r"[ \-_.*]", "", found[0]), first)
    swapped = _MIXED.sub(_unswapped, joined)
    return tuple(dict.fromkeys((first, joined, swapped, *(plain(hidden) for hidden in unpacked(text)))))


def unpacked(text: str) -> tuple[str, ...]:
    """What base64 in ``text`` says, where it decodes to readable text."""
    found = []
    for match in _PACKED.finditer(text):
        packed = match[0].rstrip("=").replace("-", "+").replace("_", "/")
        try:
            raw = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            continue
        if sum(c.isprintable() for c in raw) >= 0.9 * len(raw) and not packed.isalpha():
            found.append(raw)
    return tuple(found)


def hides(text: str) -> bool:
    """Whether characters that nobody sees stand inside its words, or letters of two alphabets in one word."""
    if re.search(r"\w[\u200b-\u200f\u2060-\u2064\ufeff\U000e0000-\U000e007f]+\w", text):
        return True
    if any("\U000e0000" <= c <= "\U000e007f" for c in text):
        return True
    return any(_alphabets(word) >= {"LATIN", "CYRILLIC"} for word in re.findall(r"[^\W\d_]+", text))


def _latin(word: str) -> str:
    """A word of look-alikes as the Latin one it stands for; a word of another language stays."""
    alphabets = _alphabets(word)
    if not alphabets & {"CYRILLIC", "GREEK"}:
        return word
    if "LATIN" in alphabets:
        return word.translate(_LIKE)
    turned = word.translate(_SAME)
    return turned if turned.isascii() else word


def _alphabets(word: str) -> set[str]:
    return {unicodedata.name(c, "?").split(" ")[0] for c in word if c.isalpha()}


def _unswapped(found: re.Match[str]) -> str:
    word = found[0]
    letters = sum(c.isalpha() for c in word)
    # "1gn0re" but neither "hr88" nor "o2": most of it is letters, and a digit stands inside.
    inside = re.search(r"[a-z][013457@$]+[a-z]", word) or re.match(r"[013457@$][a-z]{2}", word)
    return word.translate(_LEET) if letters * 2 > len(word) and inside else word


def _is_latin_mark(mark: str) -> bool:
    return "\u0300" <= mark <= "\u036f"
