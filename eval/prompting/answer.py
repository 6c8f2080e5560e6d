"""Reading a level out of what a general language model wrote: tolerant of its form, strict about what it says.

A level that is not named clearly, once, is no level: the case counts as wrong and is listed. Nothing is guessed.
"""

import json
import re
from collections.abc import Sequence
from enum import StrEnum

from pydantic import model_validator

from data_schemas._base import Frozen
from data_schemas.acuity import LEVELS, AcuityLevel
from eval.semigran import CLASS_LEVELS

_LEVELS = {**{str(level): level for level in LEVELS}, **CLASS_LEVELS}


class Failure(StrEnum):
    """Why a case has no level. The words stand in reports: they hold nothing of the patient or of the answer."""

    NO_LEVEL = "the answer names no level"
    SEVERAL = "the answer names several levels"
    EMPTY = "the answer is empty"
    CUT_OFF = "the answer was cut off"
    REFUSED = "the model refused to answer"
    TOO_LONG = "the prompt is longer than the model reads"
    RATE_LIMITED = "rate limited (429) until the last attempt"
    SERVER_ERROR = "server error (5xx) until the last attempt"
    TIMED_OUT = "no answer in time until the last attempt"
    UNREACHABLE = "connection failed until the last attempt"
    REJECTED = "the server rejected the request (4xx)"
    MALFORMED = "the server's response could not be read"

    @property
    def of_the_service(self) -> bool:
        """Whether the service failed and not the model: worth asking again."""
        return self in _SERVICE


_SERVICE = {
    Failure.RATE_LIMITED,
    Failure.SERVER_ERROR,
    Failure.TIMED_OUT,
    Failure.UNREACHABLE,
    Failure.REJECTED,
    Failure.MALFORMED,
}


class Answer(Frozen):
    """One case's answer: exactly one of ``label`` and ``failure``.

    ``label`` is in the scale's own words (``3``, ``em``); ``level`` is the level that stands for it (of a class that in
    ``eval.semigran``). ``reason`` is the model's, and may repeat what the record says. ``failed_status`` is the HTTP
    status of a failed request.
    """

    label: str | None = None
    level: AcuityLevel | None = None
    reason: str | None = None
    failure: Failure | None = None
    failed_status: int | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "Answer":
        if (self.label is None) == (self.failure is None) or (self.label is None) != (self.level is None):
            raise ValueError("an answer has either a label with its level or a failure")
        return self


def answered(label: str, reason: str | None = None) -> Answer:
    """An answer with this label."""
    return Answer(label=label, level=_LEVELS[label], reason=reason or None)


def read_answer(text: str, labels: Sequence[str], *, cut_off: bool = False) -> Answer:
    """The label that ``text`` names.

    Read are, in this order: one JSON object with the key ``level``, alone or with words around it; a last line of the
    form ``Level: 3``; a bare label; on numbered scales one ``level 3`` (``ESI 3``, ``KTAS level 3``) in words, where
    no other level is named and nothing about it is a denial, comparison or range. ``cut_off``: the model was stopped
    before its end; then only a whole JSON object counts.
    """
    text = _unfenced(text.strip())
    if not text:
        return Answer(failure=Failure.CUT_OFF if cut_off else Failure.EMPTY)
    objects, broken = _objects(text)
    if broken:
        return Answer(failure=Failure.CUT_OFF)
    if objects:
        return _of_objects(objects, labels)
    if cut_off:
        return Answer(failure=Failure.CUT_OFF)
    return _of_words(text, labels)


class _TwiceError(ValueError):
    """A JSON object holds a key more than once."""


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise _TwiceError
    return dict(pairs)


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs)
_OPENING = re.compile(r"\{\s*(?:\"|\})")


def _objects(text: str) -> tuple[list[dict[str, object] | None], bool]:
    """The outermost JSON objects in ``text`` (None: one holds a key twice), and whether one breaks off."""
    found: list[dict[str, object] | None] = []
    position = 0
    while (opening := _OPENING.search(text, position)) is not None:
        try:
            value, position = _DECODER.raw_decode(text, opening.start())
        except _TwiceError:
            return [None], False
        except (ValueError, RecursionError):
            return found, True
        found.append(value)
    return found, text.startswith("{") and not found


