"""Student's t for whole degrees of freedom, in closed form: the plain install has only numpy."""

import math
from functools import lru_cache
from statistics import NormalDist

_STEPS = 60
_MANY = 2000
"""From so many degrees of freedom on, the normal distribution is the same to four digits."""


def student_p(t: float, df: int) -> float:
    """Two-sided p of ``t`` with ``df`` degrees of freedom (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4).

    Exact to about 1e-15, absolutely.

    Raises:
        ValueError: ``df`` below 1, or ``t`` is NaN.
    """
    if df < 1 or math.isnan(t):
        raise ValueError(f"t {t} with {df} degrees of freedom has no p")
    t = abs(t)
    if math.isinf(t):
        return 0.0
    if df >= _MANY:
        return 2 * (1 - NormalDist().cdf(t))
    cosine2 = df / (df + t * t)
    sine, cosine = t / math.sqrt(df + t * t), math.sqrt(cosine2)
    odd = df % 2
    term = cosine if odd else 1.0
    total = term if df > 1 else 0.0
    for k in range(2 + odd, df - 1, 2):
        term *= cosine2 * (k - 1) / k
        total += term
    inside = (math.atan2(t, math.sqrt(df)) + sine * total) * 2 / math.pi if odd else sine * total
    return min(1.0, max(0.0, 1.0 - inside))


@lru_cache(maxsize=4096)
def student_quantile(confidence: float, df: int) -> float:
    """The t that holds ``confidence`` of the distribution between -t and t: 1.96 of 0.95 with many ``df``.

    Raises:
        ValueError: ``df`` below 1, or a confidence outside (0, 1).
    """
    if not 0 < confidence < 1 or df < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1, or {df} is below 1")
    if df >= _MANY:
        return NormalDist().inv_cdf(0.5 + confidence / 2)
    low, high = 0.0, 1.0
    while student_p(high, df) > 1 - confidence:
        low, high = high, 2 * high
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if student_p(middle, df) > 1 - confidence else (low, middle)
    return (low + high) / 2
