"""What NHAMCS says about a visit after triage: targets and outcomes, never input."""

from triage.training.corpus.tables import Row, flag_cell

RESOURCE_TYPES: tuple[tuple[str, ...], ...] = (
    ("post_CBC", "post_BMP", "post_CMP", "post_LACTATE", "post_BLOODCX", "post_URINE"),
    ("post_EKG", "post_XRAY"),
    ("post_CATSCAN", "post_MRI", "post_ULTRASND"),
    ("post_IVFLUIDS",),
    ("post_NEBUTHER",),
    ("post_CONSULT",),
    ("post_SUTURE", "post_INCDRAIN"),
)
"""One ESI resource a row: laboratory; ECG and radiographs; CT, MRI and ultrasound; IV fluids; nebulised drugs;
consultation; simple procedure (ESI handbook v4, chapter 5). Casts and splints are none."""

COMPLEX_PROCEDURES: tuple[str, ...] = (
    "post_ENDOINT",
    "post_CPR",
    "post_CENTLINE",
    "post_BPAP",
    "post_LUMBAR",
)
"""Each counts two."""

CRITICAL_COLUMNS: tuple[str, ...] = ("post_DIEDED", "post_ENDOINT", "post_CPR", "post_BPAP", "post_CENTLINE")
"""Death in the ED, intubation, resuscitation, BiPAP, central line."""


def resources_used(row: Row) -> int | None:
    """Different types of resources used, 2 for two or more; None where a column is absent.

    A lower bound: the survey does not say by which route a drug was given, so IV and IM drugs are not counted.
    """
    simple = [_any(row, columns) for columns in RESOURCE_TYPES]
    complex_procedure = _any(row, COMPLEX_PROCEDURES)
    if complex_procedure is None or None in simple:
        return None
    return min(2, sum(map(bool, simple)) + 2 * complex_procedure)


def outcomes_of(row: Row) -> dict[str, bool]:
    """``admission`` (to this hospital) and ``critical``; one that the row cannot tell is left out."""
    found = {"admission": flag_cell(row, "post_ADMITHOS"), "critical": _any(row, CRITICAL_COLUMNS)}
    return {name: value for name, value in found.items() if value is not None}


def _any(row: Row, columns: tuple[str, ...]) -> bool | None:
    flags = [flag_cell(row, column) for column in columns]
    if True in flags:
        return True
    return None if None in flags else False
