"""The triage note: DocumentReferences (LOINC 54094-8) with plain text, decoded."""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from data_schemas import FactKind, FactSource, QualityIssue
from integrations.fhir._json import Json, clean, codings, obj, objs, string
from integrations.fhir._times import parse_when
from integrations.fhir._visit import Timing, Visit
from integrations.fhir.codes import LOINC


@dataclass(frozen=True)
class Note:
    """A triage note as decoded, before anything is taken out of it."""

    text: str
    source: FactSource
    written: datetime | None


def triage_notes(visit: Visit) -> Iterator[Note]:
    """The triage notes of this visit written by triage: DocumentReferences with plain text."""
    for document, linked in visit.mine("DocumentReference"):
        if not visit.settings.note_codes & {c for s, c in codings(obj(document, "type")) if s == LOINC}:
            continue
        source = visit.source(document, "content[0].attachment.data")
        when = parse_when(document.get("date")) or parse_when(
            obj(obj(document, "context"), "period").get("start")
        )
        timing = visit.timing(when, linked=linked)
        if string(document, "status") in {"entered-in-error", "superseded"} or (
            string(document, "docStatus") == "entered-in-error"
        ):
            _name_note(visit, QualityIssue.NOT_FINAL, "withdrawn or replaced; not used.", source)
            continue
        if timing is Timing.EARLIER and not linked:
            continue
        if timing not in {Timing.KNOWN, Timing.EARLIER}:
            issue = {Timing.FUTURE: QualityIssue.FUTURE, Timing.LATER: QualityIssue.LATER_STRIPPED}.get(
                timing, QualityIssue.UNREADABLE
            )
            _name_note(
                visit, issue, "written after triage, in the future, or at no known time; left out.", source
            )
            continue
        if string(document, "docStatus") == "preliminary":
            _name_note(visit, QualityIssue.NOT_FINAL, "not yet signed; read as it stands.", source)
        for i, content in objs(document, "content"):
            at = visit.source(document, f"content[{i}].attachment.data")
            text = _attachment(visit, obj(content, "attachment"), at)
            if text is not None:
                yield Note(text, at, when.start if when and when.exact else None)


def _name_note(visit: Visit, issue: QualityIssue, message: str, source: FactSource) -> None:
    visit.findings.add(issue, f"triage_note: {message}", kind=FactKind.TRIAGE_NOTE, source=source)


def _attachment(visit: Visit, attachment: Json, source: FactSource) -> str | None:
    media, _, parameters = (string(attachment, "contentType") or "").partition(";")
    if media.strip().lower() != "text/plain":
        _name_note(visit, QualityIssue.UNREADABLE, "not plain text; not used. Read it in the record.", source)
        return None
    data = string(attachment, "data")
    if data is None:
        binary = visit.index.resolve({"reference": string(attachment, "url")})
        data = string(binary, "data") if binary is not None else None
    if data is None:
        _name_note(visit, QualityIssue.EMPTY, "no text is attached; not used. Read it in the record.", source)
        return None
    packed = re.sub(r"\s+", "", data)
    longest = visit.settings.max_note_chars * 6  # 4 bytes a character, 4/3 for base64, and a little more
    longest += -longest % 4
    if len(packed) > longest:
        _name_note(
            visit,
            QualityIssue.TRUNCATED,
            "the end of a very long text was cut. Read it in the record.",
            source,
        )
    try:
        raw = base64.b64decode(packed[:longest], validate=True)
    except (binascii.Error, ValueError):
        _name_note(
            visit, QualityIssue.UNREADABLE, "the data is not base64; not used. Read it in the record.", source
        )
        return None
    latin = re.search(r"charset\s*=\s*\"?(iso-8859-1|latin-?1|windows-1252)", parameters, re.IGNORECASE)
    text = raw.decode("cp1252" if latin else "utf-8", errors="replace")
    if "�" in text[:-1]:
        _name_note(visit, QualityIssue.UNREADABLE, "some characters could not be read.", source)
    return clean(text.removeprefix("﻿")).strip("�") or None
