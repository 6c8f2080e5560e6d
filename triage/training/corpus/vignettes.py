"""Teaching vignettes: a few sentences on an arriving patient, with the ESI level a handbook gives them.

Any file with ``case_id`` and ``vignette`` (and ``acuity``). The whole text goes in as the triage note; what it says
in numbers and fixed words becomes structured facts that point into it. The rationale is never read: it gives the
level away.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from data_schemas.acuity import AcuityScale
from data_schemas.intake import FactKind, IntakeRecord
from triage.facts import make_fact
from triage.text.vitals import facts_in_text
from triage.training.corpus.case import LabelledCase
from triage.training.corpus.record import RecordBuilder, column_source
from triage.training.corpus.tables import Row, level_cell, read_rows

DATASET = "vignettes"

TRIAGE_COLUMNS: tuple[str, ...] = ("case_id", "vignette")
"""All that the record is made of, and all that a file must have."""

SHORT = 160
"""Characters up to which a vignette is its own chief complaint."""

_SENTENCE_END = re.compile(r"[.?!]+[\u201d\"\u2019']*(?=\s+[^a-z\s]|\s*$)")
_QUOTED = re.compile(r"\u201c[^\u201d]*\u201d(?!\s*$)|\"[^\"]*\"(?!\s*$)")
_COMPLAINT = re.compile(
    r"\b(?:complain(?:s|ing|t)?|presents?|presenting|reports?|states?|requests?|asks?|with|due to|because|found|fell|"
    r"brought|hurts?|pain|had|has)\b",
    re.IGNORECASE,
)


def read(path: str | Path, *, labelled_only: bool = True) -> Iterator[LabelledCase]:
    """Yield the vignettes of ``path`` (.jsonl, .csv or .parquet) in its order, on the ESI scale.

    With ``labelled_only``, rows whose ``acuity`` is there but is not 1-5 are left out; a row without the column is
    read, with ``acuity`` None. Each vignette is its own ``group``.

    Raises:
        CorpusError: a column of ``TRIAGE_COLUMNS`` is missing, or the file cannot be read.
    """
    for row in read_rows(Path(path), required=TRIAGE_COLUMNS):
        acuity = level_cell(row, "acuity")
        if labelled_only and acuity is None and "acuity" in row:
            continue
        yield LabelledCase(
            case_id=str(row["case_id"]),
            record=to_record({column: row[column] for column in TRIAGE_COLUMNS}),
            scale=AcuityScale.ESI,
            acuity=acuity,
            group=str(row["case_id"]),
            source=DATASET,
        )


def to_record(row: Row) -> IntakeRecord:
    """The intake record of a row that holds ``TRIAGE_COLUMNS`` and nothing else."""
    builder = RecordBuilder(DATASET, str(row["case_id"]))
    text = str(row["vignette"] or "")
    if not text.strip():
        return builder.build()
    facts, findings = facts_in_text(text, resource_type=DATASET, path="vignette")
    builder.add(*facts)
    builder.note(*findings)
    start, end = complaint_span(text)
    source = column_source(DATASET, "vignette").model_copy(update={"start": start, "end": end})
    builder.add(make_fact(1, FactKind.CHIEF_COMPLAINT, text=text[start:end], source=source))
    builder.add(make_fact(1, FactKind.TRIAGE_NOTE, text=text, source=column_source(DATASET, "vignette")))
    return builder.build()


def complaint_span(text: str) -> tuple[int, int]:
    """Where the main sentence of ``text`` stands, half-open: the very words, nothing rephrased.

    The whole text, trimmed, where it has at most ``SHORT`` characters; else the first sentence that says what the
    patient comes with, else the first sentence.
    """
    stripped = text.strip()
    start = text.index(stripped)
    if len(stripped) <= SHORT:
        return start, start + len(stripped)
    sentences = list(_sentences(text, start, start + len(stripped)))
    return next((span for span in sentences if _COMPLAINT.search(text, *span)), sentences[0])


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Spans of the sentences; one that begins with quoted speech goes on to who says it."""
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    for match in _SENTENCE_END.finditer(text, start, end):
        if any(opening < match.end() < closing for opening, closing in quoted):
            continue
        yield start, match.end()
        rest = text[match.end() : end]
        start = match.end() + len(rest) - len(rest.lstrip())
    if start < end:
        yield start, end
