"""The levels that an answer to the ESI decision points allows."""

from data_schemas import DecisionPath


def path_levels(path: DecisionPath) -> frozenset[int]:
    """The levels that the ESI algorithm allows for these answers (ESI Handbook 5th ed., the algorithm's figure).

    A leads to 1, B to 2; else the resources lead to 3, 4 or 5, which danger-zone vital signs may raise to 2.
    """
    if path.life_saving:
        return frozenset({1})
    if path.high_risk:
        return frozenset({2})
    by_resources = 5 - path.resources
    return frozenset({by_resources, 2}) if path.danger_zone else frozenset({by_resources})
