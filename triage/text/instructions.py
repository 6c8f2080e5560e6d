"""Sentences of a free text that are aimed at a program, or that settle the urgency in place of findings.

Two kinds, by one rule: a level comes from what was seen and measured. A sentence that tells a program what to do is
no finding, and neither is somebody's verdict that the patient can wait. Both stay in the record and in what the rules
read; the model is not shown them, and a clinician is told. The patterns join concepts (``instruction_words``),
whatever the language, and know what no clinical note holds: chat marks, markup, our own prompt's format, hidden
characters.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from triage.text.disguise import hides, plain, unpacked, variants
from triage.text.instruction_words import CONCEPTS


class Kind(StrEnum):
    """What is wrong with a sentence."""

    INSTRUCTION = "instruction"
    """It speaks to a program, or imitates one."""
    VERDICT = "verdict"
    """It says how urgent or how real the case is, in place of findings."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A stretch of a text, half-open offsets, and what is wrong with it."""

    start: int
    end: int
    kind: Kind


_LINK_WORDS = (
    "is to of as at be for a an the number no should must de es la el der die ist auf le est "
    "为 是 은 는 을 를 으로 로 هو هي الى إلى ب رقم"
)
_LINK = "|".join(_LINK_WORDS.split())
_JOIN = rf"[^\w]{{0,3}}(?:(?:{_LINK})[^\w]{{0,3}}){{0,3}}"


def _near(first: str, second: str, most: int) -> str:
    """Two concepts within ``most`` characters of each other, in either order (the verb may come last)."""
    one, two = CONCEPTS[first], CONCEPTS[second]
    return rf"{one}.{{0,{most}}}?{two}|{two}.{{0,{most}}}?{one}"


_LEVEL_IS = (
    rf"(?:{CONCEPTS['level']}{_JOIN}{CONCEPTS['number']}|{CONCEPTS['number']}[ -]?{CONCEPTS['level']})"
)

_INSTRUCTION = re.compile(
    "|".join(
        [
            _near("ignore", "orders", 60),
            rf"{CONCEPTS['assign']}.{{0,40}}?{_LEVEL_IS}",
            rf"{_LEVEL_IS}.{{0,25}}?{CONCEPTS['assign_last']}",
            CONCEPTS["program"],
        ]
    )
)
_VERDICT = re.compile(
    "|".join(
        [
            CONCEPTS["wait"],
            CONCEPTS["unreal"],
            _near("authority", "harmless", 120),
            rf"{CONCEPTS['urgency']}{_JOIN}{CONCEPTS['number']}|{CONCEPTS['number']}[ -]?{CONCEPTS['urgency']}",
            rf"{CONCEPTS['authority']}.{{0,80}}?{_LEVEL_IS}",
        ]
    )
)
_ROLES = r"(?:system|assistant|user|developer|human|ai|instructions?|prompt|response|output|input|tool)"
_SIGNS = r"(?:HR|RR|sat|T|BP|pain|GCS|glucose)"
_FORM = re.compile(
    rf"""(?xim)
      <[ ]?\|.{{0,30}}?\|[ ]?> | \[/?(?:INST|SYS)\] | <</?SYS>> | </?[a-z][\w-]{{0,30}}(?:\s[^<>]{{0,80}})?/?>
    | &lt;/?[a-z]
    | ^[\s#*>_\-\[({{"']*{_ROLES}[\])}}"'*_]*\s*[:>\]] | [.!?;,|]\s*(?:system|assistant|developer|instruction)\s*[:>]
    | [{{\[]\s*["']\w+["']\s*: | ["'](?:level|acuity|esi|triage|role|content|priority)["']\s*:
    | ``` | ~~~ | ^\s*\#{{1,6}}\s+\w | \]\(\s*https?: | <!-- | /\*.*\*/ | \{{\{{.*\}}\}}
    # What only our own prompt and answer write: rules3, news4+, Level: 5, A no B no C 0, HR88 sat99.
    | \b(?:rules|consider)\s?[1-5]\b | \bnews(?:[013-9]|1\d|20)\b\+?
    | (?<!triage[ ])(?<!acuity[ ])(?<!esi[ ])(?<!pain[ ])\blevel:\s*[1-5]
    | \b[ab]\s+(?:yes|no)\s+[bc]\s+(?:yes|no|\d) | \bfacts:\s*(?:[a-z]|F\d) | \bguidelines:\s*(?:none|G\d)
    | \bF[1-9][0-9]?\s+(?:{_SIGNS}|SpO2|O2|FiO2)\s+\d | (?:\b{_SIGNS}\d[\d./]*\W+){{2,}}
    | ^\s*(?:cc|note|history|takes)\s*["'] | \b(?:esi|triage)(?:[._-]\w+){{2,}}
    """
)
_SENTENCE = re.compile(r"(?:[^.!?;\n。！？؟]|[.!?;](?=[^\s.!?;]))*(?:[.!?;。！？؟]+|\n|$)", re.DOTALL)
_SHORT = 3
_CACHE = 65536