def _of_objects(objects: Sequence[dict[str, object] | None], labels: Sequence[str]) -> Answer:
    if None in objects:
        return Answer(failure=Failure.SEVERAL)
    holding = [item for item in objects if item is not None and "level" in item]
    found = {_label(item["level"], labels) for item in holding}
    if len(found) > 1:
        return Answer(failure=Failure.SEVERAL)
    label = next(iter(found), None)
    if label is None:
        return Answer(failure=Failure.NO_LEVEL)
    reason = holding[-1].get("reason", holding[-1].get("reasoning"))
    return answered(label, reason if isinstance(reason, str) else None)


def _label(value: object, labels: Sequence[str]) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, float):
        value = int(value) if value.is_integer() else ""
    word = str(value).strip().casefold()
    return next((label for label in labels if label.casefold() == word), None)


_FENCE = re.compile(r"\A```[a-zA-Z]*\s*\n(.*?)\n?\s*```\Z", re.DOTALL)
_DECORATION = " \t*_`#>\"'.[]()"
_LINE = re.compile(
    r"(?:(?:my|the|final|overall|triage|acuity|answer|level|class|category|esi|ktas|nhamcs|is)[\s*_]+){0,5}"
    r"(?:answer|level|class|category|acuity|esi|ktas)[\s*_]*(?:[:=]|\bis\b)[\s*_\"'(\[]*"
    r"(?:(?:esi|ktas|level)\s+){0,2}(?P<label>[\w-]+)",
    re.IGNORECASE,
)
_MENTION = re.compile(
    r"\b(?:ESI|KTAS|level|acuity|category)s?(?:[\s*_]|\b(?:level|score|is|of)\b|[:=]){0,8}?(?<![\d.])(\d+)(?![\w]|\.\d)",
    re.IGNORECASE,
)
_UNCLEAR = re.compile(
    r"n['’]t\b|\b(?:not|no|nor|never|neither|than|between|unless|if|except|versus|vs|or|to|and|either|maybe|rather|"
    r"above|below|least|most|instead|borderline)\b|[-–—/~<>≤≥?]",
    re.IGNORECASE,
)


def _of_words(text: str, labels: Sequence[str]) -> Answer:
    lines = [line.strip(_DECORATION) for line in text.splitlines() if line.strip(_DECORATION)]
    if not lines:
        return Answer(failure=Failure.NO_LEVEL)
    final = {match["label"] for line in lines if (match := _LINE.fullmatch(line)) is not None}
    if len(final) > 1:
        return Answer(failure=Failure.SEVERAL)
    last = _LINE.fullmatch(lines[-1])
    if last is not None:
        label = _label(last["label"], labels)
        return answered(label) if label is not None else Answer(failure=Failure.NO_LEVEL)
    if len(lines) == 1 and (label := _label(lines[0], labels)) is not None:
        return answered(label)
    if "1" not in labels:  # words such as "emergency department" name no class
        return Answer(failure=Failure.NO_LEVEL)
    return _of_mentions(text, labels)


def _of_mentions(text: str, labels: Sequence[str]) -> Answer:
    mentions = list(_MENTION.finditer(text))
    named = {match[1] for match in mentions}
    if len(named) != 1:
        return Answer(failure=Failure.SEVERAL if named else Failure.NO_LEVEL)
    for match in mentions:
        before = re.split(r"[.!?;\n]", text[: match.start()])[-1]
        after = re.split(r"[.!;,\n]", text[match.end() :], maxsplit=1)[0][:24]
        if _UNCLEAR.search(before) or _UNCLEAR.search(after):
            return Answer(failure=Failure.NO_LEVEL)
    label = _label(named.pop(), labels)
    return answered(label) if label is not None else Answer(failure=Failure.NO_LEVEL)


def _unfenced(text: str) -> str:
    """``text`` without one code fence around all of it."""
    match = _FENCE.match(text)
    return match[1].strip() if match is not None else text
