"""The 31 source attributes of a predictive decision support intervention, in the order of the rule.

45 CFR 170.315(b)(11)(iv)(B), adopted by the HTI-1 rule (89 FR 1192, 9 January 2024). The questions are in our own
wording; the answers stand beside the adapter that they are about, in ``source_attributes.yaml``.
"""

from collections.abc import Mapping
from pathlib import Path

import yaml

FILE = "source_attributes.yaml"

GROUPS: dict[str, tuple[str, ...]] = {
    "details": ("developer", "funding", "output_value", "output_kind"),
    "purpose": ("intended_use", "intended_patients", "intended_users", "decision_role"),
    "caution": ("out_of_scope", "known_risks"),
    "development": (
        "training_criteria",
        "input_demographics",
        "training_representativeness",
        "training_relevance",
    ),
    "fairness": ("fairness_approach", "bias_mitigation"),
    "external": ("external_source", "external_party", "external_representativeness", "external_process"),
    "measures": (
        "validity_same_source",
        "fairness_same_source",
        "validity_external",
        "fairness_external",
        "outcome_evaluations",
    ),
    "maintenance": ("validity_monitoring", "validity_local", "fairness_monitoring", "fairness_local"),
    "updates": ("update_process", "correction_frequency"),
}
KEYS: tuple[str, ...] = tuple(key for keys in GROUPS.values() for key in keys)


class SourceAttributesError(ValueError):
    """The file of answers is not of its form: a name and a text for each."""


def read_source_attributes(folder: Path) -> Mapping[str, str]:
    """The answers beside an adapter, by key; empty where it came without any.

    Raises:
        SourceAttributesError: the file is there and is not a mapping of names to texts.
        OSError: the file is there and cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError):
        raise SourceAttributesError(f"{FILE}: not a YAML file of names and texts") from None
    if not isinstance(tree, dict) or not all(isinstance(item, str) for item in tree.values()):
        raise SourceAttributesError(f"{FILE}: needs a name and a text for each answer")
    return {str(key): value.strip() for key, value in tree.items()}
