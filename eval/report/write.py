"""The report as files, and a result back from its file."""

import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from eval.report.build import build
from eval.report.csv_files import write_csv_files
from eval.report.document import Document, Plot, Section
from eval.report.errors import ReportError
from eval.report.markdown import markdown, plot_file
from eval.report.plots import light
from eval.suite.result import SuiteResult

RESULTS = "results.json"


def write_report(result: SuiteResult, out: Path, *, cases: bool = True) -> list[Path]:
    """Write ``report.html``, ``report.md``, ``plots/``, ``tables/`` and ``results.json`` into ``out``.

    Args:
        result: what a run found.
        out: the folder, made where it is not there.
        cases: with the cases of the error browser; without, nothing written holds what a record says.

    Returns:
        The paths written.

    Raises:
        ImportError: jinja2 or matplotlib is missing (extra ``eval``).
    """
    from eval.report.html import html  # noqa: PLC0415 - jinja2 is in the extra, comparing runs is not

    kept = result if cases else without_cases(result)
    document = build(kept, cases=cases)
    out.mkdir(parents=True, exist_ok=True)
    texts = {
        "report.html": html(document),
        "report.md": markdown(document),
        RESULTS: kept.model_dump_json(indent=1) + "\n",
        **{plot_file(plot): light(plot.svg) for plot in _plots(document)},
    }
    written = []
    for name, text in texts.items():
        path = out / name
        path.parent.mkdir(exist_ok=True)
        _replace(path, text)
        written.append(path)
    return [*written, *write_csv_files(out / "tables", kept)]


def without_cases(result: SuiteResult) -> SuiteResult:
    """The same without any case: for papers and pages."""
    tasks = tuple(task.model_copy(update={"errors": ()}) for task in result.tasks)
    return result.model_copy(update={"tasks": tasks})


def read_result(path: Path) -> SuiteResult:
    """A result from its ``results.json``, or from the folder that has one.

    Raises:
        ReportError: there is none, or it is not of this form.
    """
    file = path / RESULTS if path.is_dir() else path
    if not file.is_file():
        raise ReportError(f"{file.name}: not found; give the results.json of a run, or its folder")
    try:
        return SuiteResult.model_validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ReportError(
            f"{file.name}: not a result of `triage eval run` ({where}: {first['msg']}); make it again with this version"
        ) from None


def _replace(path: Path, text: str) -> None:
    """As a whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def _plots(document: Document) -> Iterator[Plot]:
    def inside(section: Section) -> Iterator[Plot]:
        yield from (block for block in section.blocks if isinstance(block, Plot))
        for inner in section.sections:
            yield from inside(inner)

    for section in document.sections:
        yield from inside(section)
