"""The report before it has a form: sections of paragraphs, tables and pictures, which HTML and Markdown are made from.

Every text here is plain: whoever writes it out escapes it.
"""

from dataclasses import dataclass, field
from typing import Literal

from eval.suite.result import ErrorCase

Tone = Literal["plain", "soft", "note", "warn"]
Mark = Literal["", "good", "bad", "soft"]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence or some. ``lead`` stands before it in bold."""

    text: str
    lead: str = ""
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of sentences."""

    items: tuple[Paragraph, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell; ``mark`` is never the only thing that says what it says."""

    text: str
    mark: Mark = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption; the first column names the row. ``folded``: long, shown and printed when asked for."""

    key: str
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str | Cell, ...], ...]
    note: str = ""
    words: bool = False
    """Cells hold sentences, so they are left-aligned."""
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture as SVG. ``alt`` says what is seen in it to whoever cannot see it."""

    key: str
    title: str
    alt: str
    svg: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Matrix:
    """A confusion matrix: ``counts[true - 1][answered - 1]``, the sixth column without an answer."""

    key: str
    row: str
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Matrices:
    """Several, side by side."""

    items: tuple[Matrix, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One case of the error browser with what it is called and where it is from."""

    task: str
    task_title: str
    kind: str
    case: ErrorCase


@dataclass(frozen=True, slots=True)
class Mistakes:
    """The error browser. ``left_out`` counts those that ``results.json`` alone has."""

    items: tuple[Mistake, ...]
    left_out: int = 0


Block = Paragraph | Bullets | Table | Plot | Matrices | Mistakes


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it."""

    key: str
    title: str
    blocks: tuple[Block, ...] = ()
    sections: tuple["Section", ...] = ()

    def __bool__(self) -> bool:
        return bool(self.blocks or self.sections)


@dataclass(frozen=True, slots=True)
class Document:
    """The whole report. ``facts``: what a reader must see first (suite, date, version)."""

    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    footer: str = ""
    notes: tuple[Paragraph, ...] = field(default=())
