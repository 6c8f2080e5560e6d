"""Finds foreign packages that stand in the way of ours. Imports nothing but the standard library."""

import importlib.util
from importlib.metadata import packages_distributions
from pathlib import Path

OURS = ("data_schemas", "triage", "agents", "integrations", "eval", "ui")
DISTRIBUTION = "ed-triage-agent"


def conflicts() -> list[str]:
    """One sentence for each of our package names that another package takes, with the remedy."""
    home = Path(__file__).resolve().parents[2]
    owners = packages_distributions()
    problems = []
    for name in OURS:
        others = sorted({owner for owner in owners.get(name, ()) if owner.lower() != DISTRIBUTION})
        spec = importlib.util.find_spec(name)
        if spec is None:
            problems.append(f"the package {name!r} of {DISTRIBUTION} is missing: install it again")
            continue
        places = [Path(place).resolve() for place in spec.submodule_search_locations or ()]
        if home / name not in places:
            where = spec.origin or ", ".join(map(str, places))
            by = f" (from {', '.join(others)})" if others else ""
            problems.append(
                f"a foreign package named {name!r}{by} at {where} stands before ours in {home}: "
                f"uninstall it, or install {DISTRIBUTION} in a virtual environment of its own"
            )
        elif others:
            problems.append(
                f"the distribution {', '.join(others)} also installs a package named {name!r}: the two overwrite "
                f"each other; install {DISTRIBUTION} in a virtual environment of its own"
            )
    return problems
