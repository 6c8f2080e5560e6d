"""Sign-ins that this process knows: when each was last used, and which have ended. Nothing of a person is kept.

Streamlit keeps a sign-in in a cookie for 30 days, and every new tab begins a new session with it. So neither the cookie
nor a session can say whether somebody is still there; this can, for all tabs of one sign-in together.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_MOST = 10_000
_NAMING = ("iss", "sub", "iat", "nonce", "jti")


class Sittings:
    """Safe in many threads. ``key_of`` names a sign-in; two sign-ins of one person have two keys."""

    def __init__(self) -> None:
        self._used: OrderedDict[str, datetime] = OrderedDict()
        self._ended: OrderedDict[str, str] = OrderedDict()
        self._why: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def touch(self, key: str, now: datetime) -> None:
        """It is being used."""
        with self._lock:
            self._used[key] = now
            self._used.move_to_end(key)
            _trim(self._used)

    def last_used(self, key: str, claims: Mapping[str, Any]) -> datetime | None:
        """When it was last used; where this process does not know, when it was issued; None where nobody says.

        After a restart a sign-in that was issued long ago so counts as idle: the safe side.
        """
        with self._lock:
            used = self._used.get(key)
        return used if used is not None else instant(claims.get("iat"))

    def end(self, key: str, why: str) -> None:
        """From now on it lets nobody in, whoever still has its cookie. ``why`` is a key below ``signin``."""
        with self._lock:
            self._ended[key] = why
            self._used.pop(key, None)
            _trim(self._ended)

    def ended(self, key: str) -> str | None:
        """Why it was ended; None where it was not."""
        with self._lock:
            return self._ended.get(key)

    def explain(self, browser: str, why: str) -> None:
        """Keep for one look why somebody was signed out: the way over the provider begins a new session."""
        with self._lock:
            self._why[browser] = why
            _trim(self._why)

    def explanation(self, browser: str) -> str | None:
        """What ``explain`` kept, once."""
        with self._lock:
            return self._why.pop(browser, None)


def key_of(claims: Mapping[str, Any]) -> str:
    """A digest that names one sign-in; the nonce is new at each."""
    named = "\x1f".join(str(claims.get(name)) for name in _NAMING)
    return hashlib.sha256(named.encode()).hexdigest()


def instant(value: object) -> datetime | None:
    """A claim's seconds since 1970 as a time; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _trim(kept: OrderedDict[str, Any]) -> None:
    while len(kept) > _MOST:
        kept.popitem(last=False)
