"""The words of ``instruction_words.yaml`` as one regular expression for each concept."""

from collections.abc import Mapping
from importlib.resources import files

import yaml


def _load() -> Mapping[str, str]:
    text = files(__package__).joinpath("instruction_words.yaml").read_text(encoding="utf-8")
    concepts: dict[str, dict[str, list[str]]] = yaml.safe_load(text)
    return {
        name: rf"(?:(?<!\w)(?:{'|'.join(group['words'])})(?!\w)|(?:{'|'.join(group['joined'])}))"
        for name, group in concepts.items()
    }


CONCEPTS: Mapping[str, str] = _load()
"""What a sentence must say to be aimed at a program or to settle urgency itself, over ``disguise.plain`` text."""
