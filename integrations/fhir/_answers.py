"""From an HTTP answer to a stored resource or to an error of ours."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from integrations.fhir.errors import (
    FhirAuthError,
    FhirConflictError,
    FhirError,
    FhirNotFoundError,
    FhirProtocolError,
    FhirRefusedError,
    FhirServerError,
    FhirThrottledError,
    outcome_issues,
)
from integrations.fhir.wire import parse_json

_LOCATION = re.compile(
    r"(?:^|/)(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})(?:/_history/(?P<vid>[A-Za-z0-9\-.]{1,64}))?/?$"
)
_ETAG = re.compile(r'^(?:W/)?"(?P<vid>[^"]+)"$')


_PLAIN: dict[int, type[FhirError]] = {
    401: FhirAuthError,
    403: FhirAuthError,
    404: FhirNotFoundError,
    409: FhirConflictError,
    410: FhirNotFoundError,
    412: FhirConflictError,
}


@dataclass(frozen=True)
class Answer:
    """One complete HTTP answer. ``what`` is the resource type, for messages."""

    method: str
    what: str
    status: int
    headers: httpx.Headers
    data: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def writes(self) -> bool:
        """Whether the request was a write."""
        return self.method != "GET"


def error_for(answer: Answer) -> FhirError:
    """The error that an answer other than 2xx means. It holds no text of the server."""
    status = answer.status
    said = f"{answer.method} {answer.what}: {status}"
    if plain := _PLAIN.get(status):
        return plain(said, status=status)
    if status == 429:
        return FhirThrottledError(said, status=status, retry_after=_retry_after(answer))
    if status >= 500:
        return FhirServerError(
            said, status=status, unknown_outcome=answer.writes, retry_after=_retry_after(answer)
        )
    if 400 <= status < 500:
        issues = outcome_issues(_json_or_none(answer.data))
        because = "; ".join(str(issue) for issue in issues)
        return FhirRefusedError(said + (f" ({because})" if because else ""), status=status, issues=issues)
    return FhirProtocolError(
        f"{said}: redirects are not followed; set the FHIR base to where the server answers",
        status=status,
        unknown_outcome=answer.writes,
    )


def stored_from(
    answer: Answer, resource_type: str
) -> tuple[str, str | None, str | None, dict[str, Any] | None]:
    """Id, version, ETag and body of the resource that a 2xx answer speaks of.

    The body wins over the Location header; servers that answer without a body name the resource there.

    Raises:
        FhirProtocolError: the answer does not say which resource it is; after a write the outcome is unknown.
    """
    body = _json_or_none(answer.data)
    if answer.data.strip() and not isinstance(body, dict):
        raise _unreadable(answer)
    etag = answer.headers.get("ETag")
    tagged = _ETAG.match(etag) if etag else None
    version = tagged["vid"] if tagged else None
    if (
        isinstance(body, dict)
        and body.get("resourceType") == resource_type
        and isinstance(body.get("id"), str)
    ):
        meta = body.get("meta")
        inside = meta.get("versionId") if isinstance(meta, dict) else None
        return body["id"], (inside if isinstance(inside, str) else version), etag, body
    located = _LOCATION.search(answer.headers.get("Location", ""))
    if located is None or located["type"] != resource_type:
        raise _unreadable(answer)
    return located["id"], located["vid"] or version, etag, None


def _unreadable(answer: Answer) -> FhirProtocolError:
    return FhirProtocolError(
        f"{answer.method} {answer.what}: {answer.status}, but the answer does not say which resource it is",
        status=answer.status,
        unknown_outcome=answer.writes,
    )


def _json_or_none(data: bytes) -> Any:
    try:
        return parse_json(data)
    except ValueError:
        return None


def _retry_after(answer: Answer) -> float | None:
    """``Retry-After`` in seconds: a number or an HTTP date (RFC 9110, 10.2.3)."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isdigit():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
