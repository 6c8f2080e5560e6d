"""The patient's sex exchanged: the coded sex and every word of sex in the free text.

Not where sex is clinical: a pregnancy recorded, or a complaint, note or condition about pregnancy, the sexual organs,
the breast or the urinary tract.
"""

import re

from data_schemas import FactKind, IntakeRecord
from eval.robustness.texts import WRITTEN
from triage.facts import fact_text
from triage.text.age_sex import age_and_sex

_CLINICAL = re.compile(
    r"pregnan|gravid|para\d|\bg\d+\s?p\d+|gestation|partum|partal|birth|labou?r|deliver|miscarr|abort|eclamp|c-section|"
    r"f(?:o)?etal|f(?:o)?etus|contraction|water(?:s)? broke|menstru|menopaus|\bperiods?\b|\blmp\b|\bmenses\b|"
    r"vagin|vulv|uter(?:us|ine)|ovar|cervi(?:x|cal cancer)|endometri|ectopic|breast|lactat|\biud\b|contracepti|"
    r"gyn|pelvi|hysterect|mastect|tubal|testic|testis|scrot|penis|penile|foreskin|prostat|epididym|erecti|priapism|"
    r"ejacul|hernia|groin|genit|sexual|\bstd\b|\bsti\b|rape|urin|dysuria|hematuria|haematuria|bladder|urethr|flank|"
    r"kidney|renal|\buti\b|\bbph\b|foley|catheter|transgender|\btrans\b",
    re.IGNORECASE,
)

_PAIRS = (
    ("he", "she"), ("himself", "herself"), ("man", "woman"), ("men", "women"), ("male", "female"), ("boy", "girl"),
    ("gentleman", "lady"), ("mr", "mrs"), ("husband", "wife"), ("boyfriend", "girlfriend"), ("males", "females"),
)  # fmt: skip
_OTHER = {a: b for pair in _PAIRS for a, b in (pair, pair[::-1])} | {
    "ms": "mr",
    "his": "her",
    "him": "her",
    "hers": "his",
}
_WORD = re.compile(
    r"\b(?:" + "|".join(sorted((*_OTHER, "her"), key=len, reverse=True)) + r")\b", re.IGNORECASE
)
_OBJECT = re.compile(
    r"\s*(?:$|[^\w\s]|(?:to|at|in|on|by|for|from|with|and|or|but|who|that|because|after|before|when|while|as|if|"
    r"a|an|the|home|here|there|down|up|out|into|over|off|today|yesterday|again)\b)",
    re.IGNORECASE,
)
"""After "her": it is "him" before these, and "his" before the noun that it owns."""


def sex_exchanged(record: IntakeRecord, _seed: int = 0) -> IntakeRecord | None:
    """Male for female and the other way round; None where sex is clinical, or neither is recorded."""
    sex = record.first(FactKind.SEX)
    other = {"male": "female", "female": "male"}.get("" if sex is None else sex.code or "")
    if sex is None or other is None or sex_is_clinical(record):
        return None
    facts = tuple(
        fact.model_copy(
            update={"code": other, "text": fact_text(FactKind.SEX, code=other), "as_received": other}
        )
        if fact.kind is FactKind.SEX
        else fact.model_copy(update={"text": exchange_words(fact.text)})
        if fact.kind in WRITTEN
        else fact
        for fact in record.facts
    )
    return record.model_copy(update={"facts": facts})


def sex_is_clinical(record: IntakeRecord) -> bool:
    """Whether a pregnancy is recorded, or some words concern organs that differ between the sexes."""
    return record.first(FactKind.PREGNANCY) is not None or any(
        _CLINICAL.search(fact.text) for fact in record.facts if fact.value is None
    )


def exchange_words(text: str) -> str:
    """Every word of sex exchanged, and the letter of "62yoM"; a spouse's too, so that couples stay couples."""
    both = age_and_sex(text)
    if both is not None and len(both[1].as_received) == 1:
        letter = both[1]
        put = {"M": "F", "F": "M", "m": "f", "f": "m"}[letter.as_received]
        text = text[: letter.start] + put + text[letter.end :]
    return _WORD.sub(lambda match: _exchanged(match, text), text)


def _exchanged(match: re.Match[str], text: str) -> str:
    word = match.group()
    low = word.lower()
    her = "him" if _OBJECT.match(text, match.end()) else "his"
    put = her if low == "her" else _OTHER[low]
    if len(word) > 1 and word.isupper():
        return put.upper()
    return put.capitalize() if word[0].isupper() else put
