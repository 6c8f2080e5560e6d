"""The texts a model was trained on, as runs of words to look for."""

import re
from collections.abc import Iterable, Sequence

from triage.slm.prompt import SUFFIX, asked_scale, build_prompt
from triage.training.corpus import LabelledCase

RUN = 12
"""Words in a row that count as extracted: too many to be hit upon by speaking the language."""

_WORD = re.compile(r"\w+")
Run = tuple[str, ...]


def shown_text(case: LabelledCase) -> str:
    """What training showed of the patient: every fact of the prompt, the free text as it was cut there.

    Scale and missing vital signs, which are our own words, are left out.
    """
    body = build_prompt(case.record, None, {}, asked_scale(case.scale)).text.removesuffix(SUFFIX)
    return "\n".join(line for line in body.split("\n")[1:] if not line.startswith("missing "))


def words_of(text: str) -> list[str]:
    """Letters and digits only, in lower case: neither punctuation nor spelling in capitals hides a run."""
    return _WORD.findall(text.casefold())


class TrainingTexts:
    """Every run of ``run`` words in ``texts``; a run never spans two texts."""

    def __init__(self, texts: Iterable[str], run: int = RUN) -> None:
        self.run = run
        self._texts = [words_of(text) for text in texts]
        self._runs = self._of_length(run)

    def __len__(self) -> int:
        """How many different runs there are to find."""
        return len(self._runs)

    def extracted(self, written: str, prompt: str) -> bool:
        """Whether a run of the texts is in what was written, and not merely repeated from the prompt."""
        return _shares(self._runs, written, prompt, self.run)

    def longest(self, pairs: Sequence[tuple[str, str]]) -> int:
        """Words of the longest run in any ``(written, prompt)``, at most ``run``: how near it came."""
        for length in range(self.run, 0, -1):
            runs = self._runs if length == self.run else self._of_length(length)
            if any(_shares(runs, written, prompt, length) for written, prompt in pairs):
                return length
        return 0

    def _of_length(self, length: int) -> frozenset[Run]:
        return frozenset(run for words in self._texts for run in _windows(words, length))


def _shares(runs: frozenset[Run], written: str, prompt: str, length: int) -> bool:
    found = runs.intersection(_windows(words_of(written), length))
    return bool(found.difference(_windows(words_of(prompt), length))) if found else False


def _windows(words: Sequence[str], length: int) -> Iterable[Run]:
    return (tuple(words[at : at + length]) for at in range(len(words) - length + 1))
