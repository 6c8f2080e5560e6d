"""Choosing cases without a random generator: the same cases on every machine, in every version."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence


def stratified(levels: Mapping[str, int], size: int) -> tuple[str, ...]:
    """``size`` case ids with the shares of levels of all, in the order given.

    Each level gets its share of places (largest remainders, the more urgent first); within a level the cases with the
    smallest SHA-256 of their id are taken. All of them where there are no more than ``size``.

    Args:
        levels: case id to level.
        size: how many, 1 or more.
    """
    if size >= len(levels):
        return tuple(levels)
    by_level: dict[int, list[str]] = {}
    for case_id, level in levels.items():
        by_level.setdefault(level, []).append(case_id)
    places = _places({level: len(ids) for level, ids in sorted(by_level.items())}, size)
    chosen = {
        case_id for level, count in places.items() for case_id in sorted(by_level[level], key=digest)[:count]
    }
    return tuple(case_id for case_id in levels if case_id in chosen)


def smallest(case_ids: Iterable[str], size: int) -> tuple[str, ...]:
    """The ``size`` ids with the smallest SHA-256, in the order given."""
    ids = list(case_ids)
    chosen = set(sorted(ids, key=digest)[:size])
    return tuple(case_id for case_id in ids if case_id in chosen)


def hash_of(case_ids: Sequence[str]) -> str:
    """The SHA-256 of a list of ids, one a line: names a choice of cases."""
    return hashlib.sha256("\n".join(case_ids).encode()).hexdigest()


def digest(case_id: str) -> str:
    """The SHA-256 of an id."""
    return hashlib.sha256(case_id.encode()).hexdigest()


def _places(counts: Mapping[int, int], size: int) -> dict[int, int]:
    total = sum(counts.values())
    exact = {level: size * count / total for level, count in counts.items()}
    places = {level: int(share) for level, share in exact.items()}
    left = size - sum(places.values())
    for level in sorted(exact, key=lambda level: (-(exact[level] - places[level]), level))[:left]:
        places[level] += 1
    return places
