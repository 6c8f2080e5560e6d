"""The CDC's own public-use files of the survey (ED, 2016-2020), as the columns that ``nhamcs.read`` takes.

``ed2019-stata.dta`` (any Stata version that pandas reads) or ``ed2019_sas.sas7bdat``: one file a year, unpacked. A
reason for visit is only a code in them; its words come from the value labels inside a Stata file, or else from a file
beside it: the CDC's SAS formats (``ed19for.txt``, any ``ed*for.txt``) or a table ``rfv_code_to_label.csv`` with the
columns ``code,label``.

Codes, after the CDC's "NHAMCS Micro-Data File Documentation": -9 blank, -8 unknown, -7 not applicable; temperature in
tenths of a degree Fahrenheit; 998 for a pulse or diastolic pressure by Doppler or palpation, which is no number; sex 1
female, 2 male; AGEDAYS only under one year; INJURY 1 yes, 0 no, 2 questionable; IMMEDR 1-5 the level, 0 and 7 none.

**Not checked, since no original file was at hand:** anything against an original. The names and codes are the
documentation's as known to the authors and what a decoded table of the same years shows (its ranges and shares, the
order of the conditions, the place in the file in ``case_id``). So unknown are: case and storage type of every variable
in each year's file (names are compared without case; numbers may be text), whether a Stata file carries value labels
for the reasons, how they are worded, and the layout of the format files. A wrong guess in a name stops with an error;
a wrong guess in a code would not: compare the level mix and the share of women (about 54 %) with the published tables.
"""

import csv
import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from triage.training.corpus.tables import CorpusError, Row

SUFFIXES = (".dta", ".sas7bdat")
LABEL_TABLE = "rfv_code_to_label.csv"

CONDITIONS: tuple[str, ...] = (
    *("ALZHD", "ASTHMA", "CANCER", "CEBVD", "CKD", "COPD", "CHF", "CAD", "DEPRN", "DIABTYP2", "DIABTYP1"),
    *(
        "DIABTYP0",
        "ESRD",
        "HPE",
        "EDHIV",
        "HYPLIPID",
        "HTN",
        "OBESITY",
        "OSA",
        "OSTPRSIS",
        "SUBSTAB",
        "ETOHAB",
    ),
)
"""Check boxes for what the patient already had, in the order in which the decoded table lists them."""

AFTER_TRIAGE: tuple[str, ...] = (
    *(
        "WAITTIME",
        "LOV",
        "TOTDIAG",
        "TOTPROC",
        "NUMGIV",
        "NUMMED",
        "ANYIMAGE",
        "XRAY",
        "CATSCAN",
        "MRI",
        "ULTRASND",
    ),
    *(
        "EKG",
        "CBC",
        "BMP",
        "CMP",
        "LACTATE",
        "BLOODCX",
        "URINE",
        "IVFLUIDS",
        "ENDOINT",
        "CPR",
        "CENTLINE",
        "BPAP",
    ),
    *(
        "SUTURE",
        "INCDRAIN",
        "CASTSPLINT",
        "NEBUTHER",
        "LUMBAR",
        "CONSULT",
        "ADMITHOS",
        "OBSHOS",
        "ADMIT",
        "DIEDED",
    ),
    *("DOA", "TRANPSYC", "TRANOTH", "TRANNH", "LWBS", "LEFTAMA", "HDSTAT", "LOS", "DIAG1", "DIAG2", "DIAG3"),
)
"""Become ``post_*``. ``nhamcs`` reads some of them as outcomes and resources; none ever reaches a record."""

DESIGN: tuple[str, ...] = ("PATWT", "REGION", "MSA", "CSTRATM", "CPSUM", "HOSPCODE")
"""Become ``design_*``."""

REQUIRED: tuple[str, ...] = (
    *("AGE", "AGEDAYS", "SEX", "ARREMS", "INJURY", "TEMPF", "PULSE", "RESPR", "BPSYS", "BPDIAS", "POPCT"),
    *("PAINSCALE", "RFV1", "RFV2", "RFV3", "RFV4", "RFV5", "IMMEDR", *CONDITIONS),
)
"""Variables that every file must have: without one, a fact would be missing in every visit, and nobody would know."""

