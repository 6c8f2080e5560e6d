"""The report as Markdown: the same sections and tables, plots by file, and no case of the error browser.

Cases are left out because Markdown is what gets pasted into papers and issues; a record must not.
"""

import re
from collections.abc import Iterator

from eval.report.document import Block, Cell, Document, Matrices, Mistakes, Paragraph, Plot, Section, Table

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")


def markdown(document: Document) -> str:
    """The whole report."""
    return "\n".join(_lines(document)).rstrip() + "\n"


def escaped(text: str) -> str:
    """On one line, with nothing that Markdown or HTML would take for its own."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split())).replace("&", "&amp;")


def plot_file(plot: Plot) -> str:
    """Where a plot lies beside the report."""
    return f"plots/{plot.key}.svg"


def _lines(document: Document) -> Iterator[str]:
    yield f"# {escaped(document.title)}"
    yield ""
    yield escaped(document.subtitle)
    yield ""
    for name, value in document.facts:
        yield f"- {escaped(name)}: {escaped(value)}"
    for section in document.sections:
        yield from _section(section, 2)
    yield ""
    yield escaped(document.footer)


def _section(section: Section, depth: int) -> Iterator[str]:
    yield ""
    yield f"{'#' * depth} {escaped(section.title)}"
    for block in section.blocks:
        yield ""
        yield from _block(block)
    for inner in section.sections:
        yield from _section(inner, depth + 1)


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Paragraph):
        yield _paragraph(block)
    elif isinstance(block, Table):
        yield from _table(block.caption, block.header, block.rows, block.note)
    elif isinstance(block, Plot):
        yield f"![{escaped(block.alt)}]({plot_file(block)})"
        yield ""
        yield f"*{escaped(block.title)}.* {escaped(block.caption)}".rstrip()
    elif isinstance(block, Matrices):
        header = ("true", *map(str, range(1, 6)), "none")
        for item in block.items:
            rows = tuple((str(level), *map(str, line)) for level, line in enumerate(item.counts, 1))
            yield from _table(item.row, header, rows, "")
            yield ""
    elif isinstance(block, Mistakes):
        yield f"{len(block.items) + block.left_out} cases; they are in report.html and results.json only."
    else:
        for point in block.items:
            yield f"- {_paragraph(point)}"


def _paragraph(block: Paragraph) -> str:
    lead = f"**{escaped(block.lead)}** " if block.lead else ""
    return f"{lead}{escaped(block.text)}"


def _table(
    caption: str, header: tuple[str, ...], rows: tuple[tuple[str | Cell, ...], ...], note: str
) -> Iterator[str]:
    yield f"**{escaped(caption)}**"
    yield ""
    yield "| " + " | ".join(map(escaped, header)) + " |"
    yield "|---" * len(header) + "|"
    for row in rows:
        cells = [cell.text if isinstance(cell, Cell) else cell for cell in row]
        yield "| " + " | ".join(map(escaped, cells)) + " |"
    if note:
        yield ""
        yield escaped(note)
