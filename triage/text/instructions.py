"""Sentences of a free text that are aimed at a program, or that settle the urgency in place of findings.

A level comes from what was seen and measured: a sentence that tells a program what to do is no finding, and neither is
somebody's verdict that the patient can wait. Both stay in the record and in what the rules read, and a clinician is
told. Whether the model is shown them follows one rule:

1. An unmistakable address (a command to put rules out of force or to give a level, words to a program, chat marks,
   hidden or packed text that says so) is not shown. A clause of the same sentence that holds a finding and is no
   address itself is.
2. Everything else that is suspect - a verdict, an imitation of our format, markup, a level in passing - is not shown
   where the sentence holds nothing clinical. Where it holds a finding (``findings``), it is shown and a person is asked
   to look: a finding kept back is the worse error.

The patterns join concepts (``instruction_words``), whatever the language.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from triage.text.disguise import hides, plain, unpacked, variants
from triage.text.findings import holds_alarm, holds_finding
from triage.text.instruction_words import CONCEPTS, PARTS


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
    shown: bool = False
    """It holds a finding: the model is shown it all the same, and a person is asked to look."""


_LINK_WORDS = (
    "is to of as at be for a an the number no should must de es la el der die ist auf le est "
    "为 是 은 는 을 를 으로 로 هو هي الى إلى ب رقم"
)
_LINK = "|".join(_LINK_WORDS.split())
_JOIN = rf"[^\w]{{0,3}}(?:(?:{_LINK})[^\w]{{0,3}}){{0,3}}"


def _words(concept: str) -> str:
    return PARTS[concept][0]


def _joined_words(concept: str) -> str:
    return PARTS[concept][1]


def _near(first: str, second: str, most: int) -> str:
    """Two concepts within ``most`` characters of each other, in either order (the verb may come last)."""
    one, two = CONCEPTS[first], CONCEPTS[second]
    return rf"{one}.{{0,{most}}}?{two}|{two}.{{0,{most}}}?{one}"


_NOT_MEASURED = (
    r"(?!\s?(?:[/%:]|[.,]\d|out\b|of \d|-?(?:am|pm|h|hrs?|hours?|min\w*|days?|weeks?|months?|years?|"
    r"mg|ml|mcg|g|kg|l|cm|mm|m|units?|times|x|tablets?|puffs?|cups?|nurses?|feet|ft|o'clock)\b))"
)
"""After a number: it is a dose, a time, a score or a quantity, and no level."""
_NUMBER = CONCEPTS["number"] + _NOT_MEASURED
_LEVEL_IS = (
    rf"(?:{CONCEPTS['level']}{_JOIN}{_NUMBER}|(?:lowest|lower|least)[ -](?:\w+ )?{CONCEPTS['level']}|"
    rf"{CONCEPTS['number']}[ -]?{CONCEPTS['level_after']})"
)
_COMMAND = (
    r"(?:^|[.,:;!?\"'()\[\]{}>*#|\u2013\u2014-]\s*|(?<!\w)(?:please|kindly|and|then|now|must|should|shall|"
    r"will|you|so|just|simply|always|bitte|por favor|et|und|also|"
    r"(?:have|has|needs?|are|is|ok|okay|safe|fine|free|allowed|required|instructed|"
    r"asked) to)\s)"
)
"""What stands before a command, so that "ignored the instructions" and "parents do not follow rules" are none."""

_ADDRESS = re.compile(
    "|".join(
        [
            rf"{_COMMAND}{_words('ignore')}.{{0,60}}?{CONCEPTS['orders']}",
            rf"{_joined_words('ignore')}.{{0,60}}?{CONCEPTS['orders']}|{CONCEPTS['orders']}.{{0,60}}?{_joined_words('ignore')}",
            rf"{_COMMAND}(?!given|\w+ed\b){_words('assign')}(?:(?!pain|sugar|oxygen).){{0,40}}?{_LEVEL_IS}",
            rf"{_joined_words('assign')}.{{0,40}}?{_LEVEL_IS}|{_LEVEL_IS}.{{0,25}}?{CONCEPTS['assign_last']}",
            CONCEPTS["program"],
        ]
    )
)
_CALM = rf"{CONCEPTS['mild']}.{{0,20}}?{CONCEPTS['outcome']}"
_INDIRECT = (
    rf"{CONCEPTS['reader']}.{{0,80}}?{_CALM}|{_CALM}.{{0,80}}?{CONCEPTS['reader']}|"
    rf"{CONCEPTS['steer']}\W{{1,3}}(?:\w+\W{{1,3}}){{0,3}}?{_CALM}|{_CALM}.{{0,40}}?{CONCEPTS['steer']}"
)
"""A wish that the calm one be chosen: to whoever reads, or to nobody in particular."""
_PASSING = re.compile(
    rf"{CONCEPTS['assign']}.{{0,40}}?{_LEVEL_IS}|{CONCEPTS['orders']}.{{0,60}}?{_words('ignore')}|"
    + _near("void", "orders", 60)
    + "|"
    + _INDIRECT
)
_SETTLES = (
    r"(?:\w*sa(?:ys|id)|confirm\w*|find\w*|found|decid\w*|clear\w*|prov\w*|show\w*|"
    r"stat\w*|declar\w*|determin\w*|rul\w*|certif\w*|consider\w*|assur\w*|agree\w*|know\w*|teach\w*)"
)
_VERDICT = re.compile(
    "|".join(
        [
            CONCEPTS["wait"],
            CONCEPTS["unreal"],
            rf"{CONCEPTS['authority']}.{{0,80}}?\b{_SETTLES}\b.{{0,60}}?{CONCEPTS['harmless']}",
            rf"{CONCEPTS['harmless']}.{{0,30}}?\b(?:by|according to|per)\b.{{0,25}}?{CONCEPTS['authority']}",
            rf"{CONCEPTS['authority_elsewhere']}.{{0,120}}?{CONCEPTS['harmless']}",
            rf"{CONCEPTS['urgency']}{_JOIN}{_NUMBER}|(?<![\w.])[1-5](?:st|nd|rd|th)?[ -](?:priority|acuity)\b",
            rf"{CONCEPTS['authority']}.{{0,80}}?{_LEVEL_IS}",
        ]
    )
)
_ROLES = r"(?:system|assistant|user|developer|human|ai|instructions?|prompt|response|output|input|tool)"
_SIGNS = r"(?:HR|RR|sat|T|BP|pain|GCS|glucose)"
_TAGS = (
    r"(?:html|head|body|div|span|p|br|script|style|b|i|em|strong|h[1-6]|a|img|iframe|form|input|table|t[rdh]|ul|li|pre|code|"
    r"system|user|assistant|prompt|instructions?|level|acuity|triage|answer|response|context|facts|role|note)"
)
_CHAT = re.compile(
    r"""(?xim)
      <[ ]?\|.{0,30}?\|[ ]?> | \[/?(?:INST|SYS)\] | <</?SYS>>
    | ^[\s#*>_\-\[({"']*(?:assistant|developer|prompt)[\])}"'*_]*\s*[:>\]] | [.!?;,|]\s*(?:assistant|developer)\s*[:>]
    | [{\[]\s*["']\w+["']\s*: | ["'](?:level|acuity|esi|triage|role|content|priority)["']\s*:
    | ``` | ~~~ | \{\{.*\}\}
    """
)
"""What no person writes in a note: marks of a chat, of code, of a message to or from a program."""
_IMITATION = re.compile(
    rf"""(?xim)
      ^[\s#*>_\-\[({{"']*{_ROLES}[\])}}"'*_]*\s*[:>\]] | [.!?;,|]\s*(?:system|instruction)\s*[:>]
    | </\w[\w-]{{0,30}}\s?> | <{_TAGS}(?:\s[^<>]{{0,80}})?/?> | &lt;/?[a-z]
    | ^\s*\#{{2,6}}\s+\w | ^\s*\#\s+{_ROLES}\b | \]\(\s*https?: | <!-- | /\*.*\*/
    # What our own prompt and answer write: rules3, news4+, Level: 5, A no B no C 0, HR88 sat99.
    | \b(?:rules|consider)[1-5]\b | \bnews(?:[013-9]|1\d|20)\b\+?
    | (?<!triage[ ])(?<!acuity[ ])(?<!esi[ ])(?<!pain[ ])\blevel:\s*[1-5]
    | \b[ab]\s+(?:yes|no)\s+[bc]\s+(?:yes|no|\d) | \bfacts:\s*(?:[a-z]|F\d) | \bguidelines:\s*(?:none|G\d)
    | \bF[1-9][0-9]?\s+(?:{_SIGNS}|SpO2|O2|FiO2)\s+\d | (?:\b{_SIGNS}\d[\d./]*\W+){{2,}}
    | ^\s*(?:cc|note|history|takes)\s*["'] | \b(?:esi|triage)(?:[._]\w+){{2,}}
    """
)
_SENTENCE = re.compile(r"(?:[^.!?;\n。！？؟]|[.!?;](?=[^\s.!?;]))*(?:[.!?;。！？؟]+|\n|$)", re.DOTALL)
_CLAUSE = re.compile(r"[^,;()\u2013\u2014]+[,;()\u2013\u2014]*|[,;()\u2013\u2014]+")
_SHORT = 3
_CACHE = 65536


def find_instructions(text: str) -> tuple[Suspect, ...]:
    """The suspect stretches of ``text``, in order and apart, each with whether the model is shown it.

    A stretch between two that are not shown and shorter than either counts with them, unless it holds a finding: it is
    part of one address.
    """
    return _find(text) if text else ()


def holds_instruction(text: str) -> bool:
    """Whether ``text`` holds words aimed at a language model. The text stays data either way."""
    return any(suspect.kind is Kind.INSTRUCTION for suspect in find_instructions(text))


def without_instructions(text: str) -> str:
    """``text`` as it may be shown to the model; the very same text where nothing is kept back."""
    kept_back = [suspect for suspect in find_instructions(text) if not suspect.shown]
    if not kept_back:
        return text
    kept, at = [], 0
    for suspect in kept_back:
        kept.append(text[at : suspect.start])
        at = suspect.end
    kept.append(text[at:])
    return " ".join(" ".join(kept).split())


@lru_cache(maxsize=_CACHE)
def _find(text: str) -> tuple[Suspect, ...]:
    found: list[Suspect] = []
    short: list[tuple[int, int]] = []
    for start, end in [*_sentences(text), (len(text), len(text))]:
        suspects = _suspects(text, start, end)
        if not suspects and start < end and len(plain(text[start:end]).split()) <= _SHORT:
            short.append((start, end))
            continue
        found += _chopped(text, short)
        short = []
        found += suspects
    return tuple(_joined(text, found))


def _chopped(text: str, run: list[tuple[int, int]]) -> list[Suspect]:
    """A run of very short sentences as one: marks between the words hide nothing."""
    if len(run) < 2:
        return []
    start, end = run[0][0], run[-1][1]
    judged = _judged(re.sub(r"[.!?;\n]+", " ", text[start:end]))
    return [] if judged is None else [Suspect(start, end, judged[0], judged[1])]


def _suspects(text: str, start: int, end: int) -> list[Suspect]:
    """The suspect stretches of one sentence: all of it, or of an address the clauses that hold no finding."""
    judged = _judged(text[start:end])
    if judged is None:
        return []
    kind, shown = judged
    if kind is Kind.VERDICT or shown or not holds_finding(text[start:end]):
        return [Suspect(start, end, kind, shown)]
    clauses = [(start + a.start(), start + a.end()) for a in _CLAUSE.finditer(text[start:end])]
    aimed = [(a, b) for a, b in clauses if not holds_finding(text[a:b]) or _judged(text[a:b]) is not None]
    return [Suspect(a, b, kind) for a, b in aimed] or [Suspect(start, end, kind)]


def _judged(sentence: str) -> tuple[Kind, bool] | None:
    """What is wrong with a sentence, and whether the model is shown it; None where nothing is."""
    forms = variants(sentence)
    if unpacked(sentence) or _CHAT.search(sentence) or any(_ADDRESS.search(form) for form in forms):
        return Kind.INSTRUCTION, False
    if hides(sentence) or _IMITATION.search(sentence):
        return Kind.INSTRUCTION, holds_alarm(sentence)
    if any(_PASSING.search(form) for form in forms):
        return Kind.INSTRUCTION, holds_finding(sentence)
    if any(_VERDICT.search(form) for form in forms):
        return Kind.VERDICT, holds_finding(sentence)
    return None


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    for match in _SENTENCE.finditer(text):
        if match.start() < match.end():
            yield match.span()


def _joined(text: str, found: list[Suspect]) -> Iterator[Suspect]:
    """What stands between two of them counts with them where it is shorter than either and holds no finding."""
    current: Suspect | None = None
    for suspect in found:
        if current is None:
            current = suspect
            continue
        between = text[current.end : suspect.start]
        if (
            not current.shown
            and not suspect.shown
            and len(between) <= min(current.end - current.start, suspect.end - suspect.start)
            and not holds_finding(between)
        ):
            kind = Kind.INSTRUCTION if Kind.INSTRUCTION in {current.kind, suspect.kind} else Kind.VERDICT
            current = Suspect(current.start, suspect.end, kind)
        else:
            yield current
            current = suspect
    if current is not None:
        yield current