_NO_ANSWER = frozenset({Decimal(-7), Decimal(-8), Decimal(-9)})
_NO_NUMBER = Decimal(998)
_YES_NO = {1: "yes", 2: "no"}
_FORMAT_LINE = re.compile(
    r"""^\s*['"]?(?P<code>\d{5}|-\d)['"]?\s*=\s*(?P<q>['"])(?P<label>.*?)(?P=q)\s*;?\s*$"""
)
_LEADING_CODE = re.compile(r"^\d{4}[.\s-]\d\s*[:=-]?\s+")


def rows(path: Path) -> Iterator[Row]:
    """Yield the visits of one year's file in its order, under the decoded table's column names.

    ``case_id`` is ``nhamcs-<year>-<place in the file, from 0>``, as in the decoded table.

    Raises:
        CorpusError: pandas is absent, the file cannot be read, a variable of ``REQUIRED`` is missing, the year is not
            known, or there are no words for the reasons.
    """
    frame, labels = _open(path)
    frame.columns = [str(name).upper() for name in frame.columns]
    missing = [name for name in REQUIRED if name not in frame.columns]
    if missing:
        raise CorpusError(
            f"{path.name}: missing variable{'s' if len(missing) > 1 else ''} {', '.join(missing)}; give the CDC's ED "
            "public-use file of 2016-2020"
        )
    words = labels or _labels_beside(path)
    if not words:
        raise CorpusError(
            f"{path.name}: it holds no words for the reasons for visit; put the CDC's format file (ed*for.txt) or "
            f"{LABEL_TABLE} (code,label) beside it"
        )
    year = _year(path, frame)
    kept = [n for n in (*REQUIRED, *AFTER_TRIAGE, *DESIGN) if n in frame.columns]
    columns = {name: frame[name].tolist() for name in kept}
    for place in range(len(frame)):
        visit = {name: values[place] for name, values in columns.items()}
        yield {"case_id": f"nhamcs-{year}-{place:05d}", "survey_year": year, **decode(visit, words)}


def decode(visit: Mapping[str, Any], words: Mapping[int, str]) -> dict[str, object]:
    """One visit of the original (variable -> value) in the decoded table's columns; codes for no answer become None.

    ``words`` are the labels of the reasons for visit by five-digit code. A reason whose code has no label is left out,
    as in the decoded table: a bare code says nothing at triage; without any reason the complaint is missing by name.
    """
    number = {name: _number(value) for name, value in visit.items() if name not in _AS_TEXT}
    days = _answer(number["AGEDAYS"])
    under_one = number["AGE"] == 0
    decoded: dict[str, object] = {
        "age_years": _answer(number["AGE"]),
        "age_days_if_under1": days if under_one else None,
        "sex": {1: "female", 2: "male"}.get(_code(number["SEX"])),
        "arrival_ambulance": _YES_NO.get(_code(number["ARREMS"])),
        "injury_flag": number["INJURY"],
        "temp_f": _tenths(_answer(number["TEMPF"])),
        "pulse": _measured(number["PULSE"]),
        "resp_rate": _measured(number["RESPR"]),
        "sbp": _measured(number["BPSYS"]),
        "dbp": _measured(number["BPDIAS"]),
        "spo2": _measured(number["POPCT"]),
        "pain_0_10": _answer(number["PAINSCALE"]),
        "chronic_conditions": ";".join(name for name in CONDITIONS if number[name] == 1),
        "immedr_raw": number["IMMEDR"],
        "acuity": level if (level := _code(number["IMMEDR"])) in {1, 2, 3, 4, 5} else None,
    }
    for place in range(1, 6):
        code = _answer(number[f"RFV{place}"])
        decoded[f"rfv{place}_text"] = None if code is None else words.get(int(code))
    decoded |= {f"post_{name}": number.get(name, visit.get(name)) for name in AFTER_TRIAGE if name in visit}
    decoded |= {f"design_{name}": number[name] for name in DESIGN if name in visit}
    return decoded


_AS_TEXT = frozenset({"DIAG1", "DIAG2", "DIAG3"})