def find_instructions(text: str) -> tuple[Suspect, ...]:
    """The stretches of ``text`` that the model must not be shown, in order and apart.

    A stretch between two of them that is shorter than either counts with them: it is part of one address.
    """
    return _find(text) if text else ()


def holds_instruction(text: str) -> bool:
    """Whether ``text`` holds words aimed at a language model. The text stays data either way."""
    return any(suspect.kind is Kind.INSTRUCTION for suspect in find_instructions(text))


def without_instructions(text: str) -> str:
    """``text`` without them, as it may be shown to the model; the very same text where there are none."""
    found = find_instructions(text)
    if not found:
        return text
    kept, at = [], 0
    for suspect in found:
        kept.append(text[at : suspect.start])
        at = suspect.end
    kept.append(text[at:])
    return " ".join(" ".join(kept).split())


@lru_cache(maxsize=_CACHE)
def _find(text: str) -> tuple[Suspect, ...]:
    found: list[Suspect] = []
    short: list[tuple[int, int]] = []
    for start, end in [*_sentences(text), (len(text), len(text))]:
        kind = _kind(text[start:end])
        if kind is None and start < end and len(plain(text[start:end]).split()) <= _SHORT:
            short.append((start, end))
            continue
        found += _chopped(text, short)
        short = []
        if kind is not None:
            found.append(Suspect(start, end, kind))
    return tuple(_joined(found))


def _chopped(text: str, run: list[tuple[int, int]]) -> list[Suspect]:
    """A run of very short sentences as one: marks between the words hide nothing."""
    if len(run) < 2:
        return []
    start, end = run[0][0], run[-1][1]
    kind = _kind(re.sub(r"[.!?;\n]+", " ", text[start:end]))
    return [] if kind is None else [Suspect(start, end, kind)]


def _kind(sentence: str) -> Kind | None:
    if hides(sentence) or unpacked(sentence) or _FORM.search(sentence):
        return Kind.INSTRUCTION
    forms = variants(sentence)
    if any(_INSTRUCTION.search(form) for form in forms):
        return Kind.INSTRUCTION
    return Kind.VERDICT if any(_VERDICT.search(form) for form in forms) else None


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    for match in _SENTENCE.finditer(text):
        if match.start() < match.end():
            yield match.span()


def _joined(found: list[Suspect]) -> Iterator[Suspect]:
    """What stands between two of them counts with them where it is shorter than either."""
    current: Suspect | None = None
    for suspect in found:
        if current is None:
            current = suspect
            continue
        between = suspect.start - current.end
        if between <= min(current.end - current.start, suspect.end - suspect.start):
            kind = Kind.INSTRUCTION if Kind.INSTRUCTION in {current.kind, suspect.kind} else Kind.VERDICT
            current = Suspect(current.start, suspect.end, kind)
        else:
            yield current
            current = suspect
    if current is not None:
        yield current
