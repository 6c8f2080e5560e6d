"""Canonical JSON and its digest: equal values give equal bytes, in every process and version."""

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from data_schemas import IntakeRecord, QualityIssue


def canonical_json(value: Any) -> str:
    """Sorted keys, no spaces, no escapes. ``value`` is plain JSON, a frozen value, or a sequence of those."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(text: str) -> str:
    """SHA-256 of ``text`` in UTF-8, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def keyed_digest(salt: str, text: str) -> str:
    """HMAC-SHA256 of ``text`` in UTF-8 under ``salt`` (hex), in hex: without the salt nobody can guess the text."""
    return hmac.new(bytes.fromhex(salt), text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


# What the reader left out says nothing new about the patient. Our own written level is such a thing: counted, it
# would have every patient assessed again as soon as the decision is in the hospital's record.
_LEFT_OUT = {QualityIssue.ACUITY_STRIPPED, QualityIssue.LATER_STRIPPED}


def fingerprint(record: IntakeRecord) -> str:
    """Digest of what is known about the patient; when and through which resource it was read is left out.

    Two readings with equal fingerprints call for no new assessment.
    """
    return digest(
        canonical_json(
            {
                "facts": [
                    [
                        fact.kind,
                        fact.text,
                        None if fact.value is None else str(fact.value.normalize()),
                        fact.unit,
                        fact.code,
                        None if fact.observed_at is None else fact.observed_at.isoformat(),
                    ]
                    for fact in record.facts
                ],
                "missing": list(record.missing),
                "findings": sorted(
                    [item.issue, item.kind or "", item.message]
                    for item in record.findings
                    if item.issue not in _LEFT_OUT
                ),
            }
        )
    )


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
