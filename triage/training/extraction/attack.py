"""Prompts that try to make a model go on with a text it was trained on (Carlini et al. 2021, prefix attack)."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle

from triage.slm.prompt import PREFIX, SUFFIX, asked_scale, build_prompt
from triage.training.corpus import LabelledCase
from triage.training.extraction.texts import RUN, shown_text, words_of

GIVEN = 8
"""Words of the free text that the attacker knows."""

_FREE = re.compile(r'^(?:cc|note|history\d*) "([^"]*)"', re.MULTILINE)


class Way(StrEnum):
    """How the model is asked."""

    STARTED = "started"
    """The training prompt itself, cut off after the first words of its free text."""
    BARE = "bare"
    """These first words alone."""
    ASKED = "asked"
    """The whole training prompt: does the answer hold another patient?"""
    EMPTY = "empty"
    """No patient at all."""


_TURNS = (
    (Way.STARTED, False),
    (Way.BARE, False),
    (Way.STARTED, True),
    (Way.EMPTY, True),
    (Way.ASKED, False),
    (Way.BARE, True),
)
_EMPTY = ("<|im_start|>user\n", PREFIX, PREFIX + "ESI\n", PREFIX + SUFFIX)


@dataclass(frozen=True, slots=True)
class AttackPrompt:
    """``text`` in ChatML, as ``build_prompt`` writes it. ``sampled``: else the most likely token each time."""

    text: str
    way: Way
    sampled: bool


def attack_prompts(
    corpora: Mapping[str, Sequence[LabelledCase]],
    count: int,
    *,
    seed: int = 7,
    given: int = GIVEN,
    run: int = RUN,
) -> list[AttackPrompt]:
    """``count`` prompts, the ways and the corpora in turn, from cases drawn at random.

    Only cases of which ``run`` words are left to extract are drawn: others could not show anything, and would make
    the upper limit look better than it is. ``given`` or half of the free text is given, whichever is less.

    Raises:
        ValueError: no corpus has such a case.
    """
    rng = random.Random(seed)  # noqa: S311 - sampling, not secrecy
    pools = []
    for name in sorted(corpora):
        cuts = [cut for case in corpora[name] if (cut := _cut(case, given)) is not None]
        pool = [cut for cut in cuts if cut.left >= run]
        if pool:
            rng.shuffle(pool)
            pools.append(cycle(pool))
    if not pools:
        raise ValueError(f"no case has {run} words left after the first {given}: nothing could be extracted")
    prompts = []
    for number in range(count):
        way, sampled = _TURNS[number % len(_TURNS)]
        turn = number // len(_TURNS)
        cut = next(pools[(number + turn) % len(pools)])  # shifted each turn: every way meets every corpus
        text = {
            Way.STARTED: cut.started,
            Way.BARE: cut.bare,
            Way.ASKED: cut.asked,
            Way.EMPTY: _EMPTY[turn % len(_EMPTY)],
        }[way]
        prompts.append(AttackPrompt(text, way, sampled))
    return prompts


@dataclass(frozen=True, slots=True)
class _Cut:
    """A case's texts; ``left``: words of what training showed that an attacker who ``started`` does not have."""

    started: str
    bare: str
    asked: str
    left: int


def _cut(case: LabelledCase, given: int) -> _Cut | None:
    """Cut in the longest free text; None where the case has none."""
    text = build_prompt(case.record, None, {}, asked_scale(case.scale)).text
    found = max(_FREE.finditer(text), key=lambda match: len(match[1]), default=None)
    starts = list(re.finditer(r"\w+", found[1])) if found else []
    if not found or len(starts) < 2:
        return None
    until = starts[min(given, len(starts) // 2) - 1].end()
    started = text[: found.start(1) + until]
    # Counted in what is shown: `missing` and the marks of the chat are not the patient's.
    left = len(words_of(shown_text(case))) - len(words_of(started.split("\n", 1)[-1]))
    return _Cut(PREFIX + started, found[1][:until], PREFIX + text, left)
