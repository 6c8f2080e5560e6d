"""FHIR JSON to and from bytes without changing a value, and the quiet that its privacy needs."""

import json
import logging
from decimal import Decimal
from typing import Any

import orjson

_HTTP_LOGGERS = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)


def parse_json(data: bytes) -> Any:
    """JSON with every decimal as ``Decimal``, digits as received (``72.50`` stays ``72.50``).

    Raises:
        ValueError: not UTF-8 JSON, NaN or Infinity in it, or one object has a key twice with two values.
        RecursionError: nested too deep.
        ArithmeticError: a number beyond any range.
    """
    return json.loads(
        data.decode("utf-8-sig"),
        parse_float=Decimal,
        parse_constant=_refuse_constant,
        object_pairs_hook=_each_key_once,
    )


def dump_json(resource: dict[str, Any]) -> bytes:
    """JSON with every ``Decimal`` written digit for digit.

    Raises:
        TypeError: a value that JSON does not know; FHIR dates are to be strings already.
    """
    # OPT_PASSTHROUGH_DATETIME: orjson would write a datetime in its own way instead of refusing it.
    return orjson.dumps(resource, default=_exact, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _exact(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(str(value))
    raise TypeError(f"a {type(value).__name__} does not belong in FHIR JSON")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; of two values under one key nobody can say which is meant (R4 JSON: names are unique)."""
    found = dict(pairs)
    if len(found) < len(pairs) and any(found[key] != value for key, value in pairs):
        raise ValueError("one object has the same key twice, with two values")
    return found


class _OnlyWarnings(logging.Filter):
    """Lets warnings and worse pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING


_ONLY_WARNINGS = _OnlyWarnings()


def silence_http_logging() -> None:
    """Keep request lines and headers out of every log.

    httpx logs each URL at INFO, httpcore each Location header at DEBUG, and both hold record numbers. A
    filter holds even where somebody turns the level up; a logger's filters do not reach its children, so each
    is named.
    """
    for name in _HTTP_LOGGERS:
        logger = logging.getLogger(name)
        if _ONLY_WARNINGS not in logger.filters:
            logger.addFilter(_ONLY_WARNINGS)
