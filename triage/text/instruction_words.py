"""The words of ``instruction_words.yaml`` as one regular expression for each concept."""

from collections.abc import Mapping
from importlib.resources import files

import yaml


def _load() -> Mapping[str, tuple[str, str]]:
    text = files(__package__).joinpath("instruction_words.yaml").read_text(encoding="utf-8")
    concepts: dict[str, dict[str, list[str]]] = yaml.safe_load(text)
    return {
        name: (rf"(?<!\w)(?:{'|'.join(group['words'])})(?!\w)", f"(?:{'|'.join(group['joined'])})")
        for name, group in concepts.items()
    }


PARTS: Mapping[str, tuple[str, str]] = _load()
"""Each concept in languages with blanks between words, and in those without, over ``disguise.plain`` text."""
CONCEPTS: Mapping[str, str] = {name: f"(?:{words}|{joined})" for name, (words, joined) in PARTS.items()}
"""What a sentence must say to be aimed at a program, to settle urgency itself, or to hold a finding."""
