"""The report as one HTML page that asks for nothing from outside.

Texts of records are untrusted: everything is escaped by Jinja's autoescape but our own style, script and SVG, and the
page's policy runs no script but that one.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from eval.report import words
from eval.report.document import Block, Cell, Document, Mistakes, Plot
from eval.report.mistakes import KINDS, NO_ANSWER, STRICT, UNDER
from eval.report.plots.style import DARK, LIGHT

_FOLDER = Path(__file__).with_name("templates")


def html(document: Document) -> str:
    """The whole page."""
    script = (_FOLDER / "filter.js").read_text(encoding="utf-8").strip()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            document=document,
            style=Markup(_style()),  # noqa: S704  # our own file
            script=Markup(script),  # noqa: S704  # our own file
            script_hash=f"sha256-{digest}",
        )
        + "\n"
    )


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        text=_text,
        mark=lambda cell: cell.mark if isinstance(cell, Cell) else "",
        value=_value,
        runs=_runs,
        kind=lambda block: type(block).__name__,
        svg=Markup,
        row_name=words.row_name,
        kind_class=_kind_class,
        rows_of=_rows_of,
        tasks_of=_tasks_of,
        kinds_of=_kinds_of,
    )
    return made


def _style() -> str:
    text = (_FOLDER / "style.css").read_text(encoding="utf-8")
    return text.replace("LIGHT_SERIES", _variables(LIGHT)).replace("DARK_SERIES", _variables(DARK))


def _variables(colours: dict[str, str]) -> str:
    return "  " + " ".join(f"{name}: {value};" for name, value in colours.items())


def _runs(blocks: tuple[Block, ...]) -> list[list[Block]]:
    """Plots that follow one another together, to stand side by side; every other block for itself."""
    found: list[list[Block]] = []
    for block in blocks:
        if isinstance(block, Plot) and found and isinstance(found[-1][-1], Plot):
            found[-1].append(block)
        else:
            found.append([block])
    return found


def _text(cell: str | Cell) -> str:
    return cell.text if isinstance(cell, Cell) else cell


def _value(cell: str | Cell) -> Markup:
    """The value and, less loud, its interval: ``0.64 (0.58 to 0.70)`` may only break before the bracket."""
    value, bracket, rest = _text(cell).partition(" (")
    if not bracket or " to " not in rest:
        return escape(_text(cell))
    inside, _, after = rest.partition(")")
    made = Markup('<span class="v">{}</span> <span class="ci">({})</span>').format(value, inside)
    return made + Markup(' <span class="ci">{}</span>').format(after.removeprefix(", ")) if after else made


def _kind_class(kind: str) -> str:
    return {STRICT: " bad", UNDER: " warn-kind", NO_ANSWER: " warn-kind"}.get(kind, "")


def _rows_of(block: Mistakes) -> list[tuple[str, str]]:
    return [(row, words.row_name(row)) for row in dict.fromkeys(item.case.row for item in block.items)]


def _tasks_of(block: Mistakes) -> list[tuple[str, str]]:
    return list(dict.fromkeys((item.task, item.task_title) for item in block.items))


def _kinds_of(block: Mistakes) -> list[tuple[str, str]]:
    found = {item.kind for item in block.items}
    return [(kind, kind) for kind in KINDS if kind in found]
