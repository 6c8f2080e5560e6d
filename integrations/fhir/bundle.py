"""From bytes to indexed resources: the container checked, references resolved, decimals as received."""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from integrations.fhir import wire
from integrations.fhir._json import Json, obj, objs, resource_id, string
from integrations.fhir.errors import IntakeError
from integrations.fhir.reader_settings import MIB, ReaderSettings

READ_TYPES = frozenset(
    {
        "Encounter",
        "Patient",
        "Observation",
        "Condition",
        "AllergyIntolerance",
        "MedicationStatement",
        "MedicationRequest",
        "Medication",
        "DocumentReference",
        "Binary",
    }
)
"""The resource types that an intake is read from. All others are left alone."""

_REFERENCE = re.compile(
    r"^(?P<base>https?://.+/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-._]{1,64})(?:/_history/.+)?$"
)
_READABLE_BUNDLES = frozenset({"collection", "transaction", "batch", "searchset", "document", "message"})


def parse_json(raw: bytes) -> Any:
    """JSON with its decimals as received (72.50 stays 72.50).

    Raises:
        IntakeError: not JSON, not UTF-8, nested too deep, a key twice, or NaN and the like.
    """
    try:
        return wire.parse_json(raw)
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise IntakeError(
            f"not readable as JSON{_why_not(raw, error)}.",
            element="file",
            remedy="Send one FHIR R4 Bundle as UTF-8 JSON.",
        ) from None


def _why_not(raw: bytes, error: Exception) -> str:
    """In words, and without what the file holds."""
    match error:
        case json.JSONDecodeError() if not raw.strip():
            return ": the file is empty"
        case json.JSONDecodeError():
            return f" at line {error.lineno}, column {error.colno}"
        case UnicodeDecodeError():
            utf16 = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            return ": it is UTF-16" if utf16 else f": byte {error.start} is not UTF-8"
        case RecursionError():
            return ": it is nested too deep"
        case ValueError() if "digits" not in str(error):
            return f": {error}"
    return ": a number in it is beyond any measurement"


def load_bundle(path: Path, settings: ReaderSettings | None = None) -> Json:
    """The Bundle in a file.

    Raises:
        IntakeError: unreadable, over ``max_bytes``, not JSON, not a Bundle.
    """
    bundle = load_json(path, settings)
    check_bundle(bundle)
    return bundle  # type: ignore[no-any-return]  # checked just above


def load_json(path: Path, settings: ReaderSettings | None = None) -> Any:
    """What a file holds.

    Raises:
        IntakeError: unreadable, over ``max_bytes``, not JSON.
    """
    settings = settings or ReaderSettings()
    try:
        size = path.stat().st_size
        if size > settings.max_bytes:
            raise too_large(size, settings.max_bytes)
        raw = path.read_bytes()
    except OSError as error:
        raise IntakeError(
            f"cannot be opened ({type(error).__name__}).",
            element="file",
            remedy="Check the path and its permissions.",
        ) from None
    return parse_json(raw)


def too_large(size: int, cap: int) -> IntakeError:
    """The error for input over the cap."""
    return IntakeError(
        f"{size / MIB:.1f} MiB is over the limit of {cap / MIB:.1f} MiB.",
        element="file",
        remedy="Send one encounter a Bundle, export as NDJSON, or raise ReaderSettings.max_bytes.",
    )


def check_bundle(bundle: Any) -> None:
    """Whether ``bundle`` is a FHIR Bundle that holds resources.

    Raises:
        IntakeError: naming the element that is wrong.
    """
    if not isinstance(bundle, dict):
        raise _not_bundle("a JSON object was expected.")
    kind = bundle.get("resourceType")
    if kind != "Bundle":
        raise _not_bundle(
            "resourceType is missing." if kind is None else "this is another resource, not a Bundle.",
            element="resourceType",
        )
    bundle_type = string(bundle, "type")
    if "type" in bundle and bundle_type not in _READABLE_BUNDLES:
        raise _not_bundle(
            "a history, a response or an unknown type holds no one state of the record.",
            element="Bundle.type",
        )
    entries = bundle.get("entry")
    if not isinstance(entries, list) or not entries:
        raise _not_bundle("there are no entries.", element="Bundle.entry")


def _not_bundle(message: str, element: str = "Bundle") -> IntakeError:
    return IntakeError(
        message, element=element, remedy="Send a FHIR R4 Bundle (collection, transaction, searchset)."
    )


def bundle_resources(bundle: Json) -> Iterator[tuple[str | None, Json]]:
    """(fullUrl, resource) of every entry that holds one; entries without are passed over."""
    for _, entry in objs(bundle, "entry"):
        resource = entry.get("resource")
        if isinstance(resource, dict):
            yield string(entry, "fullUrl"), resource


