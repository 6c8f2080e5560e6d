"""Reading JSON that may have any shape: nothing here raises, what is not there or is another type is absent."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

Json = dict[str, Any]

_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""C0 and C1 (a terminal obeys both), line separators, and what reorders the words around it."""
_ID = re.compile(r"^[A-Za-z0-9\-._]{1,64}$")


def obj(parent: Any, key: str) -> Json:
    """The object at ``key``, or an empty one."""
    value = parent.get(key) if isinstance(parent, dict) else None
    return value if isinstance(value, dict) else {}


def objs(parent: Any, key: str) -> Iterator[tuple[int, Json]]:
    """The objects in the array at ``key``, each with its index."""
    value = parent.get(key) if isinstance(parent, dict) else None
    if isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict):
                yield index, item


def string(parent: Any, key: str) -> str | None:
    """The text at ``key`` without surrounding blanks, lone surrogates and control characters; None if empty."""
    value = parent.get(key) if isinstance(parent, dict) else None
    return (clean(value).strip() or None) if isinstance(value, str) else None


def clean(text: str) -> str:
    """``text`` that can be stored and shown anywhere; the same length, so that offsets hold."""
    return _CONTROL.sub(" ", _SURROGATE.sub("�", text))


def resource_id(resource: Json) -> str | None:
    """``resource.id`` where it is one."""
    value = resource.get("id")
    return value if isinstance(value, str) and _ID.match(value) else None


def codings(concept: Any) -> Iterator[tuple[str, str]]:
    """(system, code) of every coding of a CodeableConcept; the system is empty where there is none."""
    for _, coding in objs(concept, "coding"):
        code = string(coding, "code")
        if code is not None:
            yield string(coding, "system") or "", code


def first_code(concept: Any) -> str | None:
    """The first code of a CodeableConcept, whatever its system."""
    return next((code for _, code in codings(concept)), None)


def words(concept: Any) -> str | None:
    """What a person reads of a CodeableConcept: its text, else its first display."""
    text = string(concept, "text")
    if text is not None:
        return text
    return next((d for _, coding in objs(concept, "coding") if (d := string(coding, "display"))), None)


def number(value: Any) -> Decimal | None:
    """A JSON number as received, or None where it is not one. A float (already parsed) keeps its shortest form."""
    if isinstance(value, bool):
        return None
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, float):
        decimal = Decimal(repr(value))
        return decimal if decimal.is_finite() else None
    return None
