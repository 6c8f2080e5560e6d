"""Every variant, by name, and how some are chosen."""

from collections.abc import Iterable
from dataclasses import replace

from eval.robustness.anchoring import ANCHORING
from eval.robustness.counterfactual import COUNTERFACTUALS
from eval.robustness.injection import INJECTIONS
from eval.robustness.missing import MISSING
from eval.robustness.typing_errors import TYPING
from eval.robustness.units import UNITS
from eval.robustness.variant import Variant
from eval.robustness.wording import WORDINGS

VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (*COUNTERFACTUALS, *ANCHORING, *WORDINGS, *MISSING, *TYPING, *UNITS, *INJECTIONS)
}

FAMILIES: tuple[str, ...] = tuple(dict.fromkeys(variant.family for variant in VARIANTS.values()))


def choose(names: Iterable[str] = (), *, all_arms: bool = False) -> tuple[Variant, ...]:
    """The variants of these names or families, in the order of ``VARIANTS``; all of them without names.

    ``all_arms``: give every case every arm instead of the few that are drawn for it.

    Raises:
        ValueError: a name is neither a variant's nor a family's.
    """
    wanted = set(names)
    unknown = sorted(wanted - VARIANTS.keys() - set(FAMILIES))
    if unknown:
        raise ValueError(
            f"no variant or family is named {', '.join(unknown)}; there are {', '.join((*FAMILIES, *VARIANTS))}"
        )
    chosen = (v for v in VARIANTS.values() if not wanted or {v.name, v.family} & wanted)
    return tuple(replace(variant, draw=None) if all_arms else variant for variant in chosen)