class ResourceIndex:
    """Resources by key, and what belongs to which encounter and patient.

    A key is ``Type/id`` where the resource has an id, else its fullUrl. References are resolved as R4 says:
    ``urn:uuid:`` and ``urn:oid:`` by fullUrl; absolute URLs by fullUrl, or by type and id where the base is this
    container's own; relative ones by type and id; ``#id`` within ``contained``; ``/_history/n`` is cut off.
    Of two resources under one key the first is kept; the key is in ``repeated``, and in ``conflicting`` where they
    are not equal.
    """

    def __init__(self, resources: Iterable[tuple[str | None, Json]]) -> None:
        self.by_key: dict[str, Json] = {}
        self.key_of: dict[int, str] = {}
        self.repeated: set[str] = set()
        self.conflicting: set[str] = set()
        self._by_url: dict[str, str] = {}
        self._bases: set[str] = set()
        self._by_encounter: dict[str, list[Json]] = {}
        self._by_patient: dict[str, list[Json]] = {}
        for full_url, resource in resources:
            if string(resource, "resourceType") in READ_TYPES:
                self._add(full_url, resource)
        for resource in self.by_key.values():
            for key in self.encounter_keys(resource):
                self._by_encounter.setdefault(key, []).append(resource)
            patient = self.patient_key(resource)
            if patient is not None:
                self._by_patient.setdefault(patient, []).append(resource)

    def _add(self, full_url: str | None, resource: Json) -> None:
        identity = resource_id(resource)
        key = (
            f"{string(resource, 'resourceType')}/{identity}"
            if identity
            else full_url or f"#{len(self.by_key)}"
        )
        if full_url is not None:
            self._by_url.setdefault(full_url, key)
            match = _REFERENCE.match(full_url)
            if match and match["base"]:
                self._bases.add(match["base"])
        if key in self.by_key:
            self.repeated.add(key)
            if self.by_key[key] != resource:
                self.conflicting.add(key)
            return
        self.by_key[key] = resource
        self.key_of[id(resource)] = key

    def of_type(self, resource_type: str) -> Iterator[Json]:
        """Every resource of a type, in the order received."""
        return (r for r in self.by_key.values() if r.get("resourceType") == resource_type)

    def of_encounter(self, key: str) -> list[Json]:
        """What refers to this encounter."""
        return self._by_encounter.get(key, [])

    def of_patient(self, key: str) -> list[Json]:
        """What refers to this patient."""
        return self._by_patient.get(key, [])

    def key(self, reference: Any) -> str | None:
        """The key that a Reference points to, whether or not the resource is here; None where it points nowhere."""
        text = string(reference, "reference") if isinstance(reference, dict) else None
        if text is None or text.startswith("#"):
            return None
        known = self._by_url.get(text)
        if known is not None:
            return known
        match = _REFERENCE.match(text)
        if match is None or (match["base"] and self._bases and match["base"] not in self._bases):
            return text
        return f"{match['type']}/{match['id']}"

    def resolve(self, reference: Any, container: Json | None = None) -> Json | None:
        """The resource that a Reference points to, or None."""
        text = string(reference, "reference") if isinstance(reference, dict) else None
        if text is not None and text.startswith("#"):
            return next((c for _, c in objs(container, "contained") if f"#{c.get('id')}" == text), None)
        key = self.key(reference)
        return None if key is None else self.by_key.get(key)

    def encounter_keys(self, resource: Json) -> list[str]:
        """The keys of the encounters a resource belongs to (a DocumentReference can name several)."""
        if resource.get("resourceType") == "DocumentReference":
            linked = [reference for _, reference in objs(obj(resource, "context"), "encounter")]
        elif resource.get("resourceType") == "MedicationStatement":
            linked = [obj(resource, "context")]
        else:
            linked = [obj(resource, "encounter")]
        return [key for reference in linked if (key := self.key(reference)) is not None]

    def patient_key(self, resource: Json) -> str | None:
        """The key of the patient a resource is about."""
        name = "patient" if resource.get("resourceType") == "AllergyIntolerance" else "subject"
        return self.key(obj(resource, name))


def newer_fhir_element(encounter: Json) -> str | None:
    """The element by which an Encounter shows that it is R5 and not R4; None where it does not."""
    if isinstance(encounter.get("class"), list):
        return "Encounter.class (an array)"
    if any("value" in reason for _, reason in objs(encounter, "reason")):
        return "Encounter.reason.value"
    if string(encounter, "status") in {"completed", "discharged", "on-hold", "discontinued"}:
        return "Encounter.status (a status that R4 does not have)"
    return next(
        (f"Encounter.{name}" for name in ("actualPeriod", "admission", "subjectStatus") if name in encounter),
        None,
    )
