"""How requests to a FHIR server are signed."""

from collections.abc import Generator

import httpx


class BearerAuth(httpx.Auth):
    """A fixed access token, sent only to the origin it was made for; a redirect elsewhere gets nothing.

    Args:
        token: the access token.
        base_url: the FHIR base that it is for.
    """

    def __init__(self, token: str, base_url: str) -> None:
        self._token = token
        url = httpx.URL(base_url)
        self._origin = (url.scheme, url.host, url.port)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header where the request goes to the token's origin."""
        if (request.url.scheme, request.url.host, request.url.port) == self._origin:
            request.headers["Authorization"] = f"Bearer {self._token}"
        yield request
