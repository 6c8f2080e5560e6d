"""Which addresses are this machine's own. Pure."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip")


def is_loopback(host: str) -> bool:
    """Whether only this machine is reached under the name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def asked_from_here(headers: Mapping[str, str]) -> bool:
    """No proxy, and an address of this machine in the browser's bar.

    The second stops a foreign web page that gives its own name this machine's address (DNS rebinding). AppTest has no
    headers; a WebSocket always says its host.
    """
    host = headers.get("Host")
    return not any(name in headers for name in _FORWARDED) and (host is None or is_loopback(_name(host)))


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