def _open(path: Path) -> tuple[Any, dict[int, str]]:
    """The file as a pandas frame, and the labels of its reasons where it carries them."""
    try:
        import pandas as pd  # noqa: PLC0415  # an optional extra
    except ImportError:
        raise CorpusError(
            f"{path.name}: Stata and SAS files need pandas; pip install 'ed-triage-agent[eval]'"
        ) from None
    try:
        if path.suffix.lower() == ".dta":
            with pd.read_stata(path, convert_categoricals=False, iterator=True) as reader:
                frame, labels = reader.read(), reader.value_labels()
                return frame, _reason_labels(labels)
        return pd.read_sas(path, encoding="latin-1"), {}
    except (ValueError, KeyError, EOFError) as error:
        raise CorpusError(
            f"{path.name}: not readable ({type(error).__name__}); unpack the CDC's file first"
        ) from None


def _reason_labels(sets: Mapping[str, Mapping[Any, str]]) -> dict[int, str]:
    """The value labels whose set is named after the reasons (``RFV1``, ``RFVF``, ``rfv1f`` ...)."""
    chosen = [
        labels for name, labels in sets.items() if name.upper().startswith("RFV") and "3D" not in name.upper()
    ]
    return {
        int(code): _clean(text) for labels in chosen for code, text in labels.items() if int(code) >= 10000
    }


def _labels_beside(path: Path) -> dict[int, str]:
    """Labels from the files beside ``path``: the table, else the CDC's SAS format file."""
    table = path.parent / LABEL_TABLE
    if table.is_file():
        with table.open(encoding="utf-8-sig", newline="") as file:
            return {
                int(row["code"]): _clean(row["label"])
                for row in csv.DictReader(file)
                if (row.get("code") or "").strip().isdigit() and row.get("label")
            }
    for formats in sorted(path.parent.glob("[Ee][Dd]*[Ff][Oo][Rr].[Tt][Xx][Tt]")):
        found = labels_of_formats(formats.read_text(encoding="latin-1"))
        if found:
            return found
    return {}


def labels_of_formats(text: str) -> dict[int, str]:
    """The reasons' labels of a SAS format file: the ``code='label'`` lines of ``VALUE RFV...`` up to its semicolon."""
    labels: dict[int, str] = {}
    inside = False
    for line in text.splitlines():
        head = re.match(r"(?i)^\s*value\s+\$?(\w+)", line)
        if head:
            inside = head[1].upper().startswith("RFV") and "3D" not in head[1].upper()
            line = line[head.end() :]  # noqa: PLW2901  # the first label may stand on the same line
        match = _FORMAT_LINE.match(line)
        if inside and match and int(match["code"]) >= 10000:
            labels[int(match["code"])] = _clean(match["label"])
        if inside and line.rstrip().endswith(";"):
            inside = False
    return labels


def _clean(label: str) -> str:
    return _LEADING_CODE.sub("", " ".join(label.split()))


def _year(path: Path, frame: Any) -> int:
    """The survey year: the variable YEAR where the file has it, else the four digits in the file's name."""
    if "YEAR" in frame.columns and len(frame):
        year = _number(frame["YEAR"].iloc[0])
        if year is not None and 2000 <= year <= 2100:
            return int(year)
    match = re.search(r"(?<!\d)(20\d{2})(?!\d)", path.name)
    if match is None:
        raise CorpusError(f"{path.name}: which year? Name the file as the CDC does (ed2019...)")
    return int(match[1])


def _number(value: Any) -> Decimal | None:
    """A cell as an exact decimal; None where it is blank or no number."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not number.is_finite():
        return None
    return number.to_integral_value() if number == number.to_integral_value() else number


def _code(number: Decimal | None) -> int:
    return -9 if number is None else int(number)


def _answer(number: Decimal | None) -> Decimal | None:
    return None if number in _NO_ANSWER else number


def _measured(number: Decimal | None) -> Decimal | None:
    return None if number == _NO_NUMBER else _answer(number)


def _tenths(number: Decimal | None) -> Decimal | None:
    """Degrees from tenths; a file that already holds degrees (98.6) is taken as it is: no one has 200 degrees."""
    if number is None:
        return None
    return number / 10 if number >= 200 else number
