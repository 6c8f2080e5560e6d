"""One spelling of a word, so that its variants meet."""

_UNCHANGED = frozenset(
    [
        "vs",
        "his",
        "this",
        "is",
        "was",
        "has",
        "does",
        "as",
        "us",
        "gas",
        "pus",
        "always",
        "abs",
        "sobs",
        "limps",
    ]
)
_MAX_EXPANDED = 5
APOSTROPHES = "’‘ʼ´`"
"""Marks that are typed for an apostrophe."""
_APOSTROPHES = str.maketrans(dict.fromkeys(APOSTROPHES, "'"))
_CONTRACTIONS = {
    word.replace("'", ""): word
    for word in [
        "aren't",
        "can't",
        "couldn't",
        "didn't",
        "doesn't",
        "don't",
        "hadn't",
        "hasn't",
        "haven't",
        "isn't",
        "shouldn't",
        "wasn't",
        "weren't",
        "won't",
        "wouldn't",
    ]
}
"""As they are typed in haste: "cant breathe"."""


def american(word: str) -> str:
    """``word`` in lower case and US spelling ("dyspnoea" -> "dyspnea"); not always a word."""
    text = word.lower()
    if len(text) >= _MAX_EXPANDED:
        text = text.replace("ae", "e").replace("oe", "e")
        if text.endswith(("our", "ours", "oured")) and not text.endswith(("hour", "hours")):
            text = text.replace("our", "or")
        text = text.replace("isation", "ization").replace("ralys", "ralyz")
    return text


def normalise(word: str) -> str:
    """One spelling of a word: lower case, British to US, simple plurals to singular.

    It is applied to patterns and to text alike, so what matters is that variants meet, not that the result
    is a word ("dyspnoea", "dyspnea" -> "dyspnea"; "diabetes" -> "diabete").
    """
    text = word.lower().translate(_APOSTROPHES)
    text = _CONTRACTIONS.get(text, text)
    if text.endswith("'s"):
        text = text[:-2]
    text = american(text)
    if text in _UNCHANGED or len(text) <= 3:
        return text
    if text.endswith("ies"):
        return text[:-3] + "y"
    if text.endswith("s") and not text.endswith(("ss", "us", "is")):
        return text[:-1]
    return text
