"""What reaches the terminal and standard output: words, never what a terminal would obey."""

import json
import re
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class SafeConsole(Console):
    """A console that drops control characters from every word shown, whatever record or file name it came from.

    The reader cleans what it reads; this holds for comments, file names, messages and older records, too.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Rich's segments, with words only; its own control segments pass."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(_OBEYED.sub("", segment.text), segment.style)

    def say(self, label: str, words: object = "", style: str = "bold red") -> None:
        """One line, ``label: words``; the words are never read as markup and never wrapped."""
        line = Text(label, style)
        if words:
            line.append_text(Text(f": {words}", style=""))
        self.print(line, highlight=False, soft_wrap=True)


def json_line(value: Any) -> str:
    """One line of JSON in ASCII: any terminal, file or pipe takes it, and nothing in it is obeyed."""
    return json.dumps(value)
