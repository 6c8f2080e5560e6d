"""A thin FHIR R4 client: honest about time-outs, exact about decimals, silent about patients."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from integrations.fhir._answers import Answer, stored_from
from integrations.fhir._transport import Params, Question, Transport
from integrations.fhir.errors import FhirProtocolError, FhirRefusedError
from integrations.fhir.wire import dump_json, parse_json

_ID = re.compile(r"^[A-Za-z0-9\-.]{1,64}$")
_TYPE = re.compile(r"^[A-Z][A-Za-z]{1,63}$")


@dataclass(frozen=True)
class Stored:
    """A resource as the server holds it.

    ``body`` is None where the server answered a write without the resource. ``created`` is True where this
    request made the resource, False where it was there before.
    """

    resource_type: str
    id: str
    version_id: str | None
    etag: str | None
    body: dict[str, Any] | None
    created: bool = False


class FhirClient:
    """Reads, searches and writes on one FHIR R4 server.

    Reads are repeated with jitter after a lost connection, 429, 502, 503 and 504. A write is repeated only
    when it certainly was not processed (no connection, 429); otherwise the error says ``unknown_outcome`` and
    the caller has to look before writing again.

    Args:
        base_url: the FHIR base, such as ``https://fhir.example.org/r4``.
        auth: how requests are signed; None for a server that asks for nothing.
        timeout_s: limit on connecting and between bytes, in seconds.
        deadline_s: limit on one whole request, in seconds; a server that drips bytes does not get past it.
        attempts: how often one request is tried in all.
        max_pages: more pages than this in one search are an error, never a silent cut.
    """

    def __init__(
        self,
        base_url: str,
        *,
        auth: httpx.Auth | None = None,
        timeout_s: float = 10.0,
        deadline_s: float = 30.0,
        attempts: int = 4,
        max_pages: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._base = httpx.URL(self.base_url + "/")
        self._max_pages = max_pages
        self._capability: dict[str, Any] | None = None
        self._capability_lock = asyncio.Lock()
        self._transport = Transport(
            auth=auth, timeout_s=timeout_s, deadline_s=deadline_s, attempts=attempts, headers=headers
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def get(self, path_or_url: str, params: Params | None = None) -> dict[str, Any]:
        """The JSON object at a path below the base, or at a URL of the same origin.

        Raises:
            FhirError: see the tree in ``errors``.
        """
        answer = await self._ask("GET", self._resolve(path_or_url), params=params)
        return self._object(answer)

    async def read(self, resource_type: str, resource_id: str) -> Stored:
        """One resource with its version.

        Raises:
            FhirError: see the tree in ``errors``.
        """
        answer = await self._ask("GET", self._url(resource_type, resource_id))
        self._object(answer)
        return self._stored(answer, resource_type)

    async def search(self, resource_type: str, params: Params) -> AsyncIterator[dict[str, Any]]:
        """Every resource of every page, matches and included ones; OperationOutcome entries are left out.

        A lenient server answers everything when it does not know a parameter: check what comes back.

        Raises:
            FhirProtocolError: not a Bundle, a next link of another origin or seen before, too many pages.
            FhirError: see the tree in ``errors``.
        """
        url: httpx.URL | None = self._url(resource_type)
        query: Params | None = params
        seen: set[str] = set()
        while url is not None:
            if len(seen) >= self._max_pages:
                raise FhirProtocolError(
                    f"a search for {resource_type} has more than {self._max_pages} pages; "
                    "narrow it or raise max_pages"
                )
            answer = await self._ask("GET", url, params=query, headers={"Prefer": "handling=strict"})
            bundle = self._object(answer)
            if bundle.get("resourceType") != "Bundle":
                raise FhirProtocolError(
                    f"a search for {resource_type} did not answer a Bundle", status=answer.status
                )
            for entry in bundle.get("entry") or ():
                resource = entry.get("resource") if isinstance(entry, dict) else None
                if isinstance(resource, dict) and resource.get("resourceType") != "OperationOutcome":
                    yield resource
            seen.add(str(url))
            url, query = self._next_page(bundle, resource_type), None
            if url is not None and str(url) in seen:
                raise FhirProtocolError(f"the pages of a search for {resource_type} go in a circle")

    async def create(self, resource: dict[str, Any], if_none_exist: str | None = None) -> Stored:
        """Create ``resource``; with ``if_none_exist`` (a query string) only where nothing matches it.

        Raises:
            FhirError: with ``unknown_outcome`` where it may have been created all the same.
        """
        resource_type = str(resource["resourceType"])
        headers = {"If-None-Exist": if_none_exist} if if_none_exist else {}
        answer = await self._ask("POST", self._url(resource_type), body=resource, headers=headers)
        return self._stored(answer, resource_type)

    async def update(self, resource: dict[str, Any], if_match: str | None) -> Stored:
        """Replace the resource of this type and id where its version is still ``if_match``.

        ``if_match`` is the bare version id; None only for a server that keeps no versions.

        Raises:
            FhirConflictError: it has another version by now.
            FhirError: with ``unknown_outcome`` where it may have been replaced all the same.
        """
        resource_type = str(resource["resourceType"])
        headers = {"If-Match": f'W/"{if_match}"'} if if_match else {}
        url = self._url(resource_type, str(resource["id"]))
        answer = await self._ask("PUT", url, body=resource, headers=headers)
        return self._stored(answer, resource_type)

    async def transact(self, bundle: dict[str, Any]) -> None:
        """Send a transaction Bundle: all of it is done, or nothing. Look for what it made; answers get lost.

        Raises:
            FhirError: with ``unknown_outcome`` where it may have been done all the same; else nothing was.
        """
        await self._ask("POST", httpx.URL(self.base_url), body=bundle)

    async def capability(self) -> dict[str, Any]:
        """The server's CapabilityStatement, asked once.

        Raises:
            FhirProtocolError: the server answered something else.
            FhirError: see the tree in ``errors``.
        """
        async with self._capability_lock:
            if self._capability is None:
                statement = await self.get("metadata")
                if statement.get("resourceType") != "CapabilityStatement":
                    raise FhirProtocolError(
                        "/metadata did not answer a CapabilityStatement; is the FHIR base right?"
                    )
                self._capability = statement
            return self._capability

    async def _ask(
        self,
        method: str,
        url: httpx.URL,
        *,
        params: Params | None = None,
        body: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        content = None if body is None else dump_json(body)
        return await self._transport.ask(
            Question(method, self._what(url), url, params, content, dict(headers or {}))
        )

    def _object(self, answer: Answer) -> dict[str, Any]:
        try:
            value = parse_json(answer.data)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise FhirProtocolError(
                f"{answer.method} {answer.what}: the answer is not a JSON object", status=answer.status
            )
        return value

    def _stored(self, answer: Answer, resource_type: str) -> Stored:
        id_, version, etag, body = stored_from(answer, resource_type)
        return Stored(resource_type, id_, version, etag, body, created=answer.status == 201)

    def _url(self, resource_type: str, resource_id: str | None = None) -> httpx.URL:
        if not _TYPE.match(resource_type) or (resource_id is not None and not _ID.match(resource_id)):
            raise FhirRefusedError("not a FHIR resource type or id; it was not sent")
        return self._base.join(resource_type if resource_id is None else f"{resource_type}/{resource_id}")

    def _resolve(self, path_or_url: str) -> httpx.URL:
        failed = False
        try:
            url = self._base.join(path_or_url)
        except httpx.InvalidURL:
            failed = True
        if failed or not self._same_origin(url):
            raise FhirProtocolError("a link leads away from the FHIR server; it was not followed")
        return url

    def _next_page(self, bundle: dict[str, Any], resource_type: str) -> httpx.URL | None:
        for link in bundle.get("link") or ():
            if isinstance(link, dict) and link.get("relation") == "next" and isinstance(link.get("url"), str):
                try:
                    return self._resolve(link["url"])
                except FhirProtocolError:
                    raise FhirProtocolError(
                        f"the next page of a search for {resource_type} lies on another origin; "
                        "set the server's public base URL, or use the base it gives in its links"
                    ) from None
        return None

    def _same_origin(self, url: httpx.URL) -> bool:
        return (url.scheme, url.host, _port(url)) == (self._base.scheme, self._base.host, _port(self._base))

    def _what(self, url: httpx.URL) -> str:
        """The resource type and nothing more: ids and search values are patient data."""
        if url == httpx.URL(self.base_url):
            return "transaction"
        rest = url.path.removeprefix(self._base.path).split("/")[0]
        return rest if _TYPE.match(rest) or rest == "metadata" else "page"


def _port(url: httpx.URL) -> int:
    return url.port or {"http": 80, "https": 443}.get(url.scheme, 0)
